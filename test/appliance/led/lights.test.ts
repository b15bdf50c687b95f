// What the LED's lights must do for each pattern, with the kernel's help and without. The kernel's LED class is a folder of files; pins are
// a record of what was written to them.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { pinNumber } from '../../../appliance/led/gpio.ts';
import type { Pins } from '../../../appliance/led/gpio.ts';
import { openLed } from '../../../appliance/led/led.ts';
import { PATTERNS } from '../../../appliance/led/patterns.ts';
import { LED_PATTERNS } from '../../../src/api/words.ts';

const CONFIG = { driver: 'leds', red: 'RED', green: 'GREEN' } as const;
const FILES = ['brightness', 'delay_on', 'delay_off', 'pattern'] as const;
let root = '';

function putLight(name: string, triggers: string): void {
  mkdirSync(join(root, name), { recursive: true });
  for (const file of FILES) writeFileSync(join(root, name, file), '');
  writeFileSync(join(root, name, 'max_brightness'), '255\n');
  writeFileSync(join(root, name, 'trigger'), triggers);
}

const say = (name: string, file: string): string => readFileSync(join(root, name, file), 'utf8');
const noPins = (): Pins => {
  throw new Error('no pins here');
};
const lamp = (onFault?: (error: unknown) => void) =>
  openLed(CONFIG, root, onFault, { leds: root, pins: noPins });

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'leakguard-leds-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(root, { recursive: true, force: true });
});

describe('patterns', () => {
  it('can all be told apart by when something is lit, whatever its colour', () => {
    const rhythms = LED_PATTERNS.map((name) => JSON.stringify([PATTERNS[name].red, PATTERNS[name].green]));
    expect(new Set(rhythms).size).toBe(LED_PATTERNS.length);
    const steady = LED_PATTERNS.filter((name) =>
      Object.values(PATTERNS[name]).every((light) => typeof light === 'string'),
    );
    // Two lights in two places, or one light that says red only when something got out.
    expect(steady).toEqual(['green', 'red']);
  });
});

describe('lights of the kernel', () => {
  it('are lit steadily without a trigger', () => {
    for (const name of ['RED', 'GREEN']) putLight(name, '[none] timer pattern mmc0');
    const driver = lamp();
    driver.show('green');
    expect([say('RED', 'brightness'), say('GREEN', 'brightness')]).toEqual(['0', '255']);
    driver.close();
    expect([say('RED', 'brightness'), say('GREEN', 'brightness')]).toEqual(['255', '0']);
    expect([say('RED', 'trigger'), say('GREEN', 'trigger')]).toEqual(['none', 'none']);
  });

  it('blink by the kernel, so that this process need not', () => {
    for (const name of ['RED', 'GREEN']) putLight(name, 'none timer [mmc0]');
    lamp().show('red-flash');
    expect([say('RED', 'trigger'), say('RED', 'delay_on'), say('RED', 'delay_off')]).toEqual([
      'timer',
      '125',
      '125',
    ]);
    expect(say('GREEN', 'brightness')).toBe('0');
  });

  it('alternate by a pattern that begins dark', () => {
    for (const name of ['RED', 'GREEN']) putLight(name, '[none] timer pattern');
    lamp().show('alternating');
    expect([say('RED', 'trigger'), say('GREEN', 'trigger')]).toEqual(['timer', 'pattern']);
    expect(say('GREEN', 'pattern')).toBe('0 500 0 0 255 500 255 0');
  });

  it('are blinked from here where the kernel cannot, and no longer than asked for', () => {
    vi.useFakeTimers();
    for (const name of ['RED', 'GREEN']) putLight(name, '[none]');
    const driver = lamp();
    driver.show('amber');
    const seen = [0, 1, 2].map(() => {
      const now = say('GREEN', 'brightness');
      vi.advanceTimersByTime(1_000);
      return now;
    });
    expect(seen).toEqual(['255', '0', '255']);
    driver.show('red');
    vi.advanceTimersByTime(5_000);
    expect([say('RED', 'brightness'), say('GREEN', 'brightness')]).toEqual(['255', '0']);
  });

  it('that are not there are a fault at once, and those that go away one later', () => {
    expect(() => lamp()).toThrow('there is no LED RED');
    vi.useFakeTimers();
    for (const name of ['RED', 'GREEN']) putLight(name, '[none]');
    const faults: unknown[] = [];
    const driver = lamp((error) => faults.push(error));
    driver.show('red-flash');
    rmSync(join(root, 'RED'), { recursive: true });
    vi.advanceTimersByTime(1_000);
    expect(String(faults[0])).toContain('RED/brightness does not accept 0');
    expect(faults).toHaveLength(1);
    expect(() => driver.show('green')).toThrow('does not accept');
  });
});

describe('lights on pins', () => {
  const gpio = { driver: 'gpio', red: 17, green: 27 } as const;

  it('are red from the first moment, and never both for a steady pattern', () => {
    const written: string[] = [];
    const pins: Pins = {
      output: (pin, lit) => {
        written.push(`${pin}=${lit ? 1 : 0}`);
        return { set: (on) => void written.push(`${pin}=${on ? 1 : 0}`) };
      },
      input: () => ({ watch: () => undefined, close: () => undefined }),
    };
    const driver = openLed(gpio, root, undefined, { leds: root, pins: () => pins });
    expect(written).toEqual(['17=1', '27=0']);
    driver.show('green');
    driver.close();
    // Green is lit only after red is dark, and put out only after red is lit.
    expect(written.slice(2)).toEqual(['17=0', '27=1', '17=1', '27=0']);
  });

  it('are numbered from where the chip of the header begins', () => {
    const chip = (name: string, label: string, base: number, ngpio: number): void => {
      mkdirSync(join(root, name));
      const values = { label, base: String(base), ngpio: String(ngpio) };
      for (const [file, value] of Object.entries(values)) writeFileSync(join(root, name, file), `${value}\n`);
    };
    expect(() => pinNumber(17, root)).toThrow('no GPIO chip of a Raspberry Pi');
    chip('gpiochip504', 'raspberrypi-exp-gpio', 504, 8);
    chip('gpiochip512', 'pinctrl-bcm2711', 512, 58);
    expect(pinNumber(17, root)).toBe(529);
    expect(() => pinNumber(60, root)).toThrow('pinctrl-bcm2711 has no pin 60');
    expect(() => pinNumber(17, join(root, 'nowhere'))).toThrow('use the driver leds');
  });
});
