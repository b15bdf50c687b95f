// Tests the LED: a short test that ends at once when the state changes. The tested pattern comes between two times of fast red flashing, so
// that nobody who sees only the LED takes it for the state.

import { LED_TEST_SECONDS } from '../../src/api/words.ts';
import type { LedPattern } from '../../src/api/words.ts';

/** The pattern before and after the tested one, and how long it is shown, milliseconds. */
const ANNOUNCED: LedPattern = 'red-flash';
const ANNOUNCE_MS = 1_500;
const SHOW_MS = LED_TEST_SECONDS * 1_000 - 2 * ANNOUNCE_MS;

/** What the test needs from the LED and the page. */
export interface LedTestParts {
  readonly show: (pattern: LedPattern) => void;
  /** Called with the pattern when a test begins, and undefined when it has ended. */
  readonly tell: (pattern: LedPattern | undefined) => void;
}

/** The LED between the state and its test; it shows the state unless a test runs. */
export class LedTest {
  readonly #parts: LedTestParts;
  #state: LedPattern | undefined;
  #step: NodeJS.Timeout | undefined;

  constructor(parts: LedTestParts) {
    this.#parts = parts;
  }

  /** Takes the state's pattern. A change of it ends a running test. */
  show(pattern: LedPattern): void {
    const hasChanged = pattern !== this.#state;
    this.#state = pattern;
    if (this.#step === undefined) this.#parts.show(pattern);
    else if (hasChanged) this.close();
  }

  /** Tests a pattern for LED_TEST_SECONDS in all; a second test replaces the first. */
  start(pattern: LedPattern): void {
    clearTimeout(this.#step);
    this.#parts.tell(pattern);
    this.#parts.show(ANNOUNCED);
    this.#step = setTimeout(() => {
      this.#parts.show(pattern);
      this.#step = setTimeout(() => {
        this.#parts.show(ANNOUNCED);
        this.#step = setTimeout(() => this.close(), ANNOUNCE_MS);
      }, SHOW_MS);
    }, ANNOUNCE_MS);
  }

  /** Ends a running test; the LED shows the state again. */
  close(): void {
    if (this.#step === undefined) return;
    clearTimeout(this.#step);
    this.#step = undefined;
    this.#parts.tell(undefined);
    if (this.#state !== undefined) this.#parts.show(this.#state);
  }
}
