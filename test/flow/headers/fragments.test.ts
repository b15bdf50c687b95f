// Checks that fragments become the packet they were cut from, and nothing else. Follows RFC 791, RFC 8200 section 4.5, RFC 5722 (overlap).

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import { Fragments } from '../../../src/flow/headers/fragments.ts';

const WHOLE = Uint8Array.from({ length: 100 }, (_, at) => at);

function piece(offset: number, length: number, identification = 1): ParsedPacket {
  const packet = new ParsedPacket();
  packet.ipVersion = 4;
  packet.protocol = 17;
  packet.fragmentIdentification = identification;
  packet.fragmentOffset = offset;
  packet.moreFragments = offset + length < WHOLE.length;
  packet.upperOffset = offset;
  packet.payloadEnd = offset + length;
  packet.length = packet.captured = length;
  return packet;
}

test('any order and repetition gives the packet once', () => {
  const order = fc.shuffledSubarray([0, 24, 48, 72, 96], { minLength: 5 });
  fc.assert(
    fc.property(order, fc.integer({ min: 0, max: 4 }), (offsets, again) => {
      const fragments = new Fragments();
      const twice = [...offsets.slice(0, again), ...offsets];
      const results = twice.map((at) => fragments.accept(WHOLE, piece(at, Math.min(24, 100 - at)), 0));
      expect(results.filter((result) => result !== undefined)).toEqual([WHOLE]);
      expect(results.at(-1)).toEqual(WHOLE);
    }),
  );
});

test('fragments that overlap with the same octets give the packet', () => {
  const fragments = new Fragments();
  fragments.accept(WHOLE, piece(0, 48), 0);
  fragments.accept(WHOLE, piece(24, 72), 0);
  expect(fragments.accept(WHOLE, piece(48, 52), 0)).toEqual(WHOLE);
});

describe('refused', () => {
  test('fragments that overlap with other octets spoil their packet', () => {
    const fragments = new Fragments();
    const other = WHOLE.map((octet) => octet ^ 1);
    fragments.accept(WHOLE, piece(0, 48), 0);
    fragments.accept(other, piece(40, 24), 0);
    expect(fragments.accept(WHOLE, piece(48, 52), 0)).toBeUndefined();
  });

  test('a fragment behind the end', () => {
    const fragments = new Fragments();
    fragments.accept(WHOLE, piece(48, 52), 0);
    fragments.accept(new Uint8Array(200), piece(104, 24), 0);
    expect(fragments.accept(WHOLE, piece(0, 48), 0)).toBeUndefined();
  });

  test('a fragment that the capture cut', () => {
    const fragments = new Fragments();
    const cut = piece(0, 48);
    cut.length += 1;
    fragments.accept(WHOLE, cut, 0);
    expect(fragments.accept(WHOLE, piece(48, 52), 0)).toBeUndefined();
  });

  test('what comes a minute later is another packet', () => {
    const fragments = new Fragments();
    fragments.accept(WHOLE, piece(0, 48), 0);
    expect(fragments.accept(WHOLE, piece(48, 52), 61_000_000)).toBeUndefined();
  });

  test('more packets than there is room for push out the oldest, counted', () => {
    const fragments = new Fragments();
    for (let id = 0; id < 65; id += 1) fragments.accept(WHOLE, piece(0, 48, id), 0);
    expect(fragments.evicted).toBe(1);
    expect(fragments.accept(WHOLE, piece(48, 52, 0), 0)).toBeUndefined();
    expect(fragments.accept(WHOLE, piece(48, 52, 64), 0)).toEqual(WHOLE);
  });
});
