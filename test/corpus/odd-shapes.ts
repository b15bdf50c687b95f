// Captures that put names in odd places: link types, tags, tunnels, fragments, segments out of order. Each name is there once and says
// where it is, so that what is missing names its place. Follows the RFCs of src/wire.

import * as made from '../policy/frames.ts';
import type { Bytes } from '../policy/frames.ts';
import { clientHello } from '../policy/tls-hello.ts';

export interface OddCapture {
  readonly title: string;
  readonly linkType: number;
  readonly frames: readonly Bytes[];
  /** `via name`. */
  readonly names: readonly string[];
}

const EDNS: Bytes = [0, ...made.u16(41), ...made.u16(1232), 0, 0, 0x80, 0, ...made.u16(4), 0, 3, 0, 0];
const host = (name: string): Bytes => made.text(`GET / HTTP/1.1\r\nHost: ${name}\r\n\r\n`);
const dns = (name: string, port = 53): Bytes => made.udp(40_000, port, made.dnsQuery(name));
const packet = (name: string): Bytes => made.ipv4(17, dns(name));
const overTcp = (name: string): Bytes => {
  const query = made.dnsQuery(name);
  return [...made.u16(query.length), ...query];
};

/** A segment at `at` octets behind the first. */
function segment(from: number, to: number, at: number, payload: Bytes): Bytes {
  const header = [...made.u16(from), ...made.u16(to), ...made.u32(1000 + at), ...made.u32(1), 0x50, 0x18];
  return made.ipv4(6, [...header, ...made.u16(1000), 0, 0, 0, 0, ...payload]);
}

function syn(from: number, to: number): Bytes {
  const header = [...made.u16(from), ...made.u16(to), ...made.u32(999), ...made.u32(0), 0x50, 2];
  return made.ipv4(6, [...header, ...made.u16(1000), 0, 0, 0, 0]);
}

const frame = (type: number, payload: Bytes, link?: made.Link): Bytes => [
  ...made.ethernet(type, payload, link),
];
const ip4 = (payload: Bytes): Bytes => frame(0x0800, payload);
const ip6 = (next: number, payload: Bytes): Bytes => frame(0x86dd, made.ipv6(next, payload));

/** The first label of a NetBIOS name as RFC 1001 section 14.1 spreads it, and a scope behind it. */
function netbios(name: string, scope: string): Bytes {
  const padded = made.text(name.toUpperCase().padEnd(15)).concat(0);
  const letters = padded.flatMap((octet) => [0x41 + (octet >>> 4), 0x41 + (octet & 15)]);
  const labels = scope === '' ? [0] : made.dnsName(scope);
  return [...made.u16(7), 1, 0x10, 0, 1, 0, 0, 0, 0, 0, 0, 32, ...letters, ...labels, 0, 0x20, 0, 1];
}

function inTags(): Bytes[] {
  return [
    frame(0x8100, [0, 5, 8, 0, ...packet('vlan.example')]),
    frame(0x88a8, [0, 5, 0x81, 0, 0, 6, 8, 0, ...packet('qinq.example')]),
    frame(0x8864, pppoe(packet('pppoe.example'))),
    frame(0x8100, [0, 5, 0x88, 0x64, ...pppoe(packet('vlan-pppoe.example'))]),
    frame(0x8847, [0, 1, 0x01, 64, ...packet('mpls.example')]),
    frame(0x8847, [0, 1, 0x00, 64, 0, 2, 0x01, 64, ...packet('mpls-stack.example')]),
  ];
}

function pppoe(inner: Bytes): Bytes {
  return [0x11, 0, 0, 1, ...made.u16(inner.length + 2), 0, 0x21, ...inner];
}

function inTunnels(): Bytes[] {
  const inner6 = made.ipv6(17, dns('in-6in4.example'));
  const teredo = made.ipv6(17, dns('in-teredo.example'), { from: '2001::1', to: '2001:db8::53' });
  return [
    ip4(made.ipv4(4, packet('in-ipip.example'))),
    ip4(made.ipv4(41, inner6)),
    ip4(made.ipv4(47, [0, 0, 8, 0, ...packet('in-gre.example')])),
    ip4(made.ipv4(17, made.udp(40_000, 3544, teredo))),
    ip4(made.ipv4(17, made.udp(40_000, 4789, [8, 0, 0, 0, 0, 0, 9, 0, ...ip4(packet('in-vxlan.example'))]))),
    ip6(41, made.ipv6(17, dns('in-6in6.example'))),
    ip4(made.ipv4(97, [0x30, 0, ...ip4(packet('in-etherip.example'))])),
    ip4(
      made.ipv4(47, [
        0x10,
        0,
        0x88,
        0xbe,
        0,
        0,
        0,
        1,
        0x10,
        ...made.fill(7, 0),
        ...ip4(packet('in-erspan.example')),
      ]),
    ),
    ip4(
      made.ipv4(51, [
        17,
        4,
        0,
        0,
        ...made.u32(300),
        ...made.u32(1),
        ...made.fill(12),
        ...dns('in-ah.example'),
      ]),
    ),
    ip4(
      made.ipv4(
        17,
        made.udp(40_000, 6081, [
          1,
          0,
          0x65,
          0x58,
          0,
          0,
          9,
          0,
          ...made.fill(4, 0),
          ...ip4(packet('in-geneve.example')),
        ]),
      ),
    ),
    ip4(
      made.ipv4(17, made.udp(40_000, 4790, [0x0c, 0, 0, 1, 0, 0, 9, 0, ...packet('in-vxlan-gpe.example')])),
    ),
    ip4(
      made.ipv4(
        17,
        made.udp(40_000, 4789, [0x88, 0, 0, 5, 0, 0, 9, 0, ...ip4(packet('in-vxlan-gbp.example'))]),
      ),
    ),
    ip4(made.ipv4(17, made.udp(40_000, 6635, [0, 1, 0x01, 64, ...packet('in-mpls-udp.example')]))),
    ip4([1, 2, 3, 4, 5].reduce((inner) => made.ipv4(4, inner), packet('in-six-ipip.example'))),
  ];
}

/** TCP in fragments too small for its header, and pieces that overlap with the same octets. */
function inTinyPieces(): Bytes[] {
  const hello = segment(43_000, 443, 0, clientHello('tiny-fragments.example')).slice(20);
  const query = dns('overlapping-fragments.example');
  const more = 0x2000;
  return [
    ip4(made.ipv4(6, hello.slice(0, 8), { fragment: more })),
    ip4(made.ipv4(6, hello.slice(8, 16), { fragment: more | 1 })),
    ip4(made.ipv4(6, hello.slice(16), { fragment: 2 })),
    ip4(made.ipv4(17, dns('not-yet-segmented.example'), { total: 0 })),
    ip4(made.ipv4(17, query.slice(0, 32), { fragment: more, identification: 2 })),
    ip4(made.ipv4(17, query.slice(24), { fragment: 3, identification: 2 })),
  ];
}

function inPieces(): Bytes[] {
  const query = dns('in-fragments.a-rather-long-name.example');
  const six = dns('in-fragments6.a-rather-long-name.example');
  const hello = clientHello('split-hello.example');
  const request = host('out-of-order.example');
  const two = [...overTcp('two-in-one-a.example'), ...overTcp('two-in-one-b.example')];
  const long = overTcp('split-message.example');
  return [
    ip4(made.ipv4(17, query.slice(32), { fragment: 4 })),
    ip4(made.ipv4(17, query.slice(0, 32), { fragment: 0x2000 })),
    ip6(44, [...made.fragment6(17, 0, true), ...six.slice(0, 32)]),
    ip6(44, [...made.fragment6(17, 32, false), ...six.slice(32)]),
    ip6(0, [...made.extension(60), ...made.extension(17), ...dns('behind-extensions.example')]),
    ip4(syn(41_000, 443)),
    ip4(segment(41_000, 443, 0, hello.slice(0, 50))),
    ip4(segment(41_000, 443, 50, hello.slice(50))),
    ip4(syn(41_001, 80)),
    ip4(segment(41_001, 80, 20, request.slice(20))),
    ip4(segment(41_001, 80, 0, request.slice(0, 20))),
    ip4(syn(41_002, 53)),
    ip4(segment(41_002, 53, 0, two)),
    ip4(syn(41_003, 53)),
    ip4(segment(41_003, 53, 0, long.slice(0, 1))),
    ip4(segment(41_003, 53, 1, long.slice(1, 20))),
    ip4(segment(41_003, 53, 1, long.slice(1, 20))),
    ip4(segment(41_003, 53, 20, long.slice(20))),
  ];
}

function inOtherWords(): Bytes[] {
  const group = (name: string, type = 1): Bytes => {
    const query = [...made.dnsQuery(name, { type })];
    // The class with the bit that asks for a unicast response (RFC 6762 section 5.4).
    query[query.length - 2] = 0x80;
    return query;
  };
  const web = (port: number, text: string): Bytes[] => [
    ip4(syn(port, 80)),
    ip4(segment(port, 80, 0, made.text(text))),
  ];
  return [
    ip4(made.ipv4(17, made.udp(40_000, 53, made.dnsQuery('edns.example', { extra: EDNS })))),
    ip4(made.ipv4(17, made.udp(5353, 5353, group('qu-bit.local')), { to: '224.0.0.251' })),
    ip4(made.ipv4(17, made.udp(50_000, 5355, made.dnsQuery('llmnr-name')), { to: '224.0.0.252' })),
    ip4(made.ipv4(17, made.udp(137, 137, netbios('plain', '')), { to: '192.168.1.255' })),
    ...web(42_000, 'GET http://absolute.example:8080/x HTTP/1.1\r\nHost: absolute.example:8080\r\n\r\n'),
    ...web(42_001, 'CONNECT connect.example:443 HTTP/1.1\r\nHost: connect.example:443\r\n\r\n'),
    ...web(42_002, 'POST / HTTP/1.1\r\nhOsT:  Upper.EXAMPLE  \r\n\r\n'),
  ];
}

const ethernet = [...inTags(), ...inTunnels(), ...inPieces(), ...inTinyPieces(), ...inOtherWords()];

/** Link types beside Ethernet, each with one question. */
const SNAP: Bytes = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
const WIRELESS: Bytes = [
  8,
  1,
  0,
  0,
  ...made.mac(made.ROUTER),
  ...made.mac(made.CLIENT),
  ...made.mac(made.ROUTER),
  0,
  0,
];
const little = (value: number): Bytes => [...made.u32(value)].reverse();
/** NFLOG's payload attribute, whose length counts its own header. */
const nflogPayload: Bytes = [...little(packet('link8.example').length + 4).slice(0, 2), 9, 0];

const links: readonly (readonly [string, number, Bytes])[] = [
  ['null, BSD', 0, [2, 0, 0, 0]],
  ['loop, OpenBSD', 108, [0, 0, 0, 2]],
  ['raw IP', 101, []],
  ['IPv4', 228, []],
  ['Linux cooked', 113, [0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 12, 0, 0, 8, 0]],
  ['Linux cooked 2', 276, [8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 4, 6, 2, 0, 0, 0, 0, 12, 0, 0]],
  ['PPP', 9, [0xff, 0x03, 0, 0x21]],
  ['Cisco HDLC', 104, [0x0f, 0, 8, 0]],
  ['NFLOG', 239, [2, 0, 0, 0, 8, 0, 1, 0, 8, 0, 0, 0, ...nflogPayload]],
  ['OpenBSD ENC', 109, [2, 0, 0, 0, ...made.fill(8, 0)]],
  ['token ring', 6, [0x10, 0x40, ...made.fill(12, 0), ...SNAP]],
  ['FDDI', 10, [0x50, ...made.fill(12, 0), ...SNAP]],
  ['ATM', 11, SNAP],
  ['frame relay', 107, [0x04, 0x01, 0x03, 0xcc]],
  ['Fibre Channel', 122, [...made.fill(16, 0), ...SNAP]],
  ['PKTAP', 258, [...little(108), ...little(1), ...little(12), ...made.fill(96, 0)]],
  ['Prism', 119, [...little(0x44), ...little(144), ...made.fill(136, 0), ...WIRELESS, ...SNAP]],
  ['AVS', 163, [...made.u32(0x80211001), ...made.u32(64), ...made.fill(56, 0), ...WIRELESS, ...SNAP]],
  [
    'radiotap',
    127,
    [
      ...[0, 0, 8, 0, 0, 0, 0, 0, 8, 1, 0, 0, ...made.mac(made.ROUTER), ...made.mac(made.CLIENT)],
      ...[...made.mac(made.ROUTER), 0, 0, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0],
    ],
  ],
];

export const ODD_CAPTURES: readonly OddCapture[] = [
  {
    title: 'Ethernet',
    linkType: 1,
    frames: ethernet,
    names: [
      ...[
        'vlan',
        'qinq',
        'pppoe',
        'vlan-pppoe',
        'mpls',
        'mpls-stack',
        'in-ipip',
        'in-6in4',
        'in-gre',
        'in-teredo',
      ],
      ...['in-vxlan', 'in-6in6', 'in-fragments.a-rather-long-name', 'in-fragments6.a-rather-long-name'],
      ...['in-etherip', 'in-erspan', 'in-ah', 'in-geneve', 'in-vxlan-gpe', 'in-vxlan-gbp'],
      ...['in-mpls-udp', 'in-six-ipip', 'overlapping-fragments', 'not-yet-segmented'],
      ...['behind-extensions', 'two-in-one-a', 'two-in-one-b', 'split-message', 'edns'],
    ]
      .map((name) => `dns ${name}.example`)
      .concat(
        'sni split-hello.example',
        'sni tiny-fragments.example',
        'http out-of-order.example',
        'mdns qu-bit.local',
        'llmnr llmnr-name',
      )
      .concat('nbns plain', 'http absolute.example', 'http connect.example', 'http upper.example'),
  },
  ...links.map(([title, linkType, header], at) => ({
    title,
    linkType,
    frames: [[...header, ...packet(`link${at}.example`)]],
    names: [`dns link${at}.example`],
  })),
];
