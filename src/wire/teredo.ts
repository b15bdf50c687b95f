// Knows: Teredo's indications and where the IPv6 packet begins. Must not know: IPv6 above its header, policy.
// Follows RFC 4380 sections 5.1.1 (encapsulation) and 4 (addresses).

import { INNER_IPV6, type Inner } from './inner.ts';
import { u16, u32 } from './octets.ts';

/** A Teredo packet: which indications stand in front, and the IPv6 packet. */
export interface TeredoPacket {
  readonly authentication: boolean;
  readonly origin: boolean;
  /** One of the addresses is Teredo's (2001::/32), or link-local as in router solicitation: certain on any port. */
  readonly certain: boolean;
  readonly inner: Inner;
}

/** The Teredo packet of a UDP payload, or undefined. The IPv6 length must reach the end exactly, or a bubble's be zero. */
export function teredoPacket(bytes: Uint8Array, start: number, end: number): TeredoPacket | undefined {
  let at = start;
  let authentication = false;
  let origin = false;
  if (end - at >= 13 && u16(bytes, at) === 0x0001) {
    // Client identifier and value by length, a nonce of eight octets and one of confirmation.
    at += 4 + (bytes[at + 2] ?? 0) + (bytes[at + 3] ?? 0) + 9;
    authentication = true;
  }
  if (end - at >= 8 && u16(bytes, at) === 0x0000) {
    at += 8;
    origin = true;
  }
  if (end - at < 40 || (bytes[at] ?? 0) >>> 4 !== 6 || at + 40 + u16(bytes, at + 4) !== end) return undefined;
  const certain = isTeredoAddress(bytes, at + 8) || isTeredoAddress(bytes, at + 24);
  return { authentication, origin, certain, inner: { etherType: INNER_IPV6, offset: at, end } };
}

function isTeredoAddress(bytes: Uint8Array, at: number): boolean {
  return u32(bytes, at) === 0x20010000 || u32(bytes, at) >>> 22 === 0xfe80 >>> 6;
}
