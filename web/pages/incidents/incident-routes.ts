// Routes of the incident list, single incidents, their evidence, and the help page. The API validates the filters; its faults are shown
// on the page.

import type Router from '@koa/router';
import type { Context } from 'koa';

import { ApiFault, undefinedForApiFault } from '../../../src/api/client.ts';
import { systemOf } from '../box/client-system.ts';
import { chosenIn, queryOf } from './filters.ts';
import { acknowledgementIn } from '../../http/form.ts';
import { foundRegion, incidentPage, listPage } from './incident-pages.ts';
import type { Notice } from '../../render.ts';
import { change } from '../../site.ts';
import type { Site } from '../../site.ts';
import { LOST_TEXTS, TEXTS } from '../../texts.ts';

type Asked = Context & { params: Record<string, string> };

/** Adds `/incidents` and what is below it, and `/help`. A filter that the daemon refuses gets 400, an unknown incident 404, no answer 502. */
export function addIncidentRoutes(router: Router, site: Site): void {
  const { client, feed, renderer, visitors } = site;

  /** Requested before the list: an incident that comes in between is shown but not counted, so none is acknowledged without being shown. */
  async function unacknowledgedNow(): Promise<number> {
    const knowledge = await feed.now();
    return knowledge.known ? knowledge.status.unacknowledged : 0;
  }

  async function showList(ctx: Context, notice?: Notice): Promise<void> {
    const chosen = chosenIn(ctx.URL.searchParams);
    const unacknowledged = await unacknowledgedNow();
    const around = { token: visitors.token(ctx), chosen, unacknowledged, search: ctx.search };
    ctx.type = 'html';
    try {
      const { incidents } = await client.ask('incidents', { query: queryOf(chosen, Date.now()) });
      ctx.body = listPage(renderer, { ...around, incidents, notice });
    } catch (error) {
      if (!(error instanceof ApiFault)) throw error;
      const { code, faults } = error;
      ctx.status = code === 'refused' ? 400 : 502;
      const message = code === 'refused' ? error.message : `${TEXTS.incidentsUnknown} ${LOST_TEXTS[code]}`;
      ctx.body = listPage(renderer, {
        ...around,
        incidents: undefined,
        notice: notice ?? { message, faults },
      });
    }
  }

  async function showOne(ctx: Asked, notice?: Notice): Promise<void> {
    const [incident, frames, devices] = await Promise.all([
      found(ctx, () => client.ask('incident', { params: { id: idIn(ctx) } })),
      // The rest of the page is useful without them.
      client.ask('frames', { params: { id: idIn(ctx) } }).catch(undefinedForApiFault),
      // Only needed to decide which remedy is shown first.
      client.ask('clients').catch(undefinedForApiFault),
    ]);
    const device = devices?.clients.find(({ id }) => id === incident.client);
    const system = device === undefined ? undefined : systemOf(device);
    ctx.type = 'html';
    ctx.body = incidentPage(renderer, { incident, frames, system, token: visitors.token(ctx), notice });
  }

  const acknowledge = (ctx: Context, back: string, show: (ctx: Context, notice: Notice) => Promise<void>) =>
    change(site, ctx, { show, back }, (form) =>
      client.ask('acknowledge', { body: acknowledgementIn(ctx, form) }),
    );

  router.get('/incidents/found', async (ctx: Context) => {
    const chosen = chosenIn(ctx.URL.searchParams);
    const unacknowledged = await unacknowledgedNow();
    const answered = await client
      .ask('incidents', { query: queryOf(chosen, Date.now()) })
      .catch(undefinedForApiFault);
    ctx.type = 'html';
    ctx.body = foundRegion(renderer, { incidents: answered?.incidents, chosen, unacknowledged });
  });
  router.get('/incidents', (ctx: Context) => showList(ctx));
  router.post('/incidents', (ctx: Context) => acknowledge(ctx, `/incidents${ctx.search}`, showList));
  router.get('/incidents/:id', (ctx: Asked) => showOne(ctx));
  router.post('/incidents/:id', (ctx: Asked) =>
    acknowledge(ctx, ctx.path, (_, notice) => showOne(ctx, notice)),
  );
  router.get('/incidents/:id/evidence', async (ctx: Asked) => {
    const bytes = await found(ctx, () => client.ask('evidence', { params: { id: idIn(ctx) } }));
    ctx.attachment('leakguard-evidence.pcapng');
    ctx.type = 'application/x-pcapng';
    ctx.body = bytes;
  });
  router.get('/help', (ctx: Context) => {
    ctx.type = 'html';
    ctx.body = renderer.help();
  });
}

/** The daemon's answer. Throws 404 if there is no such incident, and 502 if the daemon cannot answer. */
async function found<T>(ctx: Context, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof ApiFault)) throw error;
    return ctx.throw(error.status === 404 ? 404 : 502);
  }
}

function idIn(ctx: Asked): string {
  return ctx.params['id'] ?? '';
}
