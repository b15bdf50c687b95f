// Finds the packet in an 802.11 data frame that another protocol carries.
// IEEE 802.11 clauses 9.2.4.1 and 9.3.2.1, RFC 1042 (SNAP). Some access points swap the two octets of frame control, so both orders
// are tried.

import type { Inner } from '../vpn/inner.ts';
import { u16, u32 } from '../octets.ts';

const HEADER = 24;

/**
 * The packet in the 802.11 frame from `at` to before `end`; undefined when it is not data (IEEE 802.11 clause 9.2.4.1), is encrypted, or
 * has no SNAP header with an EtherType (RFC 1042). Never throws.
 */
export function wlanInner(bytes: Uint8Array, at: number, end: number): Inner | undefined {
  if (end - at < HEADER) return undefined;
  return dataInner(bytes, at, end, at) ?? dataInner(bytes, at, end, at + 1);
}

/** `controlAt` is the offset of the frame control octet with the frame's type; the flags are in the other one. */
function dataInner(bytes: Uint8Array, at: number, end: number, controlAt: number): Inner | undefined {
  const control = bytes[controlAt] ?? 0;
  const flags = bytes[controlAt === at ? at + 1 : at] ?? 0;
  // Version 0, type data, with a payload, not encrypted.
  if ((control & 0x4f) !== 0x08 || (flags & 0x40) !== 0) return undefined;
  let header = HEADER;
  if ((flags & 3) === 3) header += 6;
  if ((control & 0x80) !== 0) header += (flags & 0x80) !== 0 ? 6 : 2;
  const llc = at + header;
  const isSnap = end - llc >= 8 && u32(bytes, llc) === 0xaaaa0300 && u16(bytes, llc + 4) === 0;
  return isSnap ? { etherType: u16(bytes, llc + 6), offset: llc + 8, end } : undefined;
}
