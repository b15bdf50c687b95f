// Knows: which lamp was lit last, for whoever has to turn it red when the daemon is gone. Must not know: lamps.
// Kept in the runtime directory: at a boot the lamp is what its device says.

import { join } from 'node:path';
import type { LampConfig } from '../../src/policy/policy.ts';
import { writeDurable } from '../os/durable-file.ts';
import { readRegularFile } from '../os/regular-file.ts';

const FILE = 'lamp.json';
const DRIVERS: readonly unknown[] = ['none', 'file', 'leds', 'gpio'];

export function writeLampRecord(runtimeDir: string, config: LampConfig): void {
  writeDurable(join(runtimeDir, FILE), `${JSON.stringify(config)}\n`);
}

/** Undefined when none was lit since the boot, or nobody can tell. */
export function readLampRecord(runtimeDir: string): LampConfig | undefined {
  try {
    const value: unknown = JSON.parse(readRegularFile(join(runtimeDir, FILE)));
    const known = typeof value === 'object' && value !== null && 'driver' in value;
    return known && DRIVERS.includes(value.driver) ? (value as LampConfig) : undefined;
  } catch {
    return undefined;
  }
}
