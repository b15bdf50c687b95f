// Knows: what every answer and every request of the page must satisfy, whatever it is about. Must not know: the guard, the views.
// Follows CSP level 3, Fetch metadata (W3C), RFC 6265bis (SameSite); against DNS rebinding, framing and cross-site requests.

import { isIP } from 'node:net';

import type { Context, Next } from 'koa';

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; " +
  "form-action 'self'; base-uri 'none'";

const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': `${POLICY}; frame-ancestors 'none'`,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  // Not `no-referrer`: browsers then send `Origin: null` with forms, which could not be told from a stranger's.
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'Cache-Control': 'no-store',
};

/** Puts the headers on every answer, errors too: a refusal is a page as well. */
export async function securityHeaders(ctx: Context, next: Next): Promise<void> {
  ctx.set(HEADERS);
  await next();
}

/** For what stands in a frame of this page itself: it holds nothing that can be pressed. Strangers' frames stay shut out. */
export function inOwnFrames(ctx: Context): void {
  ctx.set('Content-Security-Policy', `${POLICY}; frame-ancestors 'self'`);
  ctx.set('X-Frame-Options', 'SAMEORIGIN');
}

/** Host part of a Host header, lower case, without port, brackets and final dot; undefined when it is none. */
export function hostNameOf(header: string): string | undefined {
  const parts = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::(\d{1,5}))?$/i.exec(header);
  if (Number(parts?.[3] ?? 0) > 65535) return undefined;
  return (parts?.[1] ?? parts?.[2])?.toLowerCase().replace(/\.$/, '');
}

/**
 * Only names this box was given, and the address the connection really came to: a name that a stranger's DNS points here
 * (rebinding) is refused with 421 (RFC 9110, 15.5.20), whoever asks. `isOwnName` says of any other whether it is the box's
 * own by its policy. What is asked as of a proxy (absolute form, RFC 9112, 3.2.2) is refused with 400: this is
 * none; and so is what is no path, or comes with two hosts (RFC 9112, 3.2).
 */
export function hostAllowList(
  names: readonly string[],
  isOwnName: (host: string) => Promise<boolean>,
): (ctx: Context, next: Next) => Promise<void> {
  const allowed = new Set(['localhost', ...names.map((name) => name.toLowerCase().replace(/\.$/, ''))]);
  return async (ctx, next) => {
    const host = hostNameOf(ctx.get('Host'));
    if (host === undefined) return ctx.throw(421);
    const isKnown = allowed.has(host) || isOwnAddress(host, ctx.req.socket.localAddress);
    if (!isKnown && !(await isOwnName(host))) ctx.throw(421);
    if (!isOriginForm(ctx.originalUrl) || (ctx.req.headersDistinct['host']?.length ?? 0) > 1) ctx.throw(400);
    await next();
  };
}

/** A path of this server and maybe a query (RFC 9112, 3.2.1), in a form that can be taken apart (RFC 3986, 2.1; WHATWG URL). */
function isOriginForm(target: string): boolean {
  if (!target.startsWith('/') || target.startsWith('//') || !URL.canParse(target, 'http://page'))
    return false;
  try {
    decodeURIComponent(target.split('?', 1)[0] ?? '');
    return true;
  } catch {
    return false;
  }
}

function isOwnAddress(host: string, local: string | undefined): boolean {
  if (isIP(host) === 0) return false;
  if (host === '127.0.0.1' || host === '::1') return true;
  return (
    host ===
    local
      ?.toLowerCase()
      .replace(/^::ffff:/, '')
      .replace(/%.*$/, '')
  );
}

/** A change comes from this page: browsers say so by Sec-Fetch-Site and Origin; what says otherwise is refused with 403. */
export function sameSiteOnly(ctx: Context): void {
  const site = ctx.get('Sec-Fetch-Site');
  if (site !== '' && site !== 'same-origin' && site !== 'none') ctx.throw(403);
  const origin = ctx.get('Origin');
  if (origin !== '' && origin !== `http://${ctx.get('Host')}` && origin !== `https://${ctx.get('Host')}`)
    ctx.throw(403);
}
