// The files that every page needs: styles, scripts, tab icons. They reveal nothing about the box, so anyone may have them.

import type Router from '@koa/router';
import type { Context } from 'koa';

import type { Assets } from './assets.ts';
import { GLYPHS, tabIcon } from '../pages/status/glyphs.ts';

const isState = (name: string | undefined): name is keyof typeof GLYPHS =>
  name !== undefined && Object.hasOwn(GLYPHS, name);

/**
 * Adds `/light/STATE.svg` and `/public/FILE`; both throw 404 for a name that is not in their list. With the digest as query an answer may
 * be cached for ever (RFC 8246), without it only after asking.
 */
export function addFileRoutes(router: Router, assets: Assets): void {
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
    ctx.vary('Accept-Encoding');
    const isPacked = ctx.acceptsEncodings('gzip', 'identity') === 'gzip';
    if (isPacked) ctx.set('Content-Encoding', 'gzip');
    ctx.body = isPacked ? asset.packed : asset.body;
  });
}
