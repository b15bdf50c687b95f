// Knows: that the lamp shows the last pattern asked for, whatever its driver does. Must not know: why a pattern is shown.
// A lamp that fails is a warning on the page, never the end of the guard; it is tried again with the next word.

import type { Lamp } from '../../src/api/words.ts';
import type { LampConfig } from '../../src/policy/policy.ts';
import { openLamp } from './lamp.ts';
import type { LampDriver } from './driver.ts';

export class LampKeeper {
  readonly #runtimeDir: string;
  #config: LampConfig | undefined;
  #driver: LampDriver | undefined;
  #shown: Lamp | undefined;
  #fault: string | undefined;

  constructor(runtimeDir: string) {
    this.#runtimeDir = runtimeDir;
  }

  /** Takes another lamp; the old one is left red. */
  open(config: LampConfig): void {
    this.close();
    this.#config = config;
    this.#fault = undefined;
    this.#reopen();
  }

  /** Shows a pattern; one that is shown already is looked at, and shown `again` when asked to or when it does not hold. */
  show(pattern: Lamp, again = false): void {
    if (this.#driver === undefined) this.#reopen();
    const driver = this.#driver;
    if (driver === undefined) return;
    this.#attempt(() => {
      if (!again && pattern === this.#shown && driver.holds(pattern)) return;
      this.#shown = undefined;
      driver.show(pattern);
      this.#shown = pattern;
    });
  }

  /** Why the lamp cannot be used, as a sentence. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Leaves it red. */
  close(): void {
    const driver = this.#driver;
    if (driver !== undefined) this.#attempt(() => driver.close());
    this.#driver = undefined;
    this.#config = undefined;
    this.#shown = undefined;
  }

  #reopen(): void {
    const config = this.#config;
    if (config === undefined) return;
    this.#attempt(() => {
      this.#driver = openLamp(config, this.#runtimeDir, this.#note.bind(this));
    });
  }

  #attempt(task: () => void): void {
    try {
      task();
      this.#fault = undefined;
    } catch (error) {
      this.#note(error);
    }
  }

  #note(error: unknown): void {
    this.#fault = `The lamp cannot be used: ${error instanceof Error ? error.message : String(error)}.`;
  }
}
