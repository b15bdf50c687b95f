// Knows: how a file that somebody else may have put there is read without waiting for it. Must not know: what is in it.
// Opening a FIFO waits for a writer and opening a device does something (open(2), fifo(7)): what is no regular file is not
// opened, and what was opened is looked at again, because the name may have changed hands in between.

import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';

/** More than this is no file of ours unless somebody knows better, bytes. */
const BYTES_MOST = 1024 * 1024;

class FileError extends Error {
  readonly code: 'not-regular' | 'too-large';

  constructor(code: FileError['code'], message: string) {
    super(message);
    this.name = 'FileError';
    this.code = code;
  }
}

/** The text of a regular file of at most `most` bytes, links followed; throws FileError, or what the file system says. */
export function readRegularFile(path: string, most = BYTES_MOST): string {
  mustBeRegular(path, statSync(path), most);
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    mustBeRegular(path, fstatSync(file), most);
    const chunks: Buffer[] = [];
    for (let bytes = 0; ;) {
      const chunk = Buffer.allocUnsafe(64 * 1024);
      const read = readSync(file, chunk);
      if (read === 0) return Buffer.concat(chunks).toString('utf8');
      bytes += read;
      if (bytes > most) throw tooLarge(path, most);
      chunks.push(chunk.subarray(0, read));
    }
  } finally {
    closeSync(file);
  }
}

function mustBeRegular(path: string, stats: Stats, most: number): void {
  if (!stats.isFile()) throw new FileError('not-regular', `${path} is ${kindOf(stats)}, not a file`);
  if (stats.size > most) throw tooLarge(path, most);
}

function tooLarge(path: string, most: number): FileError {
  return new FileError('too-large', `${path} is larger than ${String(most / 1024 / 1024)} MiB`);
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFIFO()) return 'a FIFO';
  return stats.isSocket() ? 'a socket' : 'a device';
}

/** Which file a name leads to, and as written when: another text than before means that another hand was at it. */
export function fileSignature(path: string): string {
  try {
    const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs].join(' ');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}
