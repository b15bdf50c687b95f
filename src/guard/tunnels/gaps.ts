// Gaps: how long a tunnel's server was silent while something escaped, or while it was proven that nobody answers the client (liveness.ts). Tunnel frames are known only from
// counters read about once a second, so each of their times lies between two readings; escapes and answered WireGuard handshakes are
// read frame by frame and have a time each. Silence alone is not a gap: an idle tunnel is silent too, and servers do not answer keepalives.

import type { Between, GapView } from '../../api/past.ts';
import type { Now } from '../now.ts';
import type { Rule } from '../../policy/verdict.ts';
import { FairMap } from '../incidents/quotas.ts';

/** Shorter silences occur between two readings of a tunnel in use, milliseconds. */
const SILENT_MS = 2_500;
const GAPS = 64;
const ESCAPES = 32;

/**
 * A gap as the API shows it, without its sentence. Times are wall clock in milliseconds; one between two readings is `after` the first and
 * not later than `until`.
 */
export type Gap = Omit<GapView, 'text'>;

/** Frames of one incident that escaped in a gap; `incident` is its id. */
export interface GapEscape {
  readonly incident: string;
  readonly rule: Rule;
  readonly exposure: string;
  frames: number;
}

/** What else is known of a reading (liveness.ts). */
export interface SilenceSigns {
  readonly unanswered?: boolean;
  readonly kept?: boolean;
}

/** Finds the gaps of one tunnel, at most 64. Wall-clock times in milliseconds since the epoch. */
export class GapWatch {
  #tunnel: string;
  #up = 0;
  #down = 0;
  #readAt: Now | undefined;
  #last: { readonly between: Between; readonly monotonic: number } | undefined;
  #unanswered = 0;
  /** In this silence it was proven that nobody answers. */
  #isProven = false;
  #firstEscape: number | undefined;
  #handshake: number | undefined;
  #escapes = new FairMap<GapEscape>(ESCAPES);
  #more = 0;
  readonly #gaps: Gap[] = [];

  constructor(tunnel: string) {
    this.#tunnel = tunnel;
  }

  /** The policy calls the tunnel otherwise from now on. */
  rename(tunnel: string): void {
    this.#tunnel = tunnel;
  }

  /** Starts counting at these values, read at `now`, and keeps what was seen. */
  baseline(up: number, down: number, now: Now): void {
    this.#readAt = now;
    this.#up = up;
    this.#down = down;
  }

  /**
   * Takes the tunnel's cumulative frame counts as read at `now`; counting starts at the first ones. `unanswered`: it is proven that nobody
   * answers. `kept`: the client sent its keepalive, so what escaped meanwhile escaped beside a tunnel that was up.
   */
  read(up: number, down: number, now: Now, { unanswered, kept }: SilenceSigns = {}): void {
    const before = this.#readAt;
    const heard = before !== undefined && down !== this.#down && down > 0;
    if (before !== undefined && up > this.#up) this.#unanswered += up - this.#up;
    this.#readAt = now;
    this.#up = up;
    this.#down = down;
    if (!heard) {
      if (unanswered === true) this.#isProven = true;
      else if (kept === true && !this.#isProven) this.#forgetEscapes();
      return;
    }
    const between = { after: before.wall, until: now.wall };
    const ended = this.#current(now.monotonic, between);
    if (ended !== undefined) {
      this.#gaps.unshift(ended);
      this.#gaps.length = Math.min(this.#gaps.length, GAPS);
    }
    this.#handshake = undefined;
    this.#last = { between, monotonic: now.monotonic };
    this.#forget();
  }

  /** The server answered a handshake at `wall`. The counters that show the same frame may be read before or after this call. */
  answered(wall: number): void {
    const [ended] = this.#gaps;
    const late = ended?.back !== undefined && wall >= ended.back.after && wall <= ended.back.until;
    if (late && ended.handshake === undefined) this.#gaps[0] = { ...ended, handshake: wall };
    else this.#handshake ??= wall;
  }

  /** Takes frames of a red incident that left outside the tunnel, the first of them at `wall`. */
  escaped(of: Omit<GapEscape, 'frames'>, frames: number, wall: number): void {
    if (this.#last === undefined) return;
    this.#firstEscape ??= wall;
    const known = this.#escapes.get(of.incident);
    if (known !== undefined) known.frames += frames;
    else {
      const evicted = this.#escapes.set(of.incident, { ...of, frames }, of.rule);
      this.#more += evicted?.frames ?? 0;
    }
  }

  /** Newest first, beginning with the one that still lasts, if any, at `monotonic` milliseconds. */
  list(monotonic: number): readonly Gap[] {
    const lasting = this.#current(monotonic, undefined);
    return lasting === undefined ? this.#gaps : [lasting, ...this.#gaps];
  }

  /** The current silence, if it is a gap. */
  #current(monotonic: number, back: Between | undefined): Gap | undefined {
    const last = this.#last;
    if (last === undefined || monotonic - last.monotonic < SILENT_MS) return undefined;
    if (this.#escapes.size === 0 && !this.#isProven) return undefined;
    const { between } = last;
    return {
      tunnel: this.#tunnel,
      lastFrame: between,
      firstEscape: this.#firstEscape,
      handshake: this.#handshake,
      back,
      length:
        back === undefined
          ? undefined
          : { least: Math.max(0, back.after - between.until), most: back.until - between.after },
      unanswered: this.#unanswered,
      escapes: [...this.#escapes.values()].map((escape) => ({ ...escape })),
      more: this.#more,
    };
  }

  #forget(): void {
    this.#unanswered = 0;
    this.#isProven = false;
    this.#forgetEscapes();
  }

  #forgetEscapes(): void {
    this.#firstEscape = undefined;
    this.#escapes = new FairMap(ESCAPES);
    this.#more = 0;
  }
}

/** A gap with its sentence. */
export function gapView(gap: Gap): GapView {
  return { ...gap, text: gapText(gap) };
}

/** A gap in words, including how exact its times are: ISO 8601 in UTC, and milliseconds. */
export function gapText(gap: Gap): string {
  const { lastFrame, back, length, escapes, more, firstEscape } = gap;
  const lasts =
    gap.unwatched === undefined
      ? '; it is still silent'
      : `; it was still silent when monitoring ended at ${iso(gap.unwatched)}`;
  const long = length === undefined ? lasts : `, for ${length.least} to ${length.most} ms`;
  const silent = `${gap.tunnel}: no frame from its server after ${iso(lastFrame.until)} (± ${lastFrame.until - lastFrame.after} ms, the time between two readings)${long}`;
  const frame = gap.unanswered === 1 ? 'frame' : 'frames';
  const asked = gap.unanswered === 0 ? '' : `; ${gap.unanswered} ${frame} from the client went unanswered`;
  const heard =
    gap.handshake !== undefined
      ? `; handshake answered at ${iso(gap.handshake)}`
      : back === undefined
        ? ''
        : `; heard again before ${iso(back.until)}`;
  if (firstEscape === undefined) return `${silent}${asked}${heard}. No leak escaped.`;
  const frames = escapes.reduce((sum, escape) => sum + escape.frames, more);
  const what = escapes.map(({ exposure, rule }) => `${exposure} (rule ${rule})`).join(', ');
  return `${silent}${asked}${heard}. First escape at ${iso(firstEscape)}; ${frames} frames: ${what}.`;
}

function iso(wall: number): string {
  return new Date(wall).toISOString();
}
