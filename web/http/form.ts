// Reads an HTML form from a request, within a limit: WHATWG URL (application/x-www-form-urlencoded) and RFC 7578. The time is bounded
// by the request timeout of the server.

import type { Context } from 'koa';

import type { Body } from '../../src/api/endpoints.ts';
import { boundaryOf, readMultipart } from '../pages/tunnels/multipart.ts';

/** Default limit, bytes; forms with a file or lists have their own. */
const LIMIT = 4096;
/** Enough for the largest form: 256 exceptions of five fields each, and a few more. Bounded because every lookup searches all fields. */
const FIELDS_MOST = 2_000;

/**
 * Which incidents the form acknowledges: `id`, at most 200 characters; with `all`, also how many the page showed, if it says so. Throws 400
 * if the form has no valid `id`.
 */
export function acknowledgementIn(ctx: Context, form: URLSearchParams): Body<'acknowledge'> {
  const id = form.get('id');
  if (id === null || id === '' || id.length > 200) return ctx.throw(400);
  const shown = form.get('shown') ?? '';
  return id === 'all' && /^\d{1,9}$/.test(shown) ? { id, unacknowledged: Number(shown) } : { id };
}

/**
 * The fields of an HTML form, files as `readMultipart` gives them. Throws 415 for another content type, 413 for more than `limit` bytes
 * (the rest is not read) or FIELDS_MOST fields, and 400 for a malformed body.
 */
export async function readForm(ctx: Context, limit = LIMIT): Promise<URLSearchParams> {
  const boundary = boundaryOf(ctx.get('Content-Type'));
  if (boundary === undefined && ctx.is('application/x-www-form-urlencoded') === false) ctx.throw(415);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of ctx.req as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) {
      // The rest is not read: the connection ends with the answer.
      ctx.set('Connection', 'close');
      ctx.throw(413);
    }
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  if (boundary === undefined) {
    if (separatorsIn(body) >= FIELDS_MOST) ctx.throw(413);
    return new URLSearchParams(body.toString('utf8'));
  }
  return readMultipart(body, boundary) ?? ctx.throw(400);
}

function separatorsIn(body: Buffer): number {
  let found = 0;
  for (let at = body.indexOf('&'); at >= 0 && found < FIELDS_MOST; at = body.indexOf('&', at + 1)) found += 1;
  return found;
}
