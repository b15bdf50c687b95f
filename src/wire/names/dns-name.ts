// Domain names in DNS messages, compressed or not: RFC 1035 sections 2.3.4, 3.1 and 4.1.4 (compression).
// A name is limited to 255 octets, as in the RFC, and to 128 pointers, so that a loop of pointers ends.

import { nameText } from './name-text.ts';

const LONGEST_NAME = 255;
const MAX_POINTERS = 128;
/** Buffer for the labels of the name being read, with dots between them; one name is read at a time. */
const joined = new Uint8Array(LONGEST_NAME + 1);
const DOT = 0x2e;

/**
 * The offset after the name at `at`, without following a pointer; -1 when the name runs past `end` or is malformed (RFC 1035 section 3.1).
 * Never throws.
 */
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

/**
 * Whether the name before `next` (from skipName) ends in a pointer (RFC 1035 section 4.1.4) and not in the root label, which is one zero
 * octet. `next` must not be -1.
 */
export function endsByPointer(bytes: Uint8Array, next: number): boolean {
  return (bytes[next - 2] ?? 0) >= 0xc0 || bytes[next - 1] !== 0;
}

/**
 * The name at `at` in the message that begins at `start`: labels joined with dots, no trailing dot, characters as nameText writes them; the
 * root is ''. Undefined when a label or pointer leads out of the message, when the label type is not in RFC 1035 (sections 3.1 and 4.1.4),
 * or when the name is longer than 255 octets on the wire. A pointer may lead forward, which the RFC forbids: some programs follow it, so an
 * eavesdropper may read the name. Never throws.
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
      if (next + 2 > end || hops > MAX_POINTERS) return undefined;
      next = start + (((label & 0x3f) << 8) | (bytes[next + 1] ?? 0));
      continue;
    }
    if (length > 0) joined[length++] = DOT;
    next += 1;
    // 2 for the first label's length octet and the root label: 255 octets is the limit on the wire.
    if (label >= 0x40 || length + label + 2 > LONGEST_NAME || next + label > end) return undefined;
    for (const stop = next + label; next < stop; next += 1) joined[length++] = bytes[next] ?? 0;
  }
}

/** Whether the name at `at`, up to a pointer, consists of host-name characters (RFC 952, 1123) and underscores (RFC 8552) only. */
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
