// Finds a ClientHello that follows something else in the same octets: lines of text (STARTTLS, CONNECT, PROXY version 1), a PROXY
// version 2 header, other TLS records, packets of protocols that upgrade to TLS.
// RFC 3207, 2595 and 4217 (STARTTLS in mail and FTP), HAProxy's PROXY protocol, RFC 8446 section 5.

import { startsWith, u16, u32 } from '../octets.ts';
import { isClientHelloStart, isTlsRecordStart } from './tls-record.ts';

const PROXY_SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a] as const;
const PROXY_HEADER = 16;
const LONGEST_PROXY_LINE = 107;
/** Octets of text that are searched: upgrades to TLS take a few lines. */
const MAX_TEXT = 4096;
const MAX_RECORDS = 16;
const LF = 0x0a;

/**
 * The offset in `bytes` of a ClientHello's record (RFC 8446 section 5.1) that follows something else in a TCP payload or stream, or -1. It
 * may be cut off; one at `start` itself does not count. Of text 4096 octets are searched, and 16 records or packets. Never throws.
 */
export function laterClientHello(bytes: Uint8Array, start: number, end: number): number {
  const at = isTlsRecordStart(bytes, start, end)
    ? helloAfterRecords(bytes, start, end)
    : helloAfterPackets(bytes, start, end);
  return at >= 0 ? at : helloAfterText(bytes, start, end);
}

/** The offset of a hello after packets, with a length field, of protocols that upgrade to TLS; -1 when there is none. */
function helloAfterPackets(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  for (let left = MAX_RECORDS; left > 0 && at < end; left -= 1) {
    const length = packetLength(bytes, at, end);
    if (length === 0) break;
    at += length;
    if (at < end && isClientHelloStart(bytes, at, end)) return at;
  }
  return helloAfterProxyHeader(bytes, start, end);
}

/** How many octets of the packet at `at` precede a possible hello; 0 when it is not one of these packets. */
function packetLength(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < 8) return 0;
  // RDP: TPKT (RFC 1006 section 6) with an X.224 connection request or data unit.
  if (u16(bytes, at) === 0x0300) {
    const kind = (bytes[at + 5] ?? 0) & 0xf0;
    const length = u16(bytes, at + 2);
    return length >= 7 && (kind === 0xe0 || kind === 0xf0) ? wrapped(bytes, at, end, length, 7) : 0;
  }
  // PostgreSQL's request for TLS, or for GSSAPI before it.
  if (u32(bytes, at) === 8 && u32(bytes, at + 4) >>> 4 === 0x04d2162) return 8;
  // TDS wraps the handshake in its packets (MS-TDS section 2.2.6.5): type 0x12, with a header of eight octets.
  if (bytes[at] === 0x12 && ((bytes[at + 1] ?? 0) & 0xfe) === 0)
    return wrapped(bytes, at, end, u16(bytes, at + 2), 8);
  // MySQL's request for TLS: 32 octets in packet number 1, with CLIENT_SSL among its capabilities.
  const isMysql = u32(bytes, at) === 0x20000001 && ((bytes[at + 5] ?? 0) & 8) !== 0;
  return isMysql ? 36 : 0;
}

/** The hello follows either the packet's header or the whole packet. */
function wrapped(bytes: Uint8Array, at: number, end: number, length: number, header: number): number {
  return at + header < end && isClientHelloStart(bytes, at + header, end) && end - at >= header + 6
    ? header
    : length;
}

function helloAfterRecords(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  for (let left = MAX_RECORDS; left > 0 && isTlsRecordStart(bytes, at, end); left -= 1) {
    at += 5 + u16(bytes, at + 3);
    if (at < end && isClientHelloStart(bytes, at, end)) return at;
  }
  return -1;
}

/**
 * The offset in `bytes` after a header of HAProxy's PROXY protocol, version 1 or 2, at `start`, by which a proxy announces its client; -1
 * when there is none or it is cut off. Never throws.
 */
export function proxyHeaderEnd(bytes: Uint8Array, start: number, end: number): number {
  if (startsWith(bytes, start, end, 'PROXY ')) {
    const stop = Math.min(end, start + LONGEST_PROXY_LINE);
    for (let at = start; at < stop; at += 1) if (bytes[at] === LF) return at + 1;
    return -1;
  }
  if (end - start < PROXY_HEADER || PROXY_SIGNATURE.some((octet, i) => bytes[start + i] !== octet)) return -1;
  const at = start + PROXY_HEADER + u16(bytes, start + 14);
  return at <= end ? at : -1;
}

function helloAfterProxyHeader(bytes: Uint8Array, start: number, end: number): number {
  if (end - start <= PROXY_HEADER || PROXY_SIGNATURE.some((octet, i) => bytes[start + i] !== octet))
    return -1;
  const at = start + PROXY_HEADER + u16(bytes, start + 14);
  return at < end && isClientHelloStart(bytes, at, end) ? at : -1;
}

/** The offset of a hello after a line end, if everything before is text; otherwise -1. */
function helloAfterText(bytes: Uint8Array, start: number, end: number): number {
  const stop = Math.min(end, start + MAX_TEXT);
  for (let at = start; at < stop; at += 1) {
    const octet = bytes[at] ?? 0;
    if (octet === 0x16) return bytes[at - 1] === LF && isClientHelloStart(bytes, at, end) ? at : -1;
    if (octet < 0x20 && octet !== LF && octet !== 0x0d && octet !== 0x09) return -1;
  }
  return -1;
}
