// Knows: how many leak frames the kernel counted that no tap looked at. Must not know: taps, kernel.
// DESIGN section 2, guarantee 4. A kernel reading is compared with a tap report that was closed, drained, after it:
// every frame of the reading has then either been read by the tap or is lost to it.

import { Monotone } from './counters.ts';

export class UnseenCount {
  readonly #kernel = new Monotone();
  readonly #tap = new Monotone();
  #pending: { readonly at: number; readonly total: number } | undefined;
  total = 0;

  /** A cumulative kernel count, read at monotonic `at`. */
  kernel(at: number, frames: number): void {
    this.#kernel.to(frames);
    this.#pending ??= { at, total: this.#kernel.total };
  }

  /** Counting goes on from a count that was read before this process started: what came in between is unseen. */
  resume(frames: number): void {
    this.#kernel.to(frames);
  }

  tapStarted(): void {
    this.#tap.restart();
  }

  /** A tap's cumulative count in a report closed at `at`; `drained` as in TapReport. */
  tap(at: number, frames: number, drained: boolean): void {
    this.#tap.to(frames);
    if (!drained || this.#pending === undefined || at < this.#pending.at) return;
    this.total = Math.max(this.total, this.#pending.total - this.#tap.total);
    this.#pending = undefined;
  }
}
