// Knows: where the packet begins in an 802.11 data frame that something else carries. Must not know: what carries it, IP, policy.
// Follows IEEE 802.11 clauses 9.2.4.1 and 9.3.2.1, RFC 1042 (SNAP). Access points exist that write the two octets of frame control
// the other way round: what makes sense is taken.

import type { Inner } from '../vpn/inner.ts';
import { u16, u32 } from '../octets.ts';

const HEADER = 24;

/** The packet in the frame, or undefined: not data, encrypted, no SNAP. */
export function wlanInner(bytes: Uint8Array, at: number, end: number): Inner | undefined {
  if (end - at < HEADER) return undefined;
  return dataInner(bytes, at, end, at) ?? dataInner(bytes, at, end, at + 1);
}

/** `controlAt` is where the octet with the frame's type stands; its flags are in the other one. */
function dataInner(bytes: Uint8Array, at: number, end: number, controlAt: number): Inner | undefined {
  const control = bytes[controlAt] ?? 0;
  const flags = bytes[controlAt === at ? at + 1 : at] ?? 0;
  // Version 0, type data, with a payload that nobody has encrypted.
  if ((control & 0x4f) !== 0x08 || (flags & 0x40) !== 0) return undefined;
  let header = HEADER;
  if ((flags & 3) === 3) header += 6;
  if ((control & 0x80) !== 0) header += (flags & 0x80) !== 0 ? 6 : 2;
  const llc = at + header;
  const isSnap = end - llc >= 8 && u32(bytes, llc) === 0xaaaa0300 && u16(bytes, llc + 4) === 0;
  return isSnap ? { etherType: u16(bytes, llc + 6), offset: llc + 8, end } : undefined;
}
