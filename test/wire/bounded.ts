// How to show that a decoder throws nothing and looks only between start and end.
import fc from 'fast-check';
import { expect } from 'vitest';

type Decoder = (bytes: Uint8Array, start: number, end: number) => unknown;

/**
 * Runs a decoder over random, mutated and truncated messages, each laid between poisoned surroundings: the result
 * must be the same whatever stands before and behind. Offsets in results are compared relative to the start.
 */
export function expectBounded(decode: Decoder, seeds: readonly Uint8Array[], runs = 300): void {
  fc.assert(
    fc.property(message(seeds), fc.integer({ min: 0, max: 9 }), (bytes, before) => {
      const results = [0x00, 0xff, 0x16].map((poison) => {
        const whole = new Uint8Array(before + bytes.length + 64).fill(poison);
        whole.set(bytes, before);
        return decode(whole, before, before + bytes.length);
      });
      expect(results[1]).toEqual(results[0]);
      expect(results[2]).toEqual(results[0]);
    }),
    { numRuns: runs },
  );
}

function message(seeds: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const random = fc.uint8Array({ maxLength: 200 });
  if (seeds.length === 0) return random;
  const mutated = fc
    .tuple(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
      fc.integer({ min: 0, max: 1000 }),
    )
    .map(([seed, changes, keep]) => {
      const copy = seed.slice(0, keep > 700 ? seed.length : Math.floor((seed.length * keep) / 700));
      for (const [at, value] of changes) if (copy.length > 0) copy[at % copy.length] = value;
      return copy;
    });
  return fc.oneof(random, mutated, mutated, mutated);
}
