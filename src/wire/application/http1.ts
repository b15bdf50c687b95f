// Knows: the head of an HTTP/1 request: method, target, Host. Must not know: bodies (http1-body.ts), streams, flows, policy.
// Follows RFC 9112 sections 2.1, 3.2 (forms of the target) and 5, RFC 9110 sections 7.2 and 9.3.6 (CONNECT), RFC 3986 section 3.2.
// Bounded: a head of more than 32 KiB is read no further.

import { nameText } from '../names/name-text.ts';
import { printable, startsWith } from '../octets.ts';

/** What a request says in the clear. */
export interface HttpRequest {
  readonly method: string;
  /** The request target as text, cut at 2048 octets. */
  readonly target: string;
  /** `absolute` and `authority` (CONNECT) are what a proxy is asked. */
  readonly form: 'origin' | 'absolute' | 'authority' | 'asterisk';
  /** The Host field without port, lower case; absent when there is none or it is empty. */
  readonly host?: string;
  /** Those of further Host fields, which no server has to take (RFC 9112 section 3.2) and everyone can read. */
  readonly otherHosts: readonly string[];
  /** The host that the target of a proxy request names, likewise. */
  readonly targetHost?: string;
  readonly userAgent?: string;
  /** Hosts of the pages that the request says it comes from (RFC 9110 section 10.1.3, RFC 6454 section 7), in order. */
  readonly pages: readonly string[];
  /** The body is a DNS message (RFC 8484). */
  readonly carriesDns?: true;
  /** Offset behind the empty line that ends the head; -1 while it is not there. */
  readonly headEnd: number;
  /** Octets behind the head by its Content-Length, 0 without one; -1 when the body comes in chunks. */
  readonly bodyLength: number;
}

/** `need-more`: no Host yet and no end of the head; ask again with more of the stream. */
export type HttpOutcome = HttpRequest | 'need-more' | 'not-http';

// RFC 9110, RFC 4918 and their kin (WebDAV, subversion, Exchange, RPC over HTTP), UPnP eventing, and icecast's SOURCE.
const METHODS = [
  'GET POST HEAD PUT DELETE OPTIONS CONNECT TRACE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK REPORT SEARCH',
  'MERGE CHECKOUT MKACTIVITY POLL SUBSCRIBE UNSUBSCRIBE NOTIFY M-SEARCH BPROPPATCH BMOVE BDELETE BCOPY BPROPFIND',
  'RPC_IN_DATA RPC_OUT_DATA RPC_CONNECT VERSION-CONTROL UNCHECKOUT UPDATE LABEL ACL MKCALENDAR BASELINE-CONTROL PURGE',
  'QUERY SOURCE PRI BITS_POST',
]
  .join(' ')
  .split(' ');

/** What an unknown method may look like; names of HTTP's extensions keep to it. */
const LONGEST_METHOD = 20;
const MOST_BLANK = 4;
const LONGEST_HEAD = 32768;
const LONGEST_TARGET = 2048;
/** A field that goes on in further lines is read so far. */
const LONGEST_FOLDED = 8192;
/** Fields of one sort that are read, when a request repeats them. */
const MOST_REPEATED = 8;
/** Fields whose values hold a name. */
const HOLD_NAMES: ReadonlySet<string> = new Set(['referer', 'origin']);
const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const SLASH = 0x2f;

/**
 * Whether a payload begins with a known method and a space, or with a whole request line of any other method. Cheap
 * enough for every segment.
 */
export function isHttpRequestStart(bytes: Uint8Array, start: number, end: number): boolean {
  return methodAt(bytes, start, end) !== undefined;
}

/** Where a request begins, blank lines in front of it passed over (RFC 9112 section 2.2); -1 when none does. */
export function requestAt(bytes: Uint8Array, start: number, end: number): number {
  const at = behindBlankLines(bytes, start, end);
  return isHttpRequestStart(bytes, at, end) ? at : -1;
}

function behindBlankLines(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && at - start < MOST_BLANK && (bytes[at] === CR || bytes[at] === LF)) at += 1;
  return at;
}

/** Whether so few octets are there that they are the beginning of a known method and no more. */
export function canBecomeRequest(bytes: Uint8Array, start: number, end: number): boolean {
  const at = behindBlankLines(bytes, start, end);
  return at < end && canBecomeMethod(bytes, at, end);
}

/** Whether a payload begins with a status line of HTTP/1. */
export function isHttpResponseStart(bytes: Uint8Array, start: number, end: number): boolean {
  return startsWith(bytes, start, end, 'HTTP/1.');
}

/** What was read of the head of a request that is shown again with more behind it: each line once. */
export class HttpHead {
  /** The request line: its end, and what is in front of the target and behind it. Offsets count from the request's first octet. */
  line: RequestLine | undefined = undefined;
  /** Lines in front of this are read, and there is no line feed between it and `scanned`. */
  at = 0;
  scanned = 0;
  fields: Fields = NO_FIELDS;
  /** Its reader has told whom the request is for. */
  isTold = false;
}

interface RequestLine {
  readonly method: string;
  readonly end: number;
  readonly targetStart: number;
  readonly targetEnd: number;
  readonly byTheBook: boolean;
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
 * The request at `start` of contiguous octets. It is given as soon as its Host field has been read or its head has
 * ended. With `final` there will be no more, and what there is is given if the request line is whole. A request line
 * that is not by the book (no target, no version, blanks that do not belong there) is HTTP's only when its method is known
 * and a Host field follows: any text would be otherwise.
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
  // A Host without a name may go on in the next line.
  const isNamed = hosts.some((name) => name !== '');
  if (!isNamed && headEnd < 0 && !final && stop === end) return 'need-more';
  if (!line.byTheBook && hosts.length === 0) return 'not-http';
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
    byTheBook: versionAt >= 0 && method === method.toUpperCase(),
  };
}

/**
 * Reads the lines that `head` has not, and gives all that its fields say; no fields when a line can be none of HTTP's. A line whose
 * successor is not there yet may go on: it is read now, and once more with that.
 */
function readFields(
  bytes: Uint8Array,
  start: number,
  stop: number,
  head: HttpHead,
  { byTheBook }: RequestLine,
): { readonly fields: Fields | undefined; readonly headEnd: number } {
  let { fields } = head;
  for (;;) {
    const at = start + head.at;
    let feed = lineFeed(bytes, start + head.scanned, stop);
    if (feed < 0) {
      head.scanned = stop - start;
      return { fields, headEnd: -1 };
    }
    // A line that begins with a blank goes on with the one before it (RFC 9112 section 5.2).
    const longest = Math.min(stop, at + LONGEST_FOLDED);
    while (feed > at + 1 && feed + 1 < longest && isBlank(bytes[feed + 1] ?? 0)) {
      const next = lineFeed(bytes, feed + 1, longest);
      if (next < 0) break;
      feed = next;
    }
    const contentEnd = feed > at && bytes[feed - 1] === CR ? feed - 1 : feed;
    if (contentEnd === at) return { fields, headEnd: feed + 1 };
    // What is not by the book has fields behind its first line, or is none of HTTP's.
    if (!byTheBook && !hasColon(bytes, at, contentEnd)) return { fields: undefined, headEnd: -1 };
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
    return hosts.length < MOST_REPEATED ? { ...fields, hosts: [...hosts, host] } : fields;
  const address = text('referer') ?? text('origin');
  if (address !== undefined)
    return addresses.length < 2 * MOST_REPEATED ? { ...fields, addresses: [...addresses, address] } : fields;
  const userAgent = fields.userAgent ?? text('user-agent');
  const length = fields.length ?? text('content-length');
  const type = fields.type ?? text('content-type');
  // Several codings, in one field or in several: chunked frames the message wherever it stands (RFC 9112 section 6.1).
  const chunked = fields.chunked || isChunked(text('transfer-encoding'));
  const isNews =
    userAgent !== fields.userAgent ||
    length !== fields.length ||
    type !== fields.type ||
    chunked !== fields.chunked;
  return isNews ? { hosts, addresses, userAgent, length, type, chunked } : fields;
}

/** A host without its port and trailing dot, lower case; an IPv6 literal keeps its brackets. */
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

/** Letters, a space, a path or an absolute target, and the version: any method is HTTP's (RFC 9110 section 9.1). */
function unknownMethodAt(bytes: Uint8Array, start: number, end: number): string | undefined {
  const most = Math.min(end, start + LONGEST_METHOD);
  let at = start;
  while (at < most && isMethodOctet(bytes[at] ?? 0)) at += 1;
  if (at - start < 3 || bytes[at] !== SPACE || at + 1 >= end) return undefined;
  const target = bytes[at + 1];
  if (target !== SLASH && !startsWith(bytes, at + 1, end, 'http://')) return undefined;
  const lineEnd = lineFeed(bytes, at, Math.min(end, at + LONGEST_TARGET));
  if (lineEnd < 0 || targetEndBefore(bytes, at + 1, lineEnd) < 0) return undefined;
  return printable(bytes, start, at);
}

/** Methods are in capitals, and servers exist that do not mind. */
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

/** A number with any zeros and a sign in front of it, or a list that repeats it (RFC 9112 section 6.3); 0 for anything else. */
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

/** The value of a field line when its name (letter case aside) is `name`; undefined otherwise. */
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
  return HOLD_NAMES.has(name) ? nameText(bytes, at, stop) : printable(bytes, at, stop);
}

function isBlank(octet: number): boolean {
  return octet === SPACE || octet === TAB;
}

/** A blank, or the line end in front of a line that goes on. */
function isFold(octet: number): boolean {
  return isBlank(octet) || octet === CR || octet === LF;
}

function formOf(method: string, target: string): HttpRequest['form'] {
  if (method === 'CONNECT') return 'authority';
  if (target.startsWith('/')) return 'origin';
  if (target === '*') return 'asterisk';
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(target) ? 'absolute' : 'origin';
}

/** The host of a page's address; an origin that is not to be known (`null`) and a path have none. */
export function pageHost(address: string | undefined): readonly string[] {
  const host = address?.includes('://') === true ? authorityHost(address) : '';
  return host === '' ? [] : [host];
}

function authorityHost(target: string): string {
  const authority = target.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '').replace(/[/?#].*$/, '');
  return withoutPort(authority.replace(/^.*@/, '').toLowerCase());
}
