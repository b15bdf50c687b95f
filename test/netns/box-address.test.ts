// Checks that no frame crosses the bridge that bears an address of the box, in any mode, either way, whatever is around it. Judged by what
// arrives at the other end.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileRuleset } from '../../src/policy/compile/nft.ts';
import { address4, ethernet, fill, ipv4, mac, tcp, u16, CLIENT, ROUTER } from '../policy/frames.ts';
import type { Bytes } from '../policy/frames.ts';
import { BARE, LEARNED } from '../policy/policies.ts';
import { Wire } from './differential-wire.ts';

let wire: Wire;

beforeAll(async () => {
  wire = await Wire.raise(`b${process.pid.toString(36)}`);
});

afterAll(async () => {
  await wire.close();
});

const BOX = ['169.254.77.1', '192.168.1.2'];
const PEER = '192.168.1.50';
const SNAP = [0xaa, 0xaa, 3, 0, 0, 0];

function arp(from: string, to: string): Bytes {
  const head = [...u16(1), ...u16(0x0800), 6, 4, ...u16(2), ...mac(CLIENT)];
  return [...head, ...address4(from), ...fill(6, 0), ...address4(to)];
}

/** EtherType or length, and what follows it. */
type Around = (type: number, inside: Bytes) => readonly [number, Bytes];
const AROUND: readonly (readonly [string, Around])[] = [
  ['untagged', (type, inside) => [type, inside]],
  ['priority-tagged', (type, inside) => [0x8100, [...u16(0x6000), ...u16(type), ...inside]]],
  ['tagged', (type, inside) => [0x8100, [...u16(10), ...u16(type), ...inside]]],
  ['service-tagged', (type, inside) => [0x88a8, [...u16(10), ...u16(type), ...inside]]],
  ['QinQ', (type, inside) => [0x88a8, [...u16(5), ...u16(0x8100), ...u16(10), ...u16(type), ...inside]]],
  ['three priority tags', (type, inside) => priorityTags(3)(type, inside)],
  ['four priority tags', (type, inside) => priorityTags(4)(type, inside)],
  ['SNAP', (type, inside) => [8 + inside.length, [...SNAP, ...u16(type), ...inside]]],
  [
    'SNAP behind a tag',
    (type, inside) => [0x8100, [...u16(10), ...u16(8 + inside.length), ...SNAP, ...u16(type), ...inside]],
  ],
  [
    'SNAP behind two tags',
    (type, inside) => [
      0x8100,
      [...u16(5), ...u16(0x8100), ...u16(10), ...u16(8 + inside.length), ...SNAP, ...u16(type), ...inside],
    ],
  ],
];

/** So many priority tags: who unpacks one unpacks them all. */
function priorityTags(count: number): Around {
  return (type, inside) => {
    const tags = Array.from({ length: count - 1 }, () => [...u16(0), ...u16(0x8100)]).flat();
    return [0x8100, [...tags, ...u16(0), ...u16(type), ...inside]];
  };
}

/** Deeper than rules can read: nothing crosses there, whatever it bears. */
const DEEP: readonly (readonly [string, Around])[] = [
  ...[5, 6, 7, 8, 12, 40].map((count) => [`${String(count)} priority tags`, priorityTags(count)] as const),
  [
    'SNAP around three tags',
    (type, inside) => {
      const [outer, tagged] = priorityTags(3)(type, inside);
      return [8 + tagged.length, [...SNAP, ...u16(outer), ...tagged]];
    },
  ],
];

function forms(direction: 'up' | 'down', box: string, wraps = AROUND): { name: string; bytes: Uint8Array }[] {
  const link = direction === 'up' ? { from: CLIENT, to: ROUTER } : { from: ROUTER, to: CLIENT };
  const insides: readonly (readonly [string, number, Bytes])[] = [
    ['ARP from it', 0x0806, arp(box, PEER)],
    ['ARP for it', 0x0806, arp(PEER, box)],
    ['IP from it', 0x0800, ipv4(6, tcp(80, 40000), { from: box, to: PEER })],
    ['IP to it', 0x0800, ipv4(6, tcp(40000, 80), { from: PEER, to: box })],
  ];
  return wraps.flatMap(([around, put]) =>
    insides.map(([what, type, inside]) => ({
      name: `${what}, ${around}`,
      bytes: ethernet(...put(type, inside), link),
    })),
  );
}

describe.each([true, false])('block mode %s', (blockMode) => {
  beforeAll(async () => {
    await wire.load(compileRuleset(BARE, { blockMode, learned: LEARNED }));
  });

  it.each((['up', 'down'] as const).flatMap((direction) => BOX.map((box) => [direction, box] as const)))(
    'no form that bears it crosses, going %s: %s',
    async (direction, box) => {
      const sent = [...forms(direction, box), ...forms(direction, box, DEEP)];
      expect(sent.length).toBeGreaterThanOrEqual(30);
      // The same forms with an address that nobody has: in watch mode they cross, so the wire is whole.
      const others = forms(direction, '192.168.1.3');
      const [from, to] = direction === 'up' ? (['lan', 'wan'] as const) : (['wan', 'lan'] as const);
      const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
      const arrived = await wire.arrivals(to, () =>
        wire.send(
          from,
          [...sent, ...others].map(({ bytes }) => bytes),
        ),
      );
      expect(sent.filter(({ bytes }) => arrived.includes(hex(bytes))).map(({ name }) => name)).toEqual([]);
      if (!blockMode)
        expect(others.filter(({ bytes }) => !arrived.includes(hex(bytes))).map(({ name }) => name)).toEqual(
          [],
        );
    },
  );
});
