// Knows: when a tunnel is alive, judged by frames the kernel counted in both directions. Must not know: where counts come from.
// WireGuard whitepaper section 6.1: a session without traffic for 180 s (Reject-After-Time) is dead; silence alone is not an outage.

export type Liveness = 'up' | 'stale' | 'down';

/** Frames from the server within this time: up. Milliseconds. */
export const UP_MS = 180_000;
/** Asking without an answer for this long: no longer up, whatever was seen before. Milliseconds. */
export const UNANSWERED_MS = 15_000;
/** So many frames must have gone unanswered: keepalives are never answered, and come every 25 s at most (section 6.5). */
export const UNANSWERED_FRAMES = 10;
/** An answer after this much silence is a tunnel that comes up. Milliseconds. */
const SILENT_MS = 30_000;
/** Nothing for this long: down. Milliseconds. */
export const STALE_MS = 600_000;

export class TunnelLiveness {
  #up = 0;
  #down = 0;
  #lastDown: number | undefined;
  #lastUp: number | undefined;
  #unansweredSince: number | undefined;
  #unanswered = 0;
  #lastSeenWall: number | undefined;
  /** When the server last answered after a silence: the nearest that counters come to a handshake. Monotonic milliseconds. */
  cameUpAt = 0;

  /** Takes the cumulative frame counts as read at `now`; a count below the last one means that the counter started anew. */
  read(up: number, down: number, now: { readonly wall: number; readonly monotonic: number }): void {
    const answered = down !== this.#down;
    const asked = up >= this.#up ? up - this.#up : up;
    if (asked > 0) this.#lastUp = now.monotonic;
    this.#up = up;
    this.#down = down;
    if (answered && down > 0) {
      if (now.monotonic - (this.#lastDown ?? -Infinity) > SILENT_MS) this.cameUpAt = now.monotonic;
      this.#lastDown = now.monotonic;
      this.#unansweredSince = undefined;
      this.#unanswered = 0;
      this.#lastSeenWall = now.wall;
    } else if (asked > 0) {
      this.#unansweredSince ??= now.monotonic;
      this.#unanswered += asked;
    }
  }

  /** Takes the first counts as where counting starts: what was counted before is no sign of life now. */
  baseline(up: number, down: number): void {
    this.#up = up;
    this.#down = down;
  }

  at(monotonic: number): Liveness {
    if (this.#lastDown === undefined) return 'down';
    const silent = monotonic - this.#lastDown;
    if (silent > STALE_MS) return 'down';
    const since = this.#unansweredSince;
    const unanswered =
      since !== undefined && monotonic - since > UNANSWERED_MS && this.#unanswered >= UNANSWERED_FRAMES;
    // The network can forge answers, but not what enters lan: who never asks has no tunnel, whatever comes back.
    const asks = this.#lastUp !== undefined && monotonic - this.#lastUp <= UP_MS;
    return silent > UP_MS || unanswered || !asks ? 'stale' : 'up';
  }

  /** Wall clock of the last frame from the server, milliseconds since the epoch. */
  get lastSeen(): number | undefined {
    return this.#lastSeenWall;
  }
}
