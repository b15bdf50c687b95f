// Saves the last reading of the kernel's counters, so that a restarted daemon can tell what was counted meanwhile. The runtime directory
// is in memory, so this does not wear out the disk.

import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TableCounters } from '../../bridge/nftables.ts';
import { readRegularFile } from '../../os/regular-file.ts';

const FILE = 'counters.json';

/**
 * The path of the counter file, whether or not it exists. It is replaced with each reading, so its modification time is the daemon's last
 * sign of life.
 */
export function counterFilePath(runtimeDir: string): string {
  return join(runtimeDir, FILE);
}

/** Replaces the file atomically, but not durably: it need not survive a power cut. Throws file system errors. */
export function writeCounterFile(runtimeDir: string, { handle, values }: TableCounters): void {
  const path = counterFilePath(runtimeDir);
  rmSync(`${path}.new`, { force: true });
  writeFileSync(`${path}.new`, JSON.stringify({ handle, values: [...values] }), { flag: 'wx' });
  renameSync(`${path}.new`, path);
}

/**
 * The reading that was written last, packets by counter name; undefined when there is no file, or it cannot be read or is invalid. Never
 * throws.
 */
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

/**
 * Whether `now` continues counting from `last`: false when the table was created again, or a counter was reset. A counter that is gone does
 * not matter.
 */
export function goesOn(last: TableCounters, now: TableCounters): boolean {
  if (last.handle !== now.handle) return false;
  return [...last.values].every(([name, frames]) => (now.values.get(name) ?? frames) >= frames);
}
