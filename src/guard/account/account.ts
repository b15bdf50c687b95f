// Knows: which frames of an incident have no known fate yet, and when one may be decided. Must not know: incidents, kernel, taps.
// Each frame that entered lan is paired with one that left wan. What is left over when both taps have read past it is decided:
// without a partner on wan it was stopped, without one on lan the lan tap missed it.

import type { Observation } from '../observation.ts';

/** A frame passes the box in microseconds; the taps' clocks and a held-up kernel thread may add to that. Milliseconds. */
export const SKEW_MS = 5;
/** A frame is decided so long after it came at the latest, whatever the taps have read by then. Milliseconds. */
export const DEADLINE_MS = 450;
/**
 * So long a tap that reads may be behind before what it has not told of is taken for what it has not seen. Milliseconds. A tap without
 * a proof for so long is blind (src/guard/canary/canary.ts).
 */
export const PATIENCE_MS = 3_000;
/** Frames that came within this are one slice: a fate is decided slice by slice. Milliseconds. */
const SLICE_MS = 50;
/** Of frames that were told without names: within a slice of another incident, which of its frames was the partner is not known. Milliseconds. */
export const NAMELESS_SKEW_MS = SLICE_MS + SKEW_MS;

/** Frames that came close together; times are monotonic milliseconds. */
export interface Slice {
  readonly first: number;
  last: number;
  frames: number;
  /** The ruleset lets them pass even in block mode. */
  readonly crosses: boolean;
  /** The kernel's counter for them. */
  readonly counter: string;
}

/** What can be said about the wire at the moment of deciding. */
export interface Sight {
  /** Monotonic milliseconds. */
  readonly now: number;
  /** Everything that came before this has been read; -Infinity while the tap does not read. */
  readonly lanRead: number;
  readonly wanRead: number;
  /** Since when the wan tap has read without a break or a loss; Infinity while it does not. */
  readonly wanSince: number;
  /** Whether the kernel dropped leaks during all of this time. */
  dropped(first: number, last: number): boolean;
}

/** `escaped` is said in doubt: of what wan saw leave it is known. */
export type Fate = 'escaped' | 'blocked';

/** The open frames of one incident, each side oldest first. */
export class OpenFrames {
  #attempts: Slice[] = [];
  #escapes: Slice[] = [];

  attempt(observation: Observation): void {
    add(this.#attempts, observation);
  }

  escape(observation: Observation): void {
    add(this.#escapes, observation);
  }

  /** Frames that left and have no attempt yet: whoever writes the incident down counts them as attempted. By the kernel's counter. */
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

  get empty(): boolean {
    return this.#attempts.length === 0 && this.#escapes.length === 0;
  }

  /** When the oldest of them came; Infinity without any. */
  get since(): number {
    return Math.min(this.#attempts[0]?.first ?? Infinity, this.#escapes[0]?.first ?? Infinity);
  }

  /** When the oldest attempt among them came; Infinity without any. */
  get attemptsSince(): number {
    return this.#attempts[0]?.first ?? Infinity;
  }

  /** Takes on what another incident had open. */
  join(other: OpenFrames): void {
    this.#attempts = joined(this.#attempts, other.#attempts);
    this.#escapes = joined(this.#escapes, other.#escapes);
    [other.#attempts, other.#escapes] = [[], []];
  }

  /** Pairs what both taps have seen. */
  pair(): void {
    pairUp(this.#attempts, this.#escapes);
  }

  /** Takes out at most so many attempts that came in the time of the slice, oldest first; how many. */
  takeAttemptsNear(slice: Slice, most: number, skew = NAMELESS_SKEW_MS): number {
    return takeFrames(this.#attempts, most, slice, skew);
  }

  takeEscapesNear(slice: Slice, most: number, skew = NAMELESS_SKEW_MS): number {
    return takeFrames(this.#escapes, most, slice, skew);
  }

  /** Nothing that came before `at` is waited for. */
  forget(at: number): void {
    this.#attempts = this.#attempts.filter(({ last }) => last >= at);
    this.#escapes = this.#escapes.filter(({ last }) => last >= at);
  }

  /** Escapes that no attempt will come for any more. That they left is told already: a lan tap that is behind has its time. */
  takeEscapes(sight: Sight, most = Infinity): Slice[] {
    const { now, lanRead } = sight;
    const isDue = ({ last }: Slice): boolean => lanRead >= last + SKEW_MS || now >= last + patienceOf(sight);
    return take(this.#escapes, isDue, most);
  }

  /** Attempts that no escape will come for any more. */
  takeAttempts({ now, lanRead, wanRead }: Sight): Slice[] {
    const read = Math.min(lanRead, wanRead);
    return take(this.#attempts, ({ last }) => read >= last + SKEW_MS || now >= last + DEADLINE_MS);
  }

  /**
   * Both sides of what taps told without names, once every frame with a name has had its turn to find a partner among them: then what is
   * left of one side is what the other has.
   */
  takeNameless(sight: Sight): { readonly attempts: Slice[]; readonly escapes: Slice[] } {
    const read = Math.min(sight.lanRead, sight.wanRead);
    const dueAfter =
      (patience: number) =>
      ({ last }: Slice): boolean =>
        read >= last + NAMELESS_SKEW_MS + SKEW_MS || sight.now >= last + patience + SKEW_MS;
    const attempts = take(this.#attempts, dueAfter(DEADLINE_MS));
    const escapes = take(this.#escapes, dueAfter(patienceOf(sight)));
    // What is not due on one side may be the partner of what is due on the other.
    pairUp(attempts, escapes, NAMELESS_SKEW_MS);
    pairUp(attempts, this.#escapes, NAMELESS_SKEW_MS);
    pairUp(this.#attempts, escapes, NAMELESS_SKEW_MS);
    return { attempts, escapes };
  }
}

/** How long an escape waits for a lan tap that has not read past it: one that does not read will not tell of it. */
function patienceOf({ lanRead }: Sight): number {
  return lanRead === -Infinity ? DEADLINE_MS : PATIENCE_MS;
}

/**
 * Whether the kernel has taken it for the tunnel and let it through. A wan tap that has not seen the beginning of its
 * connection, because that was stopped, takes it for the tunnel too and tells of nothing.
 */
export function passesAsTunnel({ crosses, counter }: Pick<Slice, 'crosses' | 'counter'>): boolean {
  return crosses && counter.startsWith('up_tunnel_');
}

/** Of an attempt that has no escape. */
export function fateOf({ first, last, crosses }: Slice, sight: Sight): Fate {
  if (sight.wanSince <= first - SKEW_MS && sight.wanRead >= last + SKEW_MS) return 'blocked';
  return !crosses && sight.dropped(first, last) ? 'blocked' : 'escaped';
}

/** Both are in order of time; what came together is one slice, so that what many have been joined into stays small. */
function joined(some: readonly Slice[], others: readonly Slice[]): Slice[] {
  if (others.length === 0) return [...some];
  const all: Slice[] = [];
  for (const slice of [...some, ...others].sort((one, another) => one.first - another.first)) add(all, slice);
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

/** Both sides are in order of time; what has no partner of its own time stays. */
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

/** Takes out at most so many frames, oldest first, of the slices in the time of `near`; how many. */
function takeFrames(slices: Slice[], most: number, near: Slice, skew: number): number {
  let left = most;
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
  return most - left;
}

function take(slices: Slice[], isDue: (slice: Slice) => boolean, most = Infinity): Slice[] {
  let count = 0;
  for (let slice = slices[0]; slice !== undefined && count < most && isDue(slice); slice = slices[count])
    count += 1;
  return slices.splice(0, count);
}

/** When the kernel dropped leaks, and when it did not: a moment in which it was being changed is neither. */
export class ModeTimes {
  #changes: { readonly at: number; readonly drops: boolean }[] = [{ at: -Infinity, drops: false }];

  /** From `at` on, monotonic milliseconds. */
  become(drops: boolean, at: number): void {
    if (this.#changes.at(-1)?.drops === drops) return;
    this.#changes.push({ at, drops });
    // Nothing older than the deadline is asked about; a toggle takes longer than a millisecond.
    if (this.#changes.length > DEADLINE_MS) this.#changes.shift();
  }

  dropped(first: number, last: number): boolean {
    let drops = false;
    for (const change of this.#changes) {
      if (change.at <= first) drops = change.drops;
      else if (change.at <= last && !change.drops) return false;
    }
    return drops;
  }
}
