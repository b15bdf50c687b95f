// Knows: what every page is made of, and how any change is checked, done and answered. Must not know: any one page.
// Every change: same site, own token, small form, then 303 (RFC 9110, 15.4.4), so that a reload never repeats it.

import type { Context } from 'koa';

import { ApiFault } from '../src/api/client.ts';
import type { ApiClient } from '../src/api/client.ts';
import { readForm } from './http/form.ts';
import type { Access } from './owner/access.ts';
import { sameSiteOnly } from './http/hardening.ts';
import type { KnowledgeFeed } from './knowledge-feed.ts';
import type { Notice, Renderer } from './render.ts';
import { TEXTS } from './texts.ts';
import { sentence } from './pages/status/view-model.ts';
import type { Visitors } from './owner/visitor.ts';

export interface Site {
  readonly client: ApiClient;
  readonly feed: KnowledgeFeed;
  readonly access: Access;
  readonly visitors: Visitors;
  readonly renderer: Renderer;
}

/** Shows the page a form stands on, with what went wrong, and what was filled in as far as it was the browser's own. */
export type Show = (ctx: Context, notice: Notice, form?: URLSearchParams) => Promise<void>;

/** The form, when it is this browser's own; otherwise 403 is answered on the page, and undefined comes back. */
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

export interface ChangePage {
  readonly show: Show;
  /** Where a change leads. */
  readonly back: string;
  /** Bytes of the form; 4096 unless told. */
  readonly limit?: number;
}

/** Reads and checks the form, does the change, and leads to `back`; what went wrong is said by `show`. */
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
    leadTo(ctx, back);
  } catch (error) {
    if (!(error instanceof ApiFault)) throw error;
    ctx.status = error.code === 'refused' ? 409 : 502;
    const said = error.code === 'refused' || error.code === 'failed' ? sentence(error.message) : '';
    const effect = error.code === 'refused' ? TEXTS.changedNothing : TEXTS.uncertain;
    await show(ctx, { message: `${said} ${effect}`.trim(), faults: error.faults }, form);
  }
}

export function leadTo(ctx: Context, path: string): void {
  ctx.redirect(path);
  ctx.status = 303;
}
