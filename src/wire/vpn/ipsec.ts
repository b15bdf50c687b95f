// The headers of IKE, ESP and AH, and what may appear on UDP port 4500.
// RFC 2408 and 2409 (IKEv1), RFC 7296 (IKEv2), RFC 3947 and 3948 (NAT traversal), RFC 4302 (AH), RFC 4303 (ESP).

import { allZero, u32 } from '../octets.ts';

/** A checked IKE header (RFC 7296 section 3.1, RFC 2408 section 3.1). SPIs are 16 hexadecimal digits in lower case. */
export interface IkeMessage {
  readonly version: 1 | 2;
  /** The exchange type, one octet: 34 is IKE_SA_INIT, 2 main mode, 4 aggressive mode. */
  readonly exchange: number;
  readonly initiatorSpi: string;
  readonly responderSpi: string;
  /** The very first message: the responder has not chosen its SPI yet. */
  readonly first: boolean;
  /** The message is a response. Only IKEv2 says so; with IKEv1 always false. */
  readonly response: boolean;
  /** The sender began the association (IKEv2's I flag, RFC 7296 section 3.1); undefined with IKEv1. */
  readonly fromInitiator: boolean | undefined;
  /** The message announces more octets than are here (a fragment, or a short capture). */
  readonly truncated: boolean;
  /** Behind the non-ESP marker of RFC 3948 section 2.2. */
  readonly marked: boolean;
}

const HEADER = 28;
/** RFC 2408 section 3.1, RFC 2409 (quick, new group), draft-ietf-ipsec-isakmp-mode-cfg (transaction). */
const V1_EXCHANGES = new Set([1, 2, 3, 4, 5, 6, 32, 33]);
/** RFC 7296 section 3.1, RFC 5723 (session resume), RFC 6467 (GSA), RFC 9242 (intermediate), RFC 9370 (follow-up). */
const V2_EXCHANGES = new Set([34, 35, 36, 37, 38, 39, 40, 41, 43, 44]);
/** The exchanges that begin a tunnel: identity protection (main mode), aggressive, IKE_SA_INIT. */
const OPENING = new Set([2, 4, 34]);

/**
 * The IKE header at `start` of a UDP payload (RFC 7296 section 3.1, RFC 2408 section 3.1); undefined when version, exchange, flags, next
 * payload or length are not valid in IKE, or 28 octets are not there before `end`. Never throws.
 */
export function ikeMessage(bytes: Uint8Array, start: number, end: number): IkeMessage | undefined {
  return ikeHeader(bytes, start, end, false);
}

/**
 * The IKE header after the four zero octets that tell IKE from ESP on port 4500 (RFC 3948 section 2.2); undefined without them or when
 * `ikeMessage` would refuse the rest. Never throws.
 */
export function markedIkeMessage(bytes: Uint8Array, start: number, end: number): IkeMessage | undefined {
  if (end - start < 4 + HEADER || u32(bytes, start) !== 0) return undefined;
  return ikeHeader(bytes, start + 4, end, true);
}

function ikeHeader(bytes: Uint8Array, start: number, end: number, marked: boolean): IkeMessage | undefined {
  if (end - start < HEADER || allZero(bytes, start, start + 8)) return undefined;
  const next = bytes[start + 16] ?? 0;
  const version = (bytes[start + 17] ?? 0) >>> 4;
  const minor = (bytes[start + 17] ?? 0) & 15;
  const exchange = bytes[start + 18] ?? 0;
  const flags = bytes[start + 19] ?? 0;
  const messageId = u32(bytes, start + 20);
  const length = u32(bytes, start + 24);
  const first = allZero(bytes, start + 8, start + 16);
  if (minor !== 0 || length < HEADER || length < end - start || length > 0xffff) return undefined;
  if (version === 1 && !isV1(next, exchange, flags)) return undefined;
  if (version === 2 && !isV2(next, exchange, flags)) return undefined;
  if (version !== 1 && version !== 2) return undefined;
  // Until the responder has an SPI there is only the opening exchange, with message id 0. An IKEv1 notification may come that early, too.
  if (first && !(OPENING.has(exchange) && messageId === 0) && !(version === 1 && exchange === 5))
    return undefined;
  return {
    version,
    exchange,
    initiatorSpi: hex(bytes, start),
    responderSpi: hex(bytes, start + 8),
    first,
    response: version === 2 && (flags & 0x20) !== 0,
    fromInitiator: version === 2 ? (flags & 0x08) !== 0 : undefined,
    truncated: length > end - start,
    marked,
  };
}

function isV1(next: number, exchange: number, flags: number): boolean {
  const known = next <= 21 || (next >= 128 && next <= 132);
  return known && flags <= 7 && V1_EXCHANGES.has(exchange);
}

function isV2(next: number, exchange: number, flags: number): boolean {
  const known = next === 0 || (next >= 33 && next <= 54);
  return known && (flags & ~0x38) === 0 && V2_EXCHANGES.has(exchange);
}

function hex(bytes: Uint8Array, at: number): string {
  return (
    u32(bytes, at).toString(16).padStart(8, '0') +
    u32(bytes, at + 4)
      .toString(16)
      .padStart(8, '0')
  );
}

/**
 * Security parameters index and sequence number of one ESP or AH packet, unsigned 32 bits each (RFC 4303 section 2, RFC 4302 section 2).
 */
export interface SecurityHeader {
  readonly spi: number;
  readonly sequence: number;
}

/**
 * The ESP header of a UDP payload on port 4500 (RFC 3948 section 2.1), or undefined: it must not be the non-ESP marker, must be aligned
 * to four octets, long enough for the smallest packet (8 octets of header, an encrypted trailer, a tag of 8 or more), and have no SPI
 * that RFC 4303 section 2.1 reserves. A single packet proves nothing: compare SPI and sequence across several. Never throws.
 */
export function espInUdp(bytes: Uint8Array, start: number, end: number): SecurityHeader | undefined {
  const [spi, sequence] = [u32(bytes, start), u32(bytes, start + 4)];
  return end - start < 20 || (end - start) % 4 !== 0 || spi < 256 || sequence === 0
    ? undefined
    : { spi, sequence };
}

/** Whether the payload is the NAT keepalive of RFC 3948 section 2.3: one octet 0xff. */
export function isNatKeepalive(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === 1 && bytes[start] === 0xff;
}

/**
 * The AH header of an IP protocol 51 payload (RFC 4302 section 2), with the IP protocol number of what follows it and that payload's offset
 * in `bytes`; undefined when it does not fit before `end` or has a reserved SPI (below 256). Never throws.
 */
export function ahHeader(
  bytes: Uint8Array,
  start: number,
  end: number,
): (SecurityHeader & { readonly nextProtocol: number; readonly innerOffset: number }) | undefined {
  if (end - start < 12) return undefined;
  const length = ((bytes[start + 1] ?? 0) + 2) * 4;
  const spi = u32(bytes, start + 4);
  if (length < 12 || start + length > end || spi < 256) return undefined;
  return {
    spi,
    sequence: u32(bytes, start + 8),
    nextProtocol: bytes[start] ?? 0,
    innerOffset: start + length,
  };
}
