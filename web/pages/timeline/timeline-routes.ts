// Requests the timeline from the daemon, and serves it alone to an open page that refreshes it.

import type Router from '@koa/router';
import type { Context } from 'koa';

import { ApiFault } from '../../../src/api/client.ts';
import type { Site } from '../../site.ts';
import { timelineRegion } from './timeline-page.ts';
import { rangeOf } from './timeline-range.ts';

/**
 * The timeline as HTML for the given query (`rangeOf`); if the daemon does not answer, the HTML says so. Rejects only for a fault of this
 * program.
 */
export async function timelineFor({ client, renderer }: Site, query: URLSearchParams): Promise<string> {
  const now = Date.now();
  const range = rangeOf(query, now);
  const { from, to, buckets } = range;
  try {
    const query = { from: String(from), to: String(to), buckets: String(buckets) };
    const timeline = await client.ask('timeline', { query });
    return timelineRegion(renderer, range, timeline, now);
  } catch (error) {
    if (!(error instanceof ApiFault)) throw error;
    return timelineRegion(renderer, range, undefined, now);
  }
}

/** Adds `/timeline`: the HTML of `timelineFor` for its query, without a page around it. Status 200 also when the daemon does not answer. */
export function addTimelineRoutes(router: Router, site: Site): void {
  router.get('/timeline', async (ctx: Context) => {
    ctx.type = 'html';
    ctx.body = await timelineFor(site, ctx.URL.searchParams);
  });
}
