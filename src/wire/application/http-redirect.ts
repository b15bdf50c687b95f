// Where an unencrypted HTTP/1 response sends the browser: a Location field or a page refresh, as login portals use them.
// RFC 9110 sections 10.2.2 and 15.4, RFC 9112 section 4, HTML's http-equiv=refresh. Only the first 8 KiB are read.

import { addressText, parseAddress } from '../ip/address.ts';
import { startsWith } from '../octets.ts';

/**
 * The host (a name in lower case without trailing dot, `a.b.c.d`, or RFC 5952 text without brackets) and TCP port that a browser would go
 * to.
 */
export interface HttpRedirect {
  readonly host: string;
  readonly port: number;
}

const MAX_LENGTH = 8_192;
const LONGEST_URL = 2_048;
/** Hosts in URLs are UTF-8 (RFC 3987); anything else becomes U+FFFD, which no host contains. */
const TEXT = new TextDecoder();
const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/**
 * The target of the response that begins at `start` of a TCP payload or stream, of which 8 KiB are read: of its Location field (RFC 9110
 * section 10.2.2) with status 3xx, of a page refresh with 200 or 511. Undefined when it is not an HTTP/1 response, does not redirect, or
 * redirects to a relative URL. Never throws.
 */
export function httpRedirect(bytes: Uint8Array, start: number, end: number): HttpRedirect | undefined {
  if (!startsWith(bytes, start, end, 'HTTP/1.')) return undefined;
  const text = TEXT.decode(bytes.subarray(start, Math.min(end, start + MAX_LENGTH))).replaceAll('\r', '');
  const status = /^HTTP\/1\.\d (\d{3})/.exec(text)?.[1] ?? '';
  const headEnd = text.indexOf('\n\n');
  const head = headEnd < 0 ? text : text.slice(0, headEnd);
  if (status.startsWith('3')) return targetOf(field(head, 'location'));
  // A page: status 200, or 511, which is meant for captive portals (RFC 6585 section 6).
  if (status !== '200' && status !== '511') return undefined;
  return targetOf(
    urlIn(field(head, 'refresh')) ?? (headEnd < 0 ? undefined : refreshOf(text.slice(headEnd))),
  );
}

function field(head: string, name: string): string | undefined {
  for (const line of head.split('\n').slice(1)) {
    const colon = line.indexOf(':');
    if (colon > 0 && line.slice(0, colon).toLowerCase() === name) return line.slice(colon + 1).trim();
  }
  return undefined;
}

/** What follows `url=` in a Refresh field. */
function urlIn(value: string | undefined): string | undefined {
  const at = value?.toLowerCase().indexOf('url=') ?? -1;
  return at < 0 ? undefined : value?.slice(at + 4).trim();
}

/** The URL in `<meta http-equiv="refresh" content="0; url=…">`. */
function refreshOf(body: string): string | undefined {
  const lower = body.toLowerCase();
  const at = lower.indexOf('http-equiv');
  const refresh = at < 0 ? -1 : lower.indexOf('refresh', at);
  const url = refresh < 0 || refresh > at + 20 ? -1 : lower.indexOf('url=', refresh);
  if (url < 0 || url > refresh + 200) return undefined;
  return /^["' ]*([^"'> ]+)/.exec(body.slice(url + 4, url + 4 + LONGEST_URL))?.[1];
}

function targetOf(text: string | undefined): HttpRedirect | undefined {
  if (text === undefined) return undefined;
  return httpTarget(text.replace(/^["']/, '').replace(/["']$/, ''));
}

/**
 * Host and port of an absolute `http` or `https` URL (RFC 3986) of at most 2048 characters; without a port 80 or 443. Undefined for
 * anything else; never throws.
 */
export function httpTarget(text: string): HttpRedirect | undefined {
  if (text.length > LONGEST_URL || !URL.canParse(text)) return undefined;
  const { protocol, hostname, port } = new URL(text);
  const usual = PORTS[protocol];
  if (usual === undefined || hostname === '') return undefined;
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  const address = parseAddress(bare);
  const host =
    address === undefined ? bare.replace(/\.$/, '') : addressText(address.ipVersion, address.words);
  return { host, port: port === '' ? usual : Number(port) };
}
