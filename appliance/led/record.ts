// Records which LED was used last, for the programs that turn it red when the daemon is gone. In the runtime directory, since a boot resets
// the LED.

import { join } from 'node:path';
import type { LedConfig } from '../../src/policy/policy.ts';
import { writeDurable } from '../os/durable-file.ts';
import { readRegularFile } from '../os/regular-file.ts';

const FILE = 'lamp.json';
const DRIVERS: readonly unknown[] = ['none', 'file', 'leds', 'gpio'];

/** Replaces the record (lamp.json) durably, so that a reader never sees part of it. Throws file system errors. */
export function writeLedRecord(runtimeDir: string, config: LedConfig): void {
  writeDurable(join(runtimeDir, FILE), `${JSON.stringify(config)}\n`);
}

/**
 * The LED that was used last since boot; undefined when there was none, or the record cannot be read or is of no known driver. Its other
 * fields are not checked: opening the LED does that. Never throws.
 */
export function readLedRecord(runtimeDir: string): LedConfig | undefined {
  try {
    const value: unknown = JSON.parse(readRegularFile(join(runtimeDir, FILE)));
    const known = typeof value === 'object' && value !== null && 'driver' in value;
    return known && DRIVERS.includes(value.driver) ? (value as LedConfig) : undefined;
  } catch {
    return undefined;
  }
}
