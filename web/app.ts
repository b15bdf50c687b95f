// Knows: which address does what, and how faults become answers. Must not know: the kernel, the policy, the store; only the local API.
// Every change: same site, own token, small form, then 303 (RFC 9110, 15.4.4), so that a reload never repeats it.

import Router from '@koa/router';
import Koa from 'koa';
import type { Context, Next } from 'koa';

import { GuardClient, GuardFault } from './api-client.ts';
import { besideSource, readAssets } from './assets.ts';
import { EventStreams, STREAM_LIMITS } from './event-streams.ts';
import type { StreamLimits } from './event-streams.ts';
import { readForm } from './form.ts';
import { GLYPHS, tabIcon } from './glyphs.ts';
import { hostAllowList, sameSiteOnly, securityHeaders } from './hardening.ts';
import { FEED_TIMES, KnowledgeFeed } from './knowledge-feed.ts';
import type { FeedTimes } from './knowledge-feed.ts';
import { Renderer } from './render.ts';
import type { Notice } from './render.ts';
import { ERROR_TEXTS, TEXTS } from './texts.ts';
import type { Knowledge } from './view-model.ts';
import { Visitors } from './visitor.ts';

export interface PageOptions {
  readonly socketPath: string;
  /** Names that requests may address this box by, besides its addresses. */
  readonly hostNames: readonly string[];
  readonly log: (message: string, error: unknown) => void;
  readonly limits?: StreamLimits;
  readonly times?: FeedTimes;
  /** How long the guard may take to answer. */
  readonly timeoutMs?: number;
}

export interface Page {
  readonly app: Koa;
  /** Ends the event streams; the server is its owner's business. */
  close(): void;
}

const isState = (name: string | undefined): name is keyof typeof GLYPHS =>
  name !== undefined && name in GLYPHS;

export function createPage(options: PageOptions): Page {
  const client = new GuardClient(options.socketPath, options.timeoutMs);
  const feed = new KnowledgeFeed(client, options.times ?? FEED_TIMES);
  const assets = readAssets(besideSource('public'));
  const renderer = new Renderer(besideSource('views'), assets.addresses);
  const visitors = new Visitors();
  const regionsOf = (knowledge: Knowledge) => renderer.regions(knowledge, new Date().toISOString());
  const streams = new EventStreams(feed, regionsOf, options.limits ?? STREAM_LIMITS);

  async function showPage(ctx: Context, notice?: Notice): Promise<void> {
    const knowledge = await feed.now();
    const token = visitors.token(ctx);
    ctx.type = 'html';
    ctx.body = renderer.page({ knowledge, regions: regionsOf(knowledge), token, notice });
  }

  /** Reads and checks the form, does the change, and leads back to the page; what went wrong is said on the page. */
  async function change(ctx: Context, command: (form: URLSearchParams) => Promise<unknown>): Promise<void> {
    sameSiteOnly(ctx);
    const form = await readForm(ctx);
    if (!visitors.owns(ctx, form.get('token') ?? '')) {
      ctx.status = 403;
      return showPage(ctx, { message: TEXTS.staleForm, faults: [] });
    }
    try {
      await command(form);
      ctx.redirect('/');
      ctx.status = 303;
    } catch (error) {
      if (!(error instanceof GuardFault)) throw error;
      ctx.status = error.code === 'refused' ? 409 : 502;
      const said = error.code === 'refused' || error.code === 'failed' ? error.message : '';
      const effect = error.code === 'refused' ? TEXTS.changedNothing : TEXTS.uncertain;
      await showPage(ctx, { message: `${said} ${effect}`.trim(), faults: error.faults });
    }
  }

  const router = new Router();
  router.get('/', (ctx: Context) => showPage(ctx));
  router.get('/regions', async (ctx: Context) => {
    ctx.body = Object.entries(regionsOf(await feed.now()));
  });
  router.get('/events', (ctx: Context) => {
    const stream = ctx.method === 'HEAD' ? undefined : streams.open();
    if (stream === undefined) {
      ctx.set('Retry-After', '10');
      ctx.throw(503);
    }
    ctx.type = 'text/event-stream';
    ctx.body = stream;
  });
  router.get('/light/:file', (ctx: Context & { params: Record<string, string> }) => {
    const state = /^(\w+)\.svg$/.exec(ctx.params['file'] ?? '')?.[1];
    if (!isState(state)) return ctx.throw(404);
    ctx.set('Cache-Control', 'max-age=86400');
    ctx.type = 'image/svg+xml';
    ctx.body = tabIcon(state);
  });
  router.get('/public/:file', (ctx: Context) => {
    const asset = assets.files.get(ctx.path);
    if (asset === undefined) return ctx.throw(404);
    ctx.set('Cache-Control', ctx.querystring === '' ? 'no-cache' : 'max-age=31536000, immutable');
    ctx.set('Content-Type', asset.type);
    ctx.body = asset.body;
  });
  router.post('/block', (ctx: Context) =>
    change(ctx, async (form) => {
      const on = form.get('on');
      if (on !== 'yes' && on !== 'no') ctx.throw(400);
      await client.block({ on: on === 'yes' });
    }),
  );
  router.post('/pass', (ctx: Context) =>
    change(ctx, async (form) => {
      const seconds = form.get('seconds') ?? '';
      if (!/^\d{1,4}$/.test(seconds)) return ctx.throw(400);
      await client.openPass({ seconds: Number(seconds) });
    }),
  );
  router.post('/pass/end', (ctx: Context) => change(ctx, () => client.endPass()));
  router.post('/ack', (ctx: Context) =>
    change(ctx, async (form) => {
      const id = form.get('id');
      if (id === null || id === '' || id.length > 200) return ctx.throw(400);
      await client.acknowledge({ id });
    }),
  );

  async function faultsAsPages(ctx: Context, next: Next): Promise<void> {
    try {
      await next();
      if (ctx.status === 404 || ctx.status === 405 || ctx.status === 501)
        ctx.throw(ctx.status === 404 ? 404 : 405);
    } catch (error) {
      const told = error instanceof Koa.HttpError && error.expose ? error.status : 500;
      const status = error instanceof Koa.HttpError ? error.status : 500;
      if (status === 500) options.log('a request failed', error);
      ctx.status = status;
      ctx.type = 'html';
      ctx.body = renderer.error(status, ERROR_TEXTS[status] ?? ERROR_TEXTS[told] ?? ERROR_TEXTS[400] ?? '');
    }
  }

  const app = new Koa();
  // Broken connections of visitors are no news; faults of ours were logged where they became answers.
  app.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === undefined) options.log('an answer failed', error);
  });
  app.use(securityHeaders);
  app.use(faultsAsPages);
  app.use(hostAllowList(options.hostNames));
  app.use(router.routes());
  app.use(router.allowedMethods());
  return { app, close: () => streams.close() };
}
