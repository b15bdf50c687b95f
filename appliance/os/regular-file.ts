// Reads files that somebody else may have replaced. Opening a FIFO blocks until there is a writer, and opening a device may have side effects
// (open(2), fifo(7)): only regular files are opened, and checked again once open, because the name may have been replaced in between.

import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';

/** Default limit, bytes: few of our files are larger. */
const BYTES_MOST = 1024 * 1024;

class FileError extends Error {
  readonly code: 'not-regular' | 'too-large';

  constructor(code: FileError['code'], message: string) {
    super(message);
    this.name = 'FileError';
    this.code = code;
  }
}

/**
 * The text of a regular file of at most `most` bytes, decoded as UTF-8 (invalid bytes become U+FFFD); links are followed. Never blocks on a
 * FIFO. Throws FileError `not-regular` or `too-large`, or file system errors (`ENOENT` without a file).
 */
export function readRegularFile(path: string, most = BYTES_MOST): string {
  assertRegular(path, statSync(path), most);
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    assertRegular(path, fstatSync(file), most);
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

function assertRegular(path: string, stats: Stats, most: number): void {
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

/**
 * Device, inode, size in bytes and modification time in nanoseconds of the file, as text with spaces: a different text means that the file
 * was replaced or written. The error code (such as ENOENT, without a space) when it cannot be read. Links are followed. Never throws.
 */
export function fileSignature(path: string): string {
  try {
    const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs].join(' ');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}
