// How a decoder says which packet it found inside another: an EtherType and where the packet begins.
// Numbers from the IEEE EtherType registry; 0x6558 is "transparent Ethernet bridging" (RFC 1701), a whole frame.

import { u16 } from '../octets.ts';

/** EtherTypes of `Inner`: IPv4, IPv6, a whole Ethernet frame (RFC 1701), PPP. */
export const INNER_IPV4 = 0x0800;
export const INNER_IPV6 = 0x86dd;
export const INNER_ETHERNET = 0x6558;
export const INNER_PPP = 0x880b;

/** A packet inside another. Both offsets are into the octets that contain the outer packet. */
export interface Inner {
  /** As the carrying header names it; INNER_ETHERNET for a whole frame, -1 when none applies. */
  readonly etherType: number;
  readonly offset: number;
  /** Exclusive. */
  readonly end: number;
}

/**
 * The IP packet at `offset`, INNER_IPV4 or INNER_IPV6 by its version; undefined when the fixed header (RFC 791, RFC 8200) passes `end` or
 * IPv4's length of header is below 20 octets. `end` is kept, whatever length the packet has. Never throws.
 */
export function innerIp(bytes: Uint8Array, offset: number, end: number): Inner | undefined {
  const head = bytes[offset] ?? 0;
  if (end - offset >= 20 && head >>> 4 === 4 && (head & 15) >= 5)
    return { etherType: INNER_IPV4, offset, end };
  if (end - offset >= 40 && head >>> 4 === 6) return { etherType: INNER_IPV6, offset, end };
  return undefined;
}

/** IPv4, ARP, 802.1Q, IPv6, MPLS, PPPoE, 802.1ad. */
const CARRIED = new Set([0x0800, 0x0806, 0x8100, 0x86dd, 0x8847, 0x8863, 0x8864, 0x88a8]);

/**
 * The Ethernet frame at `offset`, as INNER_ETHERNET; undefined when its header passes `end` or its EtherType is not one that is expected
 * inside a tunnel (CARRIED, numbers from the IEEE registry). Never throws.
 */
export function innerFrame(bytes: Uint8Array, offset: number, end: number): Inner | undefined {
  const fits = end - offset >= 14 && CARRIED.has(u16(bytes, offset + 12));
  return fits ? { etherType: INNER_ETHERNET, offset, end } : undefined;
}
