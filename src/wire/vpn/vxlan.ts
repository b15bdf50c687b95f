// The VXLAN header: RFC 7348 section 5, draft-smith-vxlan-group-policy (its G bit) and draft-ietf-nvo3-vxlan-gpe (port 4790).

import { innerFrame, INNER_ETHERNET, INNER_IPV4, INNER_IPV6, type Inner } from './inner.ts';
import { u24 } from '../octets.ts';

/** UDP port of VXLAN with a next protocol (draft-ietf-nvo3-vxlan-gpe). */
export const VXLAN_GPE_PORT = 4790;
/** The I flag; the I flag with group policy's G; the I flag with GPE's P (next protocol). */
const NETWORK = 0x08;
const GROUP = 0x88;
const NEXT_PROTOCOL = 0x0c;
const VERSION = 0x30;
/** "Don't learn" and "policy applied". */
const GROUP_BITS = 0x48;
const NEXT: Readonly<Record<number, number>> = { 1: INNER_IPV4, 2: INNER_IPV6, 3: INNER_ETHERNET };

/** A VXLAN header (RFC 7348 section 5): network identifier (24 bits) and the frame inside, as INNER_ETHERNET. */
export interface VxlanPacket {
  readonly network: number;
  readonly inner: Inner;
}

/**
 * The VXLAN header of a UDP payload (RFC 7348 section 5), or undefined when the I flag or room for an Ethernet header before `end` is
 * missing. Reserved bits are ignored, as receivers must, but if one is set the frame must have a plausible EtherType. That is weak
 * evidence: call this for ports 4789 and 8472 (Linux's former default) only. Never throws.
 */
export function vxlanPacket(bytes: Uint8Array, start: number, end: number): VxlanPacket | undefined {
  if (end - start < 8 + 14 || ((bytes[start] ?? 0) & NETWORK) === 0) return undefined;
  const plain = bytes[start] === NETWORK && u24(bytes, start + 1) === 0;
  const group = bytes[start] === GROUP && ((bytes[start + 1] ?? 0) & ~GROUP_BITS) === 0;
  const isUsual = (plain || group) && bytes[start + 7] === 0;
  if (!isUsual && innerFrame(bytes, start + 8, end) === undefined) return undefined;
  const inner = { etherType: INNER_ETHERNET, offset: start + 8, end };
  return { network: u24(bytes, start + 4), inner };
}

/**
 * What a UDP payload on port 4790 carries: IPv4, IPv6 or an Ethernet frame (draft-ietf-nvo3-vxlan-gpe); undefined for another version or
 * next protocol. Reserved bits are ignored. Never throws.
 */
export function vxlanGpeInner(bytes: Uint8Array, start: number, end: number): Inner | undefined {
  const next = NEXT[bytes[start + 3] ?? 0];
  const flags = bytes[start] ?? 0;
  if (end - start < 8 || (flags & NEXT_PROTOCOL) !== NEXT_PROTOCOL || (flags & VERSION) !== 0)
    return undefined;
  return next === undefined ? undefined : { etherType: next, offset: start + 8, end };
}
