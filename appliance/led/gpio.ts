// GPIO pins of a Raspberry Pi by their Broadcom numbers, driven with the `onoff` package (Documentation/ABI/obsolete/sysfs-gpio). Today's
// kernels number pins from 512, so the header's chip is found by its label and its base is added.

import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Gpio } from 'onoff';

import { LedError } from './driver.ts';

/** A pin that drives an LED. */
interface OutputPin {
  set(lit: boolean): void;
}

/** A pin with a button. */
export interface InputPin {
  /** Calls `listener` now and at every change; `down`: the button is pressed. */
  watch(listener: (down: boolean) => void): void;
  /** Calls the listener no more; the pin stays exported. */
  close(): void;
}

/** Opens pins by their Broadcom numbers; both methods throw LedError. */
export interface Pins {
  /** Drives a pin; `lit`: its first level, high or low. */
  output(pin: number, lit: boolean): OutputPin;
  input(pin: number): InputPin;
}

const ROOT = '/sys/class/gpio';
/** bcm2835, bcm2711 and rp1: the chips behind the 40-pin header. */
const HEADER = /^pinctrl-(?:bcm|rp1)/;

/**
 * The kernel's number of a Broadcom pin: the base of the header's chip plus `pin` (Documentation/ABI/obsolete/sysfs-gpio). Throws LedError
 * when there is no such pin or chip, and file system errors. `root` is /sys/class/gpio or a copy.
 */
export function pinNumber(pin: number, root = ROOT): number {
  for (const chip of listed(root).filter((name) => name.startsWith('gpiochip'))) {
    const read = (file: string): string => readFileSync(join(root, chip, file), 'latin1').trim();
    if (!HEADER.test(read('label'))) continue;
    if (pin >= Number(read('ngpio'))) throw new LedError(`${read('label')} has no pin ${pin}`);
    return Number(read('base')) + pin;
  }
  throw new LedError(
    `${root} has no GPIO chip of a Raspberry Pi: use the driver leds, with gpio-leds in the device tree`,
  );
}

function listed(root: string): readonly string[] {
  try {
    return readdirSync(root).sort();
  } catch {
    return [];
  }
}

/**
 * The pins of this machine. Outputs are never released: an LED stays as it was set. Both methods of the result throw LedError; this throws
 * when the package `onoff` is not installed.
 */
export function machinePins(): Pins {
  // Loaded only where it is used, because it loads a native module.
  const onoff = createRequire(import.meta.url)('onoff') as { Gpio: typeof Gpio };
  const open = <T>(pin: number, task: (number: number) => T): T => {
    const number = pinNumber(pin);
    try {
      return task(number);
    } catch (error) {
      throw new LedError(`pin ${pin} cannot be opened`, error);
    }
  };
  return {
    output: (pin, lit) => {
      const line = open(pin, (number) => new onoff.Gpio(number, lit ? 'high' : 'low'));
      return {
        set: (on) => {
          line.writeSync(on ? 1 : 0);
        },
      };
    },
    input: (pin) => {
      // The button connects the pin to ground: down is low.
      const line = open(pin, (number) => new onoff.Gpio(number, 'in', 'both', { activeLow: true }));
      return {
        watch: (listener) => {
          listener(line.readSync() === 1);
          line.watch(() => {
            listener(line.readSync() === 1);
          });
        },
        close: () => {
          line.unwatchAll();
        },
      };
    },
  };
}
