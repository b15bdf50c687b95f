// The status LED as a red and a green LED, or one LED of both colours. When in doubt, red: it is lit before green is put out, and green only
// after red is dark.

import type { LedPattern } from '../../src/api/words.ts';
import type { LedDriver } from './driver.ts';
import { PATTERNS } from './patterns.ts';
import type { LedMode } from './patterns.ts';

/** One LED of one colour. */
export interface SingleLed {
  /** Throws when the device refuses. */
  show(mode: LedMode): void;
  /** Whether it still is in this mode, as far as the device can tell. */
  holds(mode: LedMode): boolean;
}

/** Both LEDs together; methods throw what the single LEDs throw. */
export class RedGreenLed implements LedDriver {
  readonly #red: SingleLed;
  readonly #green: SingleLed;

  constructor(red: SingleLed, green: SingleLed) {
    this.#red = red;
    this.#green = green;
  }

  show(pattern: LedPattern): void {
    const { red, green } = PATTERNS[pattern];
    this.#red.show(red);
    this.#green.show(green);
  }

  holds(pattern: LedPattern): boolean {
    const { red, green } = PATTERNS[pattern];
    return this.#red.holds(red) && this.#green.holds(green);
  }

  close(): void {
    this.show('red');
  }
}
