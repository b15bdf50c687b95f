// Knows: where the keys lie of those whose updates are taken. Must not know: what they signed.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Public keys (PEM) in a folder; none when there is no such folder: then no update is taken. */
export function keysIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith('.pem'));
  return files.map((name) => readFileSync(join(folder, name), 'utf8'));
}
