// How often a password may be guessed.

import { describe, expect, it } from 'vitest';

import { LoginThrottle, THROTTLE_LIMITS } from '../../../web/owner/login-throttle.ts';

const { free, firstMs, longestMs, forgetMs, budget, refillMs } = THROTTLE_LIMITS;

function atHand(): { readonly throttle: LoginThrottle; readonly pass: (ms: number) => void } {
  let now = 0;
  return { throttle: new LoginThrottle(() => now), pass: (ms) => void (now += ms) };
}

describe('one source', () => {
  it('has some tries free, then waits twice as long each time, and never longer than the longest', () => {
    const { throttle, pass } = atHand();
    const waits: number[] = [];
    for (let count = 1; count <= free + 12; count += 1) {
      expect(throttle.admit('a', true)).toBe(0);
      if (count < free) continue;
      const wait = throttle.admit('a', true);
      waits.push(wait);
      pass(wait);
    }
    expect(waits.slice(0, 4)).toEqual([1, 2, 4, 8].map((times) => times * firstMs));
    expect(waits.at(-1)).toBe(longestMs);
  });

  it('begins anew after it has been right, or away', () => {
    const { throttle, pass } = atHand();
    for (let count = 0; count < free; count += 1) expect(throttle.admit('a', true)).toBe(0);
    expect(throttle.admit('a', true)).toBe(firstMs);
    throttle.succeeded('a');
    for (let count = 0; count < free; count += 1) expect(throttle.admit('a', true)).toBe(0);
    pass(forgetMs + 1);
    for (let count = 0; count < free; count += 1) expect(throttle.admit('a', true)).toBe(0);
  });
});

describe('all strangers together', () => {
  it('have a budget that refills, whatever address each pretends to have', () => {
    const { throttle, pass } = atHand();
    const tries = Array.from({ length: 1000 }, (_, source) => throttle.admit(`s${source}`, false));
    expect(tries.filter((wait) => wait === 0)).toHaveLength(budget);
    expect(new Set(tries.slice(budget))).toEqual(new Set([refillMs]));
    pass(refillMs);
    expect(throttle.admit('late', false)).toBe(0);
    expect(throttle.admit('later', false)).toBe(refillMs);
  });

  it('do not keep out a browser that has been in before', () => {
    const { throttle } = atHand();
    for (let source = 0; source < 1000; source += 1) throttle.admit(`s${source}`, false);
    expect(throttle.admit('browser', true)).toBe(0);
  });
});
