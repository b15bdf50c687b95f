// Knows: the pages about the devices behind the box and about the box's health. Must not know: HTML, how either is found out.

import type Router from '@koa/router';
import type { Context } from 'koa';

import { GuardFault } from './api-client.ts';
import { clientsPage, healthPage } from './box-pages.ts';
import type { Notice } from './render.ts';
import type { Site } from './site.ts';
import { CLIENT_TEXTS, HEALTH_TEXTS } from './texts-box.ts';
import { LOST_TEXTS } from './texts.ts';

export function addBoxRoutes(router: Router, { box, client, renderer }: Site): void {
  router.get('/clients', async (ctx: Context) => {
    const [clients, notice] = await known(ctx, CLIENT_TEXTS.unknown, () => box.clients());
    ctx.type = 'html';
    ctx.body = clientsPage(renderer, clients, notice);
  });
  router.get('/health', async (ctx: Context) => {
    const [told, notice] = await known(ctx, HEALTH_TEXTS.unknown, async () => {
      const [health, { ledger }] = await Promise.all([box.health(), client.status()]);
      return { health, unseen: ledger.unseen };
    });
    ctx.type = 'html';
    ctx.body = healthPage(renderer, told, notice);
  });
}

/** The answer, or why there is none: then the page says so, with 502. */
async function known<T>(
  ctx: Context,
  lost: string,
  ask: () => Promise<T>,
): Promise<[T, undefined] | [undefined, Notice]> {
  try {
    return [await ask(), undefined];
  } catch (error) {
    if (!(error instanceof GuardFault)) throw error;
    ctx.status = 502;
    return [undefined, { message: `${lost} ${LOST_TEXTS[error.code]}`, faults: [] }];
  }
}
