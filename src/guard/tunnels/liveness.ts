// Whether a tunnel is alive, judged by the frames that the kernel counted in both directions. WireGuard whitepaper section 6.1: a session
// without traffic for 180 s (Reject-After-Time) is dead; silence alone is not an outage.

/** `up`: answers came; `stale`: none for minutes, or the client's frames go unanswered; `down`: none for ten minutes, or never. */
export type Liveness = 'up' | 'stale' | 'down';

/** Up if frames came from the server within this time, milliseconds. */
export const UP_MS = 180_000;
/** No longer up after this long without an answer to the client's frames, milliseconds. */
export const UNANSWERED_MS = 15_000;
/** That many frames must have gone unanswered as well: keepalives are never answered, and come every 25 s at most (section 6.5). */
export const UNANSWERED_FRAMES = 10;
/** An answer after this much silence means that the tunnel has come up. Milliseconds. */
const SILENT_MS = 30_000;
/** Down after this long without a frame from the server, milliseconds. */
export const STALE_MS = 600_000;

/** The liveness of one tunnel. */
export class TunnelLiveness {
  #up = 0;
  #down = 0;
  #lastDown: number | undefined;
  #lastUp: number | undefined;
  #unansweredSince: number | undefined;
  #unanswered = 0;
  #lastSeenWall: number | undefined;
  /** When the server last answered after a silence, which is as close as counters come to a handshake. Monotonic milliseconds; 0: never. */
  cameUpAt = 0;

  /** Takes the cumulative frame counts as read at `now`; a count below the last one means that the counter was reset. */
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

  /** Starts counting at these values: frames that were counted before are not a sign of life now. */
  baseline(up: number, down: number): void {
    this.#up = up;
    this.#down = down;
  }

  /** The liveness at monotonic milliseconds. */
  at(monotonic: number): Liveness {
    if (this.#lastDown === undefined) return 'down';
    const silent = monotonic - this.#lastDown;
    if (silent > STALE_MS) return 'down';
    const since = this.#unansweredSince;
    const unanswered =
      since !== undefined && monotonic - since > UNANSWERED_MS && this.#unanswered >= UNANSWERED_FRAMES;
    // The network can forge answers but not frames that enter lan: a client that never sends has no tunnel, whatever comes back.
    const asks = this.#lastUp !== undefined && monotonic - this.#lastUp <= UP_MS;
    return silent > UP_MS || unanswered || !asks ? 'stale' : 'up';
  }

  /** Wall clock of the last frame from the server, milliseconds since the epoch; undefined when there was none. */
  get lastSeen(): number | undefined {
    return this.#lastSeenWall;
  }
}
