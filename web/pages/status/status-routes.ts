// Routes of the status page: the page, its event streams and its forms. Visitors who are not logged in get only its light, without names.

import { createHash } from 'node:crypto';

import type Router from '@koa/router';
import type { Context } from 'koa';

import { addressGroup } from '../../http/address-group.ts';
import { answerStream, EventStreams } from '../../http/event-streams.ts';
import type { StreamLimits } from '../../http/event-streams.ts';
import { acknowledgementIn } from '../../http/form.ts';
import { inOwnFrames } from '../../http/hardening.ts';
import type { Notice } from '../../render.ts';
import { change } from '../../site.ts';
import type { Site } from '../../site.ts';
import { addTimelineRoutes, timelineFor } from '../timeline/timeline-routes.ts';
import type { Knowledge } from './view-model.ts';

/** Most streams of visitors who are not logged in; they do not count toward the owner's. */
const STRANGERS = 8;

/**
 * Adds the routes of the status page, its light for everyone, and its forms; the returned function ends the event streams. A malformed form
 * gets 400; what `change` says of faults of the daemon applies.
 */
export function addStatusRoutes(router: Router, site: Site, limits: StreamLimits): () => void {
  const { client, feed, access, renderer } = site;
  const regionsOf = (knowledge: Knowledge) => renderer.regions(knowledge, new Date().toISOString());
  const lightOf = (knowledge: Knowledge) => renderer.publicRegions(knowledge, new Date().toISOString());
  const owners = new EventStreams(feed, regionsOf, limits);
  const headOf = (knowledge: Knowledge) => ({ head: renderer.head(knowledge) });
  const heads = new EventStreams(feed, headOf, limits);
  const listOf = (knowledge: Knowledge) => ({
    ...headOf(knowledge),
    incidents: incidentsMark(knowledge),
  });
  const lists = new EventStreams(feed, listOf, limits);
  const strangers = new EventStreams(feed, lightOf, {
    ...limits,
    streams: Math.min(STRANGERS, limits.streams),
  });

  async function show(ctx: Context, notice?: Notice): Promise<void> {
    const [knowledge, timeline] = await Promise.all([feed.now(), timelineFor(site, ctx.URL.searchParams)]);
    ctx.type = 'html';
    ctx.body = renderer.page({
      regions: regionsOf(knowledge),
      timeline,
      token: site.visitors.token(ctx),
      notice,
    });
  }

  addTimelineRoutes(router, site);
  const onPage = { show, back: '/' };
  router.get('/', (ctx: Context) => show(ctx));
  router.get('/regions', async (ctx: Context) => {
    ctx.body = Object.entries(regionsOf(await feed.now()));
  });
  router.get('/head/regions', async (ctx: Context) => {
    ctx.body = Object.entries(headOf(await feed.now()));
  });
  router.get('/light/regions', async (ctx: Context) => {
    ctx.body = Object.entries(lightOf(await feed.now()));
  });
  // The frame reloads itself, so this does not prolong a session.
  router.get('/light/now', async (ctx: Context) => {
    const knowledge = await feed.now();
    const { light = '' } = access.isOwner(ctx, false) ? regionsOf(knowledge) : lightOf(knowledge);
    inOwnFrames(ctx);
    ctx.type = 'html';
    ctx.body = renderer.now(light);
  });
  const ofOwner = (ctx: Context) => {
    const browser = access.session(ctx) ?? '';
    const held = [owners, lists, heads].reduce((sum, streams) => sum + streams.heldBy(browser), 0);
    const isFull = held >= limits.perBrowser;
    return { browser, isFull, allowed: () => access.isOpen(browser) };
  };
  router.get('/events', (ctx: Context) => answerStream(ctx, owners, ofOwner(ctx)));
  router.get('/head/events', (ctx: Context) => answerStream(ctx, heads, ofOwner(ctx)));
  router.get('/incidents/events', (ctx: Context) => answerStream(ctx, lists, ofOwner(ctx)));
  router.get('/light/events', (ctx: Context) => {
    const browser = addressGroup(ctx.req.socket.remoteAddress ?? '');
    const isFull = strangers.heldBy(browser) >= limits.perBrowser;
    answerStream(ctx, strangers, { browser, isFull, allowed: () => true });
  });
  router.post('/block', (ctx: Context) =>
    change(site, ctx, onPage, async (form) => {
      const on = form.get('on');
      if (on !== 'yes' && on !== 'no') ctx.throw(400);
      await client.ask('block', { body: { on: on === 'yes' } });
    }),
  );
  router.post('/pass', (ctx: Context) =>
    change(site, ctx, onPage, async (form) => {
      const seconds = form.get('seconds') ?? '';
      if (!/^\d{1,4}$/.test(seconds)) return ctx.throw(400);
      await client.ask('openPass', { body: { seconds: Number(seconds) } });
    }),
  );
  router.post('/pass/end', (ctx: Context) => change(site, ctx, onPage, () => client.ask('endPass')));
  router.post('/ack', (ctx: Context) =>
    change(site, ctx, onPage, (form) => client.ask('acknowledge', { body: acknowledgementIn(ctx, form) })),
  );
  return () => {
    owners.close();
    lists.close();
    heads.close();
    strangers.close();
  };
}

/** A digest that changes whenever an incident does: an open list then requests its filtered list again. */
function incidentsMark(knowledge: Knowledge): string {
  if (!knowledge.known) return 'unknown';
  const { incidents, unacknowledged, ledger } = knowledge.status;
  const shown = incidents.map(({ id, last, acknowledged }) => [id, last, acknowledged]);
  return createHash('sha256')
    .update(JSON.stringify([shown, unacknowledged, ledger]))
    .digest('base64url');
}
