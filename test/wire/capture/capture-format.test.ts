// What capture formats look like, byte by byte. Follows draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. Whatever the pieces, the
// packets are the same.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parserFor } from '../../../src/wire/capture/capture-format.ts';
import type { CaptureFault, PacketSink } from '../../../src/wire/capture/capture.ts';
import { hex } from '../hex.ts';

interface Packet {
  readonly bytes: readonly number[];
  readonly wireLength: number;
  readonly linkType: number;
  readonly time: number;
}

/** Parses a capture given in pieces of one size, as files and streams come. */
function parse(
  capture: Uint8Array,
  size = capture.length,
): { packets: Packet[]; left: number; fault: CaptureFault | undefined; passedOver: number } {
  const packets: Packet[] = [];
  const sink: PacketSink = {
    packet(bytes, start, end, wireLength, linkType, time) {
      packets.push({ bytes: [...bytes.subarray(start, end)], wireLength, linkType, time });
    },
  };
  const parser = parserFor(capture, 0);
  if (parser === undefined) throw new Error('no parser');
  let from = 0;
  for (let end = Math.min(size, capture.length); ; end = Math.min(end + size, capture.length)) {
    from = parser.push(capture.slice(0, end), from, end, sink);
    if (end === capture.length) break;
  }
  return { packets, left: capture.length - from, fault: parser.fault, passedOver: parser.passedOver };
}

function big(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function little(value: number): number[] {
  return big(value).reverse();
}

type Order = (value: number) => number[];

function short(order: Order, value: number): number[] {
  return order === big ? big(value).slice(2) : little(value).slice(0, 2);
}

function pcap(order: Order, magic: number, minor = 4): Uint8Array {
  const header = [
    ...order(magic),
    ...short(order, 2),
    ...short(order, minor),
    ...order(0),
    ...order(0),
    ...order(65535),
    ...order(1),
  ];
  const record = (seconds: number, fraction: number, captured: number[], wire: number): number[] => [
    ...order(seconds),
    ...order(fraction),
    ...order(captured.length),
    ...order(wire),
    ...captured,
  ];
  return hex(header, record(1000, 500, [1, 2, 3], 3), record(1001, 999, [4, 5], 1500));
}

describe('pcap', () => {
  test.each([
    ['little endian, microseconds', little, 0xa1b2c3d4, 1_000_000_500],
    ['big endian, microseconds', big, 0xa1b2c3d4, 1_000_000_500],
    ['little endian, nanoseconds', little, 0xa1b23c4d, 1_000_000_000.5],
    ['big endian, nanoseconds', big, 0xa1b23c4d, 1_000_000_000.5],
  ])('%s', (_name, order, magic, time) => {
    const { packets, left, fault } = parse(pcap(order, magic));
    expect([left, fault]).toEqual([0, undefined]);
    expect(packets[0]).toEqual({ bytes: [1, 2, 3], wireLength: 3, linkType: 1, time });
    expect(packets[1]).toMatchObject({ bytes: [4, 5], wireLength: 1500 });
  });

  test('before version 2.3 the two lengths stood the other way round', () => {
    const capture = hex(
      pcap(little, 0xa1b2c3d4, 0).slice(0, 24),
      little(1),
      little(0),
      little(1500),
      little(2),
      [7, 8],
    );
    expect(parse(capture).packets).toMatchObject([{ bytes: [7, 8], wireLength: 1500 }]);
  });

  test('a length that no record has stops the reading, what stands before it counts', () => {
    const capture = hex(pcap(little, 0xa1b2c3d4), little(1), little(0), little(0x7fffffff), little(1));
    const { packets, fault } = parse(capture);
    expect(packets).toHaveLength(2);
    expect(fault?.code).toBe('damaged');
  });
});

function block(order: Order, type: number, body: number[]): number[] {
  const padded = [...body, ...new Array<number>(-body.length & 3).fill(0)];
  return [...order(type), ...order(12 + padded.length), ...padded, ...order(12 + padded.length)];
}

function section(order: Order): number[] {
  return block(order, 0x0a0d0d0a, [
    ...order(0x1a2b3c4d),
    ...short(order, 1),
    ...short(order, 0),
    ...order(0xffffffff),
    ...order(0xffffffff),
  ]);
}

function description(order: Order, linkType: number, options: number[] = []): number[] {
  return block(order, 1, [...short(order, linkType), 0, 0, ...order(0), ...options]);
}

function enhanced(
  order: Order,
  index: number,
  high: number,
  low: number,
  bytes: number[],
  wire = bytes.length,
): number[] {
  return block(order, 6, [
    ...order(index),
    ...order(high),
    ...order(low),
    ...order(bytes.length),
    ...order(wire),
    ...bytes,
  ]);
}

describe.each([
  ['little endian', little],
  ['big endian', big],
])('pcapng, %s', (_name, order) => {
  const nanoseconds = [...short(order, 9), ...short(order, 1), 9, 0, 0, 0, ...order(0)];
  const powerOfTwo = [...short(order, 9), ...short(order, 1), 0x80 | 10, 0, 0, 0, ...order(0)];
  const capture = hex(
    section(order),
    description(order, 1),
    description(order, 101, nanoseconds),
    description(order, 113, powerOfTwo),
    enhanced(order, 0, 0, 5_000_000, [1, 2, 3]),
    block(order, 5, [1, 2, 3, 4]),
    enhanced(order, 1, 1, 0, [4], 900),
    enhanced(order, 2, 0, 2048, [5]),
    block(order, 3, [...order(2), 6, 7]),
    block(order, 2, [...short(order, 1), 0, 0, ...order(0), ...order(3000), ...order(1), ...order(1), 8]),
  );

  test('interfaces with link type and clock of their own, and every kind of packet block', () => {
    const { packets, left, fault } = parse(capture);
    expect([left, fault]).toEqual([0, undefined]);
    expect(packets).toEqual([
      { bytes: [1, 2, 3], wireLength: 3, linkType: 1, time: 5_000_000 },
      { bytes: [4], wireLength: 900, linkType: 101, time: 4_294_967.296 },
      { bytes: [5], wireLength: 1, linkType: 113, time: 2_000_000 },
      { bytes: [6, 7], wireLength: 2, linkType: 1, time: 2_000_000 },
      { bytes: [8], wireLength: 1, linkType: 101, time: 3 },
    ]);
  });

  test('a second section may have the other byte order and begins its interfaces anew', () => {
    const other = order === big ? little : big;
    const both = hex(capture, section(other), description(other, 228), enhanced(other, 0, 0, 1, [9]));
    expect(parse(both).packets.at(-1)).toEqual({ bytes: [9], wireLength: 1, linkType: 228, time: 1 });
  });

  test.each([
    ['lengths that differ', hex(section(order), description(order, 1).slice(0, -4), order(99))],
    ['a length that is none', hex(section(order), order(6), order(13), order(0))],
  ])('%s: damaged', (_case, damaged) => {
    expect(parse(damaged).fault?.code).toBe('damaged');
  });
});

describe.each([
  ['little endian', little],
  ['big endian', big],
] as const)('pcapng that is odd, %s', (_name, order) => {
  const good = enhanced(order, 0, 0, 7, [1, 2]);
  const beyond = enhanced(order, 9, 0, 7, [1, 2]);
  const unfit = enhanced(order, 0, 0, 7, [1, 2]);
  unfit.splice(20, 4, ...order(4000));

  test.each([
    ['names an interface that there is not', beyond],
    ['claims more octets than its block has', unfit],
    ['has a block that is too short for it', block(order, 6, [...order(0)])],
  ])('a packet that %s is passed over, and what follows is read', (_case, odd) => {
    const { packets, fault, passedOver, left } = parse(
      hex(section(order), description(order, 1), good, odd, odd, good),
    );
    expect([packets.length, fault, passedOver, left]).toEqual([2, undefined, 2, 0]);
  });

  test('packets of a section without interfaces are counted', () => {
    const { packets, fault, passedOver } = parse(
      hex(
        section(order),
        good,
        block(order, 3, [...order(1), 1]),
        section(order),
        description(order, 1),
        good,
      ),
    );
    expect([packets.length, fault, passedOver]).toEqual([1, undefined, 2]);
  });

  test('interfaces beyond all measure are not remembered, and their packets are counted', () => {
    const many = Array.from({ length: 20_000 }, () => description(order, 1)).flat();
    const { packets, passedOver } = parse(
      hex(section(order), many, enhanced(order, 16_383, 0, 1, [1]), enhanced(order, 16_384, 0, 1, [1])),
    );
    expect([packets.length, passedOver]).toEqual([1, 1]);
  });
});

test('pieces of any size give the same packets', () => {
  const captures = [
    pcap(little, 0xa1b2c3d4),
    hex(section(big), description(big, 1), enhanced(big, 0, 0, 7, [1, 2, 3, 4, 5])),
  ];
  fc.assert(
    fc.property(fc.constantFrom(...captures), fc.integer({ min: 4, max: 60 }), (capture, size) => {
      expect(parse(capture, size)).toEqual(parse(capture));
    }),
  );
});

test('a capture cut anywhere ends without an exception, with its whole records read', () => {
  const captures = [
    pcap(big, 0xa1b23c4d),
    hex(section(little), description(little, 1), enhanced(little, 0, 0, 7, [1, 2, 3, 4, 5])),
  ];
  for (const capture of captures) {
    for (let length = 4; length < capture.length; length += 1) {
      const { packets, left } = parse(capture.slice(0, length));
      expect(packets.length).toBeLessThanOrEqual(parse(capture).packets.length);
      expect(left).toBeLessThanOrEqual(length);
    }
  }
});

test('what is no capture has no parser', () => {
  expect(parserFor(hex('00 01 02 03'), 0)).toBeUndefined();
});
