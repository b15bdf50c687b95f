// The head of an HTTP/1 request: method, target, Host; bodies are http1-body.ts. Only the first 32 KiB of a head are read.
// RFC 9112 sections 2.1, 3.2 (forms of the target) and 5, RFC 9110 sections 7.2 and 9.3.6 (CONNECT), RFC 3986 section 3.2.

import { nameText } from '../names/name-text.ts';
import { printable, startsWith } from '../octets.ts';

/** What a request says in the clear (RFC 9112 section 3). Hosts are as `nameText` writes them. */
export interface HttpRequest {
  readonly method: string;
  /** The request target as text, cut off at 2048 octets. */
  readonly target: string;
  /** `absolute` and `authority` (CONNECT) are requests to a proxy. */
  readonly form: 'origin' | 'absolute' | 'authority' | 'asterisk';
  /** The Host field without port, in lower case; absent when it is missing or empty. */
  readonly host?: string;
  /** The hosts of further Host fields. A server must refuse such a request (RFC 9112 section 3.2), but everyone can read it. */
  readonly otherHosts: readonly string[];
  /** The host in the target of a proxy request, without port, in lower case. */
  readonly targetHost?: string;
  /** The first User-Agent field, at most 256 octets, as `printable` writes them. */
  readonly userAgent?: string;
  /** Hosts of the pages in Referer and Origin fields (RFC 9110 section 10.1.3, RFC 6454 section 7), in order. */
  readonly pages: readonly string[];
  /** The body is a DNS message, by its Content-Type (RFC 8484). */
  readonly carriesDns?: true;
  /** Offset in `bytes` after the empty line that ends the head; -1 while the head is incomplete. */
  readonly headEnd: number;
  /** Octets of the body by Content-Length, 0 without one; -1 when the body comes in chunks. */
  readonly bodyLength: number;
}

/** `need-more`: neither a Host field nor the end of the head has come yet; ask again with more of the stream. */
export type HttpOutcome = HttpRequest | 'need-more' | 'not-http';

// Methods of RFC 9110, RFC 4918 and related protocols (WebDAV, Subversion, Exchange, RPC over HTTP), UPnP eventing, Icecast's SOURCE.
const METHODS = [
  'GET POST HEAD PUT DELETE OPTIONS CONNECT TRACE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK REPORT SEARCH',
  'MERGE CHECKOUT MKACTIVITY POLL SUBSCRIBE UNSUBSCRIBE NOTIFY M-SEARCH BPROPPATCH BMOVE BDELETE BCOPY BPROPFIND',
  'RPC_IN_DATA RPC_OUT_DATA RPC_CONNECT VERSION-CONTROL UNCHECKOUT UPDATE LABEL ACL MKCALENDAR BASELINE-CONTROL PURGE',
  'QUERY SOURCE PRI BITS_POST',
]
  .join(' ')
  .split(' ');

/** The limit for a method that is not listed; all extensions of HTTP stay below it. */
const LONGEST_METHOD = 20;
const MAX_BLANK = 4;
const LONGEST_HEAD = 32768;
const LONGEST_TARGET = 2048;
/** A field that continues on further lines is read up to this length. */
const LONGEST_FOLDED = 8192;
/** How many fields of the same name are read. */
const MAX_REPEATED = 8;
/** Fields whose values contain a host name. */
const NAME_FIELDS: ReadonlySet<string> = new Set(['referer', 'origin']);
const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const SLASH = 0x2f;

/**
 * Whether a payload begins with a known method and a blank, or with a whole request line of any other method (RFC 9110 section 9, RFC 9112
 * section 3). Cheap enough for every segment.
 */
export function isHttpRequestStart(bytes: Uint8Array, start: number, end: number): boolean {
  return methodAt(bytes, start, end) !== undefined;
}

/**
 * The offset in `bytes` of the request, after at most four octets of blank lines (RFC 9112 section 2.2); -1 when there is no request. Never
 * throws.
 */
export function requestAt(bytes: Uint8Array, start: number, end: number): number {
  const at = skipBlankLines(bytes, start, end);
  return isHttpRequestStart(bytes, at, end) ? at : -1;
}

function skipBlankLines(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && at - start < MAX_BLANK && (bytes[at] === CR || bytes[at] === LF)) at += 1;
  return at;
}

/**
 * Whether the octets, perhaps after blank lines, are no more than the beginning of a known method (METHODS, RFC 9110 section 9); false when
 * there are none.
 */
export function canBecomeRequest(bytes: Uint8Array, start: number, end: number): boolean {
  const at = skipBlankLines(bytes, start, end);
  return at < end && canBecomeMethod(bytes, at, end);
}

/** Whether a payload begins with an HTTP/1 status line (RFC 9112 section 4): the octets `HTTP/1.`. */
export function isHttpResponseStart(bytes: Uint8Array, start: number, end: number): boolean {
  return startsWith(bytes, start, end, 'HTTP/1.');
}

/** What has been read of a request's head, so that httpRequest can go on from there when more has come. */
export class HttpHead {
  /** The request line, once it is complete. Its offsets, and those below, count from the request's first octet. */
  line: RequestLine | undefined = undefined;
  /** The lines before `at` have been read, and there is no line feed between `at` and `scanned`. */
  at = 0;
  scanned = 0;
  fields: Fields = NO_FIELDS;
  /** Set by the caller once it has reported the request's hosts. */
  isReported = false;
}

interface RequestLine {
  readonly method: string;
  readonly end: number;
  readonly targetStart: number;
  readonly targetEnd: number;
  readonly isWellFormed: boolean;
}

interface Fields {
  readonly hosts: readonly string[];
  readonly addresses: readonly string[];
  readonly userAgent?: string | undefined;
  readonly length?: string | undefined;
  readonly type?: string | undefined;
  readonly chunked: boolean;
}

const NO_FIELDS: Fields = Object.freeze({ hosts: [], addresses: [], chunked: false });

/**
 * The request at `start` of contiguous octets, as soon as its Host field has been read or its head has ended. With
 * `final` nothing more will come, and the request is returned if its request line is complete. A malformed request line
 * (no target, no version, misplaced blanks) counts only when its method is known and a Host field follows, or any text
 * would count. Pass the same `head` in every call for one request, with more octets before `end` each time. Of the head, 32 KiB are read.
 * RFC 9112 sections 3 and 5, RFC 9110 section 7.2. Never throws.
 */
export function httpRequest(
  bytes: Uint8Array,
  start: number,
  end: number,
  final = false,
  head = new HttpHead(),
): HttpOutcome {
  const stop = Math.min(end, start + LONGEST_HEAD);
  if (head.line === undefined) {
    const line = requestLine(bytes, start, stop, head, end > stop || final);
    if (typeof line === 'string') return line === 'need-more' && final ? 'not-http' : line;
    head.line = line;
    head.at = head.scanned = line.end + 1;
  }
  const { line } = head;
  const { fields, headEnd } = readFields(bytes, start, stop, head, line);
  if (fields === undefined) return 'not-http';
  const { hosts, userAgent, type } = fields;
  // A Host field without a name may continue on the next line.
  const isNamed = hosts.some((name) => name !== '');
  if (!isNamed && headEnd < 0 && !final && stop === end) return 'need-more';
  if (!line.isWellFormed && hosts.length === 0) return 'not-http';
  const targetStart = start + line.targetStart;
  const targetStop = Math.min(start + line.targetEnd, targetStart + LONGEST_TARGET);
  const target = printable(bytes, targetStart, targetStop);
  const form = formOf(line.method, target);
  const [hostName = '', ...otherHosts] = [...new Set(hosts.map(withoutPort))];
  const asksProxy = form === 'absolute' || form === 'authority';
  const targetHost = asksProxy ? authorityHost(nameText(bytes, targetStart, targetStop)) : '';
  const request: { -readonly [K in keyof HttpRequest]: HttpRequest[K] } = {
    method: line.method,
    target,
    form,
    headEnd,
    bodyLength: fields.chunked ? -1 : contentLength(fields.length),
    otherHosts: otherHosts.filter((name) => name !== ''),
    pages: [...new Set(fields.addresses.flatMap(pageHost))],
  };
  if (hostName !== '') request.host = hostName;
  if (targetHost !== '') request.targetHost = targetHost;
  if (userAgent !== undefined) request.userAgent = userAgent;
  if (type?.toLowerCase().startsWith('application/dns-message') === true) request.carriesDns = true;
  return request;
}

function requestLine(
  bytes: Uint8Array,
  start: number,
  stop: number,
  head: HttpHead,
  isAll: boolean,
): RequestLine | 'need-more' | 'not-http' {
  const method = methodAt(bytes, start, stop);
  if (method === undefined) return !isAll && canBecomeMethod(bytes, start, stop) ? 'need-more' : 'not-http';
  const lineEnd = lineFeed(bytes, start + head.scanned, stop);
  if (lineEnd < 0) {
    const isRefused = isAll || !isText(bytes, start + head.scanned, stop);
    head.scanned = stop - start;
    return isRefused ? 'not-http' : 'need-more';
  }
  const targetStart = start + method.length + 1;
  const versionAt = targetEndBefore(bytes, targetStart, lineEnd);
  const isKnown = METHODS.includes(method) && method !== 'CONNECT';
  if (versionAt < 0 && (!isKnown || isOtherProtocol(bytes, targetStart, lineEnd))) return 'not-http';
  const targetEnd = versionAt >= 0 ? versionAt : withoutLineEnd(bytes, targetStart, lineEnd);
  return {
    method,
    end: lineEnd - start,
    targetStart: targetStart - start,
    targetEnd: targetEnd - start,
    isWellFormed: versionAt >= 0 && method === method.toUpperCase(),
  };
}

/**
 * Reads the lines that follow those in `head` and returns all fields so far; `fields` is undefined when a line cannot be HTTP. The last
 * line may continue on one that has not come yet: it is read now, and again once that has come.
 */
function readFields(
  bytes: Uint8Array,
  start: number,
  stop: number,
  head: HttpHead,
  { isWellFormed }: RequestLine,
): { readonly fields: Fields | undefined; readonly headEnd: number } {
  let { fields } = head;
  for (;;) {
    const at = start + head.at;
    let feed = lineFeed(bytes, start + head.scanned, stop);
    if (feed < 0) {
      head.scanned = stop - start;
      return { fields, headEnd: -1 };
    }
    // A line that begins with a blank continues the one before it (RFC 9112 section 5.2).
    const longest = Math.min(stop, at + LONGEST_FOLDED);
    while (feed > at + 1 && feed + 1 < longest && isBlank(bytes[feed + 1] ?? 0)) {
      const next = lineFeed(bytes, feed + 1, longest);
      if (next < 0) break;
      feed = next;
    }
    const contentEnd = feed > at && bytes[feed - 1] === CR ? feed - 1 : feed;
    if (contentEnd === at) return { fields, headEnd: feed + 1 };
    // A malformed request line must be followed by fields, or this is not HTTP.
    if (!isWellFormed && !hasColon(bytes, at, contentEnd)) return { fields: undefined, headEnd: -1 };
    fields = withField(head.fields, bytes, at, contentEnd);
    if (feed + 1 >= stop || (isBlank(bytes[feed + 1] ?? 0) && longest === stop)) {
      head.scanned = head.at;
      return { fields, headEnd: -1 };
    }
    head.fields = fields;
    head.at = head.scanned = feed + 1 - start;
  }
}

function withField(fields: Fields, bytes: Uint8Array, at: number, end: number): Fields {
  const { hosts, addresses } = fields;
  const text = (name: string): string | undefined => fieldText(bytes, at, end, name);
  const host = text('host');
  if (host !== undefined)
    return hosts.length < MAX_REPEATED ? { ...fields, hosts: [...hosts, host] } : fields;
  const address = text('referer') ?? text('origin');
  if (address !== undefined)
    return addresses.length < 2 * MAX_REPEATED ? { ...fields, addresses: [...addresses, address] } : fields;
  const userAgent = fields.userAgent ?? text('user-agent');
  const length = fields.length ?? text('content-length');
  const type = fields.type ?? text('content-type');
  // There may be several codings, in one field or in several: `chunked` counts wherever it is (RFC 9112 section 6.1).
  const chunked = fields.chunked || isChunked(text('transfer-encoding'));
  const hasChanged =
    userAgent !== fields.userAgent ||
    length !== fields.length ||
    type !== fields.type ||
    chunked !== fields.chunked;
  return hasChanged ? { hosts, addresses, userAgent, length, type, chunked } : fields;
}

/** The host of an authority (RFC 3986 section 3.2) without its port and one trailing dot; an IPv6 literal keeps its brackets. */
export function withoutPort(authority: string): string {
  const host = authority.includes(':') ? authority.replace(/:\d*$/, '') : authority;
  return host.endsWith('.') ? host.slice(0, -1) : host;
}

function methodAt(bytes: Uint8Array, start: number, end: number): string | undefined {
  const first = bytes[start] ?? 0;
  if (end <= start || !isMethodOctet(first)) return undefined;
  for (const method of METHODS) {
    if (method.charCodeAt(0) !== first || !startsWith(bytes, start, end, method)) continue;
    if (start + method.length < end && isBlank(bytes[start + method.length] ?? 0)) return method;
  }
  return unknownMethodAt(bytes, start, end);
}

/** The method of a whole request line: HTTP allows any (RFC 9110 section 9.1), then a space, a path or absolute target, the version. */
function unknownMethodAt(bytes: Uint8Array, start: number, end: number): string | undefined {
  const limit = Math.min(end, start + LONGEST_METHOD);
  let at = start;
  while (at < limit && isMethodOctet(bytes[at] ?? 0)) at += 1;
  if (at - start < 3 || bytes[at] !== SPACE || at + 1 >= end) return undefined;
  const target = bytes[at + 1];
  if (target !== SLASH && !startsWith(bytes, at + 1, end, 'http://')) return undefined;
  const lineEnd = lineFeed(bytes, at, Math.min(end, at + LONGEST_TARGET));
  if (lineEnd < 0 || targetEndBefore(bytes, at + 1, lineEnd) < 0) return undefined;
  return printable(bytes, start, at);
}

/** Methods are in capitals, but some servers accept small letters. */
function isMethodOctet(octet: number): boolean {
  const capital = octet & 0xdf;
  return (capital >= 0x41 && capital <= 0x5a && octet >= 0x41) || octet === 0x2d || octet === 0x5f;
}

function canBecomeMethod(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  return METHODS.some(
    (method) => length <= method.length && startsWith(bytes, start, end, method.slice(0, length)),
  );
}

function lineFeed(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at += 1) if (bytes[at] === LF) return at;
  return -1;
}

function isText(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    const octet = bytes[at] ?? 0;
    if (octet < SPACE && octet !== CR && octet !== TAB) return false;
  }
  return true;
}

/** Whether a request line ends with a version that is not HTTP's: `RTSP/1.0`, `SIP/2.0`, `ICAP/1.0`. */
function isOtherProtocol(bytes: Uint8Array, targetStart: number, lineEnd: number): boolean {
  const stop = withoutLineEnd(bytes, targetStart, lineEnd);
  const line = printable(bytes, Math.max(targetStart, stop - 16), stop);
  return /[A-Z]{2,}\/\d(\.\d)?$/.test(line) && !/HTTP\/\d(\.\d)?$/.test(line);
}

function withoutLineEnd(bytes: Uint8Array, start: number, lineEnd: number): number {
  let at = lineEnd;
  while (at > start && (isBlank(bytes[at - 1] ?? 0) || bytes[at - 1] === CR)) at -= 1;
  return at;
}

function hasColon(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (bytes[at] === 0x3a) return true;
  return false;
}

function isChunked(coding: string | undefined): boolean {
  if (coding === undefined) return false;
  return coding.split(',').some((token) => token.trim().toLowerCase() === 'chunked');
}

/** The number, perhaps after a sign and zeros, or the first of a list (RFC 9112 section 6.3); 0 for anything else. */
function contentLength(text: string | undefined): number {
  const digits = /^[ \t]*\+?0*(\d{0,15})[ \t]*(?:,.*)?$/.exec(text ?? '');
  return digits === null ? 0 : Number(digits[1] ?? '');
}

/** Where the target of a request line ends: before ` HTTP/`; -1 when the line has no version. */
function targetEndBefore(bytes: Uint8Array, targetStart: number, lineEnd: number): number {
  for (let at = lineEnd - 6; at >= targetStart; at -= 1) {
    if (bytes[at] === SPACE && startsWith(bytes, at + 1, lineEnd, 'HTTP/')) return at;
  }
  return -1;
}

/** The value of a field line whose name is `name` (case-insensitive); undefined for other fields. */
function fieldText(bytes: Uint8Array, start: number, end: number, name: string): string | undefined {
  let at = start;
  for (let i = 0; i < name.length; i += 1, at += 1) {
    if (at >= end || ((bytes[at] ?? 0) | 0x20) !== (name.charCodeAt(i) | 0x20)) return undefined;
  }
  while (at < end && isBlank(bytes[at] ?? 0)) at += 1;
  if (bytes[at] !== 0x3a || at >= end) return undefined;
  at += 1;
  while (at < end && isFold(bytes[at] ?? 0)) at += 1;
  let last = end;
  while (last > at && isBlank(bytes[last - 1] ?? 0)) last -= 1;
  if (name === 'host') return nameText(bytes, at, last);
  const stop = Math.min(last, at + 256);
  return NAME_FIELDS.has(name) ? nameText(bytes, at, stop) : printable(bytes, at, stop);
}

function isBlank(octet: number): boolean {
  return octet === SPACE || octet === TAB;
}

/** A blank, or a line end before a continuation line. */
function isFold(octet: number): boolean {
  return isBlank(octet) || octet === CR || octet === LF;
}

function formOf(method: string, target: string): HttpRequest['form'] {
  if (method === 'CONNECT') return 'authority';
  if (target.startsWith('/')) return 'origin';
  if (target === '*') return 'asterisk';
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(target) ? 'absolute' : 'origin';
}

/**
 * The host in the URL of a page (a Referer or Origin field; RFC 9110 section 10.1.3, RFC 6454 section 7) as a list of one: in lower case,
 * without user, port and trailing dot. Empty for an opaque origin (`null`), a path and undefined.
 */
export function pageHost(address: string | undefined): readonly string[] {
  const host = address?.includes('://') === true ? authorityHost(address) : '';
  return host === '' ? [] : [host];
}

function authorityHost(target: string): string {
  const authority = target.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '').replace(/[/?#].*$/, '');
  return withoutPort(authority.replace(/^.*@/, '').toLowerCase());
}
