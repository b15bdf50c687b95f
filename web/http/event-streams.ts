// Keeps open pages current with server-sent events (WHATWG HTML): changed regions, and a regular beat. Bounded: a fixed number of
// streams, one rendering for all of them, and nothing is queued for a slow page.

import { PassThrough } from 'node:stream';

import type { Context } from 'koa';

import type { StatusFeed } from '../knowledge-feed.ts';
import { REGIONS } from '../render.ts';
import type { Region, Regions } from '../render.ts';
import type { Knowledge } from '../pages/status/view-model.ts';

/** Limits of the streams; times in milliseconds. */
export interface StreamLimits {
  /** Open streams of all visitors together. */
  readonly streams: number;
  /** Streams per browser: it opens six connections to a server (HTTP/1.1), and a click must find one free. */
  readonly perBrowser: number;
  /** Interval of beats. A page that misses two sends a request, and shows that it has lost the box if there is no answer. */
  readonly beatMs: number;
  /** Shortest time between two renderings, which bounds the cost of a flood of events. */
  readonly gapMs: number;
  /** A page that has read nothing for so long is disconnected. */
  readonly stuckMs: number;
}

/** The limits of a running page. */
export const STREAM_LIMITS: StreamLimits = {
  streams: 32,
  perBrowser: 4,
  beatMs: 500,
  gapMs: 250,
  stuckMs: 20_000,
};

interface Viewer {
  readonly out: PassThrough;
  readonly browser: string;
  readonly sent: Partial<Record<Region, string>>;
  /** Returns false once the visitor may no longer listen. */
  readonly allowed: () => boolean;
  stuckSince: number | undefined;
}

/** The streams of one kind of visitor. `render` makes the regions from what is known; it is called once for all viewers. */
export class EventStreams {
  readonly #feed: StatusFeed;
  readonly #render: (knowledge: Knowledge) => Partial<Regions>;
  readonly #limits: StreamLimits;
  readonly #viewers = new Set<Viewer>();
  #regions: Partial<Regions> | undefined;
  #newest: Knowledge | undefined;
  #gap: NodeJS.Timeout | undefined;
  #beat: NodeJS.Timeout | undefined;
  #leave: () => void = () => undefined;

  constructor(feed: StatusFeed, render: (knowledge: Knowledge) => Partial<Regions>, limits = STREAM_LIMITS) {
    this.#feed = feed;
    this.#render = render;
    this.#limits = limits;
  }

  /** Number of open streams of one browser, by the key that `open` was given. */
  heldBy(browser: string): number {
    return [...this.#viewers].filter((viewer) => viewer.browser === browser).length;
  }

  /**
   * Opens a stream (text/event-stream) that first sends every region as soon as it is known; undefined if too many are open. `browser`: a
   * key for `heldBy`. `allowed` is called before anything is sent, so that a stream ends with its session. The caller destroys the stream,
   * or its end of the connection does.
   */
  open(browser: string, allowed: () => boolean): PassThrough | undefined {
    if (this.#viewers.size >= this.#limits.streams) return undefined;
    const viewer: Viewer = { out: new PassThrough(), browser, sent: {}, allowed, stuckSince: undefined };
    this.#viewers.add(viewer);
    viewer.out.on('close', () => this.#close(viewer)).on('error', () => this.#close(viewer));
    viewer.out.on('drain', () => {
      viewer.stuckSince = undefined;
      this.#send(viewer);
    });
    viewer.out.write('retry: 1000\n\n');
    if (this.#viewers.size === 1) this.#start();
    this.#send(viewer);
    return viewer.out;
  }

  /** Ends every stream. */
  close(): void {
    for (const viewer of [...this.#viewers]) viewer.out.destroy();
  }

  #start(): void {
    this.#regions = undefined;
    this.#leave = this.#feed.watch((knowledge) => this.#hear(knowledge));
    this.#beat = setInterval(() => this.#sendBeats(), this.#limits.beatMs);
  }

  #close(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size > 0) return;
    clearInterval(this.#beat);
    clearTimeout(this.#gap);
    this.#gap = undefined;
    this.#leave();
  }

  #hear(knowledge: Knowledge): void {
    this.#newest = knowledge;
    if (this.#gap !== undefined) return;
    this.#publish();
    this.#gap = setTimeout(() => {
      this.#gap = undefined;
      if (this.#newest !== undefined) this.#hear(this.#newest);
    }, this.#limits.gapMs);
  }

  #publish(): void {
    if (this.#newest === undefined) return;
    this.#regions = this.#render(this.#newest);
    this.#newest = undefined;
    for (const viewer of this.#viewers) this.#send(viewer);
  }

  #send(viewer: Viewer): void {
    const regions = this.#regions;
    if (regions === undefined || this.#isDeaf(viewer)) return;
    const changed = REGIONS.filter((region) => viewer.sent[region] !== regions[region]);
    for (const region of changed) viewer.sent[region] = regions[region] ?? '';
    if (changed.length > 0) viewer.out.write(regionEvent(changed, regions));
  }

  /** A beat carries the box's time, milliseconds: countdowns on a page must not depend on the browser's clock. */
  #sendBeats(): void {
    for (const viewer of this.#viewers)
      if (!this.#isDeaf(viewer)) viewer.out.write(`event: beat\ndata: ${Date.now()}\n\n`);
  }

  /** True if nothing can be sent to this page now. What a slow page misses is not queued: once it has drained, it gets the newest. */
  #isDeaf(viewer: Viewer): boolean {
    if (!viewer.allowed()) {
      viewer.out.destroy();
      return true;
    }
    if (!viewer.out.writableNeedDrain) return false;
    viewer.stuckSince ??= performance.now();
    if (performance.now() - viewer.stuckSince > this.#limits.stuckMs) viewer.out.destroy();
    return true;
  }
}

/** `event: regions`, data: `[[name, html], …]` as JSON, which contains no line break. */
function regionEvent(changed: readonly Region[], regions: Partial<Regions>): string {
  return `event: regions\ndata: ${JSON.stringify(changed.map((name) => [name, regions[name]]))}\n\n`;
}

/**
 * Answers with a new stream (server-sent events, WHATWG HTML), or throws 503 with Retry-After (RFC 9110, 10.2.3) if `isFull` or too many
 * are open. A HEAD request opens none and gets 503, too.
 */
export function answerStream(
  ctx: Context,
  streams: EventStreams,
  who: { readonly browser: string; readonly isFull: boolean; readonly allowed: () => boolean },
): void {
  const refused = ctx.method === 'HEAD' || who.isFull;
  const opened = refused ? undefined : streams.open(who.browser, who.allowed);
  if (opened === undefined) {
    ctx.set('Retry-After', '10');
    ctx.throw(503);
  }
  ctx.type = 'text/event-stream';
  ctx.body = opened;
}
