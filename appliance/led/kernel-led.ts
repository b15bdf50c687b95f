// One LED of the kernel's LED class (Documentation/leds/leds-class.rst, Documentation/ABI/testing/sysfs-class-led{,-trigger-pattern}), blinked
// by a kernel trigger where possible. A trigger continues without this process, so a blinking LED does not show that anything is alive:
// systemd units turn it red.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Blinker } from './blinker.ts';
import { LedError } from './driver.ts';
import type { Blink, LedMode } from './patterns.ts';

/** One LED in /sys/class/leds, driven until the next call. */
export class KernelLed {
  readonly #folder: string;
  readonly #maxBrightness: string;
  readonly #triggers: readonly string[];
  readonly #blinker: Blinker;

  /** Throws LedError when there is no such LED. `root` is /sys/class/leds or a copy; `onFault` gets errors while blinking. */
  constructor(root: string, name: string, onFault: (error: unknown) => void) {
    this.#folder = join(root, name);
    if (!existsSync(join(this.#folder, 'brightness')))
      throw new LedError(`there is no LED ${name} in ${root}`);
    this.#maxBrightness = read(join(this.#folder, 'max_brightness')) ?? '1';
    // For example `none [timer] pattern`: the one in brackets is active.
    this.#triggers = (read(join(this.#folder, 'trigger')) ?? '').replace(/[[\]]/g, '').split(/\s+/);
    this.#blinker = new Blinker((lit) => {
      this.#write('brightness', lit ? this.#maxBrightness : '0');
    }, onFault);
  }

  /** Lights, darkens or blinks it. Throws LedError when the kernel refuses. */
  show(mode: LedMode): void {
    const trigger = mode === 'on' || mode === 'off' ? 'none' : this.#triggerFor(mode);
    // This ends the previous blinking and leaves the LED off.
    if (this.#triggers.includes(trigger)) this.#write('trigger', trigger);
    if (mode !== 'on' && mode !== 'off' && trigger !== 'none') {
      this.#blinker.show('off');
      this.#byTrigger(trigger, mode);
    } else {
      this.#blinker.show(mode);
    }
  }

  /**
   * Whether brightness and trigger are as they were set. When this process blinks the LED, only the trigger is checked. A file that cannot
   * be read counts as changed. Never throws.
   */
  holds(mode: LedMode): boolean {
    const steady = mode === 'on' || mode === 'off';
    const trigger = steady ? 'none' : this.#triggerFor(mode);
    const active = /\[([^\]]+)\]/.exec(read(join(this.#folder, 'trigger')) ?? '')?.[1] ?? 'none';
    if (active !== trigger) return false;
    if (!steady) return true;
    const lit = Number(read(join(this.#folder, 'brightness')) ?? NaN);
    return mode === 'on' ? lit === Number(this.#maxBrightness) : lit === 0;
  }

  /** The timer trigger always starts lit; the pattern trigger can start dark. */
  #triggerFor({ startsLit }: Blink): string {
    const able = startsLit ? ['timer', 'pattern'] : ['pattern'];
    return able.find((name) => this.#triggers.includes(name)) ?? 'none';
  }

  #byTrigger(trigger: string, { on, off, startsLit }: Blink): void {
    if (trigger === 'timer') {
      this.#write('trigger', 'timer');
      this.#write('delay_on', String(on));
      this.#write('delay_off', String(off));
      return;
    }
    this.#write('trigger', 'pattern');
    // Pairs of brightness and milliseconds; a step of 0 ms in between keeps the kernel from fading.
    const [lit, dark] = [`${this.#maxBrightness} ${on} ${this.#maxBrightness} 0`, `0 ${off} 0 0`];
    this.#write('pattern', startsLit ? `${lit} ${dark}` : `${dark} ${lit}`);
  }

  #write(file: string, value: string): void {
    try {
      writeFileSync(join(this.#folder, file), value);
    } catch (error) {
      throw new LedError(`${join(this.#folder, file)} does not accept ${value}`, error);
    }
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1').trim();
  } catch {
    return undefined;
  }
}
