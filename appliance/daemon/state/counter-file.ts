// Knows: where the last reading of the kernel counters is kept, so that a restart can tell what came in between.
// Must not know: what counters mean. The runtime directory is in memory: no disk is worn by it.

import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TableCounters } from '../../bridge/nftables.ts';
import { readRegularFile } from '../../os/regular-file.ts';

const FILE = 'counters.json';

/** It is written anew with each reading: its time is the last sign of life. */
export function counterFilePath(runtimeDir: string): string {
  return join(runtimeDir, FILE);
}

export function writeCounterFile(runtimeDir: string, { handle, values }: TableCounters): void {
  const path = counterFilePath(runtimeDir);
  rmSync(`${path}.new`, { force: true });
  writeFileSync(`${path}.new`, JSON.stringify({ handle, values: [...values] }), { flag: 'wx' });
  renameSync(`${path}.new`, path);
}

/** Undefined when there is none, or none that can be understood. */
export function readCounterFile(runtimeDir: string): TableCounters | undefined {
  try {
    const { handle, values: entries } = JSON.parse(readRegularFile(join(runtimeDir, FILE))) as Partial<
      Record<keyof TableCounters, unknown>
    >;
    if (typeof handle !== 'number' || !Array.isArray(entries)) return undefined;
    const values = new Map<string, number>();
    for (const entry of entries as unknown[]) {
      if (!Array.isArray(entry)) return undefined;
      const [name, frames] = entry as unknown[];
      if (typeof name !== 'string' || typeof frames !== 'number') return undefined;
      values.set(name, frames);
    }
    return { handle, values };
  } catch {
    return undefined;
  }
}

/** Whether the kernel has gone on counting from there: not in a table that was made anew, or whose counters were reset. */
export function goesOn(last: TableCounters, now: TableCounters): boolean {
  if (last.handle !== now.handle) return false;
  return [...last.values].every(([name, frames]) => (now.values.get(name) ?? frames) >= frames);
}
