// Attempts whose fate was given in doubt because the wan tap was behind: should it tell of them yet, they are found here by their time,
// whatever name it had room for. Without this the same frame would be in the book as stopped and as escaped.

import { PATIENCE_MS, SKEW_MS } from './account.ts';
import type { Fate, Sight, Slice } from './account.ts';

/** The oldest give way to what a flood brings: what is not found here is in the book twice until the kernel's counters say so. */
const SLICES = 1_024;

interface Doubtful<T> {
  of: T;
  readonly slice: Slice;
  readonly fate: Fate;
}

/** `T`: what the attempts are part of. */
export class GivenUp<T> {
  #slices: Doubtful<T>[] = [];

  add(of: T, slice: Slice, fate: Fate): void {
    this.#slices.push({ of, slice: { ...slice }, fate });
    if (this.#slices.length > SLICES) this.#slices.shift();
  }

  /**
   * Hands at most `slice.frames` frames of the same counter and time, oldest first, to `take`, which says how many of them it took.
   * `skew`: how far apart both sides may be, milliseconds; undefined where they have nothing in common.
   */
  find(
    slice: Slice,
    skewOf: (of: T) => number | undefined,
    take: (of: T, fate: Fate, most: number) => number,
  ): void {
    let left = slice.frames;
    for (const one of this.#slices) {
      if (left === 0) break;
      const { first, last, counter, frames } = one.slice;
      if (frames === 0 || counter !== slice.counter) continue;
      const skew = skewOf(one.of);
      if (skew === undefined || slice.first > last + skew || slice.last < first - skew) continue;
      const taken = take(one.of, one.fate, Math.min(left, frames));
      one.slice.frames -= taken;
      left -= taken;
    }
  }

  /** What belonged to one belongs to the other. */
  move(from: T, into: T): void {
    for (const one of this.#slices) if (one.of === from) one.of = into;
  }

  /** It is gone, with all doubts about it. */
  forget(of: T): void {
    if (this.#slices.some((one) => one.of === of)) this.#slices = this.#slices.filter((one) => one.of !== of);
  }

  /** Forgets what the wan tap has read past, or will not tell any more. `skew`: the widest that is looked with, milliseconds. */
  settle({ now, lanRead, wanRead }: Sight, skew: number): void {
    if (this.#slices.length === 0) return;
    // What it has told is paired when lan has been read past it, too.
    const read = Math.min(lanRead, wanRead);
    this.#slices = this.#slices.filter(
      ({ slice: { last, frames } }) =>
        frames > 0 && now < last + PATIENCE_MS && read < last + 2 * (skew + SKEW_MS),
    );
  }

  clear(): void {
    this.#slices = [];
  }
}
