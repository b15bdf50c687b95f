// Knows: which silences of tunnels have changed since they were last written down. Must not know: where they are written.

import type { Gap } from './gaps.ts';

/** Looking is cheap, writing is not: at most once in so long, milliseconds. */
const PAUSE_MS = 1_000;

export class GapNotes {
  /** By tunnel and last frame, as it was written. */
  #written = new Map<string, { readonly gap: Gap; readonly text: string }>();
  #at = -Infinity;

  /** What is to be written of `gaps`, which are all that the guard tells of now; `wall` and `monotonic` in milliseconds. */
  take(gaps: readonly Gap[], now: { readonly wall: number; readonly monotonic: number }): Gap[] {
    if (now.monotonic - this.#at < PAUSE_MS) return [];
    this.#at = now.monotonic;
    const before = this.#written;
    this.#written = new Map(
      gaps.map((gap) => [`${gap.tunnel} ${gap.lastFrame.until}`, { gap, text: JSON.stringify(gap) }]),
    );
    const changed = [...this.#written].filter(([key, { text }]) => before.get(key)?.text !== text);
    const lost = [...before].filter(([key, { gap }]) => gap.back === undefined && !this.#written.has(key));
    // A policy that is replaced ends the watch of its tunnels.
    return [
      ...changed.map(([, { gap }]) => gap),
      ...lost.map(([, { gap }]) => ({ ...gap, unwatched: now.wall })),
    ];
  }
}
