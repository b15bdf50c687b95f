// Knows: the machine's clocks. Must not know: what is timed.
// Every process of the box shares CLOCK_MONOTONIC, so its values may be compared between them; performance.now() alone may not.

import { performance } from 'node:perf_hooks';

const [seconds, nanoseconds] = process.hrtime();
const OFFSET = seconds * 1e3 + nanoseconds / 1e6 - performance.now();

/** CLOCK_MONOTONIC in milliseconds; the same in all processes since boot. */
export function monotonicMs(): number {
  return performance.now() + OFFSET;
}

export function now(): { readonly wall: number; readonly monotonic: number } {
  return { wall: Date.now(), monotonic: monotonicMs() };
}
