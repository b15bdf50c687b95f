// Knows: the VXLAN header. Must not know: the Ethernet frame behind it, policy.
// Follows RFC 7348 section 5.

import { INNER_ETHERNET, type Inner } from './inner.ts';
import { u24 } from './octets.ts';

/** A VXLAN header: network identifier (24 bits) and the frame inside. */
export interface VxlanPacket {
  readonly network: number;
  readonly inner: Inner;
}

/**
 * The VXLAN header of a UDP payload, or undefined: only the I flag set, reserved octets zero, room for an Ethernet
 * header. That is weak evidence on ports other than 4789 (and 8472, Linux's first choice): ask for those.
 */
export function vxlanPacket(bytes: Uint8Array, start: number, end: number): VxlanPacket | undefined {
  if (end - start < 8 + 14 || bytes[start] !== 0x08) return undefined;
  if (u24(bytes, start + 1) !== 0 || bytes[start + 7] !== 0) return undefined;
  const inner = { etherType: INNER_ETHERNET, offset: start + 8, end };
  return { network: u24(bytes, start + 4), inner };
}
