// Checks that an LED that is tried out is announced, ends by itself, and never hides news of the wire. Time is vitest's.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { LedTest } from '../../../appliance/led/led-test.ts';
import { LED_TEST_SECONDS } from '../../../src/api/words.ts';

let shown: string[];
let told: (string | undefined)[];
let lamp: LedTest;

beforeEach(() => {
  vi.useFakeTimers();
  shown = [];
  told = [];
  lamp = new LedTest({ show: (pattern) => shown.push(pattern), tell: (pattern) => told.push(pattern) });
  lamp.show('red');
});
afterEach(() => {
  vi.useRealTimers();
});

describe('an LED that is tried out', () => {
  it('flashes red before and after the pattern, and shows the state again by itself', () => {
    lamp.start('green');
    expect(told).toEqual(['green']);
    vi.advanceTimersByTime(LED_TEST_SECONDS * 1000);
    expect(shown).toEqual(['red', 'red-flash', 'green', 'red-flash', 'red']);
    expect(told).toEqual(['green', undefined]);
  });

  it('speaks of the wire at once when the state changes, and not of the same state again', () => {
    lamp.start('green');
    vi.advanceTimersByTime(2_000);
    lamp.show('red');
    expect(shown.at(-1)).toBe('green');
    lamp.show('red-flash');
    expect(shown.at(-1)).toBe('red-flash');
    vi.advanceTimersByTime(60_000);
    expect(shown.at(-1)).toBe('red-flash');
    expect(told).toEqual(['green', undefined]);
  });

  it('takes a second test in place of the first', () => {
    lamp.start('green');
    vi.advanceTimersByTime(2_000);
    lamp.start('alternating');
    vi.advanceTimersByTime(2_000);
    expect(shown.at(-1)).toBe('alternating');
    vi.advanceTimersByTime(60_000);
    expect(shown.at(-1)).toBe('red');
    lamp.close();
    expect(told).toEqual(['green', 'alternating', undefined]);
  });
});
