// Knows: how the timeline is asked for and answered alone, for an open page that refreshes it. Must not know: what it looks like.

import type Router from '@koa/router';
import type { Context } from 'koa';

import { ApiFault } from '../../../src/api/client.ts';
import type { Site } from '../../site.ts';
import { timelineRegion } from './timeline-page.ts';
import { rangeOf } from './timeline-range.ts';

/** The region that the address's query asks for; what cannot be had is said in it. */
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

export function addTimelineRoutes(router: Router, site: Site): void {
  router.get('/timeline', async (ctx: Context) => {
    ctx.type = 'html';
    ctx.body = await timelineFor(site, ctx.URL.searchParams);
  });
}
