// Notices when the wall clock is set, by comparing it with the monotonic clock. A small box has no battery-backed clock: the time may jump
// by decades when it is set.

import type { Now } from '../../src/guard/now.ts';

/** Clocks drift, and time sources adjust them; a larger difference at once is a jump. Milliseconds. */
const TOLERANCE_MS = 5_000;

/** A jump of the wall clock: the time it would have shown, and the time it shows. Milliseconds since the epoch. */
export interface ClockJump {
  readonly from: number;
  readonly to: number;
}

/** Watches the wall clock. */
export class WallClock {
  #last: Now | undefined;

  /**
   * Takes both clocks (milliseconds); returns the jump of the wall clock since the last call, if there was one of more than TOLERANCE_MS.
   * Undefined otherwise, and at the first call.
   */
  look(now: Now): ClockJump | undefined {
    const last = this.#last;
    this.#last = now;
    if (last === undefined) return undefined;
    const expected = Math.round(last.wall + now.monotonic - last.monotonic);
    return Math.abs(now.wall - expected) > TOLERANCE_MS ? { from: expected, to: now.wall } : undefined;
  }
}

/**
 * A clock jump as a sentence for people, with both times in ISO 8601. `shownTime`: redacts a wall-clock time (milliseconds) as privacy
 * requires.
 */
export function clockJumpText(
  { from, to }: ClockJump,
  shownTime: (wall: number) => number = (time) => time,
): string {
  const [before, after] = [from, to].map((wall) => new Date(shownTime(wall)).toISOString());
  return `The clock was set from ${before ?? ''} to ${after ?? ''}: times in the history from before and after this change cannot be compared.`;
}
