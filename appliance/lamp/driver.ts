// Knows: what every lamp can do, and how it or its button fails. Must not know: any lamp.
// A lamp that nobody refreshes must not stay green: on a clean stop it is set to red.

import type { Lamp } from '../../src/api/words.ts';

export interface LampDriver {
  /** Shows a pattern until the next call; throws when the device refuses. */
  show(pattern: Lamp): void;
  /** Whether it still shows it, as far as the device can be asked: another hand may have been at it. */
  holds(pattern: Lamp): boolean;
  /** Leaves the lamp red: nobody watches any more. */
  close(): void;
}

export class LampError extends Error {
  readonly code = 'lamp';

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'LampError';
  }
}
