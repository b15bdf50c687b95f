// DNS questions in a TCP segment: RFC 7766 section 8 (a length precedes each message), RFC 6891 (EDNS), RFC 7873 (cookies).

import { readName, skipName } from './dns-name.ts';
import { nameText } from './name-text.ts';
import { u16, u32 } from '../octets.ts';

const HEADER = 12;
/** RFC 1035 section 3.1. */
const LONGEST_NAME = 255;
/** Octets of EDNS data: no options, a client cookie, or client and server cookies. */
const OPT_DATA: readonly number[] = [0, 12, 28];

/**
 * The name of the message at `at` if it is a plain query with one question, where the next message begins, and the octets of its EDNS
 * data (-1 without EDNS); undefined for anything else.
 */
function wholeMessage(
  bytes: Uint8Array,
  at: number,
  end: number,
): { name: string; next: number; opt: number } | undefined {
  const start = at + 2;
  if (start + HEADER > end) return undefined;
  const next = start + u16(bytes, at);
  const additionals = u32(bytes, start + 8);
  if (
    next > end ||
    (u16(bytes, start + 2) & 0xfecf) !== 0 ||
    u32(bytes, start + 4) !== 0x10000 ||
    additionals > 1
  )
    return undefined;
  const nameEnd = skipName(bytes, start + HEADER, next);
  const name = nameEnd < 0 ? undefined : readName(bytes, start, next, start + HEADER);
  if (name === undefined || nameEnd + 4 > next) return undefined;
  const record = nameEnd + 4;
  if (additionals === 0) return next === record ? { name, next, opt: -1 } : undefined;
  if (record + 11 > next || bytes[record] !== 0 || u16(bytes, record + 1) !== 41) return undefined;
  const data = u16(bytes, record + 9);
  return OPT_DATA.includes(data) && record + 11 + data === next ? { name, next, opt: data } : undefined;
}

/**
 * The name, as `readName` writes it, in a TCP payload that consists of one whole query with its length (RFC 7766 section 8), or of two for
 * the same name; undefined for any other payload. Queries with more than one question, other records than EDNS, or EDNS options other than
 * cookies (RFC 7873) do not count. Never throws.
 */
export function wholeQuestion(bytes: Uint8Array, start: number, end: number): string | undefined {
  const first = wholeMessage(bytes, start, end);
  if (first === undefined) return undefined;
  if (first.next === end) return first.name;
  // The GNU C library sends its queries for both address families in one segment, with or without EDNS, but never with options.
  const second = wholeMessage(bytes, first.next, end);
  const isPair = second?.next === end && second.opt === first.opt && first.opt <= 0;
  return isPair && second.name === first.name ? first.name : undefined;
}

const NONE: readonly (string | undefined)[] = Object.freeze([]);

/** Whether the header after the length at `at` is that of a plain query with one question, as stub resolvers send it. */
function isPlainQuestion(bytes: Uint8Array, at: number): boolean {
  return (u16(bytes, at + 4) & 0xfecf) === 0 && u32(bytes, at + 6) === 0x10000 && u32(bytes, at + 10) <= 1;
}

/**
 * The names, one or two and as `readName` writes them, in a TCP payload that consists of one whole query, or of two of equal length (by
 * their length fields, RFC 7766 section 8); undefined in place of a name that cannot be read. What follows the question is not checked.
 * Empty for any other payload. Never throws.
 */
export function segmentQuestions(
  bytes: Uint8Array,
  start: number,
  end: number,
): readonly (string | undefined)[] {
  if (end - start < 2 + HEADER) return NONE;
  const length = u16(bytes, start);
  const next = start + 2 + length;
  const isOne = next === end;
  if (length < HEADER || (!isOne && (next + 2 + length !== end || u16(bytes, next) !== length))) return NONE;
  const starts = isOne ? [start] : [start, next];
  if (!starts.every((at) => isPlainQuestion(bytes, at))) return NONE;
  return starts.map((at) => readName(bytes, at + 2, at + 2 + length, at + 2 + HEADER));
}

/**
 * The part of the name that the beginning of a query contains: labels joined with dots, as `nameText` writes them. `start` is the offset of
 * TCP's length field, 14 octets before the name (RFC 7766 section 8, RFC 1035 section 4.1); the header is not checked. Undefined when there
 * is no label. The last label may be cut off. Never throws.
 */
export function cutQuestion(bytes: Uint8Array, start: number, end: number): string | undefined {
  const labels: string[] = [];
  const stop = start + 2 + HEADER + LONGEST_NAME;
  for (let at = start + 2 + HEADER; at < Math.min(end, stop);) {
    const length = bytes[at] ?? 0;
    if (length === 0 || length > 63 || at + 1 >= end) break;
    labels.push(nameText(bytes, at + 1, Math.min(end, at + 1 + length)));
    at += 1 + length;
  }
  return labels.length === 0 ? undefined : labels.join('.');
}
