// The interface of all LED drivers, and the error of LEDs and buttons. On a clean stop an LED is set to red: without a daemon it must not stay
// green.

import type { LedPattern } from '../../src/api/words.ts';

/** An open LED. */
export interface LedDriver {
  /** Shows a pattern until the next call; throws when the device refuses. */
  show(pattern: LedPattern): void;
  /** Whether it still shows this pattern, as far as the device can tell: another program may have changed it. Never throws. */
  holds(pattern: LedPattern): boolean;
  /** Leaves the LED red. Throws like `show`. */
  close(): void;
}

/** The LED or the button cannot be used; the message says why, one clause. */
export class LedError extends Error {
  readonly code = 'lamp';

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'LedError';
  }
}
