// Knows: which drivers there are. Must not know: why a pattern is shown.
// DESIGN section 7 (Lamp).

import type { LampConfig } from '../../src/policy/policy.ts';
import type { LampDriver } from './driver.ts';
import { FileLamp } from './file-lamp.ts';

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
