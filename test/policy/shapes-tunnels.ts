// Packets of tunnels, and what is sent to their endpoints without being theirs.

import {
  dnsAnswer,
  dnsQuery,
  extension,
  fill,
  fragment6,
  tcp,
  text,
  u16,
  u32,
  udp,
  wireguard,
} from './frames.ts';
import { clientHello } from './tls-hello.ts';
import { four, six, down4, down6, WG, WG6, data, query, big } from './shape.ts';
import type { Bytes } from './frames.ts';
import type { Shape } from './shape.ts';

/** NOP, NOP, and two clocks (RFC 7323 section 3). */
const TIMESTAMPS = [1, 1, 8, 10, ...fill(8, 5)];

/** What some program says first that is no tunnel. */
const READABLE: Readonly<Record<string, Bytes>> = {
  'a ClientHello': [...clientHello('www.bank.example')],
  'a request': text('GET / HTTP/1.1\r\nHost: www.bank.example\r\n\r\n'),
  'a long method': text('PROPFIND /a HTTP/1.1\r\nHost: www.bank.example\r\n\r\n'),
  'a request to a proxy': text('CONNECT www.bank.example:443 HTTP/1.1\r\n\r\n'),
  'an HTTP/2 preface': text('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  'an SSH banner': text('SSH-2.0-OpenSSH_9.2p1\r\n'),
  'a DNS query': [...u16(dnsQuery('www.bank.example').length), ...dnsQuery('www.bank.example')],
};
const ALMOST: Readonly<Record<string, Bytes>> = {
  'a ClientHello': [0x16, 3, 1, 0, 80, 2, 0, 0, 76, 3, 3, ...fill(70)],
  'a record of a later TLS': [0x16, 3, 5, 0, 80, 1, 0, 0, 76, 3, 3, ...fill(70)],
  'a request': [...text('GET /'), ...fill(7, 0x80), ...fill(40)],
  'a request with one byte that is no letter': [...text('GET /abcdef'), 0xff, ...fill(40)],
  'a DNS answer': [0, 80, 1, 2, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, ...fill(66)],
};

const IKE = [...fill(8, 0x11), ...fill(8, 0), 0x21, 0x20, 0x22, 8, ...u32(0), ...u32(68), ...fill(40)];
/** Behind its length, with the non-ESP marker (RFC 9329 section 3). */
const IKE_TCP = [...u16(6 + IKE.length), ...u32(0), ...IKE];
const IKE_TCP_SERVERS = [
  { host: '198.51.100.13', port: 443 },
  { host: '198.51.100.9', port: 4500 },
  { host: '198.51.100.77', port: 4700 },
  { host: '2001:db8::13', port: 4500 },
  // No server's.
  { host: '198.51.100.13', port: 4500 },
  { host: '198.51.100.9', port: 500 },
];

function toStream(name: string, host: string, port: number, bytes: Bytes, flags = 0x18): Shape {
  const to = `${name} to ${host} and port ${port}`;
  return host.includes(':')
    ? six(to, 6, tcp(40000, port, bytes, flags), { to: host })
    : four(to, 6, tcp(40000, port, bytes, flags), { to: host });
}

function fromStream(name: string, host: string, port: number, bytes: Bytes): Shape {
  const from = `${name} from ${host} and port ${port}`;
  return host.includes(':')
    ? down6(from, 6, tcp(port, 40000, bytes), { from: host })
    : down4(from, 6, tcp(port, 40000, bytes), { from: host });
}

export const TUNNELS: readonly Shape[] = [
  ...([1, 2, 3, 4] as const).map((type) =>
    four(`wireguard message ${type}`, 17, udp(40000, 51820, wireguard(type)), { to: WG }),
  ),
  four('wireguard keepalive', 17, udp(40000, 51820, wireguard(4, 32)), { to: WG }),
  four('wireguard data of full size, padded to the MTU of 1420', 17, udp(40000, 51820, wireguard(4, 1452)), {
    to: WG,
  }),
  four('wireguard data without padding', 17, udp(40000, 51820, wireguard(4, 97)), { to: WG }),
  six('wireguard over IPv6', 17, udp(40000, 51820, data), { to: WG6 }),
  four('wireguard to a learned address', 17, udp(40000, 51820, data), { to: '198.51.100.77' }),
  four('wireguard from source port 51820', 17, udp(51820, 51820, data), { to: WG }),
  four('openvpn udp reset', 17, udp(40000, 1194, [0x38, ...fill(41)]), { to: '198.51.100.8' }),
  four('openvpn udp data', 17, udp(40000, 1194, [0x48, 0, 0, 1, ...fill(60)]), { to: '198.51.100.8' }),
  four('openvpn tcp', 6, tcp(40000, 443, [0, 14, 0x38, ...fill(13)]), { to: '198.51.100.8' }),
  four('openvpn tcp syn', 6, tcp(40000, 443, [], 2), { to: '198.51.100.8' }),
  four('ike', 17, udp(500, 500, [...fill(8, 0x11), ...fill(8, 0), 0x21, 0x20, 0x22, 8, ...fill(40)]), {
    to: '198.51.100.9',
  }),
  four('ike on 4500', 17, udp(4500, 4500, [0, 0, 0, 0, ...fill(8, 0x11), ...fill(40)]), {
    to: '198.51.100.9',
  }),
  four('esp in udp', 17, udp(4500, 4500, [...u32(0xc0ffee01), ...u32(1), ...fill(60)]), {
    to: '198.51.100.9',
  }),
  four('nat keepalive', 17, udp(4500, 4500, [0xff]), { to: '198.51.100.9' }),
  four('esp', 50, [...u32(0xc0ffee01), ...u32(1), ...fill(60)], { to: '198.51.100.9' }),
  six('esp over IPv6', 50, [...u32(0xc0ffee01), ...u32(1), ...fill(60)], { to: '2001:db8::9' }),
  four(
    'openvpn tcp with timestamps',
    6,
    tcp(40000, 443, [...TIMESTAMPS, 0, 14, 0x38, ...fill(13)], 0x18, 8),
    {
      to: '198.51.100.8',
    },
  ),
  six('openvpn tcp over IPv6', 6, tcp(40000, 443, [0, 14, 0x38, ...fill(13)]), { to: '2001:db8::8' }),
  down4('openvpn tcp down', 6, tcp(443, 40000, [0, 26, 0x40, ...fill(25)]), {
    from: '198.51.100.8',
  }),
  // In the middle of a stream a segment may begin with anything that is not seen to be readable.
  ...Object.entries(ALMOST).map(([name, bytes]) =>
    four(`openvpn tcp that is almost ${name}`, 6, tcp(40000, 443, bytes), { to: '198.51.100.8' }),
  ),
  // Readable, but by the packet's length not all of it is there: what follows is the frame's padding.
  ...Object.entries(READABLE).map(([name, bytes]) =>
    four(`${name} in the padding behind a stream`, 6, tcp(40000, 443, bytes.slice(0, 60)), {
      to: '198.51.100.8',
      total: 40 + 11,
    }),
  ),
  ...['a ClientHello', 'an SSH banner'].map((name) =>
    four(`opaque tcp that begins with ${name}`, 6, tcp(40000, 8443, READABLE[name] ?? []), {
      to: '198.51.100.11',
    }),
  ),
  six(
    'opaque tcp that begins with a ClientHello over IPv6',
    6,
    tcp(40000, 8443, READABLE['a ClientHello'] ?? []),
    {
      to: '2001:db8::11',
    },
  ),
  down4('a request that a server sends back', 6, tcp(443, 40000, READABLE['a request'] ?? []), {
    from: '198.51.100.8',
  }),
  four('tor', 6, tcp(40000, 9001, fill(100)), { to: '198.51.100.10' }),
  six('tor over IPv6', 6, tcp(40000, 9001, fill(100)), { to: '2001:db8::10' }),
  four('opaque', 17, udp(40000, 8443, query), { to: '198.51.100.11' }),
  // MASQUE and other tunnels in QUIC: a long header, then short ones.
  four('QUIC to the opaque server', 17, udp(40000, 8443, [0xc3, ...u32(1), 8, ...fill(1190)]), {
    to: '198.51.100.11',
  }),
  four('QUIC to the opaque server, later', 17, udp(40000, 8443, [0x4a, ...fill(1100, 0x9c)]), {
    to: '198.51.100.11',
  }),
  down4('QUIC from the opaque server', 17, udp(8443, 40000, [0xc1, ...u32(1), 0, ...fill(1190)]), {
    from: '198.51.100.11',
  }),
  four('first fragment of the tunnel', 17, udp(40000, 51820, big.slice(0, 512), 8 + 1104), {
    to: WG,
    fragment: 0x2000,
  }),
  four('later fragment of the tunnel', 17, fill(512), { to: WG, fragment: 65 }),
  four('last short fragment of the tunnel', 17, fill(3), { to: WG, fragment: 65 }),
  six(
    'first fragment over IPv6',
    44,
    [...fragment6(17, 0, true), ...udp(40000, 51820, big.slice(0, 512), 8 + 1104)],
    { to: WG6 },
  ),
  six('later fragment over IPv6', 44, [...fragment6(17, 520, false), ...fill(100)], { to: WG6 }),
  six('atomic fragment of the tunnel', 44, [...fragment6(17, 0, false), ...udp(40000, 51820, data)], {
    to: WG6,
  }),
  // What a network with NAT64 calls 198.51.100.7 and its neighbours (RFC 6052).
  six('wireguard through NAT64', 17, udp(40000, 51820, data), { to: '64:ff9b::c633:6407' }),
  six('wireguard through NAT64 to a learned address', 17, udp(40000, 51820, data), {
    to: '64:ff9b::c633:644d',
  }),
  six('openvpn tcp through NAT64', 6, tcp(40000, 443, [0, 14, 0x38, ...fill(13)]), {
    to: '64:ff9b::c633:6408',
  }),
  six('esp in udp through NAT64', 17, udp(4500, 4500, [...u32(0xc0ffee01), ...u32(1), ...fill(60)]), {
    to: '64:ff9b::c633:6409',
  }),
  six('later fragment through NAT64', 44, [...fragment6(17, 520, false), ...fill(100)], {
    to: '64:ff9b::c633:6407',
  }),
  down6('wireguard through NAT64 down', 17, udp(51820, 40000, data), { from: '64:ff9b::c633:6407' }),
  down4('wireguard down', 17, udp(51820, 40000, data), { from: WG }),
  down6('wireguard down over IPv6', 17, udp(51820, 40000, data), { from: WG6 }),
  down4('tunnel fragment down', 17, fill(512), { from: WG, fragment: 65 }),
  down4('esp down', 50, fill(60), { from: '198.51.100.9' }),
];

/** Of a policy with such servers (IKE_STREAMS), and of no other. */
export const IKE_OVER_TCP: readonly Shape[] = [
  ...IKE_TCP_SERVERS.flatMap(({ host, port }) => [
    ...[
      ['its prefix and IKE', [...text('IKETCP'), ...IKE_TCP]],
      ['its prefix alone', text('IKETCP')],
      ['IKE', IKE_TCP],
      ['ESP', [...u16(78), ...u32(0xc0ffee01), ...u32(1), ...fill(68)]],
      // What a plain question's header looks like, but for its name: no stream of IKE may be stopped at it.
      ['ESP that looks like a question', [...u16(78), ...u32(0xc0de0100), ...u32(0x10000), ...fill(68, 0)]],
      ['a piece of a message', fill(40)],
    ].map(([what, bytes]) => toStream(`ike over tcp, ${String(what)}`, host, port, bytes as Bytes)),
    toStream('ike over tcp, syn', host, port, [], 2),
    fromStream('ike over tcp down', host, port, IKE_TCP),
    ...Object.entries(READABLE).map(([name, bytes]) =>
      toStream(`${name} to IKE over TCP`, host, port, bytes),
    ),
  ]),
];

export const FOREIGN: readonly Shape[] = [
  four('DNS to the tunnel server on its port', 17, udp(40000, 51820, query), { to: WG }),
  six('DNS to the tunnel server on its port over IPv6', 17, udp(40000, 51820, query), { to: WG6 }),
  four('DNS to the tunnel server on port 53', 17, udp(40000, 53, query), { to: WG }),
  four(
    'DNS to the OpenVPN server on its port',
    17,
    udp(40000, 1194, dnsQuery('www.example.com', { id: 0x3801 })),
    { to: '198.51.100.8' },
  ),
  four('DNS to the IPsec server on 4500', 17, udp(40000, 4500, query), { to: '198.51.100.9' }),
  four('DNS to the IPsec server on 500', 17, udp(40000, 500, query), { to: '198.51.100.9' }),
  four(
    'DNS to the WireGuard server on its port, as like its data as can be',
    17,
    udp(40000, 51820, dnsQuery('www.example.com', { id: 0x0400, flags: 0 })),
    { to: WG },
  ),
  four('text to the tunnel port', 17, udp(40000, 51820, text('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n')), {
    to: WG,
  }),
  six('DNS through NAT64 to the tunnel port', 17, udp(40000, 51820, query), { to: '64:ff9b::c633:6407' }),
  six('wireguard through NAT64 to somebody else', 17, udp(40000, 51820, data), { to: '64:ff9b::c633:6463' }),
  six('wireguard to what only ends like the server', 17, udp(40000, 51820, data), {
    to: '64:ff9c::c633:6407',
  }),
  six('wireguard to a longer prefix of NAT64', 17, udp(40000, 51820, data), { to: '64:ff9b:1::c633:6407' }),
  four('wireguard of a wrong length', 17, udp(40000, 51820, wireguard(1, 147)), { to: WG }),
  four('wireguard with reserved bytes', 17, udp(40000, 51820, [4, 1, 0, 0, ...fill(92)]), { to: WG }),
  four('wireguard from a wrong host', 17, udp(40000, 51820, data), { to: '198.51.100.70' }),
  four('tcp to the tunnel port', 6, tcp(40000, 51820, fill(40)), { to: WG }),
  ...Object.entries(READABLE).flatMap(([name, bytes]) => [
    four(`${name} to the OpenVPN server over TCP`, 6, tcp(40000, 443, bytes), { to: '198.51.100.8' }),
    six(`${name} to the OpenVPN server over TCP and IPv6`, 6, tcp(40000, 443, bytes), { to: '2001:db8::8' }),
    ...[6, 8, 15].map((doff) =>
      four(
        `${name} to the OpenVPN server behind ${doff * 4 - 20} bytes of TCP options`,
        6,
        tcp(40000, 443, [...fill(doff * 4 - 20, 1), ...bytes], 0x18, doff),
        { to: '198.51.100.8' },
      ),
    ),
    six(
      `${name} to the OpenVPN server behind timestamps over IPv6`,
      6,
      tcp(40000, 443, [...TIMESTAMPS, ...bytes], 0x18, 8),
      { to: '2001:db8::8' },
    ),
    four(`${name} to the OpenVPN server with its SYN (RFC 7413)`, 6, tcp(40000, 443, bytes, 2), {
      to: '198.51.100.8',
    }),
  ]),
  ...Object.entries(READABLE)
    .filter(([name]) => name !== 'a ClientHello')
    .flatMap(([name, bytes]) => [
      four(`${name} to the onion router`, 6, tcp(40000, 9001, bytes), { to: '198.51.100.10' }),
      six(`${name} to the onion router over IPv6`, 6, tcp(40000, 9001, bytes), { to: '2001:db8::10' }),
    ]),
  ...['a request', 'a long method', 'an HTTP/2 preface', 'a request to a proxy', 'a DNS query'].flatMap(
    (name) => [
      four(`${name} to the opaque server`, 6, tcp(40000, 8443, READABLE[name] ?? []), {
        to: '198.51.100.11',
      }),
      six(`${name} to the opaque server over IPv6`, 6, tcp(40000, 8443, READABLE[name] ?? []), {
        to: '2001:db8::11',
      }),
    ],
  ),
  four('source port 51820', 17, udp(51820, 40000, data), { to: '203.0.113.1' }),
  four('wireguard with bytes behind it', 17, [...udp(40000, 51820, data), ...text('user=anna')], { to: WG }),
  four('wireguard with IP options', 17, udp(40000, 51820, data), { to: WG, options: [148, 4, 0, 0] }),
  six('wireguard behind destination options', 60, [...extension(17), ...udp(40000, 51820, data)], {
    to: WG6,
  }),
  six('wireguard behind hop-by-hop', 0, [...extension(17), ...udp(40000, 51820, data)], { to: WG6 }),
  four('IPv4 that says it is longer than the datagram', 17, udp(40000, 51820, data, 8 + 96 + 32), { to: WG }),
  down4('DNS answer from the tunnel port', 17, udp(51820, 40000, dnsAnswer('a.example', '192.0.2.1')), {
    from: WG,
  }),
];
