// Knows: which drivers there are. Must not know: why a pattern is shown.
// Follows README.md, The light.

import type { LampConfig } from '../../src/policy/policy.ts';
import { Blinker } from './blinker.ts';
import type { LampDriver } from './driver.ts';
import { FileLamp } from './file-lamp.ts';
import { machinePins } from './gpio.ts';
import type { Pins } from './gpio.ts';
import { KernelLight } from './kernel-light.ts';
import { TwoLights } from './two-lights.ts';

/** Where lights are; tests have their own. */
export interface LampPlaces {
  readonly leds: string;
  readonly pins: () => Pins;
}

const MACHINE: LampPlaces = { leds: '/sys/class/leds', pins: machinePins };
const NO_LAMP: LampDriver = { show: () => undefined, holds: () => true, close: () => undefined };

/** Throws LampError when it is not there; a lamp that is a file is below `runtimeDir`; `onFault` hears of what goes wrong later, between two patterns. */
export function openLamp(
  config: LampConfig,
  runtimeDir: string,
  onFault: (error: unknown) => void = () => undefined,
  { leds, pins }: LampPlaces = MACHINE,
): LampDriver {
  switch (config.driver) {
    case 'none':
      return NO_LAMP;
    case 'file':
      return new FileLamp(config.path, runtimeDir);
    case 'leds':
      return new TwoLights(
        new KernelLight(leds, config.red, onFault),
        new KernelLight(leds, config.green, onFault),
      );
    case 'gpio': {
      const board = pins();
      // Red until somebody says otherwise.
      const [red, green] = [board.output(config.red, true), board.output(config.green, false)];
      return new TwoLights(
        new Blinker(red.set.bind(red), onFault),
        new Blinker(green.set.bind(green), onFault),
      );
    }
  }
}
