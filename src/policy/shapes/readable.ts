// Readable beginnings of a TCP segment that no tunnel's own bytes have, as constants at fixed places, and the header of a DNS query.
// Follows RFC 8446 section 4.1.2 (ClientHello), RFC 9112 section 3 (requests), RFC 4253 section 4.2 (SSH), RFC 7766 section 8 (DNS).
// Random bytes match one of them by chance with a probability of 2^-45 or less.

import { behind, bits } from '../filter/payload.ts';
import type { Bits } from '../filter/payload.ts';

/** How many bytes are compared: those that ParsedPacket keeps of a segment's payload. */
export const HEAD = 12;

/** Bytes in one raw match. The bit after them is left out, or nft would list both matches as one number that is too long for JSON. */
const RUN = 5;

/** A segment that begins with this text and has only ASCII up to the twelfth byte. */
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

/** Requests in origin form or to a proxy, and the preface of an HTTP/2 connection (RFC 9113 section 3.4). */
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
/** The first line that an SSH client sends (RFC 4253 section 4.2). */
export const SSH_BANNERS = ['SSH-2.0-', 'SSH-1.'].map(begins);

/** A handshake record of SSL 3.0 to TLS 1.3 with a ClientHello of less than 64 KiB. */
export const HELLO: readonly Bits[] = [
  bits(0, 16, 0x1603),
  bits(16, 8, 0, 4),
  bits(40, 16, 0x100),
  bits(72, 8, 3),
];

/** Header of an ordinary DNS query (RFC 1035 section 4.1.1): no flags but RD, AD and CD, one question, no answer. */
export const QUERY_FLAGS: readonly Bits[] = [
  bits(16, 7, 0),
  bits(24, 2, 0),
  bits(28, 4, 0),
  bits(32, 32, 0x10000),
];
/** Also no authority and at most one additional record. Random bytes, such as a session identifier, match with a probability of 2^-75. */
export const DNS_QUERY: readonly Bits[] = [...QUERY_FLAGS, bits(64, 32, 0, 1)];
/** Over TCP, after the length field, as far as the first twelve bytes show it. */
export const QUERY: readonly Bits[] = [...behind(2, QUERY_FLAGS), bits(80, 16, 0)];
