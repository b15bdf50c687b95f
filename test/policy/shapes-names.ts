// Frames that ask for names, in the clear and encrypted, and other applications.

import {
  BROADCAST,
  dnsAnswer,
  dnsQuery,
  ethernet,
  extension,
  fill,
  icmp6,
  ipv4,
  ipv6,
  tcp,
  text,
  u16,
  u32,
  udp,
} from './frames.ts';
import type { Bytes } from './frames.ts';
import { LONG_NAME } from './policies.ts';
import { four, six, down4, LINK_LOCAL, query } from './shape.ts';
import type { Shape } from './shape.ts';
import { clientHello } from './tls-hello.ts';

const message = (bytes: Bytes): Bytes => [...u16(bytes.length), ...bytes];
const plain = message(query);
const secret = message(dnsQuery('a.bank.example'));
const opt: Bytes = [0, ...u16(41), ...u16(1232), ...u32(0), ...u16(0)];
/** A timestamp and what fills it up (RFC 7323). */
const STAMPED: Bytes = [1, 1, 8, 10, ...u32(7), ...u32(9)];

/** Questions over TCP, whole and in pieces. */
const STREAMS: readonly Shape[] = [
  ['a question and a timestamp', [...STAMPED, ...plain], 0x18, 8],
  ['a question and other options', [...STAMPED, 1, 1, 1, 1, ...plain], 0x18, 9],
  ['a question with EDNS', message(dnsQuery('www.example.com', { extra: opt }))],
  ['both families at once', [...plain, ...message(dnsQuery('www.example.com', { type: 28 }))]],
  ['a protected name behind another', [...message(dnsQuery('www.ex.example')), ...secret]],
  ['a protected name in front of another', [...secret, ...message(dnsQuery('www.ex.example'))]],
  ['three questions', [...plain, ...plain, ...plain]],
  ['two questions of unequal length', [...plain, ...message(dnsQuery('www.example.co'))]],
  ['a length alone', plain.slice(0, 2)],
  ['a question without its length', query],
  ['a question that is cut in its name', plain.slice(0, 20)],
  ['the rest of it', plain.slice(20)],
  ['a protected name that is cut', secret.slice(0, 18)],
  ['a question and the beginning of another', [...plain, ...secret.slice(0, 18)]],
  ['a question behind another length', [...u16(99), ...query]],
  ['a question that is the last thing said', plain, 0x19],
  ['a question in the first segment', plain, 2],
  ['a question that is urgent', plain, 0x38],
  ['an answer going up', message(dnsQuery('www.example.com', { flags: 0x8180 }))],
  ['a hello', clientHello('www.example.com')],
  ['a longer name than most', message(dnsQuery(`${'a'.repeat(60)}.${'b'.repeat(60)}.example`))],
  [
    'a name too long for it',
    message(dnsQuery(`${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.example`)),
  ],
  ['an acknowledgement', [], 0x10],
  ['an acknowledgement with a timestamp', STAMPED, 0x10, 8],
  ['an end', [], 0x11],
].flatMap(([name, bytes, flags, doff]) => {
  const payload = tcp(40000, 53, bytes as Bytes, flags as number | undefined, doff as number | undefined);
  return [
    four(`over TCP, ${String(name)}`, 6, payload),
    six(`over TCP and IPv6, ${String(name)}`, 6, payload),
  ];
});

const NAT64_QUERY = dnsQuery('ipv4only.arpa', { type: 28 });
const NAT64_OVER_TCP = [...u16(NAT64_QUERY.length), ...NAT64_QUERY];

export const NAMES: readonly Shape[] = [
  four('DNS', 17, udp(40000, 53, query)),
  four('the question for NAT64', 17, udp(40000, 53, dnsQuery('ipv4only.arpa', { type: 28 }))),
  four('a question for what only ends like NAT64’s', 17, udp(40000, 53, dnsQuery('a.ipv4only.arpa'))),
  six('the question for NAT64 over IPv6', 17, udp(40000, 53, dnsQuery('Ipv4Only.Arpa', { type: 28 }))),
  four(
    'the question for NAT64 with a cookie',
    17,
    udp(
      40000,
      53,
      dnsQuery('ipv4only.arpa', {
        type: 28,
        extra: [0, ...u16(41), ...u16(1232), ...u32(0), ...u16(12), ...u16(10), ...u16(8), ...fill(8)],
      }),
    ),
  ),
  four(
    'the question for NAT64 and a long tail',
    17,
    udp(
      40000,
      53,
      dnsQuery('ipv4only.arpa', {
        extra: [0, ...u16(41), ...u16(1232), ...u32(0), ...u16(200), ...fill(200)],
      }),
    ),
  ),
  four('the question for NAT64 over TCP, unasked', 6, tcp(40000, 53, NAT64_OVER_TCP)),
  down4('the answer for NAT64', 17, udp(53, 40000, dnsAnswer('ipv4only.arpa', '192.0.0.170')), {
    from: '192.168.1.1',
  }),
  six('DNS over IPv6', 17, udp(40000, 53, query)),
  four('DNS over TCP', 6, tcp(40000, 53, [...u16(query.length), ...query])),
  four('DNS over TCP, syn', 6, tcp(40000, 53, [], 2)),
  four('DNS on another port', 17, udp(40000, 5300, query)),
  four(
    'DNS with EDNS',
    17,
    udp(
      40000,
      53,
      dnsQuery('www.example.com', { extra: [0, ...u16(41), ...u16(1232), ...u32(0), ...u16(0)] }),
    ),
  ),
  four('DNS for a must-tunnel name', 17, udp(40000, 53, dnsQuery('login.bank.example'))),
  four('DNS for a must-tunnel name itself', 17, udp(40000, 53, dnsQuery('bank.example'))),
  four('DNS for a must-tunnel name in capitals', 17, udp(40000, 53, dnsQuery('LOGIN.Bank.eXaMpLe'))),
  four(
    'DNS for a must-tunnel name far down',
    17,
    udp(40000, 53, dnsQuery(`${'a.'.repeat(100)}bank.example`)),
  ),
  four(
    'DNS for a must-tunnel name of other letters',
    17,
    udp(40000, 53, dnsQuery('www.xn--bcher-kva.example')),
  ),
  four('the same as its letters are', 17, udp(40000, 53, dnsQuery('www.b\u00c3\u00bccher.example'))),
  four(
    'the same in capitals, as no resolver takes it',
    17,
    udp(40000, 53, dnsQuery('www.B\u00c3\u009cCHER.example')),
  ),
  four('DNS for a name that only ends alike', 17, udp(40000, 53, dnsQuery('notbank.example'))),
  four('DNS for what a pattern leaves out', 17, udp(40000, 53, dnsQuery('clinic.example'))),
  four('DNS for what a pattern means', 17, udp(40000, 53, dnsQuery('www.clinic.example'))),
  four(
    'DNS over TCP for a must-tunnel name',
    6,
    tcp(40000, 53, [...u16(dnsQuery('a.bank.example').length), ...dnsQuery('a.bank.example')]),
  ),
  ...STREAMS,
  four("the tunnel server's own name", 17, udp(40000, 53, dnsQuery('vpn.example.com'))),
  six(
    "the tunnel server's own name over IPv6",
    17,
    udp(40000, 53, dnsQuery('vpn.example.com', { type: 28 })),
  ),
  four("the tunnel server's own name, mixed case", 17, udp(40000, 53, dnsQuery('vPn.ExAmPlE.cOm'))),
  four("below the tunnel server's name", 17, udp(40000, 53, dnsQuery('a.vpn.example.com'))),
  four('a random label below it', 17, udp(40000, 53, dnsQuery('0123456789ab.vpn.example.com'))),
  six('a random label below it, over IPv6', 17, udp(40000, 53, dnsQuery('ba9876543210.vpn.example.com'))),
  four('a random label below it, mixed case', 17, udp(40000, 53, dnsQuery('0A2b4C6d8E0f.Vpn.eXample.com'))),
  four('a label too short below it', 17, udp(40000, 53, dnsQuery('0123456789a.vpn.example.com'))),
  four('a label too long below it', 17, udp(40000, 53, dnsQuery('0123456789abc.vpn.example.com'))),
  four('a label of other letters below it', 17, udp(40000, 53, dnsQuery('0123456789ag.vpn.example.com'))),
  four('a label of other bytes below it', 17, udp(40000, 53, dnsQuery('0123456789a@.vpn.example.com'))),
  four('two labels below it', 17, udp(40000, 53, dnsQuery('0123456789ab.0123456789ab.vpn.example.com'))),
  four("a long tunnel server's name", 17, udp(40000, 53, dnsQuery(LONG_NAME))),
  four(
    "a random label below a long tunnel server's name",
    17,
    udp(40000, 53, dnsQuery(`0123456789ab.${LONG_NAME}`)),
  ),
  four(
    'a long name that differs at its end',
    17,
    udp(40000, 53, dnsQuery(LONG_NAME.replace('.com', '.net'))),
  ),
  four('a long must-tunnel name', 17, udp(40000, 53, dnsQuery(`www.login.${LONG_NAME}`))),
  down4(
    "the answer for a long tunnel server's name",
    17,
    udp(53, 40000, dnsAnswer(LONG_NAME, '198.51.100.77')),
    { from: '192.168.1.1' },
  ),
  down4(
    'the answer for a random label below it',
    17,
    udp(53, 40000, dnsAnswer('0123456789ab.vpn.example.com', '198.51.100.77')),
    { from: '192.168.1.1' },
  ),
  four("the tunnel server's name as a prefix", 17, udp(40000, 53, dnsQuery('vpn.example.com.evil.example'))),
  four(
    "the tunnel server's name and a long tail",
    17,
    udp(
      40000,
      53,
      dnsQuery('vpn.example.com', {
        extra: [0, ...u16(41), ...u16(1232), ...u32(0), ...u16(200), ...fill(200)],
      }),
    ),
  ),
  down4(
    "the answer for the tunnel server's name",
    17,
    udp(53, 40000, dnsAnswer('vpn.example.com', '198.51.100.77')),
    { from: '192.168.1.1' },
  ),
  down4(
    "the answer without a record for the tunnel server's name",
    17,
    udp(53, 40000, dnsQuery('vpn.example.com', { type: 28, flags: 0x8180 })),
    { from: '192.168.1.1' },
  ),
  down4('the answer for another name', 17, udp(53, 40000, dnsAnswer('www.example.com', '192.0.2.7')), {
    from: '192.168.1.1',
  }),
  four('DNS to the resolver of the network', 17, udp(40000, 53, query), { to: '192.168.1.1' }),
  four('DNS to an allowed resolver', 17, udp(40000, 53, query), { to: '203.0.113.98' }),
  four('DNS into an allowed network', 17, udp(40000, 53, query), { to: '192.0.2.200' }),
  four(
    'mDNS',
    17,
    udp(5353, 5353, dnsQuery('_ipp._tcp.local')),
    { to: '224.0.0.251' },
    { to: '01:00:5e:00:00:fb' },
  ),
  six(
    'mDNS over IPv6',
    17,
    udp(5353, 5353, dnsQuery('_ipp._tcp.local')),
    { to: 'ff02::fb' },
    { to: '33:33:00:00:00:fb' },
  ),
  four('mDNS to a host', 17, udp(5353, 5353, dnsQuery('_ipp._tcp.local')), { to: '203.0.113.53' }),
  four(
    'LLMNR',
    17,
    udp(40000, 5355, dnsQuery('printer')),
    { to: '224.0.0.252' },
    { to: '01:00:5e:00:00:fc' },
  ),
  six(
    'LLMNR over IPv6',
    17,
    udp(40000, 5355, dnsQuery('printer')),
    { to: 'ff02::1:3' },
    { to: '33:33:00:01:00:03' },
  ),
  four('LLMNR to a host', 17, udp(40000, 5355, dnsQuery('printer')), { to: '203.0.113.53' }),
  six('mDNS to a host over IPv6', 17, udp(5353, 5353, dnsQuery('_ipp._tcp.local'))),
  four('SSDP to a host', 17, udp(40000, 1900, text('M-SEARCH * HTTP/1.1\r\n\r\n'))),
  four('NetBIOS to a host', 17, udp(137, 137, fill(50, 0)), { to: '203.0.113.53' }),
  six('NetBIOS port as IPv6 broadcast', 17, udp(137, 137, fill(50, 0)), {}, { to: BROADCAST }),
  six('SSDP over IPv6', 17, udp(40000, 1900, text('M-SEARCH * HTTP/1.1\r\n\r\n')), { to: 'ff02::c' }),
  four('NetBIOS', 17, udp(137, 137, fill(50, 0)), { to: '192.168.1.255' }, { to: BROADCAST }),
  four(
    'SSDP',
    17,
    udp(40000, 1900, text('M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n')),
    { to: '239.255.255.250' },
    { to: '01:00:5e:7f:ff:fa' },
  ),
];

/** To addresses that answers have led to, or have not, for this client and for another. */
const DIRECT: readonly Shape[] = [
  ['answered', '203.0.113.1'],
  ['answered and closed since', '203.0.113.82'],
  ["another client's", '203.0.113.83'],
  ['answered to nobody', '203.0.113.84'],
  ['a group', '239.1.2.3'],
].flatMap(([what = '', to = '']) => [
  ...['02:00:00:00:00:0c', '02:00:00:00:00:0d'].flatMap((from) => [
    four(`HTTPS from ${from} to an address that is ${what}`, 6, tcp(40000, 443, [], 2), { to }, { from }),
    four(
      `QUIC from ${from} to an address that is ${what}`,
      17,
      udp(40000, 443, fill(1200)),
      { to },
      { from },
    ),
    four(`a ping from ${from} to an address that is ${what}`, 1, [8, 0, 0, 0, ...fill(56)], { to }, { from }),
  ]),
  four(`DNS over TLS to an address that is ${what}`, 6, tcp(40000, 853, [], 2), { to }),
  four(`a question to an address that is ${what}`, 17, udp(40000, 53, query), { to }),
  four(`IGMP to an address that is ${what}`, 2, [0x22, 0, ...fill(14, 0)], { to, options: [148, 4, 0, 0] }),
  four(`plain IGMP to an address that is ${what}`, 2, [0x22, 0, ...fill(14, 0)], { to }),
  down4(`an HTTPS answer from an address that is ${what}`, 6, tcp(443, 40000, [], 0x12), { from: to }),
  down4(`QUIC from an address that is ${what}`, 17, udp(443, 40000, fill(1200)), { from: to }),
  down4(`a DNS answer by TCP from an address that is ${what}`, 6, tcp(53, 40000, [], 0x12), { from: to }),
]);

export const OTHERS: readonly Shape[] = [
  four('DNS over TLS', 6, tcp(40000, 853, [], 2)),
  four('DNS over TLS, designated', 6, tcp(40000, 853, [], 2), { to: '9.9.9.9' }),
  six('DNS over QUIC, designated', 17, udp(40000, 853, fill(1200)), { to: '2001:db8:9::9' }),
  four('DNS over QUIC', 17, udp(40000, 853, fill(1200))),
  four('DNS over HTTPS, designated', 6, tcp(40000, 443, [], 2), { to: '203.0.113.5' }),
  four('proxy', 6, tcp(40000, 1080, [], 2), { to: '203.0.113.9' }),
  four('HTTP', 6, tcp(40000, 80, text('GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n'))),
  four('HTTPS syn', 6, tcp(40000, 443, [], 2)),
  four('HTTPS to an exposed address', 6, tcp(40000, 443, [], 2), { to: '203.0.113.80' }),
  ...DIRECT,
  four('QUIC', 17, udp(40000, 443, fill(1200))),
  four('NTP', 17, udp(123, 123, [0x23, ...fill(47, 0)])),
  four('STUN', 17, udp(40000, 3478, [0, 1, 0, 0, ...u32(0x2112a442), ...fill(12)])),
  four('ping', 1, [8, 0, 0, 0, ...fill(56)]),
  four('ping to the monitor', 1, [8, 0, 0, 0, ...fill(56)], { to: '203.0.113.99' }),
  six('ping over IPv6', 58, icmp6(128)),
  four('printing', 6, tcp(40000, 631, [], 2), { to: '192.0.2.9' }),
  four(
    'printing from another client',
    6,
    tcp(40000, 631, [], 2),
    { to: '192.0.2.9' },
    { from: '02:00:00:00:00:0d' },
  ),
  four('allowed network', 6, tcp(40000, 8080, [], 2), { to: '192.0.2.200' }),
  six('allowed network over IPv6', 17, udp(40000, 5000, fill(20)), { to: '2001:db8:5::1' }),
  down4('allowed network down', 6, tcp(8080, 40000, [], 0x12), { from: '192.0.2.200' }),
  down4('HTTP answer', 6, tcp(80, 40000, text('HTTP/1.1 200 OK\r\n\r\n')), { from: '203.0.113.1' }),
  down4('connection from outside', 6, tcp(40000, 22, [], 2), { from: '203.0.113.1' }),
  four('SSH', 6, tcp(40000, 22, text('SSH-2.0-OpenSSH_9.2\r\n'))),
  four('PPTP', 6, tcp(40000, 1723, [], 2)),
  four('GRE', 47, [0x30, 1, 0x88, 0x0b, ...fill(40)]),
  four('L2TP', 17, udp(1701, 1701, [0xc8, 2, ...fill(40)])),
  four('IP in IP', 4, ipv4(17, udp(40000, 53, query))),
  four('6in4', 41, ipv6(17, udp(40000, 53, query))),
  six('IPv6 in IPv6', 41, ipv6(17, udp(40000, 53, query))),
  four('Teredo', 17, udp(40000, 3544, ipv6(59, []))),
  four(
    'VXLAN',
    17,
    udp(40000, 4789, [8, 0, 0, 0, 0, 0, 1, 0, ...ethernet(0x0800, ipv4(17, udp(1, 53, query)))]),
  ),
  four('ESP to another host', 50, fill(60)),
  four('SCTP', 132, fill(40)),
  six('SCTP over IPv6', 132, fill(40)),
  six('no next header', 59, fill(40)),
  four(
    'IGMP',
    2,
    [0x22, 0, ...fill(14, 0)],
    { to: '224.0.0.22', ttl: 1, options: [148, 4, 0, 0] },
    { to: '01:00:5e:00:00:16' },
  ),
  six(
    'MLD',
    0,
    [...extension(58, [5, 2, 0, 0, 1, 0]), ...icmp6(143)],
    { from: LINK_LOCAL, to: 'ff02::16', hops: 1 },
    { to: '33:33:00:00:00:16' },
  ),
];
