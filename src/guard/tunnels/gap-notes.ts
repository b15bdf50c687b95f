// Finds the gaps that have changed since they were last written to the history.

import type { Gap } from './gaps.ts';

/** Shortest time between two writes, milliseconds. */
const PAUSE_MS = 1_000;

/** Remembers what was last written of each gap. */
export class GapNotes {
  /** By tunnel and last frame, the gap as it was written. */
  #written = new Map<string, { readonly gap: Gap; readonly text: string }>();
  #at = -Infinity;

  /**
   * Those of the guard's current `gaps` that have to be written, and those that it no longer watches. Looks at most once a second, and
   * returns none in between. `wall` and `monotonic` in milliseconds.
   */
  take(gaps: readonly Gap[], now: { readonly wall: number; readonly monotonic: number }): Gap[] {
    if (now.monotonic - this.#at < PAUSE_MS) return [];
    this.#at = now.monotonic;
    const before = this.#written;
    this.#written = new Map(
      gaps.map((gap) => [`${gap.tunnel} ${gap.lastFrame.until}`, { gap, text: JSON.stringify(gap) }]),
    );
    const changed = [...this.#written].filter(([key, { text }]) => before.get(key)?.text !== text);
    const lost = [...before].filter(([key, { gap }]) => gap.back === undefined && !this.#written.has(key));
    // A new policy ends the monitoring of the old policy's tunnels.
    return [
      ...changed.map(([, { gap }]) => gap),
      ...lost.map(([, { gap }]) => ({ ...gap, unwatched: now.wall })),
    ];
  }
}
