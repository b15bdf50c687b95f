// Knows: domain names in messages, compressed or not. Must not know: messages' other fields, ports, policy.
// Follows RFC 1035 sections 2.3.4, 3.1 and 4.1.4 (compression). Bounded: 255 octets and 128 labels, as the RFC has it,
// and as many pointers, so a loop of pointers ends.

import { nameText } from './name-text.ts';

const LONGEST_NAME = 255;
const MOST_LABELS = 128;
/** The labels of the name that is being read, dots between them: one name is read at a time. */
const joined = new Uint8Array(LONGEST_NAME + 1);
const DOT = 0x2e;

/** The offset behind the name at `at`, without following a pointer; -1 when the name runs past `end` or is malformed. */
export function skipName(bytes: Uint8Array, at: number, end: number): number {
  let next = at;
  while (next < end && next - at <= LONGEST_NAME) {
    const length = bytes[next] ?? 0;
    if (length === 0) return next + 1;
    if (length >= 0xc0) return next + 2 <= end ? next + 2 : -1;
    if (length >= 0x40) return -1;
    next += 1 + length;
  }
  return -1;
}

/** Whether the name that was passed over to `next` (skipName) ends by a pointer: a root label is one octet of zero. */
export function endsByPointer(bytes: Uint8Array, next: number): boolean {
  return (bytes[next - 2] ?? 0) >= 0xc0 || bytes[next - 1] !== 0;
}

/**
 * The name at `at` in the message that begins at `start`: labels joined with dots, no trailing dot, letters as
 * nameText writes them; the root is ''. Undefined when a label or pointer leads out of the message, when the label type
 * is none of RFC 1035, or when the name is longer than 255 octets. A pointer may lead forward, which the RFC forbids:
 * readers that follow it exist, so Eve may be one.
 */
export function readName(bytes: Uint8Array, start: number, end: number, at: number): string | undefined {
  let next = at;
  let length = 0;
  let hops = 0;
  for (;;) {
    if (next < start || next >= end) return undefined;
    const label = bytes[next] ?? 0;
    if (label === 0) return nameText(joined, 0, length);
    if (label >= 0xc0) {
      hops += 1;
      if (next + 2 > end || hops > MOST_LABELS) return undefined;
      next = start + (((label & 0x3f) << 8) | (bytes[next + 1] ?? 0));
      continue;
    }
    if (length > 0) joined[length++] = DOT;
    next += 1;
    // With the first label's length and the root's: 255 octets on the wire.
    if (label >= 0x40 || length + label + 2 > LONGEST_NAME || next + label > end) return undefined;
    for (const stop = next + label; next < stop; next += 1) joined[length++] = bytes[next] ?? 0;
  }
}

/** Whether the name at `at` is made of host-name letters (RFC 952, 1123) and underscores (RFC 8552) only. */
export function isHostLike(bytes: Uint8Array, at: number, end: number): boolean {
  let next = at;
  while (next < end) {
    const length = bytes[next] ?? 0;
    if (length === 0 || length >= 0xc0) return true;
    if (length >= 0x40 || next + 1 + length > end) return false;
    for (let i = next + 1; i <= next + length; i += 1) if (!isHostOctet(bytes[i] ?? 0)) return false;
    next += 1 + length;
  }
  return false;
}

function isHostOctet(octet: number): boolean {
  const letter = octet | 0x20;
  return (
    (letter >= 0x61 && letter <= 0x7a) || (octet >= 0x30 && octet <= 0x39) || octet === 0x2d || octet === 0x5f
  );
}
