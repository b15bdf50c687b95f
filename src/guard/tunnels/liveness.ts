// Whether a tunnel is alive, judged by the frames that the kernel counted in both directions and by the handshakes that a tap saw begin.
// This is the only owner of that state: page, command line, LED, timeline and gaps (gaps.ts) all derive theirs from it.
//
// Silence alone proves nothing: a server does not answer keepalives (WireGuard white paper section 6.5; RFC 3948 section 2.3). What proves
// that nobody answers is a client that its own protocol makes ask again, or frames that its protocol would have answered long ago.

import type { TunnelProtocol } from '../../flow/kinds.ts';

/**
 * `up`: the server was heard a moment ago · `quiet`: connected, the client only keeps it open · `trying`: the client sends and nobody
 * answers · `down`: nothing that shows a connection.
 */
export type Liveness = 'up' | 'quiet' | 'trying' | 'down';

/** Whether the tunnel is connected. */
export function isAlive(state: Liveness): boolean {
  return state === 'up' || state === 'quiet';
}

/** `up` if the server was heard within this time, else at most `quiet`; longer than a usual keepalive interval. Milliseconds. */
export const UP_MS = 60_000;
/** WireGuard white paper section 6.1: without a frame for so long (Reject-After-Time) a session is over. Milliseconds. */
export const IDLE_MS = 180_000;
/** Rekey-Timeout: after so long without an answer WireGuard begins its handshake again. Milliseconds. */
const REKEY_TIMEOUT_MS = 5_000;
/** Handshakes that were begun without an answer, and the time since the first, that prove that nobody answers. */
const ATTEMPTS = 3;
const ATTEMPTS_MS = 2 * REKEY_TIMEOUT_MS - 1_000;
/**
 * Frames beyond the keepalives, and the time since the first, that prove it as well: what carries data is answered within seconds, by
 * WireGuard within Keepalive-Timeout + Rekey-Timeout (section 6.5).
 */
const UNANSWERED_FRAMES = 10;
const UNANSWERED_MS = 15_000;
/** A client that nobody answers is still trying for so long after its last frame, milliseconds. */
const TRYING_MS = 30_000;
/** A silence that the client ends is at least so long to be told from the pauses of traffic (readings are one second apart). */
const PAUSE_MS = 1_900;
/** Times of frames are known within one reading before and one after. Milliseconds. */
const UNSURE_MS = 2_500;
/** So many equal silences in a row are the client's keepalive. */
const RHYTHM = 3;
/** Longer ones are not taken for a keepalive, milliseconds: the longest in common use is Apple's dead peer detection, ten minutes. */
const RHYTHM_MAX_MS = 600_000;
/** The client is gone after that many of its keepalives' intervals without a frame: it is said before the third is due. */
const MISSED = 2.5;
/** An answer after this much silence means that the tunnel has come up. Milliseconds. */
const SILENT_MS = 30_000;

/**
 * For so long a client may send mere keepalives without hearing its server, milliseconds.
 * WireGuard: its session ends after 180 s (Reject-After-Time), and the handshake that follows is answered or begun again within two
 * timeouts. OpenVPN: its client starts again after 120 s without a ping (--ping-restart in openvpn(8)), and a ping may be ten seconds
 * late. IPsec: NAT keepalives are never answered (RFC 3948 section 2.3), only the checks of dead peer detection are (RFC 7296 section 2.4),
 * which come at most 30 minutes apart.
 */
const SESSION_MS: Readonly<Partial<Record<TunnelProtocol, number>>> = {
  openvpn: 130_000,
  ipsec: 1_800_000,
};
const OTHER_SESSION_MS = IDLE_MS + 2 * REKEY_TIMEOUT_MS;

/**
 * Protocols whose keepalive comes after a time without a frame of the client (openvpn(8), --ping; RFC 3948 section 4). WireGuard's comes
 * after a time without a frame of either side (section 6.5 of its white paper).
 */
const BY_SENT: ReadonlySet<TunnelProtocol> = new Set(['openvpn', 'ipsec']);

/** The liveness of one tunnel. */
export class TunnelLiveness {
  readonly #sessionMs: number;
  readonly #bySent: boolean;
  #up = 0;
  #down = 0;
  #lastDown: number | undefined;
  #lastUp: number | undefined;
  #unansweredSince: number | undefined;
  #unanswered = 0;
  #attemptsSince: number | undefined;
  #attempts = 0;
  /** The last silences that the client ended, newest last; milliseconds. */
  #pauses: readonly number[] = [];
  /** The interval of the client's keepalives, milliseconds; undefined until it has been seen. */
  #rhythm: number | undefined;
  #lastSeenWall: number | undefined;
  /** When the server last answered after a silence, which is as close as counters come to a handshake. Monotonic milliseconds; 0: never. */
  cameUpAt = 0;

  constructor(protocol: TunnelProtocol = 'wireguard') {
    this.#sessionMs = SESSION_MS[protocol] ?? OTHER_SESSION_MS;
    this.#bySent = BY_SENT.has(protocol);
  }

  /**
   * Takes the cumulative frame counts as read at `now`; a count below the last one means that the counter was reset. Returns whether the
   * client sent its keepalive and nothing else: a sign that it holds the tunnel open.
   */
  read(up: number, down: number, now: { readonly wall: number; readonly monotonic: number }): boolean {
    const answered = down !== this.#down && down > 0;
    const asked = up >= this.#up ? up - this.#up : up;
    const keepsOpen = asked > 0 && this.#keeps(this.#silence(now.monotonic), asked <= 2 && !answered);
    if (asked > 0) this.#lastUp = now.monotonic;
    this.#up = up;
    this.#down = down;
    if (answered) {
      if (now.monotonic - (this.#lastDown ?? -Infinity) > SILENT_MS) this.cameUpAt = now.monotonic;
      this.#lastDown = now.monotonic;
      this.#lastSeenWall = now.wall;
      this.#unansweredSince = undefined;
      this.#unanswered = 0;
      this.#attemptsSince = undefined;
      this.#attempts = 0;
    } else if (asked > 0) {
      this.#unansweredSince ??= now.monotonic;
      this.#unanswered += asked;
    }
    return keepsOpen;
  }

  /** Starts counting at these values: frames that were counted before are not a sign of life now. */
  baseline(up: number, down: number): void {
    this.#up = up;
    this.#down = down;
  }

  /** The client began a handshake at monotonic `at`. An answer is known from the counters. */
  attempted(at: number): void {
    if (this.#lastDown !== undefined && at <= this.#lastDown) return;
    this.#attemptsSince ??= at;
    this.#attempts += 1;
  }

  /** Since when a keepalive has been due, in terms of its protocol: the silence that it ends. Milliseconds. */
  #silence(monotonic: number): number {
    const [sent, heard] = [this.#lastUp ?? -Infinity, this.#lastDown ?? -Infinity];
    return monotonic - (this.#bySent ? sent : Math.max(sent, heard));
  }

  /** Takes the silence that the client ended, `alone`: with a frame or two and without an answer. Returns whether that is its keepalive. */
  #keeps(silence: number, alone: boolean): boolean {
    if (silence < PAUSE_MS || silence > RHYTHM_MAX_MS) return false;
    const rhythm = this.#rhythm;
    // Whoever has a keepalive is never silent for longer.
    if (rhythm !== undefined && silence > rhythm + UNSURE_MS) {
      this.#rhythm = undefined;
      this.#pauses = [];
    }
    if (!alone) return false;
    this.#pauses = [...this.#pauses, silence].slice(-RHYTHM);
    const [least, most] = [Math.min(...this.#pauses), Math.max(...this.#pauses)];
    if (this.#pauses.length === RHYTHM && most - least <= UNSURE_MS && most >= (this.#rhythm ?? 0))
      this.#rhythm = most;
    return this.#rhythm !== undefined && Math.abs(silence - this.#rhythm) <= UNSURE_MS;
  }

  /** Whether it is proven that nobody answers the client. */
  isUnanswered(monotonic: number): boolean {
    if (this.#attempts >= ATTEMPTS && monotonic - (this.#attemptsSince ?? monotonic) >= ATTEMPTS_MS)
      return true;
    const since = this.#unansweredSince;
    if (since === undefined) return false;
    const waited = monotonic - since;
    // Without a rhythm the keepalives may come every second.
    const keepalives = 1 + waited / (this.#rhythm ?? 1_000);
    return (
      (waited > UNANSWERED_MS && this.#unanswered - keepalives >= UNANSWERED_FRAMES) ||
      waited > this.#sessionMs
    );
  }

  /** The liveness at monotonic milliseconds. */
  at(monotonic: number): Liveness {
    const sentAgo = monotonic - (this.#lastUp ?? -Infinity);
    const missed = MISSED * (this.#rhythm ?? IDLE_MS / MISSED);
    if (this.#lastDown === undefined) {
      const waited = monotonic - (this.#unansweredSince ?? monotonic);
      return waited >= REKEY_TIMEOUT_MS && sentAgo <= TRYING_MS ? 'trying' : 'down';
    }
    if (this.isUnanswered(monotonic)) return sentAgo <= Math.max(TRYING_MS, missed) ? 'trying' : 'down';
    const heardAgo = monotonic - this.#lastDown;
    // The network can forge answers but not frames that enter lan: a client that never sends has no tunnel, whatever comes back.
    if (sentAgo > Math.max(IDLE_MS, missed) || this.#silence(monotonic) > missed) return 'down';
    return heardAgo <= UP_MS ? 'up' : 'quiet';
  }

  /** Wall clock of the last frame from the server, milliseconds since the epoch; undefined when there was none. */
  get lastSeen(): number | undefined {
    return this.#lastSeenWall;
  }
}
