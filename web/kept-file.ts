// Knows: how a small file of the page survives a power cut whole, old or new. Must not know: what is in it.
// write, fsync, rename, fsync directory: rename(2) is atomic, and only the directory's fsync makes it last.

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export class KeptFileError extends Error {
  readonly code = 'unreadable';

  constructor(path: string, cause: unknown) {
    super(`${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'KeptFileError';
  }
}

/** The file's JSON value, or undefined when there is no such file. Throws KeptFileError for anything else. */
export function readKept(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new KeptFileError(path, error);
  }
}

/** Replaces the file, readable by its owner only. Throws what the file system says; the old content then stays. */
export function writeKept(path: string, value: unknown): void {
  const beside = `${path}.new`;
  const file = openSync(beside, 'w', 0o600);
  try {
    writeSync(file, `${JSON.stringify(value)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(beside, path);
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
