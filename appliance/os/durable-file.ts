// Knows: how a small file survives a power cut whole, old or new. Must not know: what is in it.
// write, fsync, rename, fsync directory: rename(2) is atomic, and only the directory's fsync makes it last.

import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Replaces the file's content; throws what the file system says, and the old content then stays. */
export function writeDurable(path: string, content: string | Uint8Array, mode = 0o600): void {
  const beside = `${path}.new`;
  // Made, never found: a FIFO or a link that lies there already would be waited for, or followed.
  rmSync(beside, { force: true });
  const file = openSync(beside, 'wx', mode);
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(beside, path);
  syncDirectory(dirname(path));
}

/** What was renamed or removed in it stays so, also if power goes. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
