// Knows: where the keys lie of those whose updates are taken. Must not know: what they signed.
// A key counts when root alone could have put it there: a key that the daemon could write would be the daemon's own signature.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { isSafeFolder, readSafeFile } from './safe-files.ts';

/** An Ed25519 key in PEM has 113 bytes; comments may stand around it. */
const KEY_MOST = 4096;

/**
 * Public keys (PEM) in a folder; none when there is no such folder: then no update is taken. Throws UpdateError `unsafe-place`
 * when the folder, one above it or any key in it can be changed by others than root.
 */
export function keysIn(folder: string): readonly string[] {
  if (!isSafeFolder(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith('.pem'));
  return files.map((name) => readSafeFile(join(folder, name), KEY_MOST).toString('utf8'));
}
