// Attempts whose fate was assumed because the wan tap lagged. If it reports them later, they are found here by their time, even when it
// had no room for their names. Without this the same frame would be in the book twice, as stopped and as escaped.

import { PATIENCE_MS, SKEW_MS } from './account.ts';
import type { Fate, Sight, Slice } from './account.ts';

/** Slices kept; in a flood the oldest are dropped. A frame that is not found here is in the book twice until the kernel's counters correct that. */
const SLICES = 1_024;

interface Doubtful<T> {
  of: T;
  readonly slice: Slice;
  readonly fate: Fate;
}

/** `T`: what the attempts belong to (an incident). */
export class AssumedFates<T> {
  #slices: Doubtful<T>[] = [];

  /** Remembers attempts whose fate was assumed. */
  add(of: T, slice: Slice, fate: Fate): void {
    this.#slices.push({ of, slice: { ...slice }, fate });
    if (this.#slices.length > SLICES) this.#slices.shift();
  }

  /**
   * Offers `take` at most `slice.frames` remembered frames of the same counter and time, oldest first; it returns how many it took.
   * `skewOf`: how far apart in time the two may be, milliseconds; undefined when they cannot be the same frames.
   */
  find(
    slice: Slice,
    skewOf: (of: T) => number | undefined,
    take: (of: T, fate: Fate, limit: number) => number,
  ): void {
    let left = slice.frames;
    for (const doubtful of this.#slices) {
      if (left === 0) break;
      const { first, last, counter, frames } = doubtful.slice;
      if (frames === 0 || counter !== slice.counter) continue;
      const skew = skewOf(doubtful.of);
      if (skew === undefined || slice.first > last + skew || slice.last < first - skew) continue;
      const taken = take(doubtful.of, doubtful.fate, Math.min(left, frames));
      doubtful.slice.frames -= taken;
      left -= taken;
    }
  }

  /** Everything that belonged to `from` belongs to `into` from now on. */
  move(from: T, into: T): void {
    for (const one of this.#slices) if (one.of === from) one.of = into;
  }

  /** Forgets everything that belongs to `of`. */
  forget(of: T): void {
    if (this.#slices.some((one) => one.of === of)) this.#slices = this.#slices.filter((one) => one.of !== of);
  }

  /** Forgets attempts that the wan tap has read past or can no longer report. `skew`: the widest one that `find` uses, milliseconds. */
  settle({ now, lanRead, wanRead }: Sight, skew: number): void {
    if (this.#slices.length === 0) return;
    // What the wan tap reported is paired only when the lan tap has read past it too.
    const read = Math.min(lanRead, wanRead);
    this.#slices = this.#slices.filter(
      ({ slice: { last, frames } }) =>
        frames > 0 && now < last + PATIENCE_MS && read < last + 2 * (skew + SKEW_MS),
    );
  }

  /** Forgets everything. */
  clear(): void {
    this.#slices = [];
  }
}
