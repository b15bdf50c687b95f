// The configured LED and the pattern that it must show. The LED watchdog has one, and so has the daemon while no watchdog is running. An LED
// that fails is a warning on the page and never ends the process; it is tried again with the next pattern.

import type { LedPattern } from '../../src/api/words.ts';
import type { LedConfig } from '../../src/policy/policy.ts';
import { openLed } from './led.ts';
import type { LedDriver } from './driver.ts';

/** One LED; no method throws. */
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

  /** Switches to another LED and leaves the old one red; does nothing for the same one. */
  take(config: LedConfig): void {
    if (JSON.stringify(config) === JSON.stringify(this.#config)) return;
    this.close();
    this.#config = config;
    this.#fault = undefined;
  }

  /** Shows a pattern. When it is shown already, it is set again only with `again`, or when the LED does not show it any more. Never throws. */
  show(pattern: LedPattern, again = false): void {
    const isShown = this.#isShown && pattern === this.#pattern && !again;
    this.#pattern = pattern;
    const config = this.#config;
    if (config === undefined) return;
    this.#try(() => {
      const driver = (this.#driver ??= openLed(config, this.#runtimeDir, this.#noteFault.bind(this)));
      if (isShown && driver.holds(pattern)) return;
      this.#isShown = false;
      driver.show(pattern);
      this.#isShown = true;
    });
  }

  /** Checks the LED: another program may have changed it, or a device that was gone may be back. */
  look(): void {
    if (this.#pattern !== undefined) this.show(this.#pattern);
  }

  /** Why the LED cannot be used, as a sentence; undefined while it can. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Leaves the LED red, and forgets it. */
  close(): void {
    const driver = this.#driver;
    if (driver !== undefined) this.#try(() => driver.close());
    this.#driver = undefined;
    this.#config = undefined;
    this.#isShown = false;
  }

  #try(task: () => void): void {
    try {
      task();
      this.#fault = undefined;
    } catch (error) {
      this.#noteFault(error);
    }
  }

  #noteFault(error: unknown): void {
    this.#fault = `The LED cannot be used: ${error instanceof Error ? error.message : String(error)}.`;
  }
}
