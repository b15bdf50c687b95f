// Opens the LED of a policy with its driver (README.md, The light).

import type { LedConfig } from '../../src/policy/policy.ts';
import { Blinker } from './blinker.ts';
import type { LedDriver } from './driver.ts';
import { FileLed } from './file-led.ts';
import { machinePins } from './gpio.ts';
import type { Pins } from './gpio.ts';
import { KernelLed } from './kernel-led.ts';
import { RedGreenLed } from './two-leds.ts';

/** Where LEDs and pins are found; tests have their own. `leds`: /sys/class/leds or a copy. */
export interface LedPlaces {
  readonly leds: string;
  readonly pins: () => Pins;
}

const MACHINE: LedPlaces = { leds: '/sys/class/leds', pins: machinePins };
const NO_LED: LedDriver = { show: () => undefined, holds: () => true, close: () => undefined };

/**
 * Opens the LED of a policy. The driver `none` shows nothing and always agrees. LED files are below `runtimeDir`; `onFault` gets later
 * errors, while it blinks. Throws LedError when the LED cannot be opened.
 */
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
      return new RedGreenLed(
        new KernelLed(leds, config.red, onFault),
        new KernelLed(leds, config.green, onFault),
      );
    case 'gpio': {
      const board = pins();
      // Red until a pattern is shown.
      const [red, green] = [board.output(config.red, true), board.output(config.green, false)];
      return new RedGreenLed(
        new Blinker(red.set.bind(red), onFault),
        new Blinker(green.set.bind(green), onFault),
      );
    }
  }
}
