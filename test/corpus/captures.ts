// Where the corpus of real captures is, what the oracle read in it, and what the dissector reads.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Readable } from 'node:stream';
import { readCapture } from '../../appliance/capture-files/capture-file.ts';
import { nodeQuicCrypto } from '../../appliance/os/quic-crypto.ts';
import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import type { Kind, Via } from '../../src/flow/kinds.ts';

const CORPUS_DIRECTORY = fileURLToPath(new URL('../../../shared/corpus', import.meta.url));

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
  const packet = new ParsedPacket();
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
      dissector.headers(bytes, start, end, wireLength, linkType, packet);
      dissector.application(bytes, packet, timeMicros);
      kinds.set(packet.kind, (kinds.get(packet.kind) ?? 0) + 1);
      for (const { via, name } of packet.findings.names) {
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

export const hasTshark = spawnSync('tshark', ['--version'], { stdio: 'ignore' }).error === undefined;

const FIELDS = [
  '-T',
  'fields',
  '-E',
  'occurrence=a',
  '-E',
  'aggregator=|',
  '-e',
  'http.host',
  '-e',
  'http.request.line',
];

/** Hosts of the pages that requests of a capture say they come from, as tshark reads them, but for those that a request is for. */
export function pagesByTshark(file: string): readonly string[] {
  const path = join(CORPUS_DIRECTORY, 'pcap', file);
  if (!/\n(?:referer|origin)[ \t]*:/i.test(readFileSync(path, 'latin1'))) return [];
  const text = execFileSync('tshark', ['-n', '-r', path, '-Y', 'http.request', ...FIELDS], {
    ...{ encoding: 'utf8', maxBuffer: 1e8, stdio: ['ignore', 'pipe', 'ignore'] },
  });
  const pages = text.split('\n').flatMap((line) => {
    const [host = '', fields = ''] = line.split('\t');
    const own = host.split('|').map((one) => one.toLowerCase().replace(/:\d+$/, ''));
    return [
      ...fields.matchAll(
        /(?:^|\|)(?:referer|origin):\s*[a-z][a-z\d+.-]*:\/\/(?:[^/@|\\]*@)?([^/:?#|\\\s]+)/gi,
      ),
    ]
      .map(([, page = '']) => page.toLowerCase())
      .filter((page) => !own.includes(page));
  });
  return [...new Set(pages)];
}
