// Knows: how an LED is tried out without lying: announced, short, and ended at once by news. Must not know: any LED, states.
// A pattern that is only tried stands between two fast red flashes: who looks across the room must not take it for the state.

import { LED_TEST_SECONDS } from '../../src/api/words.ts';
import type { LedPattern } from '../../src/api/words.ts';

/** What the test shows first and last, and for how long, milliseconds. */
const ANNOUNCED: LedPattern = 'red-flash';
const ANNOUNCE_MS = 1_500;
const SHOW_MS = LED_TEST_SECONDS * 1_000 - 2 * ANNOUNCE_MS;

export interface LedTestParts {
  readonly show: (pattern: LedPattern) => void;
  /** Says that a test runs, and that it has ended. */
  readonly tell: (pattern: LedPattern | undefined) => void;
}

export class LedTest {
  readonly #parts: LedTestParts;
  #state: LedPattern | undefined;
  #step: NodeJS.Timeout | undefined;

  constructor(parts: LedTestParts) {
    this.#parts = parts;
  }

  /** The state's own pattern. Another one than before ends a test: the wire comes first. */
  show(pattern: LedPattern): void {
    const news = pattern !== this.#state;
    this.#state = pattern;
    if (this.#step === undefined) this.#parts.show(pattern);
    else if (news) this.close();
  }

  /** Tries a pattern; a second test takes the place of the first. */
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

  /** Ends a test, if one runs: the LED shows the state again. */
  close(): void {
    if (this.#step === undefined) return;
    clearTimeout(this.#step);
    this.#step = undefined;
    this.#parts.tell(undefined);
    if (this.#state !== undefined) this.#parts.show(this.#state);
  }
}
