// Which kind and which names hand-made frames have, one exactly each. Frames are built byte by byte in test/policy/frames.ts, which knows
// nothing of src.

import { describe, expect, test } from 'vitest';
import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import type { Kind } from '../../src/flow/kinds.ts';
import { LinkType } from '../../src/wire/link/link-types.ts';
import * as made from '../policy/frames.ts';
import type { Bytes } from '../policy/frames.ts';
import { clientHello } from '../policy/tls-hello.ts';
import { hex } from '../wire/hex.ts';

interface Seen {
  readonly kind: Kind;
  readonly names: readonly string[];
  readonly flowName: string;
  readonly fromServer: boolean;
  readonly suspected: boolean;
}

function look(frames: readonly Uint8Array[], dissector = new Dissector()): Seen[] {
  const packet = new ParsedPacket();
  return frames.map((frame, at) => {
    dissector.headers(frame, 0, frame.length, frame.length, LinkType.ETHERNET, packet);
    dissector.application(frame, packet, at);
    const names = packet.findings.names.map(({ via, name }) => `${via} ${name}`);
    const { kind, flowName, fromServer } = packet;
    return { kind, names, flowName, fromServer, suspected: packet.findings.suspected === true };
  });
}

function ip4(protocol: number, payload: Bytes, ip: made.Ipv4 = {}): Uint8Array {
  return made.ethernet(0x0800, made.ipv4(protocol, payload, ip));
}

/** A TCP segment at a place in the stream. */
function segment(at: number, payload: Bytes, flags = 0x18, port = 443, from = 40000): Uint8Array {
  const header = [...made.u16(from), ...made.u16(port), ...made.u32(1000 + at), ...made.u32(1)];
  return ip4(6, [...header, 0x50, flags, ...made.u16(1000), 0, 0, 0, 0, ...payload]);
}

const SYN = 0x02;

const QUERY = made.dnsQuery('leak.example');

describe('one frame', () => {
  const cases: readonly (readonly [string, Kind, readonly string[], Uint8Array])[] = [
    ['DNS', 'dns', ['dns leak.example'], ip4(17, made.udp(4000, 53, QUERY))],
    ['DNS on another port', 'dns', ['dns leak.example'], ip4(17, made.udp(4000, 5300, QUERY))],
    ['mDNS', 'mdns', ['mdns leak.example'], ip4(17, made.udp(5353, 5353, QUERY), { to: '224.0.0.251' })],
    ['no mDNS on its port', 'udp', [], ip4(17, made.udp(5353, 5353, made.fill(100)))],
    ['a DNS port with anything on it', 'dns', [], ip4(17, made.udp(4000, 53, made.fill(30)))],
    [
      'DHCP with a host name',
      'dhcp',
      ['dhcp laptop'],
      ip4(17, made.udp(68, 67, made.dhcp4(1)), { to: '255.255.255.255' }),
    ],
    [
      'WireGuard',
      'wireguard',
      [],
      ip4(17, made.udp(4000, 51820, [...made.wireguard(1).slice(0, 132), ...made.fill(16, 0)])),
    ],
    ['no NTP on its port', 'udp', [], ip4(17, made.udp(4000, 123, made.fill(7)))],
    ['no QUIC on its port', 'udp', [], ip4(17, made.udp(4000, 443, made.fill(30, 0x11)))],
    ['ping', 'icmp', [], ip4(1, [8, 0, 0, 0, 0, 1, 0, 1])],
    ['IGMP', 'igmp-mld', [], ip4(2, made.fill(8))],
    ['ESP', 'ipsec', [], ip4(50, made.fill(40))],
    ['SCTP', 'other-ip', [], ip4(132, made.fill(40))],
    ['ARP', 'arp', [], made.ethernet(0x0806, made.arp(1))],
    ['802.1X', 'eapol', [], made.ethernet(0x888e, [1, 1, 0, 0])],
    ['LLDP', 'l2-other', [], made.ethernet(0x88cc, made.fill(30))],
    [
      'a neighbour solicitation',
      'nd',
      [],
      made.ethernet(0x86dd, made.ipv6(58, made.icmp6(135), { hops: 255 })),
    ],
    ['MLD', 'igmp-mld', [], made.ethernet(0x86dd, made.ipv6(58, made.icmp6(143)))],
    ['a bad length', 'malformed', [], ip4(17, made.udp(4000, 53, QUERY), { total: 2000 })],
    ['a later fragment', 'fragment', [], ip4(17, made.udp(4000, 53, QUERY), { fragment: 1 })],
    ['a SYN to the web', 'tls', [], segment(0, [], SYN)],
    ['a SYN to SSH: no tunnel by its port', 'tcp', [], segment(0, [], SYN, 22)],
  ];
  test.each(cases)('%s is %s', (_what, kind, names, frame) => {
    expect(look([frame])[0]).toMatchObject({ kind, names });
  });

  test('what ICMP quotes of a question is a name that nobody asks with it', () => {
    const quoted = made.ipv4(17, made.udp(4000, 53, QUERY));
    expect(look([ip4(1, [3, 3, 0, 0, 0, 0, 0, 0, ...quoted])])[0]).toMatchObject({
      kind: 'icmp',
      names: ['dns leak.example'],
    });
  });
});

describe('a frame in a frame', () => {
  const inside = made.ipv4(17, made.udp(4000, 53, QUERY));
  const names = ['dns leak.example'];
  test.each([
    ['a tag, with something to read', 'dns', made.ethernet(0x8100, [0, 5, 0x08, 0, ...inside])],
    [
      'PPPoE',
      'dns',
      made.ethernet(0x8864, [0x11, 0, 0, 1, ...made.u16(inside.length + 2), 0, 0x21, ...inside]),
    ],
    ['MPLS', 'dns', made.ethernet(0x8847, [0, 1, 0x01, 64, ...inside])],
    ['GRE', 'gre', ip4(47, [0, 0, 8, 0, ...inside])],
    ['IP in IP', 'ipip', ip4(4, inside)],
    [
      'VXLAN',
      'vxlan',
      ip4(17, made.udp(4000, 4789, [8, 0, 0, 0, 0, 0, 1, 0, ...made.ethernet(0x0800, inside)])),
    ],
    [
      'GRE in VXLAN',
      'vxlan',
      ip4(17, made.udp(4000, 4789, [8, 0, 0, 0, 0, 0, 1, 0, ...ip4(47, [0, 0, 8, 0, ...inside])])),
    ],
  ])('%s: kind %s, the name counts', (_what, kind, frame) => {
    expect(look([frame])[0]).toMatchObject({ kind, names });
  });

  test('a tag around nothing telling is a tag', () => {
    expect(look([made.ethernet(0x8100, [0, 5, 0x08, 0x06, ...made.arp(1)])])[0]?.kind).toBe('vlan');
  });
});

describe('TCP', () => {
  const bytes = clientHello('secret.example', 'h2');

  test('a hello in pieces, out of order and repeated, is read once; the flow keeps its kind and name', () => {
    const seen = look([
      segment(-1, [], SYN),
      segment(60, bytes.slice(60)),
      segment(0, bytes.slice(0, 30)),
      segment(0, bytes.slice(0, 40)),
      segment(30, bytes.slice(30, 60)),
      segment(bytes.length, made.fill(50)),
    ]);
    expect(seen.flatMap(({ names }) => names)).toEqual(['sni secret.example']);
    expect(seen.map(({ kind }) => kind)).toEqual(['tls', 'tls', 'tls', 'tls', 'tls', 'tls']);
    expect(seen.at(-1)?.flowName).toBe('secret.example');
  });

  test('a known resolver is DoH, a telling name is suspected', () => {
    expect(look([segment(-1, [], SYN), segment(0, clientHello('dns.google', 'h2'))])[1]).toMatchObject({
      kind: 'doh',
      suspected: false,
    });
    expect(look([segment(-1, [], SYN), segment(0, clientHello('doh.x.example', 'h2'))])[1]).toMatchObject({
      kind: 'doh',
      suspected: true,
    });
    expect(look([segment(-1, [], SYN, 853), segment(0, clientHello('x.example'), 0x18, 853)])[1]?.kind).toBe(
      'dot',
    );
  });

  test('what a port promises and the client does not keep is plain TCP', () => {
    expect(look([segment(-1, [], SYN), segment(0, made.text('hello there'))])[1]?.kind).toBe('tcp');
  });

  test('several requests on one connection, bodies passed over, proxies told apart', () => {
    const get = (host: string): Bytes => made.text(`GET / HTTP/1.1\r\nHost: ${host}:8080\r\n\r\n`);
    const first = [...get('a.example'), ...get('b.example')];
    const connect = made.text('CONNECT c.example:443 HTTP/1.1\r\n\r\n');
    const seen = look([
      segment(-1, [], SYN, 80),
      segment(0, first, 0x18, 80),
      segment(0, connect, 0x18, 3128, 41000),
      segment(connect.length, bytes, 0x18, 3128, 41000),
    ]);
    expect(seen[1]?.names).toEqual(['http a.example', 'http b.example']);
    expect(seen[2]).toMatchObject({ kind: 'http-proxy', names: ['http c.example'] });
    expect(seen[3]).toMatchObject({ kind: 'http-proxy', names: ['sni secret.example'] });
  });

  test('DNS messages that share and split segments', () => {
    const framed = [...made.u16(QUERY.length), ...QUERY];
    const twice = [...framed, ...[...made.u16(QUERY.length), ...made.dnsQuery('b.example'.padEnd(12, 'x'))]];
    const seen = look([segment(0, twice.slice(0, 50), 0x18, 53), segment(50, twice.slice(50), 0x18, 53)]);
    expect(seen.flatMap(({ names }) => names)).toEqual(['dns leak.example', 'dns b.examplexxx']);
    expect(seen[0]?.kind).toBe('dns');
  });

  test('SSH by its banner, on any port', () => {
    const seen = look([
      segment(0, made.text('SSH-2.0-x\r\n'), 0x18, 2222),
      segment(11, made.fill(9), 0x18, 2222),
    ]);
    expect(seen.map(({ kind }) => kind)).toEqual(['ssh', 'ssh']);
  });

  test('a new connection between the same ports starts anew', () => {
    const seen = look([
      segment(-1, [], SYN),
      segment(0, bytes),
      segment(5000, [], SYN),
      segment(5001, clientHello('other.example')),
    ]);
    expect(seen[3]?.names).toEqual(['sni other.example']);
    expect(seen[2]?.flowName).toBe('');
  });
});

describe('fragments', () => {
  const datagram = made.udp(4000, 53, made.dnsQuery('a-rather-long-name-in-a-question.leak.example'));
  const first = ip4(17, datagram.slice(0, 40), { fragment: 0x2000 });
  const last = ip4(17, datagram.slice(40), { fragment: 5 });

  test('the one that completes a question is DNS with its name', () => {
    const seen = look([first, last]);
    expect(seen.flatMap(({ names }) => names)).toEqual(['dns a-rather-long-name-in-a-question.leak.example']);
    expect(seen[1]?.kind).toBe('dns');
  });

  test('one that completes nothing stays a fragment', () => {
    expect(look([last])[0]?.kind).toBe('fragment');
  });
});

test('a flood of flows neither grows nor forgets to count', () => {
  const dissector = new Dissector({}, { flows: 64 });
  const frames = Array.from({ length: 500 }, (_, at) => ip4(17, made.udp(1000 + at, 9999, [1, 2, 3])));
  look(frames, dissector);
  expect(dissector.losses.flowsEvicted).toBe(500 - 64);
});

test('a frame cut by the capture is read as far as it goes', () => {
  const frame = hex(segment(0, clientHello('secret.example')));
  const packet = new ParsedPacket();
  const dissector = new Dissector();
  dissector.headers(frame, 0, 110, frame.length, LinkType.ETHERNET, packet);
  dissector.application(frame, packet, 0);
  expect(packet.malformed).toBeUndefined();
  expect(packet.payloadEnd).toBeLessThanOrEqual(110);
  expect(packet.kind).toBe('tls');
});
