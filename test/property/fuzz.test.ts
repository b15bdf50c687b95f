// Checks that hostile bytes never make the dissector or a decoder throw, look outside or take long. With the corpus its frames are bent,
// else a few hand-made ones. Seeds: one fixed, one fresh (printed, to run it again with FUZZ_SEED). FUZZ_FRAMES sets how many frames (`npm
// run fuzz`: very many); frames are bent, not slept over.

import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { nodeQuicCrypto } from '../../appliance/os/quic-crypto.ts';
import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket, copyPacket } from '../../src/flow/parsed-packet.ts';
import { KINDS } from '../../src/flow/kinds.ts';
import { LinkType } from '../../src/wire/link/link-types.ts';
import { DECODERS, NO_DECODERS } from './decoders.ts';
import { Lots, bend, scatter } from './mutate.ts';
import { loadSeeds } from './seeds.ts';
import type { SeedFrame } from './seeds.ts';

const FRAMES = Number(process.env['FUZZ_FRAMES'] ?? 400_000);
/** Random ones for each decoder, over both seeds. */
const RANDOM = FRAMES / 5;
const FRESH = Number(process.env['FUZZ_SEED'] ?? Date.now() % 0x7fffffff);
const SEEDS = [20_240_229, FRESH];
const LONG = 3_600_000;

/** Octets in front of and behind every frame; what is read there would differ between two poisons. */
const MARGIN = 64;
const ROOM = 2048;

let seeds: readonly SeedFrame[] = [];
const kinds = new Set<string>(KINDS);

beforeAll(async () => {
  seeds = await loadSeeds();
  process.stdout.write(
    `fuzz: ${seeds.length} frames to bend, ${FRAMES} bent ones a seed, fresh seed ${FRESH}\n`,
  );
}, 120_000);

function pick(lots: Lots): SeedFrame {
  const seed = seeds[lots.below(seeds.length)];
  if (seed === undefined) throw new Error('no seeds');
  return seed;
}

/** Milliseconds of CPU this process has used. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

describe.each(SEEDS)('seed %i', (seed) => {
  test(
    'bent frames: no exception, one kind each, bounded work',
    () => {
      const lots = new Lots(seed);
      const dissector = new Dissector({ quic: nodeQuicCrypto }, { flows: 1024, streamBytes: 1_000_000 });
      const room = new Uint8Array(ROOM);
      const packet = new ParsedPacket();
      const started = cpuMs();
      for (let at = 0; at < FRAMES; at += 1) {
        const { bytes, linkType } = pick(lots);
        const length = bend(bytes, pick(lots).bytes, room, MARGIN, lots);
        const wireLength = lots.below(8) === 0 ? lots.below(3000) : length;
        dissector.headers(room, MARGIN, MARGIN + length, wireLength, linkType, packet);
        dissector.application(room, packet, at * 10);
        if (!kinds.has(packet.kind)) throw new Error(`kind ${packet.kind}`);
        if (packet.payloadEnd > MARGIN + length) throw new Error('payload beyond the frame');
      }
      // Not a speed test: a frame that costs as much as a second of work is an attack that would be seen here.
      expect((cpuMs() - started) / FRAMES).toBeLessThan(1);
    },
    LONG,
  );

  test(
    'random frames on every link type',
    () => {
      const lots = new Lots(seed);
      const dissector = new Dissector({ quic: nodeQuicCrypto }, { flows: 1024, streamBytes: 1_000_000 });
      const room = new Uint8Array(ROOM);
      const packet = new ParsedPacket();
      const links = Object.values(LinkType);
      for (let at = 0; at < RANDOM; at += 1) {
        const length = scatter(pick(lots).bytes, room, MARGIN, lots);
        const linkType = links[lots.below(links.length)] ?? LinkType.ETHERNET;
        dissector.headers(room, MARGIN, MARGIN + length, length, linkType, packet);
        dissector.application(room, packet, at * 10);
        if (!kinds.has(packet.kind)) throw new Error(`kind ${packet.kind}`);
      }
      expect(dissector.losses.flowsEvicted).toBeGreaterThanOrEqual(0);
    },
    LONG,
  );

  test(
    'what a frame says does not depend on what lies around it',
    () => {
      const lots = new Lots(seed);
      const texts = new Set<string>();
      for (let at = 0; at < FRAMES / 50; at += 1) {
        const { bytes, linkType } = pick(lots);
        const room = new Uint8Array(ROOM);
        const length = bend(bytes, pick(lots).bytes, room, MARGIN, lots);
        const said = [0x00, 0xff].map((poison) => {
          const poisoned = new Uint8Array(ROOM).fill(poison);
          poisoned.set(room.subarray(MARGIN, MARGIN + length), MARGIN);
          const packet = new ParsedPacket();
          const dissector = new Dissector({ quic: nodeQuicCrypto }, { flows: 4, streamBytes: 10_000 });
          dissector.headers(poisoned, MARGIN, MARGIN + length, length, linkType, packet);
          dissector.application(poisoned, packet, 0);
          return JSON.stringify(copyPacket(packet));
        });
        if (said[0] !== said[1]) throw new Error(`${said[0] ?? ''}\n${said[1] ?? ''}`);
        texts.add(said[0] ?? '');
      }
      expect(texts.size).toBeGreaterThan(100);
    },
    LONG,
  );
});

describe('decoders', () => {
  test('every file of src/wire is thrown at, or said to hold none', () => {
    const files = readdirSync(fileURLToPath(new URL('../../src/wire', import.meta.url)), {
      recursive: true,
      encoding: 'utf8',
    }).filter((file) => file.endsWith('.ts'));
    const known = new Set([...Object.keys(DECODERS), ...NO_DECODERS]);
    expect(files.map((file) => basename(file, '.ts')).filter((name) => !known.has(name))).toEqual([]);
  });

  test.each(Object.entries(DECODERS))(
    '%s: random octets and bent payloads',
    (_name, decode) => {
      const room = new Uint8Array(ROOM);
      let thrown = 0;
      for (const lots of SEEDS.map((seed) => new Lots(seed))) {
        for (let at = 0, left = RANDOM / SEEDS.length; left > 0; at += 1) {
          const { bytes, payload } = pick(lots);
          const part = bytes.subarray(payload);
          const isBent = at % 3 === 0;
          const length = isBent
            ? bend(part, pick(lots).bytes, room, MARGIN, lots)
            : scatter(part, room, MARGIN, lots);
          if (!isBent) left -= 1;
          thrown += 1;
          decode(room, MARGIN, MARGIN + length);
          if (at % 100 !== 0) continue;
          const said = [0x00, 0xff].map((poison) => {
            const poisoned = new Uint8Array(ROOM).fill(poison);
            poisoned.set(room.subarray(MARGIN, MARGIN + length), MARGIN);
            return JSON.stringify(decode(poisoned, MARGIN, MARGIN + length));
          });
          expect(said[1]).toBe(said[0]);
        }
      }
      expect(thrown).toBeGreaterThan(RANDOM);
    },
    LONG,
  );
});
