// Knows: which LED was lit last, for whoever has to turn it red when the daemon is gone. Must not know: LEDs.
// Kept in the runtime directory: at a boot the LED is what its device says.

import { join } from 'node:path';
import type { LedConfig } from '../../src/policy/policy.ts';
import { writeDurable } from '../os/durable-file.ts';
import { readRegularFile } from '../os/regular-file.ts';

const FILE = 'lamp.json';
const DRIVERS: readonly unknown[] = ['none', 'file', 'leds', 'gpio'];

export function writeLedRecord(runtimeDir: string, config: LedConfig): void {
  writeDurable(join(runtimeDir, FILE), `${JSON.stringify(config)}\n`);
}

/** Undefined when none was lit since the boot, or nobody can tell. */
export function readLedRecord(runtimeDir: string): LedConfig | undefined {
  try {
    const value: unknown = JSON.parse(readRegularFile(join(runtimeDir, FILE)));
    const known = typeof value === 'object' && value !== null && 'driver' in value;
    return known && DRIVERS.includes(value.driver) ? (value as LedConfig) : undefined;
  } catch {
    return undefined;
  }
}
