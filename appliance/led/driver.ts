// Knows: what every LED can do, and how it or its button fails. Must not know: any LED.
// An LED that nobody refreshes must not stay green: on a clean stop it is set to red.

import type { LedPattern } from '../../src/api/words.ts';

export interface LedDriver {
  /** Shows a pattern until the next call; throws when the device refuses. */
  show(pattern: LedPattern): void;
  /** Whether it still shows it, as far as the device can be asked: another hand may have been at it. */
  holds(pattern: LedPattern): boolean;
  /** Leaves the LED red: nobody watches any more. */
  close(): void;
}

export class LedError extends Error {
  readonly code = 'lamp';

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'LampError';
  }
}
