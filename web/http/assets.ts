// The files of public/, read once. A request selects from this list and never gives a file path, so path traversal is impossible.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

interface Asset {
  readonly type: string;
  readonly body: Buffer;
  /** The same with gzip (RFC 1952). These files hold no secrets that the compressed length could reveal (BREACH). */
  readonly packed: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The files of public/ in memory. */
export interface Assets {
  /** File name → URL path with a digest of the content, which may be cached for ever. */
  readonly addresses: Readonly<Record<string, string>>;
  /** URL path without query → file. */
  readonly files: ReadonlyMap<string, Asset>;
}

/**
 * Reads every file of a known type (.css, .js, .svg) in `folder`, not below it, into memory, and compresses it (gzip, RFC 1952). Throws
 * file system errors.
 */
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
