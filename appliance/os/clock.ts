// Knows: the machine's clocks. Must not know: what is timed.
// Every process of the box shares CLOCK_MONOTONIC, so its values may be compared between them; performance.now() alone may not.

import { performance } from 'node:perf_hooks';

/** Two clocks that are read this close together were not held up in between, milliseconds. */
const CLOSE_MS = 0.005;
const TRIES = 200;

/**
 * What has to be added to the second clock to get the first. A process that loses its processor between the two readings would
 * be that far off for as long as it lives, and call what left before the rules stood a breach: of many tries the closest counts.
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

/** CLOCK_MONOTONIC in milliseconds; the same in all processes since boot. */
export function monotonicMs(): number {
  return performance.now() + OFFSET;
}

export function now(): { readonly wall: number; readonly monotonic: number } {
  return { wall: Date.now(), monotonic: monotonicMs() };
}
