// DNS messages: header, questions, how much a payload looks like one, messages in a TCP stream.
// RFC 1035 section 4, RFC 6891 (EDNS), RFC 7766 (TCP), and, as they use the same message, RFC 6762 section 18 (mDNS) and RFC 4795 (LLMNR).

import { endsByPointer, isHostLike, readName, skipName } from './dns-name.ts';
import { u16, u32 } from '../octets.ts';

/** Octets of the header. */
export const DNS_HEADER = 12;
/** Record types of IPv4 (RFC 1035 section 3.2.2) and IPv6 addresses (RFC 3596 section 2.1). */
export const TYPE_A = 1;
export const TYPE_AAAA = 28;

/** Receives a question: the name as name-text.ts writes it, type and class as on the wire, whether the name ends in a pointer. */
export type EmitQuestion = (name: string, type: number, dnsClass: number, pointed: boolean) => void;

/** Whether the message at `start` is a response (QR bit, RFC 1035 section 4.1.1); false when it is cut off before that bit. */
export function isDnsResponse(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start >= 4 && ((bytes[start + 2] ?? 0) & 0x80) !== 0;
}

/** More questions than any resolver or responder sends. Further ones are not read; the frame still counts as DNS. */
export const MAX_QUESTIONS = 256;

/**
 * Calls `emit` with every readable question of the message from `start` to before `end` (without TCP's length; RFC 1035 section 4.1.2);
 * allocates nothing but the names. Returns the number read, at most MAX_QUESTIONS, or -1 when there is no header or a question is malformed
 * or cut off; the questions before it have been emitted. Responses repeat the question: the caller decides whether that counts
 * (isDnsResponse). Never throws itself.
 */
export function readQuestions(bytes: Uint8Array, start: number, end: number, emit: EmitQuestion): number {
  if (end - start < DNS_HEADER) return -1;
  const count = Math.min(u16(bytes, start + 4), MAX_QUESTIONS);
  let at = start + DNS_HEADER;
  for (let read = 0; read < count; read += 1) {
    const next = skipName(bytes, at, end);
    if (next < 0 || next + 4 > end) return -1;
    const name = readName(bytes, start, end, at);
    if (name === undefined) return -1;
    emit(name, u16(bytes, next), u16(bytes, next + 2), endsByPointer(bytes, next));
    at = next + 4;
  }
  return count;
}

/**
 * The offset in `bytes` after the question section (RFC 1035 section 4.1.2) of the message at `start`, or -1 when it is malformed or cut
 * off. Never throws.
 */
export function skipQuestions(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < DNS_HEADER) return -1;
  let at = start + DNS_HEADER;
  for (let left = u16(bytes, start + 4); left > 0; left -= 1) {
    at = skipName(bytes, at, end);
    if (at < 0 || at + 4 > end) return -1;
    at += 4;
  }
  return at;
}

/**
 * The offset in `bytes` after the resource record (RFC 1035 section 4.1.3) at `at`, or -1 when it is malformed or passes `end`. Never
 * throws.
 */
export function skipRecord(bytes: Uint8Array, at: number, end: number): number {
  const fixed = skipName(bytes, at, end);
  if (fixed < 0 || fixed + 10 > end) return -1;
  const next = fixed + 10 + u16(bytes, fixed + 8);
  return next <= end ? next : -1;
}

// A message with more records than this is not examined; its names are read all the same.
const MAX_RECORDS = 256;

/**
 * How much a payload, without TCP's length, looks like a DNS message (RFC 1035 section 4), 0 to 1, by its form alone; never throws:
 * 0: not DNS; 0.3: header and questions parse, but with reserved bits, counts, types or classes that are not in use;
 * 0.6: all questions plausible, records cut off or odd; 0.9: every record parses and nothing is left over;
 * 0.95: as 0.9, and all names consist of host-name characters. Above 0.5 the names are worth showing. On a port that DNS
 * does not use, only 0.9 and more should make a frame DNS, and that never makes a frame safe.
 */
export function dnsShape(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < DNS_HEADER) return 0;
  const flags = u16(bytes, start + 2);
  const opcode = (flags >>> 11) & 15;
  const response = (flags & 0x8000) !== 0;
  const questions = u16(bytes, start + 4);
  const answers = u16(bytes, start + 6);
  const authorities = u16(bytes, start + 8);
  const additionals = u16(bytes, start + 10);
  const records = answers + authorities + additionals;
  if (questions > MAX_QUESTIONS || records > MAX_RECORDS || questions + records === 0) return 0;
  // An unassigned opcode, a query with a result code (updates have one), or counts that cannot fit unless the message is cut off
  // (a record has at least 11 octets, a question 5) mean noise, unless all the questions are entirely plausible.
  const odd =
    opcode === 3 ||
    opcode > 6 ||
    (!response && opcode !== 5 && (flags & 15) !== 0) ||
    (questions * 5 + records * 11 > end - start - DNS_HEADER && (flags & 0x0200) === 0 && !response);

  let at = start + DNS_HEADER;
  let plausible = (flags & 0x0040) === 0;
  let hostLike = true;
  let named = questions > 0;
  for (let left = questions; left > 0; left -= 1) {
    const next = skipName(bytes, at, end);
    if (next < 0 || next + 4 > end) return 0;
    if (!isKnownType(u16(bytes, next)) || !isKnownClass(u16(bytes, next + 2))) plausible = false;
    if (!isHostLike(bytes, at, end)) hostLike = false;
    if (next - at < 3) named = false;
    at = next + 4;
  }
  if (odd) return plausible && hostLike && named ? 0.3 : 0;
  if (!plausible) return 0.3;
  for (let left = records; left > 0; left -= 1) {
    const next = skipName(bytes, at, end);
    if (next < 0 || next + 10 > end) return questions > 0 ? 0.6 : 0;
    const type = u16(bytes, next);
    // Clients pad queries with additional records of any type (DNSCrypt's certificate queries with type 0, class 0).
    if (left > additionals) {
      if (!isKnownType(type)) return questions > 0 ? 0.6 : 0;
      if (!isKnownClass(u16(bytes, next + 2))) return 0.3;
    }
    if (type === TYPE_A && u16(bytes, next + 8) !== 4 && opcode !== 5) return 0.3;
    at = next + 10 + u16(bytes, next + 8);
    if (at > end) return questions > 0 ? 0.6 : 0;
  }
  if (at !== end) return 0.6;
  return hostLike && questions > 0 ? 0.95 : 0.9;
}

/** Types in use: the registry's first block, DNSSEC and SVCB, the question types, and three numbers above 32767. */
function isKnownType(type: number): boolean {
  return (
    (type >= 1 && type <= 66) ||
    (type >= 99 && type <= 109) ||
    (type >= 249 && type <= 262) ||
    type === 32768 ||
    type === 32769 ||
    type === 65399
  );
}

/** IN, CH, HS, NONE, ANY; mDNS uses the top bit for cache-flush and unicast-response (RFC 6762 section 18.12). */
function isKnownClass(dnsClass: number): boolean {
  const plain = dnsClass & 0x7fff;
  return plain === 1 || plain === 3 || plain === 4 || plain === 254 || plain === 255;
}

/** The TTL in seconds of the record whose fixed part (after the name) is at `fixed`; with the top bit set 0 (RFC 2181 section 8). */
export function recordTtl(bytes: Uint8Array, fixed: number): number {
  const ttl = u32(bytes, fixed + 4);
  return ttl > 0x7fffffff ? 0 : ttl;
}

/**
 * Calls `emit` with the range, `end` exclusive, of every whole message in a piece of a TCP stream (RFC 7766 section 8: two octets of length
 * precede each, which are not in the range). Returns the offset of the incomplete message's length at the end, to be read again with what
 * follows it; `end` when nothing is left over. Never throws itself.
 */
export function dnsTcpMessages(
  bytes: Uint8Array,
  start: number,
  end: number,
  emit: (start: number, end: number) => void,
): number {
  let at = start;
  while (at + 2 <= end) {
    const next = at + 2 + u16(bytes, at);
    if (next > end) return at;
    emit(at + 2, next);
    at = next;
  }
  return at;
}
