// Knows: which drivers there are. Must not know: why a pattern is shown.
// Follows README.md, The light.

import type { LedConfig } from '../../src/policy/policy.ts';
import { Blinker } from './blinker.ts';
import type { LedDriver } from './driver.ts';
import { FileLed } from './file-led.ts';
import { machinePins } from './gpio.ts';
import type { Pins } from './gpio.ts';
import { KernelLight } from './kernel-led.ts';
import { TwoLights } from './two-leds.ts';

/** Where lights are; tests have their own. */
export interface LedPlaces {
  readonly leds: string;
  readonly pins: () => Pins;
}

const MACHINE: LedPlaces = { leds: '/sys/class/leds', pins: machinePins };
const NO_LED: LedDriver = { show: () => undefined, holds: () => true, close: () => undefined };

/** Throws LampError when it is not there; an LED that is a file is below `runtimeDir`; `onFault` hears of what goes wrong later, between two patterns. */
export function openLed(
  config: LedConfig,
  runtimeDir: string,
  onFault: (error: unknown) => void = () => undefined,
  { leds, pins }: LedPlaces = MACHINE,
): LedDriver {
  switch (config.driver) {
    case 'none':
      return NO_LED;
    case 'file':
      return new FileLed(config.path, runtimeDir);
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
