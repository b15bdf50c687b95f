// Reads the public keys that may sign updates. A key is trusted only if nobody but root can write it: if the daemon could add a key,
// it could sign updates.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { isSafeFolder, readSafeFile } from './safe-files.ts';

/** In bytes. An Ed25519 key in PEM has 113; there may be comments around it. */
const MAX_KEY_BYTES = 4096;

/**
 * The public keys (PEM, *.pem) in a folder, each as the text of its file; an empty list, with which no update is accepted, when the folder
 * does not exist. A file need not hold a valid key. Throws UpdateError `unsafe-place` when the folder, one of its parents or a key can be
 * changed by anyone but root, and the system's error for a link.
 */
export function keysIn(folder: string): readonly string[] {
  if (!isSafeFolder(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith('.pem'));
  return files.map((name) => readSafeFile(join(folder, name), MAX_KEY_BYTES).toString('utf8'));
}
