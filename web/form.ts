// Knows: how to read a small HTML form from a request. Must not know: which form.
// Follows WHATWG URL (application/x-www-form-urlencoded). Time is bounded by the server's request timeout.

import type { Context } from 'koa';

const LIMIT = 4096;

/** Throws 415 for another type and 413 for more than 4096 bytes, without reading on. */
export async function readForm(ctx: Context): Promise<URLSearchParams> {
  if (ctx.is('application/x-www-form-urlencoded') === false) ctx.throw(415);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of ctx.req as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LIMIT) {
      // The rest is not read: the connection ends with the answer.
      ctx.set('Connection', 'close');
      ctx.throw(413);
    }
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}
