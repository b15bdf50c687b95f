// What presses mean, however a contact bounces.

import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { BoxButton } from '../../../appliance/daemon/box-button.ts';
import { Button } from '../../../appliance/led/button.ts';
import type { Pins } from '../../../appliance/led/gpio.ts';

let heard: string[] = [];
const listening = (): Button =>
  new Button({ press: () => void heard.push('press'), hold: () => void heard.push('hold') });

beforeEach(() => {
  heard = [];
  vi.useFakeTimers();
});
afterEach(() => void vi.useRealTimers());

/** Levels as `milliseconds level`, one after another. */
function play(button: Button, levels: readonly (readonly [ms: number, down: boolean])[]): void {
  for (const [ms, down] of levels) {
    button.level(down);
    vi.advanceTimersByTime(ms);
  }
}

it('hears one press, though the contact bounces', () => {
  const bouncing = [3, 2, 5, 1].flatMap((ms) => [[ms, true] as const, [ms, false] as const]);
  play(listening(), [[100, false], ...bouncing, [200, true], ...bouncing, [100, false]]);
  expect(heard).toEqual(['press']);
});

it('takes no spark for a press', () => {
  play(listening(), [
    [100, false],
    [20, true],
    [1_000, false],
  ]);
  expect(heard).toEqual([]);
});

it('hears three seconds while they last, once, and no press after them', () => {
  const button = listening();
  play(button, [
    [100, false],
    [2_990, true],
  ]);
  expect(heard).toEqual([]);
  vi.advanceTimersByTime(20);
  expect(heard).toEqual(['hold']);
  vi.advanceTimersByTime(60_000);
  play(button, [[1_000, false]]);
  expect(heard).toEqual(['hold']);
});

it('says nothing of a button that is down from the start until it was let go', () => {
  const button = listening();
  play(button, [[10_000, true]]);
  expect(heard).toEqual([]);
});

it('acknowledges, and switches block mode to what it is not', async () => {
  let say: (down: boolean) => void = () => undefined;
  let closed = 0;
  const pins: Pins = {
    output: () => ({ set: () => undefined }),
    input: (pin) => ({ watch: (listener) => (say = listener), close: () => (closed += pin) }),
  };
  const asked: string[] = [];
  const warned: string[] = [];
  const box = {
    status: () => ({ blockMode: true }),
    acknowledge: (id: string) => asked.push(id),
    setBlockMode: (on: boolean) => {
      asked.push(String(on));
      return Promise.reject(new Error('the kernel refused'));
    },
  };
  const warnings = {
    set: (topic: string, text: string) => warned.push(`${topic}: ${text}`),
    clear: () => undefined,
  };
  const button = new BoxButton(box, warnings, () => pins);
  button.open({ driver: 'gpio', red: 17, green: 27, button: 22 });
  for (const [ms, down] of [
    [50, false],
    [100, true],
    [50, false],
    [3_100, true],
  ] as const) {
    say(down);
    await vi.advanceTimersByTimeAsync(ms);
  }
  expect(asked).toEqual(['all', 'false']);
  expect(warned).toEqual(['button: The button could not switch block mode: the kernel refused.']);
  button.open({ driver: 'none' });
  expect(closed).toBe(22);
});
