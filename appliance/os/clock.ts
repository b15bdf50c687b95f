// The machine's clocks. All processes share CLOCK_MONOTONIC, so its values can be compared between them; those of performance.now() cannot.

import { performance } from 'node:perf_hooks';

/** Two readings this close together were not interrupted, milliseconds. */
const CLOSE_MS = 0.005;
const TRIES = 200;

/**
 * What must be added to `other` to get `clock`, milliseconds. If the process were suspended between the two readings, it would be off by that
 * for its whole life, and report frames from before the rules were loaded as breaches: so the closest of many pairs is used.
 */
export function offsetBetween(clock: () => number, other: () => number): number {
  let [closest, offset] = [Infinity, 0];
  for (let n = 0; n < TRIES && closest > CLOSE_MS; n += 1) {
    const before = other();
    const value = clock();
    const after = other();
    if (after - before >= closest) continue;
    closest = after - before;
    offset = value - (before + after) / 2;
  }
  return offset;
}

function hrtimeMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

const OFFSET = offsetBetween(hrtimeMs, () => performance.now());

/**
 * CLOCK_MONOTONIC (clock_gettime(2)), milliseconds since boot with fractions; comparable between all processes of this boot. It stands
 * still while the machine sleeps.
 */
export function monotonicMs(): number {
  return performance.now() + OFFSET;
}

/** Both clocks, milliseconds: `wall` since the epoch, whole and possibly set at any time; `monotonic` as `monotonicMs`. */
export function now(): { readonly wall: number; readonly monotonic: number } {
  return { wall: Date.now(), monotonic: monotonicMs() };
}
