// TLS's record layer: finds the ClientHello in a stream's octets, also when it is split over records.
// RFC 8446 section 5.1, RFC 5246 section 6.2.1. A hello is limited to 64 KiB.

import { clientHello, ssl2ClientHello, type ClientHello } from './tls-client-hello.ts';
import { u16, u24, u32 } from '../octets.ts';

const HANDSHAKE = 22;
const RECORD_HEADER = 5;
// 2^14 octets and what compression and encryption may add (RFC 5246 section 6.2.3).
const LONGEST_RECORD = 16384 + 2048;
const LONGEST_HELLO = 65536;

/** `need-more`: valid so far, ask again with more of the stream; `not-tls`: do not ask again. */
export type HelloOutcome = ClientHello | 'need-more' | 'not-tls';

/**
 * Whether a stream, or a segment of one, seems to begin with a ClientHello: a handshake record of SSL 3 to TLS 1.3
 * whose message is a ClientHello. With fewer than six octets, whether these could be its beginning. Tested at the start of
 * every segment, this also finds the hello after STARTTLS, a proxy's CONNECT, SOCKS or RDP's negotiation. RFC 8446 section 5.1; false when
 * there are no octets.
 */
export function isClientHelloStart(bytes: Uint8Array, start: number, end: number): boolean {
  if (end <= start || bytes[start] !== HANDSHAKE) return false;
  if (end - start >= 2 && bytes[start + 1] !== 3) return false;
  if (end - start >= 3 && (bytes[start + 2] ?? 0) > 4) return false;
  if (end - start < RECORD_HEADER) return true;
  const length = u16(bytes, start + 3);
  if (length === 0 || length > LONGEST_RECORD) return false;
  // A first record of a few octets is allowed, and a known way to evade readers that do not join records.
  const message = start + RECORD_HEADER;
  const known = Math.min(end - message, length);
  if (known >= 1 && bytes[message] !== 1) return false;
  if (known >= 4 && u24(bytes, message + 1) > LONGEST_HELLO) return false;
  return known < 5 || bytes[message + 4] === 3;
}

/** Whether a stream begins with a whole hello in the form of SSL 2 (RFC 6101 appendix E.1), which contains no names. */
export function isSsl2HelloStart(bytes: Uint8Array, start: number, end: number): boolean {
  return ssl2ClientHello(bytes, start, end)?.complete === true;
}

/** The first four octets of the constant that replaces the random number in a HelloRetryRequest (RFC 8446 section 4.1.3). */
const RETRY = 0xcf21ad74;
const SERVER_HELLO = 2;

/**
 * Whether a server's octets begin with a ServerHello (RFC 8446 section 4.1.3) that accepts the client's hello and does not ask for another;
 * false when fewer than 15 octets are there.
 */
export function acceptsHello(bytes: Uint8Array, start: number, end: number): boolean {
  const message = start + RECORD_HEADER;
  if (end - message < 10 || bytes[start] !== HANDSHAKE || bytes[message] !== SERVER_HELLO) return false;
  return u32(bytes, message + 6) !== RETRY;
}

/**
 * Whether a payload begins with a TLS record (RFC 8446 section 5.1) of any type (20 to 24) with a valid version and length; only its header
 * of five octets must be there.
 */
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
 * The ClientHello at `start` of a stream's contiguous octets. With `final` nothing more will come, and the readable part of an incomplete
 * hello is returned instead of `need-more`. Octets are copied only when the hello is split over records (RFC 8446 section 5.1): pass the
 * same `records` in every call for one hello, so that each octet is copied once. A hello above 64 KiB is `not-tls`. Never throws.
 */
export function clientHelloInRecords(
  bytes: Uint8Array,
  start: number,
  end: number,
  final = false,
  records = new HelloRecords(),
): HelloOutcome {
  if (end <= start) return final ? 'not-tls' : 'need-more';
  if (((bytes[start] ?? 0) & 0x80) !== 0) return ssl2Outcome(bytes, start, end, final);
  if (!isClientHelloStart(bytes, start, end)) return 'not-tls';
  const first = start + RECORD_HEADER;
  const firstEnd = first + u16(bytes, start + 3);
  if (end > firstEnd && (firstEnd - first < 4 || firstEnd - first < 4 + u24(bytes, first + 1))) {
    return records.outcome(bytes, start, end, final);
  }
  return outcome(bytes, first, Math.min(firstEnd, end), final);
}

function ssl2Outcome(bytes: Uint8Array, start: number, end: number, final: boolean): HelloOutcome {
  // The fixed part has eleven octets; with fewer it is worth waiting if they fit.
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

/** No client sends hellos longer than `hello` octets; such a hello is parsed again only after `step` more octets. */
const LONG = { hello: 16_384, step: 256 };

/** Joins the payloads of handshake records as they come; copies each octet once, however often it is passed in. */
export class HelloRecords {
  #joined = new Uint8Array(0);
  #filled = 0;
  /** Offset of the current record, and how many octets of its payload have been copied. */
  #record = 0;
  #taken = 0;
  /** A record of another type came before the message was whole. */
  #broken = false;
  /** The last outcome, by `final`, and how many octets it was based on. */
  readonly #last = new Map<boolean, { readonly filled: number; readonly is: HelloOutcome }>();

  /** The message that begins at `start`, as `clientHelloInRecords` returns it. */
  outcome(bytes: Uint8Array, start: number, end: number, final: boolean): HelloOutcome {
    this.#take(bytes, start, end);
    if (this.#broken) return 'not-tls';
    const last = this.#last.get(final);
    const grown = this.#filled - (last?.filled ?? 0);
    const isDue = this.#isWhole || this.#filled <= LONG.hello || grown >= LONG.step;
    if (last !== undefined && (grown === 0 || !isDue)) return last.is;
    const is = outcome(this.#joined, 0, this.#filled, final);
    this.#last.set(final, { filled: this.#filled, is });
    return is;
  }

  get #isWhole(): boolean {
    return this.#filled >= 4 && this.#filled >= 4 + u24(this.#joined, 1);
  }

  #take(bytes: Uint8Array, start: number, end: number): void {
    while (!this.#isWhole && !this.#broken) {
      const at = start + this.#record;
      if (at + RECORD_HEADER > end) return;
      const length = u16(bytes, at + 3);
      this.#broken =
        bytes[at] !== HANDSHAKE || bytes[at + 1] !== 3 || length === 0 || length > LONGEST_RECORD;
      const data = at + RECORD_HEADER;
      const to = Math.min(data + length, end);
      if (this.#broken || to <= data + this.#taken) return;
      this.#append(bytes.subarray(data + this.#taken, to));
      this.#taken = to - data;
      if (this.#taken < length) return;
      this.#record += RECORD_HEADER + length;
      this.#taken = 0;
    }
  }

  #append(piece: Uint8Array): void {
    const filled = Math.min(this.#filled + piece.length, LONGEST_HELLO + 4);
    if (filled > this.#joined.length) {
      const larger = new Uint8Array(Math.max(filled, 2 * this.#joined.length));
      larger.set(this.#joined.subarray(0, this.#filled));
      this.#joined = larger;
    }
    this.#joined.set(piece.subarray(0, filled - this.#filled), this.#filled);
    this.#filled = filled;
  }
}
