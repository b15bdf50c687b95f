// Checks for every request and headers for every answer, against DNS rebinding, framing and cross-site requests: CSP level 3,
// Fetch metadata (W3C), RFC 6265bis (SameSite).

import { isIP } from 'node:net';

import type { Context, Next } from 'koa';

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; " +
  "form-action 'self'; base-uri 'none'";

const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': `${POLICY}; frame-ancestors 'none'`,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  // Not `no-referrer`: browsers would then send `Origin: null` with our own forms, as they do with those of other sites.
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'Cache-Control': 'no-store',
};

/**
 * Sets the headers on every answer, including errors: Content-Security-Policy (CSP level 3), no framing, no caching. Throws only what
 * `next` throws.
 */
export async function securityHeaders(ctx: Context, next: Next): Promise<void> {
  ctx.set(HEADERS);
  await next();
}

/** Lets this page, but no other site, show the answer in a frame (CSP level 3, frame-ancestors). Only for documents without buttons or links. */
export function inOwnFrames(ctx: Context): void {
  ctx.set('Content-Security-Policy', `${POLICY}; frame-ancestors 'self'`);
  ctx.set('X-Frame-Options', 'SAMEORIGIN');
}

/**
 * Host part of a Host header (RFC 9110, 7.2), in lower case, without port, brackets and final dot; undefined if the header is malformed,
 * and for an empty one. Never throws.
 */
export function hostNameOf(header: string): string | undefined {
  const parts = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::(\d{1,5}))?$/i.exec(header);
  if (Number(parts?.[3] ?? 0) > 65535) return undefined;
  return (parts?.[1] ?? parts?.[2])?.toLowerCase().replace(/\.$/, '');
}

/**
 * Accepts only `names`, names for which `isOwnName` is true (the box's own name in the policy), and the address that the connection
 * really came to. Other names, which a stranger's DNS may point here (rebinding), are refused with 421 (RFC 9110, 15.5.20), for every
 * visitor. Refused with 400: requests in absolute form, as to a proxy (RFC 9112, 3.2.2), targets that are not a path, and more than
 * one Host header (RFC 9112, 3.2).
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

/** True for a path with an optional query (RFC 9112, 3.2.1) that can be parsed and decoded (RFC 3986, 2.1; WHATWG URL). */
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

/**
 * Throws 403 if Sec-Fetch-Site (Fetch metadata, W3C) or Origin (RFC 6454, section 7) says that a change does not come from this page.
 * Without both headers it passes: the form's token decides.
 */
export function sameSiteOnly(ctx: Context): void {
  const site = ctx.get('Sec-Fetch-Site');
  if (site !== '' && site !== 'same-origin' && site !== 'none') ctx.throw(403);
  const origin = ctx.get('Origin');
  if (origin !== '' && origin !== `http://${ctx.get('Host')}` && origin !== `https://${ctx.get('Host')}`)
    ctx.throw(403);
}
