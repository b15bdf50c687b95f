// Routes of the Clients and Health pages, and setting the clock.

import type Router from '@koa/router';
import type { Context } from 'koa';

import { ApiFault } from '../../../src/api/client.ts';
import { clientsPage, healthPage } from './box-pages.ts';
import type { Notice } from '../../render.ts';
import { change } from '../../site.ts';
import type { Show, Site } from '../../site.ts';
import { CLIENT_TEXTS, HEALTH_TEXTS } from './texts-box.ts';
import { LOST_TEXTS } from '../../texts.ts';

/** Adds `/clients`, `/health` and the form that sets the clock. Without an answer of the daemon the pages have status 502. */
export function addBoxRoutes(router: Router, site: Site): void {
  const { client, access, renderer, visitors } = site;
  router.get('/clients', async (ctx: Context) => {
    const [clients, notice] = await known(ctx, CLIENT_TEXTS.unknown, () => client.ask('clients'));
    ctx.type = 'html';
    ctx.body = clientsPage(renderer, clients?.clients, notice);
  });
  const showHealth = async (ctx: Context, refused?: Notice): Promise<void> => {
    const [data, notice] = await known(ctx, HEALTH_TEXTS.unknown, async () => {
      const [health, { ledger, counters }] = await Promise.all([client.ask('health'), client.ask('status')]);
      return { health, ledger, counters };
    });
    const isSet = ctx.URL.searchParams.get('done') === 'clock';
    ctx.type = 'html';
    ctx.body = healthPage(renderer, data, { token: visitors.token(ctx), notice: refused ?? notice, isSet });
  };
  router.get('/health', (ctx: Context) => showHealth(ctx));
  router.post('/health/clock', (ctx: Context) => {
    const show: Show = (_, notice) => showHealth(ctx, notice);
    return change(site, ctx, { show, back: '/health?done=clock#machine-title' }, (form) =>
      access.overClockChange(() =>
        client.ask('setClock', { body: { wall: Number(form.get('wall') ?? '') } }),
      ),
    );
  });
}

/** The answer; or, if there is none, a notice that says why, and status 502. */
async function known<T>(
  ctx: Context,
  lost: string,
  ask: () => Promise<T>,
): Promise<[T, undefined] | [undefined, Notice]> {
  try {
    return [await ask(), undefined];
  } catch (error) {
    if (!(error instanceof ApiFault)) throw error;
    ctx.status = 502;
    return [undefined, { message: `${lost} ${LOST_TEXTS[error.code]}`, faults: [] }];
  }
}
