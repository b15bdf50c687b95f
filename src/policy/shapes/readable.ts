// Knows: which readable beginnings of a TCP segment no tunnel's own bytes have, by constants at fixed places, and a DNS query's header.
// Must not know: streams, names, addresses. Follows RFC 8446 section 4.1.2 (ClientHello), RFC 9112 section 3 (requests), RFC 4253
// section 4.2 (SSH), RFC 7766 section 8 (DNS). Any segment may begin so by chance: what is compared is 2^-45 or rarer.

import { behind, bits } from '../filter/payload.ts';
import type { Bits } from '../filter/payload.ts';

/** Bytes that are compared: what a segment shows of itself in Facts. */
export const HEAD = 12;

/** Bytes in one raw match; behind them one bit is left out, or nft would list the two as one match, longer than JSON's numbers are. */
const RUN = 5;

/** A text at the beginning, and nothing but ASCII up to the twelfth byte. */
function begins(text: string): readonly Bits[] {
  const number = (part: string): number =>
    Array.from(part).reduce((sum, letter) => sum * 256 + letter.charCodeAt(0), 0);
  const [first, rest] = [text.slice(0, RUN), text.slice(RUN)];
  const open = Array.from({ length: HEAD - text.length }, (_, at) => text.length + at);
  return [
    bits(0, 8 * first.length, number(first)),
    ...(rest === '' ? [] : [bits(8 * RUN + 1, 8 * rest.length - 1, number(rest))]),
    ...open.map((at) => bits(8 * at, 1, 0)),
  ];
}

/** As they begin a request in origin form, an HTTP/2 connection (RFC 9113 section 3.4), or what only a proxy is asked. */
export const REQUESTS = [
  'GET /',
  'POST /',
  'HEAD /',
  'PUT /',
  'DELETE /',
  'PATCH /',
  'TRACE /',
  'OPTIONS /',
  'OPTIONS *',
  'PROPFIND /',
  'REPORT /',
  'SUBSCRIBE /',
  'CONNECT ',
  'PRI * HTTP/',
].map(begins);
export const SSH_BANNERS = ['SSH-2.0-', 'SSH-1.'].map(begins);

/** A handshake record of SSL 3 to TLS 1.3 whose message is a ClientHello of less than 64 KiB. */
export const HELLO: readonly Bits[] = [
  bits(0, 16, 0x1603),
  bits(16, 8, 0, 4),
  bits(40, 16, 0x100),
  bits(72, 8, 3),
];

/** Of an ordinary DNS query (RFC 1035 section 4.1.1): no flag but RD, AD, CD, one question, no answer. */
export const QUERY_FLAGS: readonly Bits[] = [
  bits(16, 7, 0),
  bits(24, 2, 0),
  bits(28, 4, 0),
  bits(32, 32, 0x10000),
];
/** No authority, and at most one additional record: 2^-75 for random bytes; a session identifier is no DNS header. */
export const DNS_QUERY: readonly Bits[] = [...QUERY_FLAGS, bits(64, 32, 0, 1)];
/** Over TCP, behind its length, as far as the head shows it. */
export const QUERY: readonly Bits[] = [...behind(2, QUERY_FLAGS), bits(80, 16, 0)];
