// QUIC's long header, how an Initial packet is decrypted, and the CRYPTO frames in it.
// RFC 8999 (invariants), RFC 9000 sections 12.2, 16, 17.2 and 19, RFC 9001 section 5 (protection).

import { u16, u32 } from '../octets.ts';
import type { QuicCrypto, QuicKeys } from './quic-crypto.ts';

/** One packet with a long header (RFC 8999 section 5.1); a datagram may contain several. Offsets are into `bytes`, ends exclusive. */
export interface LongHeader {
  readonly start: number;
  /** Unsigned 32 bits; 0 in a version negotiation packet. */
  readonly version: number;
  /** The two type bits; which value means Initial depends on the version. */
  readonly type: number;
  readonly destinationIdStart: number;
  readonly destinationIdEnd: number;
  /** The offset after the connection IDs. */
  readonly next: number;
}

/** An Initial packet (RFC 9000 section 17.2.2): where its protected packet number begins and, exclusive, where it ends. */
export interface InitialPacket {
  readonly header: LongHeader;
  readonly numberStart: number;
  readonly end: number;
}

const LONGEST_ID = 20;
const TAG_LENGTH = 16;
const SAMPLE_LENGTH = 16;

/**
 * The long header at `start` of a UDP payload (RFC 8999 section 5.1); undefined for a short header, one that is cut off, or connection IDs
 * longer than 20 octets. Never throws.
 */
export function longHeader(bytes: Uint8Array, start: number, end: number): LongHeader | undefined {
  const first = bytes[start] ?? 0;
  if (end - start < 7 || (first & 0x80) === 0) return undefined;
  const destinationIdStart = start + 6;
  const destinationIdEnd = destinationIdStart + (bytes[start + 5] ?? 0);
  if (destinationIdEnd - destinationIdStart > LONGEST_ID || destinationIdEnd >= end) return undefined;
  const sourceLength = bytes[destinationIdEnd] ?? 0;
  const next = destinationIdEnd + 1 + sourceLength;
  if (sourceLength > LONGEST_ID || next > end) return undefined;
  const version = u32(bytes, start + 1);
  return { start, version, type: (first >>> 4) & 3, destinationIdStart, destinationIdEnd, next };
}

/**
 * The Initial packet (RFC 9000 section 17.2.2) with this header, whose type must be Initial; undefined when its token or length leads past
 * `end` or it is too short for header protection. Never throws.
 */
export function initialPacket(bytes: Uint8Array, header: LongHeader, end: number): InitialPacket | undefined {
  const tokenAt = header.next + varintWidth(bytes, header.next);
  const tokenLength = varint(bytes, header.next, end);
  if (tokenLength < 0 || tokenLength > end - tokenAt) return undefined;
  return protectedPacket(bytes, header, tokenAt + tokenLength, end);
}

/**
 * The exclusive offset in `bytes` where a 0-RTT or Handshake packet (RFC 9000 sections 17.2.3 and 17.2.4: a length but no token) ends; -1
 * when that is past `end` or the packet is too short. Never throws.
 */
export function longPacketEnd(bytes: Uint8Array, header: LongHeader, end: number): number {
  return protectedPacket(bytes, header, header.next, end)?.end ?? -1;
}

function protectedPacket(
  bytes: Uint8Array,
  header: LongHeader,
  lengthAt: number,
  end: number,
): InitialPacket | undefined {
  const length = varint(bytes, lengthAt, end);
  const numberStart = lengthAt + varintWidth(bytes, lengthAt);
  if (length < 4 + SAMPLE_LENGTH || length > end - numberStart) return undefined;
  return { header, numberStart, end: numberStart + length };
}

/**
 * The decrypted frames of an Initial packet in an array of their own, or undefined when these keys do not open it (RFC 9001 sections 5.3
 * and 5.4). `bytes` stay as they are. Throws only what `crypto` throws.
 */
export function openInitial(
  crypto: QuicCrypto,
  keys: QuicKeys,
  bytes: Uint8Array,
  packet: InitialPacket,
): Uint8Array | undefined {
  const { header, numberStart, end } = packet;
  const sample = bytes.subarray(numberStart + 4, numberStart + 4 + SAMPLE_LENGTH);
  const mask = crypto.aes128Ecb(keys.headerProtection, sample);
  const first = (bytes[header.start] ?? 0) ^ ((mask[0] ?? 0) & 0x0f);
  const numberEnd = numberStart + (first & 3) + 1;
  if (end - numberEnd < TAG_LENGTH) return undefined;
  // Copied with set(), as both may be a Buffer, whose slice() shares memory.
  const additional = new Uint8Array(numberEnd - header.start);
  additional.set(bytes.subarray(header.start, numberEnd));
  additional[0] = first;
  const nonce = new Uint8Array(keys.iv.length);
  nonce.set(keys.iv);
  for (let at = numberStart, i = 1; at < numberEnd; at += 1, i += 1) {
    const octet = (bytes[at] ?? 0) ^ (mask[i] ?? 0);
    additional[at - header.start] = octet;
    const place = nonce.length - (numberEnd - at);
    nonce[place] = (nonce[place] ?? 0) ^ octet;
  }
  return crypto.aes128GcmOpen(keys.key, nonce, additional, bytes.subarray(numberEnd, end));
}

const PADDING = 0x00;
const PING = 0x01;
const ACK = 0x02;
const ACK_ECN = 0x03;
const CRYPTO = 0x06;
const GOOGLE_CRYPTO = 0x08;
const MAX_RANGES = 256;

/**
 * Calls `emit` with every CRYPTO frame (RFC 9000 section 19.6): its offset in the handshake stream in octets, and where its octets are in
 * `frames`, `end` exclusive. Stops at the first frame that is cut off or not allowed in an Initial packet; returns the number of octets
 * read. In Q050, T050 and T051 (`google`) CRYPTO has the number 8, which otherwise is STREAM and not allowed here (RFC 9000 section 12.4).
 * Never throws itself.
 */
export function cryptoFrames(
  frames: Uint8Array,
  google: boolean,
  emit: (offset: number, start: number, end: number) => void,
): number {
  let at = 0;
  while (at < frames.length) {
    const type = frames[at] ?? 0;
    if (type === PADDING || type === PING) {
      at += 1;
    } else if (type === ACK || type === ACK_ECN) {
      const next = skipAck(frames, at + 1, type === ACK_ECN);
      if (next < 0) return at;
      at = next;
    } else if (type === CRYPTO || (google && type === GOOGLE_CRYPTO)) {
      const lengthAt = at + 1 + varintWidth(frames, at + 1);
      const offset = varint(frames, at + 1, frames.length);
      const length = varint(frames, lengthAt, frames.length);
      const data = lengthAt + varintWidth(frames, lengthAt);
      if (offset < 0 || length < 0 || length > frames.length - data) return at;
      emit(offset, data, data + length);
      at = data + length;
    } else {
      return at;
    }
  }
  return at;
}

/** The offset after an ACK frame's fields (RFC 9000 section 19.3): largest, delay, count of ranges, first range, pairs, three for ECN. */
function skipAck(frames: Uint8Array, start: number, ecn: boolean): number {
  const ranges = varint(frames, skipVarints(frames, start, 2), frames.length);
  if (ranges < 0 || ranges > MAX_RANGES) return -1;
  return skipVarints(frames, start, 4 + 2 * ranges + (ecn ? 3 : 0));
}

function skipVarints(bytes: Uint8Array, start: number, count: number): number {
  let at = start;
  for (let left = count; left > 0; left -= 1) {
    if (at < 0 || at >= bytes.length) return -1;
    at += varintWidth(bytes, at);
  }
  return at <= bytes.length ? at : -1;
}

/** Octets of the variable-length integer at `at` (RFC 9000 section 16). */
function varintWidth(bytes: Uint8Array, at: number): number {
  return 1 << ((bytes[at] ?? 0) >>> 6);
}

/** The value of the variable-length integer at `at`; -1 when it is cut off or 2^32 or more, too large for a length or offset here. */
function varint(bytes: Uint8Array, at: number, end: number): number {
  if (at < 0 || at >= end || at + varintWidth(bytes, at) > end) return -1;
  switch (varintWidth(bytes, at)) {
    case 1:
      return (bytes[at] ?? 0) & 0x3f;
    case 2:
      return u16(bytes, at) & 0x3fff;
    case 4:
      return u32(bytes, at) & 0x3fffffff;
    default:
      return (u32(bytes, at) & 0x3fffffff) === 0 ? u32(bytes, at + 4) : -1;
  }
}
