// Knows: what the light shows while the daemon's beats come, and what when they do not. Must not know: sockets, processes.
// Which way doubt errs: no beat, a beat that is old, or a beat that cannot be read is no beat, and the light turns red.

import { LAMPS } from '../../src/api/words.ts';
import type { Lamp } from '../../src/api/words.ts';
import type { LampConfig } from '../../src/policy/policy.ts';
import { NOBODY_WATCHES, SILENCE_MS } from './beat.ts';
import type { Beat, Echo } from './beat.ts';
import { LampKeeper } from './keeper.ts';

export class LightWatch {
  readonly #lamp: LampKeeper;
  readonly #monotonic: () => number;
  #config = '';
  #pattern: Lamp = NOBODY_WATCHES;

  constructor(runtimeDir: string, monotonic: () => number) {
    this.#lamp = new LampKeeper(runtimeDir);
    this.#monotonic = monotonic;
  }

  /** The lamp that was lit last: until the first beat it says that nobody watches. */
  begin(config: LampConfig): void {
    this.#open(config);
    this.#show(NOBODY_WATCHES);
  }

  /** What the daemon said; the answer to it, or undefined when it was no beat. */
  take(value: unknown): Echo | undefined {
    if (!isBeat(value) || this.#monotonic() - value.at > SILENCE_MS) return undefined;
    this.#open(value.lamp);
    this.#show(value.pattern, value.again);
    const { fault } = this.#lamp;
    return { shown: this.#pattern, ...(fault === undefined ? {} : { fault }) };
  }

  /** Nothing was heard for too long, or the daemon is gone. */
  silent(): void {
    this.#show(NOBODY_WATCHES);
  }

  /** The daemon ends as it was told to: red, and steady. */
  farewell(): void {
    this.#show('red');
  }

  /** Another hand may have been at the light, or the place where it is may have come back. */
  look(): void {
    this.#show(this.#pattern);
  }

  close(): void {
    this.#lamp.close();
  }

  #open(config: LampConfig): void {
    const text = JSON.stringify(config);
    if (text === this.#config) return;
    this.#config = text;
    this.#lamp.open(config);
  }

  #show(pattern: Lamp, again = false): void {
    this.#pattern = pattern;
    this.#lamp.show(pattern, again);
  }
}

function isBeat(value: unknown): value is Beat {
  if (typeof value !== 'object' || value === null) return false;
  const { at, pattern, lamp } = value as Record<string, unknown>;
  const isConfig = typeof lamp === 'object' && lamp !== null && 'driver' in lamp;
  return typeof at === 'number' && LAMPS.some((known) => known === pattern) && isConfig;
}
