// What all routes share, and the one way in which a form changes something: same site, valid token, small body, then
// a 303 redirect (RFC 9110, 15.4.4), so that reloading never repeats the change.

import type { Context } from 'koa';

import { ApiFault } from '../src/api/client.ts';
import type { ApiClient } from '../src/api/client.ts';
import { readForm } from './http/form.ts';
import type { Access } from './owner/access.ts';
import { sameSiteOnly } from './http/hardening.ts';
import type { StatusFeed } from './knowledge-feed.ts';
import type { Notice, Renderer } from './render.ts';
import { TEXTS } from './texts.ts';
import { sentence } from './pages/status/view-model.ts';
import type { Visitors } from './owner/visitor.ts';

/** What all routes share. */
export interface Site {
  readonly client: ApiClient;
  readonly feed: StatusFeed;
  readonly access: Access;
  readonly visitors: Visitors;
  readonly renderer: Renderer;
}

/** Shows the page that contains the form again, with what went wrong and, if the form's token was valid, what was filled in. */
export type Show = (ctx: Context, notice: Notice, form?: URLSearchParams) => Promise<void>;

/**
 * Reads the form and checks its token. If the token is not this browser's, answers 403 with `show` and returns undefined. Throws 403 for a
 * request of another site (`sameSiteOnly`), and what `readForm` throws; `limit`: most bytes of the form.
 */
export async function ownForm(
  site: Site,
  ctx: Context,
  show: Show,
  limit?: number,
): Promise<URLSearchParams | undefined> {
  sameSiteOnly(ctx);
  const form = await readForm(ctx, limit);
  if (site.visitors.owns(ctx, form.get('token') ?? '')) return form;
  ctx.status = 403;
  await show(ctx, { message: TEXTS.staleForm, faults: [] });
  return undefined;
}

/** The page of a form that changes something. */
export interface ChangePage {
  readonly show: Show;
  /** Path with query to redirect to after the change. */
  readonly back: string;
  /** Most bytes of the form; 4096 by default. */
  readonly limit?: number;
}

/**
 * Reads and checks the form, runs `command` and redirects to `back`. Faults of the daemon (ApiFault) are shown by `show`: 409 if it
 * refused, else 502, where it is not known whether the change took effect. Throws what `ownForm` throws, and any other error of `command`.
 */
export async function change(
  site: Site,
  ctx: Context,
  { show, back, limit }: ChangePage,
  command: (form: URLSearchParams) => Promise<unknown>,
): Promise<void> {
  const form = await ownForm(site, ctx, show, limit);
  if (form === undefined) return;
  try {
    await command(form);
    seeOther(ctx, back);
  } catch (error) {
    if (!(error instanceof ApiFault)) throw error;
    ctx.status = error.code === 'refused' ? 409 : 502;
    const said = error.code === 'refused' || error.code === 'failed' ? sentence(error.message) : '';
    const effect = error.code === 'refused' ? TEXTS.changedNothing : TEXTS.uncertain;
    await show(ctx, { message: `${said} ${effect}`.trim(), faults: error.faults }, form);
  }
}

/** Answers with 303 (RFC 9110, 15.4.4), so that the browser requests `path` (with its query) by GET and a reload repeats nothing. */
export function seeOther(ctx: Context, path: string): void {
  ctx.redirect(path);
  ctx.status = 303;
}
