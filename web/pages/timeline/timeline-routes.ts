// Requests the timeline from the daemon, and serves it alone to an open page that refreshes it.

import type Router from '@koa/router';
import type { Context } from 'koa';

import { ApiFault } from '../../../src/api/client.ts';
import type { Timeline } from '../../../src/api/past.ts';
import type { Site } from '../../site.ts';
import { timelineRegion } from './timeline-page.ts';
import { endOf, rangeOf } from './timeline-range.ts';
import type { TimelineRange } from './timeline-range.ts';

const HOUR_MS = 3_600_000;
/** How far back a box may have been watching before the range, milliseconds. */
const KEPT_MS = 30 * 24 * HOUR_MS;

/**
 * The timeline as HTML for the given query (`rangeOf`); if the daemon does not answer, the HTML says so. Rejects only for a fault of this
 * program.
 */
export async function timelineFor({ client, renderer }: Site, query: URLSearchParams): Promise<string> {
  const now = Date.now();
  const range = rangeOf(query, now);
  const ask = ({ from, to, buckets }: Pick<TimelineRange, 'from' | 'to' | 'buckets'>): Promise<Timeline> =>
    client.ask('timeline', { query: { from: String(from), to: String(to), buckets: String(buckets) } });
  try {
    const timeline = await ask(range);
    const begun = watchedSince(timeline);
    if (range.span === undefined || begun === undefined || begun === range.from)
      return timelineRegion(renderer, range, timeline, now);
    const before = await ask({ from: range.from - KEPT_MS, to: range.from, buckets: KEPT_MS / HOUR_MS });
    if (watchedSince(before) !== undefined) return timelineRegion(renderer, range, timeline, now);
    const end = endOf(range, begun);
    return timelineRegion(renderer, end, await ask(end), now);
  } catch (error) {
    if (!(error instanceof ApiFault)) throw error;
    return timelineRegion(renderer, range, undefined, now);
  }
}

/** When the first interval begins in which the box was watching, wall clock; undefined if there is none. */
function watchedSince({ buckets }: Timeline): number | undefined {
  const first = buckets.find(({ state }) => state !== 'off');
  return first === undefined ? undefined : Date.parse(first.from);
}

/** Adds `/timeline`: the HTML of `timelineFor` for its query, without a page around it. Status 200 also when the daemon does not answer. */
export function addTimelineRoutes(router: Router, site: Site): void {
  router.get('/timeline', async (ctx: Context) => {
    ctx.type = 'html';
    ctx.body = await timelineFor(site, ctx.URL.searchParams);
  });
}
