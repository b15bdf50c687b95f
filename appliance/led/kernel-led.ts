// Knows: one light of the kernel's LED class, and which of its triggers can blink it. Must not know: patterns' names, states.
// Follows Documentation/leds/leds-class.rst and Documentation/ABI/testing/sysfs-class-led{,-trigger-pattern}. A trigger goes on
// without this process: a light that blinks says nothing about who is alive, which is why units turn it red.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Blinker } from './blinker.ts';
import { LedError } from './driver.ts';
import type { Blink, Light } from './patterns.ts';

export class KernelLight {
  readonly #folder: string;
  readonly #brightest: string;
  readonly #triggers: readonly string[];
  readonly #blinker: Blinker;

  /** Throws LampError when there is no such light. `root` is /sys/class/leds or a copy. */
  constructor(root: string, name: string, onFault: (error: unknown) => void) {
    this.#folder = join(root, name);
    if (!existsSync(join(this.#folder, 'brightness')))
      throw new LedError(`there is no light ${name} in ${root}`);
    this.#brightest = read(join(this.#folder, 'max_brightness')) ?? '1';
    // `none [timer] pattern`: the one in brackets is on.
    this.#triggers = (read(join(this.#folder, 'trigger')) ?? '').replace(/[[\]]/g, '').split(/\s+/);
    this.#blinker = new Blinker((lit) => {
      this.#write('brightness', lit ? this.#brightest : '0');
    }, onFault);
  }

  /** Throws LampError when the kernel refuses. */
  show(light: Light): void {
    const trigger = light === 'on' || light === 'off' ? 'none' : this.#triggerFor(light);
    // Whatever blinked before ends with this, and the light is dark.
    if (this.#triggers.includes(trigger)) this.#write('trigger', trigger);
    if (light !== 'on' && light !== 'off' && trigger !== 'none') {
      this.#blinker.show('off');
      this.#byTrigger(trigger, light);
    } else {
      this.#blinker.show(light);
    }
  }

  /** Whether brightness and trigger are as they were set; where this process blinks by itself, its timers tell. */
  holds(light: Light): boolean {
    const steady = light === 'on' || light === 'off';
    const trigger = steady ? 'none' : this.#triggerFor(light);
    const active = /\[([^\]]+)\]/.exec(read(join(this.#folder, 'trigger')) ?? '')?.[1] ?? 'none';
    if (active !== trigger) return false;
    if (!steady) return true;
    const lit = Number(read(join(this.#folder, 'brightness')) ?? NaN);
    return light === 'on' ? lit === Number(this.#brightest) : lit === 0;
  }

  /** The timer always starts lit; the pattern can start dark. */
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
    // Brightness and time in turn; a step of no time between two of them keeps the kernel from fading.
    const [lit, dark] = [`${this.#brightest} ${on} ${this.#brightest} 0`, `0 ${off} 0 0`];
    this.#write('pattern', startsLit ? `${lit} ${dark}` : `${dark} ${lit}`);
  }

  #write(file: string, value: string): void {
    try {
      writeFileSync(join(this.#folder, file), value);
    } catch (error) {
      throw new LedError(`${join(this.#folder, file)} does not take ${value}`, error);
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
