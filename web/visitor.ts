// Knows: how a form proves that it was made for the browser that sends it. Must not know: what the form is for.
// Signed double submit: a random id in a same-site cookie, and in the form a token that only this process can derive from it.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

import type { Context } from 'koa';

const COOKIE = 'leakguard-visitor';

export class Visitors {
  readonly #secret = randomBytes(32);

  /** The token for this browser's forms; gives it an id when it has none. */
  token(ctx: Context): string {
    const known = idOf(ctx);
    const id = known ?? randomBytes(18).toString('base64url');
    if (known === undefined)
      ctx.cookies.set(COOKIE, id, { httpOnly: true, sameSite: 'strict', path: '/', signed: false });
    return this.#derive(id);
  }

  /** True when `token` was made for the browser that sends it, by this process. */
  owns(ctx: Context, token: string): boolean {
    const id = idOf(ctx);
    if (id === undefined) return false;
    const [expected, given] = [Buffer.from(this.#derive(id)), Buffer.from(token)];
    return expected.length === given.length && timingSafeEqual(expected, given);
  }

  #derive(id: string): string {
    return createHmac('sha256', this.#secret).update(id).digest('base64url');
  }
}

function idOf(ctx: Context): string | undefined {
  const id = ctx.cookies.get(COOKIE, { signed: false });
  return id !== undefined && /^[\w-]{24}$/.test(id) ? id : undefined;
}
