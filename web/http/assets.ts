// Knows: the files of public/, read once and addressed by their content. Must not know: what they mean.
// A request picks from this list and never names a path, so there is nothing to traverse.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

interface Asset {
  readonly type: string;
  readonly body: Buffer;
  /** The same, gzip (RFC 1952): nothing in these files is secret, so its length tells nothing (BREACH). */
  readonly packed: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export interface Assets {
  /** File name → address with a digest: it may be cached for ever. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Address without query → file. */
  readonly files: ReadonlyMap<string, Asset>;
}

/** Reads every file of a known type in `folder`. */
export function readAssets(folder: string): Assets {
  const addresses: Record<string, string> = {};
  const files = new Map<string, Asset>();
  for (const name of readdirSync(folder)) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const body = readFileSync(join(folder, name));
    const digest = createHash('sha256').update(body).digest('base64url').slice(0, 12);
    addresses[name] = `/public/${name}?v=${digest}`;
    files.set(`/public/${name}`, { type, body, packed: gzipSync(body, { level: 9 }) });
  }
  return { addresses, files };
}
