// Which protocol a PPP frame carries, and where; PPPoE, PPTP and L2TP carry such frames.
// RFC 1661 (protocol field and its compression), RFC 1662 section 3.2 (address and control, which may be left out).

import { INNER_IPV4, INNER_IPV6, type Inner } from '../vpn/inner.ts';
import { u16 } from '../octets.ts';

const PPP_IPV4 = 0x0021;
const PPP_IPV6 = 0x0057;

/** The protocol of one PPP frame and what it carries. */
export interface PppFrame {
  /** The protocol number, 16 bits also when it was compressed to 8 (RFC 1661 section 6.5): 0x0021 is IPv4, 0x0057 IPv6. */
  readonly protocol: number;
  /** What follows the protocol number; its EtherType is -1 for anything but IPv4 and IPv6. */
  readonly inner: Inner;
  /** The payload is unreadable: compressed (RFC 1962) or encrypted with MPPE. */
  readonly compressed: boolean;
}

/**
 * The PPP frame from `start` to before `end`, with or without address and control octets (RFC 1662 section 3.2); undefined if it has no
 * valid protocol number (RFC 1661 section 2). Never throws.
 */
export function pppFrame(bytes: Uint8Array, start: number, end: number): PppFrame | undefined {
  let at = start;
  if (end - at >= 2 && u16(bytes, at) === 0xff03) at += 2;
  if (end - at < 1) return undefined;
  // A protocol number is an even octet followed by an odd one, so an odd first octet is a compressed number.
  const isCompressedNumber = ((bytes[at] ?? 0) & 1) === 1;
  if (!isCompressedNumber && (end - at < 2 || ((bytes[at + 1] ?? 0) & 1) === 0)) return undefined;
  const protocol = isCompressedNumber ? (bytes[at] ?? 0) : u16(bytes, at);
  const offset = at + (isCompressedNumber ? 1 : 2);
  const inner = { etherType: etherTypeOf(protocol), offset, end };
  return { protocol, inner, compressed: protocol === 0x00fd };
}

function etherTypeOf(protocol: number): number {
  if (protocol === PPP_IPV4) return INNER_IPV4;
  return protocol === PPP_IPV6 ? INNER_IPV6 : -1;
}
