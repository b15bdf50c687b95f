// Text of the addresses in a message's octets (RFC 5952, RFC 4291).

import { addressText, ipv4Text } from './address.ts';
import { u32 } from '../octets.ts';

/** Text `a.b.c.d` of the four octets at `at`, in network order (RFC 791); octets past the end of the array count as 0. */
export function ipv4TextAt(bytes: Uint8Array, at: number): string {
  return ipv4Text(u32(bytes, at));
}

/** RFC 5952 text of the sixteen octets at `at`, in network order; octets past the end of the array count as 0. */
export function ipv6TextAt(bytes: Uint8Array, at: number): string {
  const words = Uint32Array.of(u32(bytes, at), u32(bytes, at + 4), u32(bytes, at + 8), u32(bytes, at + 12));
  return addressText(6, words);
}
