// Knows: an LED made of a red and a green light, or of one that has both. Must not know: how either is lit.
// Which way doubt errs: red is lit before green is put out, and green only after red is dark.

import type { LedPattern } from '../../src/api/words.ts';
import type { LedDriver } from './driver.ts';
import { PATTERNS } from './patterns.ts';
import type { Light } from './patterns.ts';

export interface OneLight {
  show(light: Light): void;
  /** As far as it can be asked. */
  holds(light: Light): boolean;
}

export class TwoLights implements LedDriver {
  readonly #red: OneLight;
  readonly #green: OneLight;

  constructor(red: OneLight, green: OneLight) {
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
