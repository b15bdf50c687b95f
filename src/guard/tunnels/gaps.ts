// Knows: how long a tunnel's server was silent while something escaped or nothing was answered. Must not know: kernel, taps, clocks.
// Tunnel frames are known by counters, which are read about once a second: their times are two readings between which they lie.
// Escapes and answered WireGuard handshakes are read frame by frame and carry their own time. Silence alone is no gap: an idle tunnel is silent, too.

import type { Between, GapView } from '../../api/past.ts';
import type { Now } from '../now.ts';
import type { Rule } from '../../policy/verdict.ts';
import { FairMap } from '../incidents/quotas.ts';

/** Shorter than this is what lies between two readings of a tunnel in use, milliseconds. */
const SILENT_MS = 2_500;
/** Frames of the client without an answer that make a silence an outage by itself; keepalives are never answered. */
const UNANSWERED = 10;
const GAPS = 64;
const ESCAPES = 32;

/** As it is told, without its sentence. */
export type Gap = Omit<GapView, 'text'>;

export interface GapEscape {
  readonly incident: string;
  readonly rule: Rule;
  readonly exposure: string;
  frames: number;
}

export class GapWatch {
  readonly #tunnel: string;
  #up = 0;
  #down = 0;
  #readAt: Now | undefined;
  #last: { readonly between: Between; readonly monotonic: number } | undefined;
  #unanswered = 0;
  #firstEscape: number | undefined;
  #handshake: number | undefined;
  #escapes = new FairMap<GapEscape>(ESCAPES);
  #more = 0;
  readonly #gaps: Gap[] = [];

  constructor(tunnel: string) {
    this.#tunnel = tunnel;
  }

  /** Takes the tunnel's cumulative frame counts as read at `now`; the first ones are where counting starts. */
  read(up: number, down: number, now: Now): void {
    const before = this.#readAt;
    const heard = before !== undefined && down !== this.#down && down > 0;
    if (before !== undefined && up > this.#up) this.#unanswered += up - this.#up;
    this.#readAt = now;
    this.#up = up;
    this.#down = down;
    if (!heard) return;
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

  /** The server answered a handshake at wall clock `wall`. Either may be told first, this or the counters. */
  answered(wall: number): void {
    const [ended] = this.#gaps;
    const late = ended?.back !== undefined && wall >= ended.back.after && wall <= ended.back.until;
    if (late && ended.handshake === undefined) this.#gaps[0] = { ...ended, handshake: wall };
    else this.#handshake ??= wall;
  }

  /** Takes frames of a red incident that left past the tunnel, the first of them at wall clock `wall`. */
  escaped(of: Omit<GapEscape, 'frames'>, frames: number, wall: number): void {
    if (this.#last === undefined) return;
    this.#firstEscape ??= wall;
    const known = this.#escapes.get(of.incident);
    if (known !== undefined) known.frames += frames;
    else {
      const gone = this.#escapes.set(of.incident, { ...of, frames }, of.rule);
      this.#more += gone?.frames ?? 0;
    }
  }

  /** Newest first; the one that lasts, if any, before all others. */
  list(monotonic: number): readonly Gap[] {
    const lasting = this.#current(monotonic, undefined);
    return lasting === undefined ? this.#gaps : [lasting, ...this.#gaps];
  }

  /** The silence until now, when it is a gap. */
  #current(monotonic: number, back: Between | undefined): Gap | undefined {
    const last = this.#last;
    if (last === undefined || monotonic - last.monotonic < SILENT_MS) return undefined;
    if (this.#escapes.size === 0 && this.#unanswered < UNANSWERED) return undefined;
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
    this.#firstEscape = undefined;
    this.#escapes = new FairMap(ESCAPES);
    this.#more = 0;
  }
}

export function gapView(gap: Gap): GapView {
  return { ...gap, text: gapText(gap) };
}

/** One sentence for a report, its resolution said. */
export function gapText(gap: Gap): string {
  const { lastFrame, back, length, escapes, more, firstEscape } = gap;
  const lasts =
    gap.unwatched === undefined
      ? '; it is still silent'
      : `; it was still silent when the watch ended at ${iso(gap.unwatched)}`;
  const long = length === undefined ? lasts : `, for ${length.least} to ${length.most} ms`;
  const silent = `${gap.tunnel}: no frame of its server after ${iso(lastFrame.until)} (± ${lastFrame.until - lastFrame.after} ms, the time between two readings)${long}`;
  const asked = gap.unanswered < UNANSWERED ? '' : `; ${gap.unanswered} frames of the client unanswered`;
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
