// Knows: that no bytes, however hostile, make a decoder throw, read past the end or take long. Must not know: protocols.
// A fixed seed finds what was found before, a fresh one (printed) what nobody has found yet. `npm run fuzz` runs longer.

import { readdirSync } from 'node:fs';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readCapture } from '../../appliance/capture-file.ts';
import { nodeQuicCrypto } from '../../appliance/quic-crypto.ts';
import { Dissector } from '../../src/flow/dissector.ts';
import { Facts } from '../../src/flow/facts.ts';
import { KINDS } from '../../src/flow/kinds.ts';
import { CORPUS_DIRECTORY, oracle } from '../corpus/captures.ts';
import { DECODERS } from './fuzz-decoders.ts';
import { Chance, mutate } from './fuzz.ts';

const FACTOR = Number(process.env['LEAKGUARD_FUZZ_FACTOR'] ?? '1');
const FRESH_SEED = (Date.now() ^ (process.pid << 8)) >>> 0;
const SEEDS = [20_261_122, FRESH_SEED];
/** Per seed: both together make what the test run promises. */
const MUTANTS = 1_000_000 * FACTOR;
const RANDOM = 100_000 * FACTOR;
/** No frame may take longer, milliseconds: a stalled decoder, not a busy machine, takes that long. */
const SLOWEST_MS = 1_000;
const POISON = 0xa5;

interface Frame {
  readonly bytes: Uint8Array;
  readonly linkType: number;
}

/** Up to `each` frames of every capture. */
async function corpusFrames(each: number): Promise<Frame[]> {
  const frames: Frame[] = [];
  for (const file of readdirSync(`${CORPUS_DIRECTORY}/pcap`)) {
    let taken = 0;
    const sink = {
      packet(bytes: Uint8Array, start: number, end: number, _wire: number, linkType: number): void {
        taken += 1;
        if (taken <= each) frames.push({ bytes: bytes.slice(start, end), linkType });
      },
    };
    const io = { stdin: Readable.from([]), signal: new AbortController().signal };
    await readCapture(`${CORPUS_DIRECTORY}/pcap/${file}`, sink, io);
  }
  return frames;
}

const hasCorpus = oracle().size > 0;
if (!hasCorpus) process.stdout.write('skipped: mutated frames: there is no ../shared/corpus\n');

describe.each(SEEDS)('seed %i', (seed) => {
  it.runIf(hasCorpus)(
    `${String(MUTANTS)} mutated frames: a kind for each, no exception, none takes long`,
    { timeout: 600_000 * FACTOR },
    async () => {
      const frames = await corpusFrames(60);
      expect(frames.length).toBeGreaterThan(5_000);
      const chance = new Chance(seed);
      const dissector = new Dissector({ quic: nodeQuicCrypto });
      const facts = new Facts();
      const kinds = new Set<string>(KINDS);
      const buffer = new Uint8Array(4096).fill(POISON);
      let slowest = 0;
      for (let n = 0; n < MUTANTS; n += 1) {
        const frame = frames[chance.below(frames.length)];
        const other = frames[chance.below(frames.length)];
        if (frame === undefined || other === undefined) break;
        const length = mutate(frame.bytes, other.bytes, buffer.subarray(0, 2048), chance);
        const began = performance.now();
        dissector.headers(buffer, 0, length, length + chance.below(2), frame.linkType, facts);
        dissector.application(buffer, facts, n * 1000);
        slowest = Math.max(slowest, performance.now() - began);
        if (!kinds.has(facts.kind))
          throw new Error(`seed ${String(seed)}, frame ${String(n)}: kind ${facts.kind}`);
      }
      expect(slowest).toBeLessThan(SLOWEST_MS);
    },
  );

  it.each(Object.entries(DECODERS))(
    `${String(RANDOM)} times random bytes to: %s`,
    { timeout: 120_000 * FACTOR },
    (name, decode) => {
      const chance = new Chance(seed);
      const pool = new Uint8Array(65_536);
      chance.fill(pool);
      // Random bytes seldom look like anything: small ones, as lengths and types are, do more often.
      for (let at = 0; at < pool.length; at += 1 + chance.below(5)) pool[at] = chance.below(32);
      for (let n = 0; n < RANDOM; n += 1) {
        const start = chance.below(pool.length - 600);
        const end = start + chance.below(600);
        decode(pool, start, end);
        if (n % 64 > 0) continue;
        // The same bytes with other bytes behind them: what was read past the end shows as a difference.
        const alone = pool.slice(start, end);
        const followed = new Uint8Array(alone.length + 64).fill(POISON);
        followed.set(alone);
        const inside = decode(followed, 0, alone.length);
        const result = decode(alone, 0, alone.length);
        if (JSON.stringify(inside) !== JSON.stringify(result)) {
          throw new Error(`${name} read past the end: seed ${String(seed)}, round ${String(n)}`);
        }
      }
    },
  );
});
