// Divides a range of time into equal intervals, each with its state, tunnel, block mode, pass and counts. An interval shows the most
// alarming thing that was true in it.

import type { Timeline, TimelineBucket, TimelineState, TimelineTunnel } from '../../api/past.ts';

/** What was true from `at` (wall clock, milliseconds) until the next change. */
export interface StateChange {
  readonly at: number;
  readonly state: TimelineState;
  readonly tunnel: TimelineTunnel;
  readonly blockMode: boolean;
  readonly pass: boolean;
}

/** Leak frames by severity and fate, and those that no tap saw. */
export interface Tally {
  readonly redEscaped: number;
  readonly redBlocked: number;
  readonly amberEscaped: number;
  readonly amberBlocked: number;
  readonly unseen: number;
}

/** The counts of the interval that begins at `at` (wall clock, milliseconds). */
export interface TallyAt extends Tally {
  readonly at: number;
}

/** All counts zero. */
export const NO_TALLY: Tally = { redEscaped: 0, redBlocked: 0, amberEscaped: 0, amberBlocked: 0, unseen: 0 };

/** From harmless to alarming. */
export const TIMELINE_STATES: readonly TimelineState[] = [
  ...(['clear', 'blocked', 'idle', 'setup', 'pass', 'starting', 'off', 'blind'] as const),
  ...(['leaking', 'breach'] as const),
];
/** From harmless to alarming. */
export const TIMELINE_TUNNELS: readonly TimelineTunnel[] = ['none', 'up', 'quiet', 'trying', 'down'];

function worseState(one: TimelineState, other: TimelineState): TimelineState {
  return TIMELINE_STATES.indexOf(one) >= TIMELINE_STATES.indexOf(other) ? one : other;
}

/** The more alarming of two tunnel states. */
export function worseTunnel(one: TimelineTunnel, other: TimelineTunnel): TimelineTunnel {
  return TIMELINE_TUNNELS.indexOf(one) >= TIMELINE_TUNNELS.indexOf(other) ? one : other;
}

/** Two changes merged into one: time and block mode of the later, the worse of both states, and a pass if either had one. */
export function joined(earlier: StateChange, later: StateChange): StateChange {
  const state = worseState(earlier.state, later.state);
  const tunnel = worseTunnel(earlier.tunnel, later.tunnel);
  return { ...later, state, tunnel, pass: earlier.pass || later.pass };
}

/** The sum of both. */
export function addTally(one: Tally, other: Tally): Tally {
  return {
    redEscaped: one.redEscaped + other.redEscaped,
    redBlocked: one.redBlocked + other.redBlocked,
    amberEscaped: one.amberEscaped + other.amberEscaped,
    amberBlocked: one.amberBlocked + other.amberBlocked,
    unseen: one.unseen + other.unseen,
  };
}

/** Whether all counts are zero. */
export function isEmpty(tally: Tally): boolean {
  return Object.values(tally).every((count) => count === 0);
}

/**
 * Equal intervals from `from` to `to` (wall clock, milliseconds), each from its start to before the next. `changes` are in order; one
 * before `from` is what was true at `from`, without it the box was off. Intervals after `now` are off. A tally outside the range counts in
 * the interval next to it.
 */
export function timelineOf(
  range: { readonly from: number; readonly to: number; readonly buckets: number },
  changes: readonly StateChange[],
  tallies: readonly TallyAt[],
  now: number,
): Timeline {
  const { from, to } = range;
  const width = (to - from) / range.buckets;
  const counted = Array.from({ length: range.buckets }, () => NO_TALLY);
  for (const tally of tallies) {
    const index = Math.floor((tally.at - from) / width);
    const held = counted[Math.min(range.buckets - 1, Math.max(0, index))];
    if (held !== undefined) counted[Math.min(range.buckets - 1, Math.max(0, index))] = addTally(held, tally);
  }
  const walk = new ChangeWalk(changes);
  const buckets = counted.map((tally, index): TimelineBucket => {
    const start = from + index * width;
    const { redEscaped, redBlocked, amberEscaped, amberBlocked, unseen } = tally;
    const seen = start > now ? OFF : walk.between(start, start + width);
    return {
      from: new Date(start).toISOString(),
      ...seen,
      redEscaped,
      redBlocked,
      amberEscaped,
      amberBlocked,
      unseen,
    };
  });
  const iso = (wall: number): string => new Date(wall).toISOString();
  return { from: iso(from), to: iso(to), bucketSeconds: width / 1_000, buckets };
}

type Seen = Pick<TimelineBucket, 'state' | 'tunnel' | 'block' | 'pass'>;
const OFF: Seen = { state: 'off', tunnel: 'none', block: 'off', pass: false };

/** Walks through the changes once; call `between` for one interval after the other. */
class ChangeWalk {
  readonly #changes: readonly StateChange[];
  #next = 0;
  #held: StateChange | undefined;

  constructor(changes: readonly StateChange[]) {
    this.#changes = changes;
  }

  between(start: number, end: number): Seen {
    let worst: Seen | undefined;
    for (;;) {
      const next = this.#changes[this.#next];
      if (next !== undefined && next.at <= start) {
        this.#held = next;
        this.#next += 1;
        continue;
      }
      worst ??= seenOf(this.#held);
      if (next === undefined || next.at >= end) return worst;
      this.#held = next;
      this.#next += 1;
      const now = seenOf(next);
      worst = {
        state: worseState(worst.state, now.state),
        tunnel: worseTunnel(worst.tunnel, now.tunnel),
        block: worst.block === now.block ? now.block : 'changed',
        pass: worst.pass || now.pass,
      };
    }
  }
}

function seenOf(change: StateChange | undefined): Seen {
  if (change === undefined) return OFF;
  const { state, tunnel, blockMode, pass } = change;
  return { state, tunnel, block: blockMode ? 'on' : 'off', pass };
}
