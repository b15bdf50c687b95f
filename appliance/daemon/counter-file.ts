// Knows: where the last reading of the kernel counters is kept, so that a restart can tell what came in between.
// Must not know: what counters mean. The runtime directory is in memory: no disk is worn by it.

import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readRegularFile } from '../regular-file.ts';

const FILE = 'counters.json';

/** It is written anew with each reading: its time is the last sign of life. */
export function counterFilePath(runtimeDir: string): string {
  return join(runtimeDir, FILE);
}

export function writeCounterFile(runtimeDir: string, values: ReadonlyMap<string, number>): void {
  const path = counterFilePath(runtimeDir);
  rmSync(`${path}.new`, { force: true });
  writeFileSync(`${path}.new`, JSON.stringify([...values]), { flag: 'wx' });
  renameSync(`${path}.new`, path);
}

/** Undefined when there is none, or none that can be understood: then counting starts with the first reading. */
export function readCounterFile(runtimeDir: string): Map<string, number> | undefined {
  try {
    const entries: unknown = JSON.parse(readRegularFile(join(runtimeDir, FILE)));
    if (!Array.isArray(entries)) return undefined;
    const values = new Map<string, number>();
    for (const entry of entries as unknown[]) {
      if (!Array.isArray(entry)) return undefined;
      const [name, frames] = entry as unknown[];
      if (typeof name !== 'string' || typeof frames !== 'number') return undefined;
      values.set(name, frames);
    }
    return values;
  } catch {
    return undefined;
  }
}
