// Reads and writes the small JSON files of the page. appliance/os/durable-file.ts makes the writes survive power cuts.

import { readFileSync } from 'node:fs';

import { writeDurable } from '../../appliance/os/durable-file.ts';

/** A file exists but cannot be used; the message names it. */
export class KeptFileError extends Error {
  readonly code = 'unreadable';

  constructor(path: string, cause: unknown) {
    super(`${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'KeptFileError';
  }
}

/** The JSON value of the file, as it is; undefined if there is no file. Throws KeptFileError if it cannot be read or parsed. */
export function readKept(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new KeptFileError(path, error);
  }
}

/**
 * Replaces the file durably with the value as JSON and a line feed, readable only by its owner (0600). Throws file system errors; the old
 * content then stays.
 */
export function writeKept(path: string, value: unknown): void {
  writeDurable(path, `${JSON.stringify(value)}\n`);
}
