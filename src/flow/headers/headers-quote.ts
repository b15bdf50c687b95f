// Reads the packet that "port unreachable" quotes. RFC 792 (destination unreachable), RFC 4443 section 3.1. Allocates nothing, never throws.

import { IPV4_HEADER, IPV6_HEADER, Protocol, UDP_HEADER } from '../../wire/ip/ip.ts';
import { readHead, u16, u32 } from '../../wire/octets.ts';
import type { ParsedPacket } from '../parsed-packet.ts';

/** Whether it is ICMP type 3 code 3 (RFC 792), or ICMPv6 type 1 code 4 (RFC 4443 section 3.1). */
export function isPortUnreachable({ ipVersion, icmpType, icmpCode }: ParsedPacket): boolean {
  return ipVersion === 4 ? icmpType === 3 && icmpCode === 3 : icmpType === 1 && icmpCode === 4;
}

/**
 * Reads the quoted packet at `at` (RFC 792, RFC 4443 section 3.1) into the fields `quoted…` and `quotesReply`, which stay as they were if
 * it is not UDP directly after an IP header without options, a later fragment, or cut off before the end of UDP's header. `end` is the
 * exclusive end of the quoting packet, or of what was captured of it. Never throws.
 */
export function readQuote(bytes: Uint8Array, at: number, end: number, packet: ParsedPacket): void {
  const isIpv4 = packet.ipVersion === 4;
  const header = isIpv4 ? IPV4_HEADER : IPV6_HEADER;
  const udp = at + header;
  if (end - udp < UDP_HEADER) return;
  const isPlain = isIpv4
    ? bytes[at] === 0x45 && bytes[at + 9] === Protocol.UDP && (u16(bytes, at + 6) & 0x1fff) === 0
    : (bytes[at] ?? 0) >>> 4 === 6 && bytes[at + 6] === Protocol.UDP;
  if (!isPlain) return;
  const payload = udp + UDP_HEADER;
  packet.quotedPort = u16(bytes, udp);
  packet.quotedIpLength = isIpv4 ? u16(bytes, at + 2) : IPV6_HEADER + u16(bytes, at + 4);
  packet.quotedUdpLength = u16(bytes, udp + 4);
  packet.quotedPayload = end - payload;
  packet.quotedHead = readHead(bytes, payload, end);
  packet.quotedHead2 = readHead(bytes, payload + 4, end);
  packet.quotedHead3 = readHead(bytes, payload + 8, end);
  packet.quotesReply = end - at <= packet.quotedIpLength && isReply(bytes, at + (isIpv4 ? 12 : 8), packet);
}

function isReply(bytes: Uint8Array, at: number, { ipVersion, source, destination }: ParsedPacket): boolean {
  if (ipVersion === 4) return u32(bytes, at) === destination[3] && u32(bytes, at + 4) === source[3];
  for (let word = 0; word < 4; word += 1) {
    if (u32(bytes, at + 4 * word) !== destination[word]) return false;
    if (u32(bytes, at + 16 + 4 * word) !== source[word]) return false;
  }
  return true;
}
