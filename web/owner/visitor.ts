// Knows: how a form proves that it was made for the browser that sends it. Must not know: what the form is for.
// Signed double submit: a random id in a same-site cookie, and in the form a token that only this process can derive from it
// and from the session: what was made before a login is worth nothing after it.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

import type { Context } from 'koa';

const COOKIE = 'leakguard-visitor';

export class Visitors {
  readonly #secret = randomBytes(32);
  readonly #sessionOf: (ctx: Context) => string | undefined;

  constructor(sessionOf: (ctx: Context) => string | undefined) {
    this.#sessionOf = sessionOf;
  }

  /** The token for this browser's forms; gives it an id when it has none. */
  token(ctx: Context): string {
    const known = idOf(ctx);
    const id = known ?? randomBytes(18).toString('base64url');
    if (known === undefined)
      ctx.cookies.set(COOKIE, id, { httpOnly: true, sameSite: 'strict', path: '/', signed: false });
    return this.#derive(ctx, id);
  }

  /** True when `token` was made for the browser that sends it, in the session it is in, by this process. */
  owns(ctx: Context, token: string): boolean {
    const id = idOf(ctx);
    if (id === undefined) return false;
    const [expected, given] = [Buffer.from(this.#derive(ctx, id)), Buffer.from(token)];
    return expected.length === given.length && timingSafeEqual(expected, given);
  }

  #derive(ctx: Context, id: string): string {
    const bound = `${id} ${this.#sessionOf(ctx) ?? ''}`;
    return createHmac('sha256', this.#secret).update(bound).digest('base64url');
  }
}

function idOf(ctx: Context): string | undefined {
  const id = ctx.cookies.get(COOKIE, { signed: false });
  return id !== undefined && /^[\w-]{24}$/.test(id) ? id : undefined;
}
