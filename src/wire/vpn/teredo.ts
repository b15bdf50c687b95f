// Finds the IPv6 packet after Teredo's indications.
// RFC 4380 sections 5.1.1 (encapsulation) and 4 (addresses), RFC 6081 section 4 (trailers).

import { INNER_IPV6, type Inner } from './inner.ts';
import { u16, u32 } from '../octets.ts';

/** A Teredo packet: which indications (RFC 4380 section 5.1.1) precede the IPv6 packet, and the packet. */
export interface TeredoPacket {
  readonly authentication: boolean;
  readonly origin: boolean;
  /** One of the addresses is a Teredo address (2001::/32) or link-local (router solicitation): certain on any port. */
  readonly certain: boolean;
  readonly inner: Inner;
}

/**
 * The Teredo packet of a UDP payload (RFC 4380 section 5.1.1), or undefined. The IPv6 packet (of length zero in a bubble), or the trailers
 * after it, must end exactly at `end` or, if the capture cut it, by `wireEnd`, the exclusive offset where the payload ended on the wire.
 * Never throws.
 */
export function teredoPacket(
  bytes: Uint8Array,
  start: number,
  end: number,
  wireEnd = end,
): TeredoPacket | undefined {
  let at = start;
  let authentication = false;
  let origin = false;
  if (end - at >= 13 && u16(bytes, at) === 0x0001) {
    // Client identifier and authentication value (their lengths precede them), a nonce of 8 octets and one octet of confirmation.
    at += 4 + (bytes[at + 2] ?? 0) + (bytes[at + 3] ?? 0) + 9;
    authentication = true;
  }
  if (end - at >= 8 && u16(bytes, at) === 0x0000) {
    at += 8;
    origin = true;
  }
  if (end - at < 40 || (bytes[at] ?? 0) >>> 4 !== 6) return undefined;
  const packetEnd = at + 40 + u16(bytes, at + 4);
  if (packetEnd > wireEnd || (packetEnd < end && !areTrailers(bytes, packetEnd, end))) return undefined;
  const certain = isTeredoAddress(bytes, at + 8) || isTeredoAddress(bytes, at + 24);
  return {
    authentication,
    origin,
    certain,
    inner: { etherType: INNER_IPV6, offset: at, end: Math.min(packetEnd, end) },
  };
}

/** Whether trailers (MS-TERE section 2.2.2.1.1: type, length, value) fill the octets exactly. */
function areTrailers(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at + 2 <= end) at += 2 + (bytes[at + 1] ?? 0);
  return at === end;
}

function isTeredoAddress(bytes: Uint8Array, at: number): boolean {
  return u32(bytes, at) === 0x20010000 || u32(bytes, at) >>> 22 === 0xfe80 >>> 6;
}
