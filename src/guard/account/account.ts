// The frames of an incident whose fate is not known yet, and when it can be decided. Each frame that entered lan is paired with one
// that left wan. Frames without a partner are decided once both taps have read past them: without a partner on wan the frame was
// stopped, without a partner on lan the lan tap missed it.

import type { Observation } from '../observation.ts';

/** How far apart the taps may see one frame: it passes the box in microseconds, but clocks and delayed kernel threads add to that. Milliseconds. */
export const SKEW_MS = 5;
/** A frame's fate is decided so long after its arrival at the latest, whatever the taps have read by then. Milliseconds. */
export const DEADLINE_MS = 450;
/**
 * How far a reading tap may lag before frames that it has not reported count as not seen, milliseconds. A tap without a proof for so
 * long is blind (src/guard/canary/canary.ts).
 */
export const PATIENCE_MS = 3_000;
/** Frames that arrive within this are one slice, and share one fate. Milliseconds. */
const SLICE_MS = 50;
/** The skew for frames that were reported without names: their partner may be any frame of another incident's slice. Milliseconds. */
export const NAMELESS_SKEW_MS = SLICE_MS + SKEW_MS;

/** Frames that arrived close together: from `first` to `last`, both inclusive, monotonic milliseconds. */
export interface Slice {
  readonly first: number;
  last: number;
  frames: number;
  /** The ruleset lets them through even in block mode. */
  readonly crosses: boolean;
  /** Name of the kernel's counter for them. */
  readonly counter: string;
}

/** How far the taps have read when fates are decided. All times are monotonic milliseconds. */
export interface Sight {
  /** The moment of the decision. */
  readonly now: number;
  /** Everything that arrived before this has been read; -Infinity while the tap is not reading. */
  readonly lanRead: number;
  readonly wanRead: number;
  /** Since when the wan tap has been reading without interruption or loss; Infinity while it is not. */
  readonly wanSince: number;
  /** Whether the kernel dropped leaks during all of this time, both ends inclusive. */
  dropped(first: number, last: number): boolean;
}

/** `escaped` here is an assumption: frames that the wan tap saw leave are counted before. */
export type Fate = 'escaped' | 'blocked';

/** The open frames of one incident, each side oldest first. */
export class OpenFrames {
  #attempts: Slice[] = [];
  #escapes: Slice[] = [];

  /** Adds frames that the lan tap saw come in. */
  attempt(observation: Observation): void {
    add(this.#attempts, observation);
  }

  /** Adds frames that the wan tap saw leave. */
  escape(observation: Observation): void {
    add(this.#escapes, observation);
  }

  /** Frames by kernel counter that left and have no attempt yet; when the incident is written down they count as attempted. */
  get unpaired(): ReadonlyMap<string, number> {
    const sums = new Map<string, number>();
    if (this.#escapes.length === 0) return sums;
    const escapes = this.#escapes.map((slice) => ({ ...slice }));
    pairUp(
      this.#attempts.map((slice) => ({ ...slice })),
      escapes,
    );
    for (const { counter, frames } of escapes) sums.set(counter, (sums.get(counter) ?? 0) + frames);
    return sums;
  }

  /** Whether no frame of either side is open. */
  get empty(): boolean {
    return this.#attempts.length === 0 && this.#escapes.length === 0;
  }

  /** Arrival of the oldest open frame, monotonic milliseconds; Infinity without any. */
  get since(): number {
    return Math.min(this.#attempts[0]?.first ?? Infinity, this.#escapes[0]?.first ?? Infinity);
  }

  /** Arrival of the oldest open attempt, monotonic milliseconds; Infinity without any. */
  get attemptsSince(): number {
    return this.#attempts[0]?.first ?? Infinity;
  }

  /** Moves another incident's open frames here, which leaves that one empty. */
  join(other: OpenFrames): void {
    this.#attempts = joined(this.#attempts, other.#attempts);
    this.#escapes = joined(this.#escapes, other.#escapes);
    [other.#attempts, other.#escapes] = [[], []];
  }

  /** Removes frames that both taps have seen. */
  pair(): void {
    pairUp(this.#attempts, this.#escapes);
  }

  /** Removes at most `limit` attempts within `skew` milliseconds of the slice, oldest first; returns how many. */
  takeAttemptsNear(slice: Slice, limit: number, skew = NAMELESS_SKEW_MS): number {
    return takeFrames(this.#attempts, limit, slice, skew);
  }

  /** Removes at most `limit` escapes within `skew` milliseconds of the slice, oldest first; returns how many. */
  takeEscapesNear(slice: Slice, limit: number, skew = NAMELESS_SKEW_MS): number {
    return takeFrames(this.#escapes, limit, slice, skew);
  }

  /** Forgets frames that arrived before `at`, monotonic milliseconds. */
  forget(at: number): void {
    this.#attempts = this.#attempts.filter(({ last }) => last >= at);
    this.#escapes = this.#escapes.filter(({ last }) => last >= at);
  }

  /**
   * Removes and returns at most `limit` slices of escapes for which no attempt can come any more. They are counted as escaped already,
   * so a lan tap that lags may take its time.
   */
  takeEscapes(sight: Sight, limit = Infinity): Slice[] {
    const { now, lanRead } = sight;
    const isDue = ({ last }: Slice): boolean => lanRead >= last + SKEW_MS || now >= last + patienceOf(sight);
    return take(this.#escapes, isDue, limit);
  }

  /** Removes and returns the attempts for which no escape can come any more. */
  takeAttempts({ now, lanRead, wanRead }: Sight): Slice[] {
    const read = Math.min(lanRead, wanRead);
    return take(this.#attempts, ({ last }) => read >= last + SKEW_MS || now >= last + DEADLINE_MS);
  }

  /**
   * Removes and returns frames that the taps reported without names, after every frame with a name had its chance to find a partner
   * among them. What one side has left is then paired with what the other side has.
   */
  takeNameless(sight: Sight): { readonly attempts: Slice[]; readonly escapes: Slice[] } {
    const read = Math.min(sight.lanRead, sight.wanRead);
    const dueAfter =
      (patience: number) =>
      ({ last }: Slice): boolean =>
        read >= last + NAMELESS_SKEW_MS + SKEW_MS || sight.now >= last + patience + SKEW_MS;
    const attempts = take(this.#attempts, dueAfter(DEADLINE_MS));
    const escapes = take(this.#escapes, dueAfter(patienceOf(sight)));
    // The partner of a due frame may not be due yet.
    pairUp(attempts, escapes, NAMELESS_SKEW_MS);
    pairUp(attempts, this.#escapes, NAMELESS_SKEW_MS);
    pairUp(this.#attempts, escapes, NAMELESS_SKEW_MS);
    return { attempts, escapes };
  }
}

/** How long an escape waits for the lan tap to read past it, milliseconds: a tap that is not reading will not report it. */
function patienceOf({ lanRead }: Sight): number {
  return lanRead === -Infinity ? DEADLINE_MS : PATIENCE_MS;
}

/**
 * Whether the kernel took the frames for the tunnel's and let them through. A wan tap that has not seen the beginning of their
 * connection, because that was stopped, takes them for the tunnel's too and does not report them.
 */
export function passesAsTunnel({ crosses, counter }: Pick<Slice, 'crosses' | 'counter'>): boolean {
  return crosses && counter.startsWith('up_tunnel_');
}

/**
 * The fate of an attempt that has no escape: `blocked` where the wan tap read all the time and would have reported it, or where the kernel
 * dropped leaks all the time and the frame was one of them; else `escaped` is assumed.
 */
export function fateOf({ first, last, crosses }: Slice, sight: Sight): Fate {
  if (sight.wanSince <= first - SKEW_MS && sight.wanRead >= last + SKEW_MS) return 'blocked';
  return !crosses && sight.dropped(first, last) ? 'blocked' : 'escaped';
}

/** Both lists merged in order of time. Slices that are close together become one, so that an incident that many were folded into stays small. */
function joined(some: readonly Slice[], others: readonly Slice[]): Slice[] {
  if (others.length === 0) return [...some];
  const all: Slice[] = [];
  for (const slice of [...some, ...others].sort((a, b) => a.first - b.first)) add(all, slice);
  return all;
}

function add(slices: Slice[], { first, last, frames, crosses, counter }: Slice): void {
  const newest = slices.at(-1);
  const joins = newest?.crosses === crosses && newest.counter === counter;
  if (newest !== undefined && joins && first >= newest.first && last - newest.first <= SLICE_MS) {
    newest.frames += frames;
    newest.last = Math.max(newest.last, last);
  } else {
    slices.push({ first, last, frames, crosses, counter });
  }
}

/** Removes frames that are on both sides within `skew` milliseconds; both lists are in order of time. */
function pairUp(attempts: Slice[], escapes: Slice[], skew = SKEW_MS): void {
  for (let [a, e] = [0, 0]; ;) {
    const [attempt, escape] = [attempts[a], escapes[e]];
    if (attempt === undefined || escape === undefined) break;
    if (escape.last < attempt.first - skew) {
      e += 1;
    } else if (escape.first > attempt.last + skew) {
      a += 1;
    } else {
      const frames = Math.min(attempt.frames, escape.frames);
      attempt.frames -= frames;
      escape.frames -= frames;
      if (attempt.frames === 0) attempts.splice(a, 1);
      if (escape.frames === 0) escapes.splice(e, 1);
    }
  }
}

/** Removes at most `limit` frames within `skew` of `near`, oldest first; returns how many. */
function takeFrames(slices: Slice[], limit: number, near: Slice, skew: number): number {
  let left = limit;
  for (let index = 0; index < slices.length && left > 0;) {
    const slice = slices[index];
    if (slice === undefined) break;
    if (slice.first > near.last + skew) break;
    if (slice.last < near.first - skew) {
      index += 1;
      continue;
    }
    const part = Math.min(slice.frames, left);
    slice.frames -= part;
    left -= part;
    if (slice.frames === 0) slices.splice(index, 1);
    else index += 1;
  }
  return limit - left;
}

function take(slices: Slice[], isDue: (slice: Slice) => boolean, limit = Infinity): Slice[] {
  let count = 0;
  for (let slice = slices[0]; slice !== undefined && count < limit && isDue(slice); slice = slices[count])
    count += 1;
  return slices.splice(0, count);
}

/**
 * Records when the kernel dropped leaks and when it did not; moments in which it was being changed count as neither. Times are monotonic
 * milliseconds.
 */
export class ModeTimes {
  #changes: { readonly at: number; readonly drops: boolean }[] = [{ at: -Infinity, drops: false }];

  /** The kernel drops leaks, or does not, from `at` on. */
  become(drops: boolean, at: number): void {
    if (this.#changes.at(-1)?.drops === drops) return;
    this.#changes.push({ at, drops });
    // Nobody asks about times before the deadline, and a toggle takes longer than a millisecond.
    if (this.#changes.length > DEADLINE_MS) this.#changes.shift();
  }

  /** Whether the kernel dropped leaks during all of this time; for times long past, of which nothing is kept, false. */
  dropped(first: number, last: number): boolean {
    let drops = false;
    for (const change of this.#changes) {
      if (change.at <= first) drops = change.drops;
      else if (change.at <= last && !change.drops) return false;
    }
    return drops;
  }
}
