// Knows: TLS's record layer: where a ClientHello is in a stream's octets, also when records split it. Must not know: TCP,
// flows, policy. Follows RFC 8446 section 5.1, RFC 5246 section 6.2.1. Bounded: a hello of more than 64 KiB is not one.

import { clientHello, ssl2ClientHello, type ClientHello } from './tls-client-hello.ts';
import { u16, u24, u32 } from './octets.ts';

const HANDSHAKE = 22;
const RECORD_HEADER = 5;
// 2^14 and what compression and encryption may add (RFC 5246 section 6.2.3).
const LONGEST_RECORD = 16384 + 2048;
const LONGEST_HELLO = 65536;

/** `need-more`: all is well so far, ask again with more of the stream; `not-tls`: asking again is no use. */
export type HelloOutcome = ClientHello | 'need-more' | 'not-tls';

/**
 * Whether a stream, or a segment of one, seems to begin with a ClientHello: a handshake record of SSL 3 to TLS 1.3
 * whose message is a ClientHello. With fewer than six octets, whether what there is fits. Tested at every
 * segment's start this also finds the hello behind STARTTLS, a proxy's CONNECT, SOCKS or RDP's negotiation.
 */
export function isClientHelloStart(bytes: Uint8Array, start: number, end: number): boolean {
  if (end <= start || bytes[start] !== HANDSHAKE) return false;
  if (end - start >= 2 && bytes[start + 1] !== 3) return false;
  if (end - start >= 3 && (bytes[start + 2] ?? 0) > 4) return false;
  if (end - start < RECORD_HEADER) return true;
  const length = u16(bytes, start + 3);
  if (length === 0 || length > LONGEST_RECORD) return false;
  // A first record of a few octets is allowed, and a known way past readers that do not join records.
  const message = start + RECORD_HEADER;
  const known = Math.min(end - message, length);
  if (known >= 1 && bytes[message] !== 1) return false;
  if (known >= 4 && u24(bytes, message + 1) > LONGEST_HELLO) return false;
  return known < 5 || bytes[message + 4] === 3;
}

/** Whether a stream begins with a whole hello in the form of SSL 2 (RFC 6101 appendix E.1), which names nobody. */
export function isSsl2HelloStart(bytes: Uint8Array, start: number, end: number): boolean {
  return ssl2ClientHello(bytes, start, end)?.complete === true;
}

/** What RFC 8446 section 4.1.3 puts in the place of a random number that asks for another hello: its beginning. */
const RETRY = 0xcf21ad74;
const SERVER_HELLO = 2;

/** Whether a server's octets begin with a ServerHello that takes the client's hello, instead of asking for another. */
export function acceptsHello(bytes: Uint8Array, start: number, end: number): boolean {
  const message = start + RECORD_HEADER;
  if (end - message < 10 || bytes[start] !== HANDSHAKE || bytes[message] !== SERVER_HELLO) return false;
  return u32(bytes, message + 6) !== RETRY;
}

/** Whether a payload begins with a TLS record of any type: change, alert, handshake or data, with a length in bounds. */
export function isTlsRecordStart(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < RECORD_HEADER) return false;
  const type = bytes[start] ?? 0;
  const length = u16(bytes, start + 3);
  const version = u16(bytes, start + 1);
  return (
    type >= 20 &&
    type <= 24 &&
    version >= 0x0300 &&
    version <= 0x0304 &&
    length > 0 &&
    length <= LONGEST_RECORD
  );
}

/**
 * The ClientHello at `start` of a stream's contiguous octets. With `final` there will be no more: what could be read
 * of a hello cut off is given instead of `need-more`. Copies only when records split the hello.
 */
export function clientHelloInRecords(
  bytes: Uint8Array,
  start: number,
  end: number,
  final = false,
): HelloOutcome {
  if (end <= start) return final ? 'not-tls' : 'need-more';
  if (((bytes[start] ?? 0) & 0x80) !== 0) return ssl2Outcome(bytes, start, end, final);
  if (!isClientHelloStart(bytes, start, end)) return 'not-tls';
  const first = start + RECORD_HEADER;
  const firstEnd = first + u16(bytes, start + 3);
  if (end > firstEnd && (firstEnd - first < 4 || firstEnd - first < 4 + u24(bytes, first + 1))) {
    const joined = joinRecords(bytes, start, end);
    return joined === undefined ? 'not-tls' : outcome(joined, 0, joined.length, final);
  }
  return outcome(bytes, first, Math.min(firstEnd, end), final);
}

function ssl2Outcome(bytes: Uint8Array, start: number, end: number, final: boolean): HelloOutcome {
  // The fixed part is eleven octets; fewer that could still become one are worth waiting for.
  if (end - start < 11) {
    const fits = end - start < 3 || bytes[start + 2] === 1;
    return fits && !final ? 'need-more' : 'not-tls';
  }
  return settled(ssl2ClientHello(bytes, start, end), final);
}

function outcome(bytes: Uint8Array, start: number, end: number, final: boolean): HelloOutcome {
  if (end - start < 4) return final ? 'not-tls' : 'need-more';
  if (4 + u24(bytes, start + 1) > LONGEST_HELLO) return 'not-tls';
  return settled(clientHello(bytes, start, end), final);
}

function settled(hello: ClientHello | undefined, final: boolean): HelloOutcome {
  if (hello === undefined) return 'not-tls';
  return hello.complete || final ? hello : 'need-more';
}

/**
 * The payloads of the handshake records from `start` on, until the message that begins in them is whole or the octets
 * end; undefined when a record of another type comes first.
 */
function joinRecords(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  const joined = new Uint8Array(Math.min(end - start, LONGEST_HELLO));
  let filled = 0;
  let at = start;
  while (at + RECORD_HEADER <= end && (filled < 4 || filled < 4 + u24(joined, 1))) {
    const length = u16(bytes, at + 3);
    if (bytes[at] !== HANDSHAKE || bytes[at + 1] !== 3 || length === 0 || length > LONGEST_RECORD)
      return undefined;
    const data = at + RECORD_HEADER;
    const piece = bytes.subarray(data, Math.min(data + length, end, data + joined.length - filled));
    joined.set(piece, filled);
    filled += piece.length;
    at = data + length;
  }
  return joined.subarray(0, filled);
}
