// Knows: the small JSON files of the page. Must not know: what is in them, how they survive a power cut (appliance/os/durable-file.ts).

import { readFileSync } from 'node:fs';

import { writeDurable } from '../../appliance/os/durable-file.ts';

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
  writeDurable(path, `${JSON.stringify(value)}\n`);
}
