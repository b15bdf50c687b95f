// Knows: the lamp as the daemon drives it, and the drivers there are. Must not know: why a pattern is shown.
// DESIGN section 7 (Lamp). A lamp that nobody refreshes must not stay green: on a clean stop it is set to red.

import type { LampConfig } from '../../src/policy/policy.ts';
import type { Lamp } from '../../src/guard/status.ts';
import { FileLamp } from './file-lamp.ts';

export interface LampDriver {
  /** Shows a pattern until the next call; throws when the device refuses. */
  show(pattern: Lamp): void;
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

const NO_LAMP: LampDriver = { show: () => undefined, close: () => undefined };

export function openLamp(config: LampConfig): LampDriver {
  switch (config.driver) {
    case 'none':
      return NO_LAMP;
    case 'file':
      return new FileLamp(config.path);
    case 'leds':
    case 'gpio':
      throw new LampError(`the lamp driver ${config.driver} is not part of this version: use file or none`);
  }
}
