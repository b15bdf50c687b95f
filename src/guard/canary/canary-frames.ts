// Forged leaks of many shapes, byte by byte, each with the kernel counter that must count it. The counters are constants here: the
// judge and the rules, which are to be tested, must not decide what is expected of them. Addresses are from TEST-NET-1 and the
// documentation prefix (RFC 5737, RFC 3849), which nobody uses, should a frame ever get out.

import dnsPacket from 'dns-packet';

/** Bytes at the end of each frame by which the box recognises its own. */
export const SEAL_BYTES = 16;

/** One shape of a forged leak. */
export interface CanaryShape {
  /** For people: follows "the tap did not see". */
  readonly name: string;
  /** The kernel's counter for it, `up_leak_dns`. */
  readonly counter: string;
  /** A leak under every profile and every exception. */
  readonly always: boolean;
  /** The frame after the two MAC addresses, its EtherType first; it ends with `seal`, 16 bytes. `chance` gives so many random bytes. */
  readonly rest: (seal: Uint8Array, chance: (count: number) => Uint8Array) => readonly number[];
}

type Maker = CanaryShape['rest'];

const ETHER = { ip: 0x0800, ip6: 0x86dd, vlan: 0x8100, pppoe: 0x8864, experimental: 0x88b5 } as const;
const PROTOCOL = { icmp: 1, ipip: 4, tcp: 6, udp: 17, sixIn4: 41, gre: 47 } as const;

const u16 = (value: number): readonly number[] => [(value >> 8) & 0xff, value & 0xff];

function sum(bytes: readonly number[]): number {
  let total = 0;
  for (let at = 0; at < bytes.length; at += 2) total += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return ~total & 0xffff;
}

/** An IPv4 packet with its EtherType, from 192.0.2.1 to an address that `host` chooses. */
function ip4(protocol: number, payload: readonly number[], host: number, fragment = 0): readonly number[] {
  const from = [192, 0, 2, 1];
  const to = [192, 0, 2, 2 + (host % 250)];
  const head = [0x45, 0, ...u16(20 + payload.length), ...u16(host), ...u16(fragment), 64, protocol];
  const check = sum([...head, 0, 0, ...from, ...to]);
  return [...u16(ETHER.ip), ...head, ...u16(check), ...from, ...to, ...payload];
}

function ip6(protocol: number, payload: readonly number[], host: number): readonly number[] {
  const address = (last: number): readonly number[] => [
    0x20,
    0x01,
    0x0d,
    0xb8,
    ...Array<number>(11).fill(0),
    last,
  ];
  const head = [0x60, 0, 0, 0, ...u16(payload.length), protocol, 64];
  return [...u16(ETHER.ip6), ...head, ...address(1), ...address(2 + (host % 250)), ...payload];
}

const udp = (from: number, to: number, payload: readonly number[]): readonly number[] => [
  ...u16(from),
  ...u16(to),
  ...u16(8 + payload.length),
  0,
  0,
  ...payload,
];

/** A SYN that carries data (RFC 9293 section 3.4), namely the seal. */
const syn = (to: number, seal: Uint8Array, chance: Uint8Array): readonly number[] => [
  0xc0,
  chance[0] ?? 0,
  ...u16(to),
  ...chance.slice(1, 5),
  0,
  0,
  0,
  0,
  0x50,
  0x02,
  0xff,
  0xff,
  0,
  0,
  0,
  0,
  ...seal,
];

/** A DNS question with the seal as padding (RFC 7830). Written by a library, so that the decoder under test does not check itself. */
function question(seal: Uint8Array, chance: Uint8Array): readonly number[] {
  const [high = 0, low = 0, ...rest] = chance;
  const label = String.fromCharCode(...rest.slice(0, 12).map((byte) => 0x61 + (byte % 26)));
  const padding = { code: 12, data: Buffer.from(seal) } as const;
  const edns = { udpPayloadSize: 1232, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false };
  return [
    ...dnsPacket.encode({
      type: 'query',
      id: (high << 8) | low,
      flags: dnsPacket.RECURSION_DESIRED,
      // The domain of RFC 2606.
      questions: [{ type: 'A', class: 'IN', name: `${label}.example` }],
      additionals: [{ type: 'OPT', name: '.', ...edns, options: [padding] }],
    }),
  ];
}

const host = (chance: Uint8Array): number => chance[15] ?? 0;
const over =
  (make: (seal: Uint8Array, chance: Uint8Array) => readonly number[]): Maker =>
  (seal, chance) =>
    make(seal, chance(16));

const dns4 = over((seal, chance) =>
  ip4(PROTOCOL.udp, udp(40_000 + host(chance), 53, question(seal, chance)), host(chance)),
);

/** An IPv4 packet whose payload is only `front`, random bytes and the seal: nothing reads further. */
const plain4 = (protocol: number, front: readonly number[], fragment = 0): Maker =>
  over((seal, chance) => ip4(protocol, [...front, ...chance, ...seal], host(chance), fragment));

const tcp4 = (port: number): Maker =>
  over((seal, chance) => ip4(PROTOCOL.tcp, syn(port, seal, chance), host(chance)));

const udp4 = (port: number): Maker =>
  over((seal, chance) => ip4(PROTOCOL.udp, udp(40_000, port, [...chance, ...seal]), host(chance)));

/** Shapes sent into lan. */
export const CANARIES_UP: readonly CanaryShape[] = [
  { name: 'a question', counter: 'up_leak_dns', always: false, rest: dns4 },
  {
    name: 'a question over IPv6',
    counter: 'up_leak_dns',
    always: false,
    rest: over((seal, chance) => ip6(PROTOCOL.udp, udp(40_000, 53, question(seal, chance)), host(chance))),
  },
  { name: 'a connection to port 443', counter: 'up_leak_tls', always: false, rest: tcp4(443) },
  { name: 'a connection to port 80', counter: 'up_leak_http', always: false, rest: tcp4(80) },
  { name: 'a connection to port 853', counter: 'up_leak_dot', always: false, rest: tcp4(853) },
  {
    name: 'a connection over IPv6',
    counter: 'up_leak_tls',
    always: false,
    rest: over((seal, chance) => ip6(PROTOCOL.tcp, syn(443, seal, chance), host(chance))),
  },
  { name: 'a datagram to port 443', counter: 'up_leak_quic', always: false, rest: udp4(443) },
  { name: 'a datagram to port 123', counter: 'up_leak_ntp', always: false, rest: udp4(123) },
  { name: 'a datagram to an unassigned port', counter: 'up_leak_udp', always: false, rest: udp4(40_001) },
  {
    name: 'an echo request',
    counter: 'up_leak_icmp',
    always: false,
    rest: plain4(PROTOCOL.icmp, [8, 0, 0, 0, 0, 1, 0, 1]),
  },
  { name: 'GRE', counter: 'up_leak_gre', always: true, rest: plain4(PROTOCOL.gre, [0, 0, 8, 0]) },
  { name: 'IP in IP', counter: 'up_leak_ipip', always: true, rest: plain4(PROTOCOL.ipip, [0x45, 0, 0, 60]) },
  {
    name: 'IPv6 in IPv4',
    counter: 'up_leak_6in4',
    always: true,
    rest: plain4(PROTOCOL.sixIn4, [0x60, 0, 0, 0]),
  },
  {
    name: 'a later fragment',
    counter: 'up_leak_fragment',
    always: true,
    rest: plain4(PROTOCOL.udp, [0, 0, 0, 0], 0x0010),
  },
  {
    name: 'a tagged question',
    counter: 'up_leak_vlan',
    always: true,
    rest: (seal, chance) => [...u16(ETHER.vlan), 0, 77, ...dns4(seal, chance)],
  },
  {
    name: 'PPPoE',
    counter: 'up_leak_pppoe',
    always: true,
    rest: over((seal, chance) => [
      ...u16(ETHER.pppoe),
      0x11,
      0,
      0,
      1,
      ...u16(2 + 40 + SEAL_BYTES),
      0,
      0x21,
      ...Array<number>(24).fill(0),
      ...chance,
      ...seal,
    ]),
  },
  {
    name: 'a non-IP frame',
    counter: 'up_leak_l2_other',
    always: true,
    rest: over((seal, chance) => [
      ...u16(ETHER.experimental),
      ...Array<number>(24).fill(0),
      ...chance,
      ...seal,
    ]),
  },
];

/** Shapes sent into wan: those that no profile lets in, with the counters of that direction. */
export const CANARIES_DOWN: readonly CanaryShape[] = CANARIES_UP.filter(({ always }) => always).map(
  (shape) => ({
    ...shape,
    counter: shape.counter.replace('up_', 'down_'),
  }),
);

/** A complete Ethernet frame of this shape, without checksum; `to` and `from` are MAC addresses as 48-bit numbers. */
export function forged(
  shape: CanaryShape,
  to: number,
  from: number,
  seal: Uint8Array,
  chance: (count: number) => Uint8Array,
): Uint8Array {
  const mac = (address: number): readonly number[] => [
    ...u16(Math.floor(address / 2 ** 32)),
    ...u16((address / 2 ** 16) & 0xffff),
    ...u16(address & 0xffff),
  ];
  return Uint8Array.from([...mac(to), ...mac(from), ...shape.rest(seal, chance)]);
}
