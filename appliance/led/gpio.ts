// Knows: the pins of a Raspberry Pi by their Broadcom numbers, as the `onoff` package drives them. Must not know: what hangs on them.
// Follows Documentation/ABI/obsolete/sysfs-gpio. Chips are numbered from 512 on today's kernels: the one of the header is
// found by its label, and its base is added.

import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Gpio } from 'onoff';

import { LedError } from './driver.ts';

/** A pin that is written. */
interface OutputPin {
  set(lit: boolean): void;
}

/** A pin that is read: true while the button is down. */
export interface InputPin {
  watch(listener: (down: boolean) => void): void;
  close(): void;
}

export interface Pins {
  output(pin: number, lit: boolean): OutputPin;
  input(pin: number): InputPin;
}

const ROOT = '/sys/class/gpio';
/** bcm2835, bcm2711 and rp1: the chips behind the 40-pin header. */
const HEADER = /^pinctrl-(?:bcm|rp1)/;

/** The number that the kernel has for a Broadcom pin; throws LampError when this kernel has no such chip. */
export function pinNumber(pin: number, root = ROOT): number {
  for (const chip of listed(root).filter((name) => name.startsWith('gpiochip'))) {
    const say = (file: string): string => readFileSync(join(root, chip, file), 'latin1').trim();
    if (!HEADER.test(say('label'))) continue;
    if (pin >= Number(say('ngpio'))) throw new LedError(`${say('label')} has no pin ${pin}`);
    return Number(say('base')) + pin;
  }
  throw new LedError(
    `${root} has no chip of a Raspberry Pi's header: use the driver leds, with gpio-leds in the device tree`,
  );
}

function listed(root: string): readonly string[] {
  try {
    return readdirSync(root).sort();
  } catch {
    return [];
  }
}

/** Pins of this machine. Nothing is given back at the end: a light stays as it was set. */
export function machinePins(): Pins {
  // Loaded only where there are pins: the package waits on a native module.
  const onoff = createRequire(import.meta.url)('onoff') as { Gpio: typeof Gpio };
  const open = <T>(pin: number, task: (number: number) => T): T => {
    const number = pinNumber(pin);
    try {
      return task(number);
    } catch (error) {
      throw new LedError(`pin ${pin} cannot be had`, error);
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
