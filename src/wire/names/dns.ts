// Knows: DNS messages: header, questions, how much a payload looks like one, messages in a TCP stream. Must not know:
// ports, flows, policy. Follows RFC 1035 section 4, RFC 6891 (EDNS), RFC 7766 (TCP), RFC 6762 section 18 (mDNS),
// RFC 4795 (LLMNR): the latter two are the same message elsewhere.

import { endsByPointer, isHostLike, readName, skipName } from './dns-name.ts';
import { u16, u32 } from '../octets.ts';

export const DNS_HEADER = 12;
export const TYPE_A = 1;
export const TYPE_AAAA = 28;

/** What a reader of questions is given: the name as name-text.ts writes it, type and class as on the wire, whether a pointer ends it. */
export type EmitQuestion = (name: string, type: number, dnsClass: number, pointed: boolean) => void;

/** Whether the message at `start` answers (QR bit, RFC 1035 section 4.1.1); false when it is cut off before. */
export function isDnsResponse(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start >= 4 && ((bytes[start + 2] ?? 0) & 0x80) !== 0;
}

/** More questions than any resolver or responder sends; behind it nothing is read, and the frame stays DNS all the same. */
export const MOST_QUESTIONS = 256;

/**
 * Hands every readable question of a message to `emit`; allocates nothing but the names. Gives the number read, or -1
 * when there is no header or a question that the header counts is malformed or cut off: those before it are emitted
 * all the same. Responses repeat the question: whether that counts is the caller's to say (isDnsResponse).
 */
export function readQuestions(bytes: Uint8Array, start: number, end: number, emit: EmitQuestion): number {
  if (end - start < DNS_HEADER) return -1;
  const count = Math.min(u16(bytes, start + 4), MOST_QUESTIONS);
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

/** The offset behind the question section, or -1 when it is malformed or cut off. */
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

/** The offset behind the resource record at `at`, or -1 when it is malformed or cut off. */
export function skipRecord(bytes: Uint8Array, at: number, end: number): number {
  const fixed = skipName(bytes, at, end);
  if (fixed < 0 || fixed + 10 > end) return -1;
  const next = fixed + 10 + u16(bytes, fixed + 8);
  return next <= end ? next : -1;
}

// A message with more sections than this is not worth the walk; doubt remains, the names are read anyway.
const MOST_RECORDS = 256;

/**
 * How much a payload looks like a DNS message, 0 to 1, by its form alone:
 * 0 is none; 0.3 a header and question that parse but with reserved bits, counts, types or classes nobody uses;
 * 0.6 all questions plausible, records cut off or odd; 0.9 every record parses, nothing left over;
 * 0.95 the same and names made of host-name letters. Above 0.5 the names in it are worth showing; on a port that is not
 * DNS's only 0.9 and more should call a frame DNS, and such a call never makes a frame safe.
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
  if (questions > MOST_QUESTIONS || records > MOST_RECORDS || questions + records === 0) return 0;
  // An opcode nobody has assigned, a query with a result code (updates carry one), and counts that cannot fit unless the message
  // is cut off (eleven octets a record at least, five a question) are noise; only a question that is beyond doubt saves them.
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

/** Types in use: the registry's first page, DNSSEC and SVCB, the question types, and the two oddities above 32767. */
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

/** Seconds that a record at its fixed part (behind the name) may be kept; the top bit means 0 (RFC 2181 section 8). */
export function recordTtl(bytes: Uint8Array, fixed: number): number {
  const ttl = u32(bytes, fixed + 4);
  return ttl > 0x7fffffff ? 0 : ttl;
}

/**
 * Hands the range of every whole message in a piece of a TCP stream to `emit` (RFC 7766 section 8: two octets of length
 * before each). Gives the offset of what remains: an incomplete message, to be read again with what follows it.
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
