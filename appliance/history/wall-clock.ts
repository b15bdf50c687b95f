// Knows: when the wall clock was set, by holding it against the monotonic one. Must not know: who sets it, what is timed by it.
// A small box has no battery for its clock: it may jump by decades when the network tells it the time.

import type { Now } from '../../src/guard/now.ts';

/** Clocks drift apart, and time servers nudge them; more than this at once is a jump. Milliseconds. */
const TOLERANCE_MS = 5_000;

export interface ClockJump {
  /** What the clock said last, and what it said then: wall clock, milliseconds. */
  readonly from: number;
  readonly to: number;
}

export class WallClock {
  #last: Now | undefined;

  /** Takes both clocks; what happened to the wall clock since the last call, if more than time passed. */
  look(now: Now): ClockJump | undefined {
    const last = this.#last;
    this.#last = now;
    if (last === undefined) return undefined;
    const expected = Math.round(last.wall + now.monotonic - last.monotonic);
    return Math.abs(now.wall - expected) > TOLERANCE_MS ? { from: expected, to: now.wall } : undefined;
  }
}

/** For people; `shownTime`: what may be told of a time. */
export function jumpWords(
  { from, to }: ClockJump,
  shownTime: (wall: number) => number = (time) => time,
): string {
  const [before, after] = [from, to].map((wall) => new Date(shownTime(wall)).toISOString());
  return `The clock was set from ${before ?? ''} to ${after ?? ''}: what is older and what is newer than that stands at different times in the history.`;
}
