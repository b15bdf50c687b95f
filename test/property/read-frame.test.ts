// Checks that no frame, however bent, makes its reading throw, grow, or mark what is outside its bytes. Bent frames of the corpus where it
// is there, else hand-made ones; the seed of the fresh run is in the name.

import { beforeAll, describe, expect, it } from 'vitest';

import { nodeQuicCrypto } from '../../appliance/os/quic-crypto.ts';
import { MAX_ENTRIES, MAX_FIELD_LENGTH } from '../../src/flow/reading/dns-whole.ts';
import { MAX_PLACES } from '../../src/flow/reading/find-octets.ts';
import type { FrameReading } from '../../src/flow/reading/frame-reading.ts';
import { MAX_READINGS, MAX_VALUE_LENGTH, readFrame } from '../../src/flow/reading/read-frame.ts';
import { bend, Lots, scatter } from './mutate.ts';
import { loadSeeds } from './seeds.ts';
import type { SeedFrame } from './seeds.ts';

const FRAMES = 30_000;
const ROOM = 2048;

let seeds: readonly SeedFrame[] = [];

beforeAll(async () => {
  seeds = await loadSeeds();
}, 120_000);

/** What is wrong with a reading of a frame of `length` bytes. */
function faults({ readings, dns }: FrameReading, length: number): readonly unknown[] {
  const entries = dns?.entries ?? [];
  return [
    ...readings.filter(
      ({ value, marks }) => value.length > MAX_VALUE_LENGTH + 1 || marks.length > MAX_PLACES,
    ),
    ...readings.filter(({ marks }) =>
      marks.some(({ start, end }) => start < 0 || start >= end || end > length),
    ),
    ...entries.filter((entry) =>
      Object.values(entry).some((text: string) => text.length > MAX_FIELD_LENGTH + 1),
    ),
    ...(readings.length > MAX_READINGS || entries.length > MAX_ENTRIES ? [readings, entries] : []),
  ];
}

const read = (frame: Uint8Array): FrameReading =>
  readFrame(frame, frame.length + (frame[0] ?? 0), { quic: nodeQuicCrypto });

describe.each([20_261_122, Number(process.env['FUZZ_SEED'] ?? Date.now() % 0x7fffffff)])(
  'seed %i',
  (seed) => {
    it('stays inside the frame and its bounds, and tells the same twice', () => {
      const lots = new Lots(seed);
      const room = new Uint8Array(ROOM);
      for (let at = 0; at < FRAMES; at += 1) {
        const [one, other] = [seeds[lots.below(seeds.length)], seeds[lots.below(seeds.length)]];
        if (one === undefined || other === undefined) throw new Error('no seeds');
        const length =
          lots.below(4) === 0
            ? scatter(one.bytes, room, 0, lots)
            : bend(one.bytes, other.bytes, room, 0, lots);
        const frame = room.slice(0, length);
        const told = read(frame);
        expect(faults(told, length)).toEqual([]);
        if (at % 100 === 0) expect(read(frame)).toEqual(told);
      }
    });
  },
);
