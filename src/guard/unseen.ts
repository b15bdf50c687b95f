// Knows: how many leak frames the kernel counted that no tap looked at. Must not know: taps, kernel.
// DESIGN section 2, guarantee 4. A kernel reading is compared with a tap report that was closed, drained, after it:
// every frame of the reading has then either been read by the tap or is lost to it.

import { Monotone } from './counters.ts';

export class UnseenCount {
  readonly #kernel = new Monotone();
  readonly #tap = new Monotone();
  readonly #passed = new Monotone();
  #pending: { readonly at: number; readonly total: number; readonly passed: number } | undefined;
  #passedBefore = 0;
  total = 0;
  /** Part of `total` that may have been let through: as many as the kernel let pass meanwhile, seen ones included. */
  escaped = 0;

  /** Cumulative kernel counts, read at monotonic `at`: frames that entered lan, and leaks that were let through. */
  kernel(at: number, frames: number, passed: number): void {
    this.#kernel.to(frames);
    this.#passed.to(passed);
    this.#pending ??= { at, total: this.#kernel.total, passed: this.#passed.total };
  }

  /** Counting goes on from counts that were read before this process started: what came in between is unseen. */
  resume(frames: number, passed: number): void {
    this.#kernel.to(frames);
    this.#passed.to(passed);
  }

  tapStarted(): void {
    this.#tap.restart();
  }

  /** A tap's cumulative count in a report closed at `at`; `drained` as in TapReport. */
  tap(at: number, frames: number, drained: boolean): void {
    this.#tap.to(frames);
    if (!drained || this.#pending === undefined || at < this.#pending.at) return;
    const grown = Math.max(0, this.#pending.total - this.#tap.total - this.total);
    this.total += grown;
    this.escaped += Math.min(grown, this.#pending.passed - this.#passedBefore);
    this.#passedBefore = this.#pending.passed;
    this.#pending = undefined;
  }
}
