// Login, first password, logout, change of password. Visitors who are not logged in see the light without names, and nothing else.

import type Router from '@koa/router';
import type { Context, Next } from 'koa';

import type { Outcome } from '../../owner/access.ts';
import type { Notice } from '../../render.ts';
import { seeOther, ownForm } from '../../site.ts';
import type { Show, Site } from '../../site.ts';
import { OUTCOME_FAULTS, TEXTS } from '../../texts.ts';

/** Paths that anyone may request. Everything else, including paths that do not exist, is for the owner. */
const OPEN = /^\/(?:light|public)\//;

/** Requests that keep an open page current. A person did not make them, so they do not prolong a session. */
const PASSIVE = new Set([
  '/events',
  '/regions',
  '/head/events',
  '/head/regions',
  '/timeline',
  '/incidents/events',
  '/incidents/found',
]);

async function showLogin(site: Site, ctx: Context, notice?: Notice): Promise<void> {
  const knowledge = await site.feed.now();
  const token = site.visitors.token(ctx);
  const { isSetUp, asksForCode } = site.access;
  ctx.type = 'html';
  ctx.body = site.renderer.login({ knowledge, token, notice, isSetUp, asksForCode });
}

/**
 * Lets the owner through, and everyone to OPEN. Others get the login page for `/`, a redirect there for another page, and 401 for a form or
 * what keeps a page current. Requests of a person prolong the session.
 */
export function ownerOnly(site: Site): (ctx: Context, next: Next) => Promise<void> {
  const login = new Set(['/login', '/setup']);
  return async (ctx, next) => {
    const reading = ctx.method === 'GET' || ctx.method === 'HEAD';
    const isOpen = reading ? OPEN.test(ctx.path) : login.has(ctx.path);
    if (isOpen || site.access.isOwner(ctx, !PASSIVE.has(ctx.path))) {
      await next();
      return;
    }
    if (!reading || PASSIVE.has(ctx.path)) ctx.throw(401);
    if (ctx.path === '/') await showLogin(site, ctx);
    else seeOther(ctx, '/');
  };
}

/**
 * Adds `/setup`, `/login`, `/logout`, `/account` and `/password`. A form that fails is shown again: 403 for a wrong password or code, 409
 * if there is a password already, 422 for one that is not allowed, 429 with Retry-After (RFC 6585, section 4) for too many attempts.
 */
export function addLoginRoutes(router: Router, site: Site): void {
  const { access, renderer, visitors } = site;
  const loginWith: Show = (ctx, notice) => showLogin(site, ctx, notice);

  async function showAccount(ctx: Context, notice?: Notice): Promise<void> {
    ctx.type = 'html';
    ctx.body = renderer.account({ token: visitors.token(ctx), notice });
    return Promise.resolve();
  }

  /** Redirects to the status page after success; otherwise shows the form again and says why. */
  async function finish(ctx: Context, outcome: Outcome, show: Show): Promise<void> {
    if (outcome.code === 'in') {
      seeOther(ctx, '/');
      return;
    }
    if (outcome.code === 'wait') {
      const seconds = Math.ceil(outcome.waitMs / 1000);
      ctx.set('Retry-After', String(seconds));
      ctx.status = 429;
      return show(ctx, { message: TEXTS.waitBefore.replace('{seconds}', String(seconds)), faults: [] });
    }
    ctx.status =
      outcome.code === 'taken' ? 409 : outcome.code === 'wrong' || outcome.code === 'code' ? 403 : 422;
    return show(ctx, { message: OUTCOME_FAULTS[outcome.code], faults: [] });
  }

  router.post('/setup', async (ctx: Context) => {
    const form = await ownForm(site, ctx, loginWith);
    if (form === undefined) return;
    const [password, again, code] = [field(form, 'password'), field(form, 'again'), field(form, 'code')];
    await finish(ctx, await access.setFirst(ctx, password, again, code), loginWith);
  });
  router.post('/login', async (ctx: Context) => {
    const form = await ownForm(site, ctx, loginWith);
    if (form === undefined) return;
    await finish(ctx, await access.logIn(ctx, field(form, 'password')), loginWith);
  });
  router.get('/account', (ctx: Context) => showAccount(ctx));
  router.post('/logout', async (ctx: Context) => {
    const form = await ownForm(site, ctx, showAccount);
    if (form === undefined) return;
    access.logOut(ctx, form.get('everywhere') === 'yes');
    seeOther(ctx, '/');
  });
  router.post('/password', async (ctx: Context) => {
    const form = await ownForm(site, ctx, showAccount);
    if (form === undefined) return;
    const [old, password, again] = [field(form, 'old'), field(form, 'password'), field(form, 'again')];
    await finish(ctx, await access.changePassword(ctx, old, password, again), showAccount);
  });
}

const field = (form: URLSearchParams, name: string): string => form.get(name) ?? '';
