// Knows: which LED there is and which pattern it is to show, whatever its driver does. Must not know: why a pattern is shown.
// The LED watchdog has one, and so has the daemon while it has no keeper: what either remembers of the light is here. An LED that
// fails is a warning on the page, never the end of the guard; it is tried again with the next word.

import type { LedPattern } from '../../src/api/words.ts';
import type { LedConfig } from '../../src/policy/policy.ts';
import { openLed } from './led.ts';
import type { LedDriver } from './driver.ts';

export class Light {
  readonly #runtimeDir: string;
  #config: LedConfig | undefined;
  #driver: LedDriver | undefined;
  #pattern: LedPattern | undefined;
  #isShown = false;
  #fault: string | undefined;

  constructor(runtimeDir: string) {
    this.#runtimeDir = runtimeDir;
  }

  /** Another LED from now on; the old one is left red. The same one stays as it is. */
  take(config: LedConfig): void {
    if (JSON.stringify(config) === JSON.stringify(this.#config)) return;
    this.close();
    this.#config = config;
    this.#fault = undefined;
  }

  /** Shows a pattern; one that is shown already is looked at, and shown `again` when asked to or when it does not hold. */
  show(pattern: LedPattern, again = false): void {
    const isShown = this.#isShown && pattern === this.#pattern && !again;
    this.#pattern = pattern;
    const config = this.#config;
    if (config === undefined) return;
    this.#attempt(() => {
      const driver = (this.#driver ??= openLed(config, this.#runtimeDir, this.#note.bind(this)));
      if (isShown && driver.holds(pattern)) return;
      this.#isShown = false;
      driver.show(pattern);
      this.#isShown = true;
    });
  }

  /** Another hand may have been at it, or the place where it is may have come back. */
  look(): void {
    if (this.#pattern !== undefined) this.show(this.#pattern);
  }

  /** Why the LED cannot be used, as a sentence. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Leaves it red. */
  close(): void {
    const driver = this.#driver;
    if (driver !== undefined) this.#attempt(() => driver.close());
    this.#driver = undefined;
    this.#config = undefined;
    this.#isShown = false;
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
    this.#fault = `The LED cannot be used: ${error instanceof Error ? error.message : String(error)}.`;
  }
}
