// Knows: that the lamp shows the last pattern asked for, whatever its driver does. Must not know: why a pattern is shown.
// A lamp that fails is a warning on the page, never the end of the guard.

import type { Lamp } from '../../src/guard/status.ts';
import type { LampConfig } from '../../src/policy/policy.ts';
import { openLamp } from './lamp.ts';
import type { LampDriver } from './driver.ts';

export class LampKeeper {
  readonly #runtimeDir: string;
  readonly #onFault: (fault: string) => void;
  readonly #onOpen: (config: LampConfig) => void;
  #driver: LampDriver | undefined;
  #shown: Lamp | undefined;

  /** `onOpen` hears of a lamp before it is lit. */
  constructor(
    runtimeDir: string,
    onFault: (fault: string) => void,
    onOpen: (config: LampConfig) => void = () => undefined,
  ) {
    this.#runtimeDir = runtimeDir;
    this.#onFault = onFault;
    this.#onOpen = onOpen;
  }

  /** Takes another lamp; the old one is left red. */
  open(config: LampConfig): void {
    this.close();
    this.#attempt(() => {
      this.#onOpen(config);
      this.#driver = openLamp(config, this.#runtimeDir, this.#fault.bind(this));
    });
  }

  show(pattern: Lamp): void {
    if (pattern === this.#shown) return;
    this.#attempt(() => {
      this.#driver?.show(pattern);
      this.#shown = pattern;
    });
  }

  close(): void {
    this.#attempt(() => this.#driver?.close());
    this.#driver = undefined;
    this.#shown = undefined;
  }

  #attempt(task: () => void): void {
    try {
      task();
    } catch (error) {
      this.#fault(error);
    }
  }

  #fault(error: unknown): void {
    this.#onFault(`The lamp cannot be used: ${error instanceof Error ? error.message : String(error)}.`);
  }
}
