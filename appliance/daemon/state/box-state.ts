// Knows: what of the box outlives a reboot: block mode. Must not know: rules, incidents.
// Block mode is state, not policy. Which way doubt errs: a torn or foreign file means closed.

import { join } from 'node:path';
import { writeDurable } from '../../os/durable-file.ts';
import { readRegularFile } from '../../os/regular-file.ts';

export interface BoxState {
  readonly blockMode: boolean;
}

/** What was read; `warning` is set when the file was there but could not be trusted. */
export interface BoxStateReading {
  readonly state: BoxState;
  /** There is no file: a new box, or one that lost it. */
  readonly missing?: true;
  readonly warning?: string;
}

export const BOX_STATE_FILE = 'state.json';

/** No file: a new box, in watch mode, unless something else tells of block mode. Anything else that is no valid state: block mode and a warning. */
export function readBoxState(stateDir: string): BoxStateReading {
  const path = join(stateDir, BOX_STATE_FILE);
  let text: string;
  try {
    text = readRegularFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return { state: { blockMode: false }, missing: true };
    return closed(`${path} cannot be read (${String(error)})`);
  }
  try {
    const value: unknown = JSON.parse(text);
    if (isBoxState(value)) return { state: { blockMode: value.blockMode } };
  } catch {
    return closed(`${path} is damaged`);
  }
  return closed(`${path} does not hold a state of Leakguard`);
}

export function writeBoxState(stateDir: string, state: BoxState): void {
  writeDurable(join(stateDir, BOX_STATE_FILE), `${JSON.stringify({ version: 1, ...state })}\n`);
}

function closed(problem: string): BoxStateReading {
  return { state: { blockMode: true }, warning: `${problem}; block mode is on until you decide` };
}

function isBoxState(value: unknown): value is { version: 1; blockMode: boolean } {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'version' in value && value.version === 1 && 'blockMode' in value && typeof value.blockMode === 'boolean'
  );
}
