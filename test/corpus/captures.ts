// Knows: where the corpus of real captures is, what the oracle read in it, and what the dissector reads. Must not know: bars.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Readable } from 'node:stream';
import { readCapture } from '../../appliance/capture-file.ts';
import { nodeQuicCrypto } from '../../appliance/quic-crypto.ts';
import { Dissector } from '../../src/flow/dissector.ts';
import { Facts } from '../../src/flow/facts.ts';
import type { Kind, Via } from '../../src/flow/kinds.ts';

export const CORPUS_DIRECTORY = fileURLToPath(new URL('../../../shared/corpus', import.meta.url));

/** What tshark reads in one capture. */
export interface Expected {
  readonly packets: number;
  readonly names: Readonly<Partial<Record<Via, readonly string[]>>>;
}

/** What we read in one capture; names as `via name`, with the frame that first showed them. */
export interface Reading {
  readonly file: string;
  readonly packets: number;
  readonly kinds: ReadonlyMap<Kind, number>;
  readonly names: ReadonlyMap<string, number>;
}

/** File names and what is expected of them; empty when the corpus is not there. */
export function oracle(): ReadonlyMap<string, Expected> {
  const path = join(CORPUS_DIRECTORY, 'oracle.json');
  if (!existsSync(path)) return new Map();
  return new Map(Object.entries(JSON.parse(readFileSync(path, 'utf8')) as Record<string, Expected>));
}

/** Reads one capture of the corpus through the same classes as `analyze`. */
export async function readOne(file: string): Promise<Reading> {
  const dissector = new Dissector({ quic: nodeQuicCrypto });
  const facts = new Facts();
  const kinds = new Map<Kind, number>();
  const names = new Map<string, number>();
  let packets = 0;
  const sink = {
    packet(
      bytes: Uint8Array,
      start: number,
      end: number,
      wireLength: number,
      linkType: number,
      timeMicros: number,
    ): void {
      packets += 1;
      dissector.headers(bytes, start, end, wireLength, linkType, facts);
      dissector.application(bytes, facts, timeMicros);
      kinds.set(facts.kind, (kinds.get(facts.kind) ?? 0) + 1);
      for (const { via, name } of facts.findings.names) {
        if (!names.has(`${via} ${name}`)) names.set(`${via} ${name}`, packets);
      }
    },
  };
  await readCapture(join(CORPUS_DIRECTORY, 'pcap', file), sink, {
    stdin: Readable.from([]),
    signal: new AbortController().signal,
  });
  return { file, packets, kinds, names };
}
