// Checks that what stands behind a frame's captured bytes changes nothing that is read of it. In a capture file that is the next record, in
// a buffer that is used again an earlier frame; a capture cut by its snap length has such frames.

import { beforeAll, describe, expect, it } from 'vitest';

import { nodeQuicCrypto } from '../../appliance/os/quic-crypto.ts';
import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { bend, Lots } from './mutate.ts';
import { loadSeeds } from './seeds.ts';
import type { SeedFrame } from './seeds.ts';

const FRAMES = 10_000;
const ROOM = 2048;
const ETHERNET = 1;

let seeds: readonly SeedFrame[] = [];

beforeAll(async () => {
  seeds = await loadSeeds();
}, 120_000);

/** What is read of the first `captured` bytes of a frame of `length` with such bytes behind them. */
function read(frame: Uint8Array, captured: number, length: number, behind: number): unknown {
  const room = new Uint8Array(ROOM + 512).fill(behind);
  room.set(frame.subarray(0, captured));
  const packet = new ParsedPacket();
  const dissector = new Dissector({ quic: nodeQuicCrypto });
  dissector.headers(room, 0, captured, length, ETHERNET, packet);
  dissector.application(room, packet, 0, 'up');
  return structuredClone(Object.entries(packet).filter(([name]) => name !== 'bytes'));
}

describe.each([20_261_201, Number(process.env['FUZZ_SEED'] ?? Date.now() % 0x7fffffff)])(
  'seed %i',
  (seed) => {
    it('reads nothing behind a frame', () => {
      const lots = new Lots(seed);
      const room = new Uint8Array(ROOM);
      for (let at = 0; at < FRAMES; at += 1) {
        const [one, other] = [seeds[lots.below(seeds.length)], seeds[lots.below(seeds.length)]];
        if (one === undefined || other === undefined) throw new Error('no seeds');
        const length = lots.below(2) === 0 ? bend(one.bytes, other.bytes, room, 0, lots) : one.bytes.length;
        const frame = lots.below(2) === 0 ? room.slice(0, length) : one.bytes;
        const whole = Math.min(length, frame.length, ROOM);
        const captured = lots.below(4) === 0 ? whole : lots.below(whole + 1);
        const zeros = read(frame, captured, whole, 0);
        const others = read(frame, captured, whole, 0xff);
        expect(others, Buffer.from(frame.subarray(0, captured)).toString('hex')).toEqual(zeros);
      }
    });
  },
);
