// CSRF protection by signed double submit: a random ID in a SameSite cookie, and in the form a token that only this process can derive from
// the ID and the session. A token made before a login is invalid after it.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

import type { Context } from 'koa';

const COOKIE = 'leakguard-visitor';

/** The tokens of this process; a restart makes all of them invalid. */
export class Visitors {
  readonly #secret = randomBytes(32);
  readonly #sessionOf: (ctx: Context) => string | undefined;

  /** `sessionOf`: the token of a visitor's session, undefined without one. */
  constructor(sessionOf: (ctx: Context) => string | undefined) {
    this.#sessionOf = sessionOf;
  }

  /** The token for this browser's forms (HMAC-SHA-256, base64url); sets the cookie if the browser has none. */
  token(ctx: Context): string {
    const known = idOf(ctx);
    const id = known ?? randomBytes(18).toString('base64url');
    if (known === undefined)
      ctx.cookies.set(COOKIE, id, { httpOnly: true, sameSite: 'strict', path: '/', signed: false });
    return this.#derive(ctx, id);
  }

  /** True if this process made `token` for this browser in its current session. */
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
