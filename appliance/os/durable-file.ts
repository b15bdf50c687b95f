// Replaces a small file so that after a power cut it has either its old or its new content: write, fsync, rename, fsync of the directory.
// rename(2) is atomic, but only the directory's fsync makes it durable.

import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Replaces the file's content durably; a link of that name is replaced, not followed. Text is UTF-8. `mode`: permissions, reduced by the
 * umask. Throws file system errors; the old content then stays.
 */
export function writeDurable(path: string, content: string | Uint8Array, mode = 0o600): void {
  const temporary = `${path}.new`;
  // Created, never opened: an existing FIFO would block, and a link would be followed.
  rmSync(temporary, { force: true });
  const file = openSync(temporary, 'wx', mode);
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  syncDirectory(dirname(path));
}

/**
 * Makes renames and removals in a directory durable: they survive a power cut from then on (fsync(2), for directories). Throws file system
 * errors.
 */
export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
