// Knows: that no frame, however bent, makes the tree throw, grow, or point outside its bytes. Must not know: protocols.
// Bent frames of the corpus where it is there, else hand-made ones; the seed of the fresh run is in the name.

import { beforeAll, describe, expect, it } from 'vitest';

import { LAYERS_MOST, VALUE_MOST } from '../../src/flow/frame-layer.ts';
import type { FrameLayer } from '../../src/flow/frame-layer.ts';
import { frameTree } from '../../src/flow/frame-tree.ts';
import { bend, Lots, scatter } from './mutate.ts';
import { loadSeeds } from './seeds.ts';
import type { SeedFrame } from './seeds.ts';

const FRAMES = 30_000;
const ROOM = 2048;

let seeds: readonly SeedFrame[] = [];

beforeAll(async () => {
  seeds = await loadSeeds();
}, 120_000);

/** Layers in all; throws at the first that is not inside its parent. */
function counted(layers: readonly FrameLayer[], from: number, to: number): number {
  return layers.reduce((sum, { label, value, start, end, parts }) => {
    if (start < from || end > to || start > end) throw new Error(`${label} ${start} to ${end}`);
    if (label === '' || value.length > VALUE_MOST + 1) throw new Error(`${label}: ${value}`);
    return sum + 1 + counted(parts, start, end);
  }, 0);
}

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
        const layers = frameTree(frame);
        expect(counted(layers, 0, length)).toBeLessThanOrEqual(LAYERS_MOST + 1);
        if (at % 100 === 0) expect(frameTree(frame)).toEqual(layers);
      }
    });
  },
);
