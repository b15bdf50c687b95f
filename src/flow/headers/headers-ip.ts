// Reads IPv4, IPv6 and transport headers into a ParsedPacket, as the kernel's nft_set_pktinfo_ipv{4,6}_validate and ipv6_find_hdr do:
// the extension chain stops at AH and ESP, and a fragment that is not the first has no upper-layer header.
// RFC 791, 8200, 768, 9293, 792, 4443.

import { IPV4_HEADER, IPV6_HEADER, Protocol, TCP_HEADER, UDP_HEADER } from '../../wire/ip/ip.ts';
import { readHead, u16, u32 } from '../../wire/octets.ts';
import { PADDED_LENGTHS } from '../parsed-packet.ts';
import type { ParsedPacket } from '../parsed-packet.ts';
import { igmpMembership, mldMembership } from './headers-membership.ts';
import { isPortUnreachable, readQuote } from './headers-quote.ts';

/**
 * Reads the IP packet at `at` (RFC 791, RFC 8200) and its transport header; `end` is the end of the captured octets, `wireEnd` where the
 * frame ended on the wire, both exclusive. The packet must be of `ipVersion`; a fault sets `malformed` and leaves the fields after it as
 * they were. Never throws.
 */
export function readIp(
  bytes: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
  ipVersion: 4 | 6,
  packet: ParsedPacket,
): void {
  packet.payloadOffset = at;
  packet.payloadEnd = end;
  if (ipVersion === 4) readIpv4(bytes, at, end, wireEnd, packet);
  else readIpv6(bytes, at, end, wireEnd, packet);
}

function readIpv4(bytes: Uint8Array, at: number, end: number, wireEnd: number, packet: ParsedPacket): void {
  if (end - at < IPV4_HEADER) {
    packet.malformed = 'ip-short';
    return;
  }
  const first = bytes[at] ?? 0;
  if (first >>> 4 !== 4) {
    packet.malformed = 'ip-version';
    return;
  }
  packet.ipVersion = 4;
  packet.hopLimit = bytes[at + 8] ?? 0;
  packet.protocol = bytes[at + 9] ?? 0;
  packet.source[2] = packet.destination[2] = 0xffff;
  packet.source[3] = u32(bytes, at + 12);
  packet.destination[3] = u32(bytes, at + 16);
  const headerLength = (first & 15) * 4;
  if (headerLength < IPV4_HEADER) {
    packet.malformed = 'ip-header-length';
    return;
  }
  const total = u16(bytes, at + 2);
  packet.ipLength = total;
  if (total < headerLength || total > wireEnd - at) {
    packet.malformed = 'ip-total-length';
    return;
  }
  if (end - at < headerLength) {
    packet.malformed = 'ip-short';
    return;
  }
  if (headerLength > IPV4_HEADER) packet.ipOptions = true;
  const fragment = u16(bytes, at + 6);
  packet.fragmentOffset = (fragment & 0x1fff) * 8;
  packet.moreFragments = (fragment & 0x2000) !== 0;
  packet.fragmentIdentification = u16(bytes, at + 4);
  readUpper(bytes, at + headerLength, end, at + total, packet);
  if (packet.protocol === Protocol.IGMP && !packet.moreFragments && packet.fragmentOffset === 0)
    packet.membership = igmpMembership(bytes, at, total, end);
  if (packet.protocol === Protocol.IGMP) packet.hasExtraData = !isPadded(bytes, at, at + total, end, wireEnd);
}

function readIpv6(bytes: Uint8Array, at: number, end: number, wireEnd: number, packet: ParsedPacket): void {
  if (end - at < IPV6_HEADER) {
    packet.malformed = 'ip-short';
    return;
  }
  if ((bytes[at] ?? 0) >>> 4 !== 6) {
    packet.malformed = 'ip-version';
    return;
  }
  packet.ipVersion = 6;
  packet.hopLimit = bytes[at + 7] ?? 0;
  for (let word = 0; word < 4; word += 1) {
    packet.source[word] = u32(bytes, at + 8 + 4 * word);
    packet.destination[word] = u32(bytes, at + 24 + 4 * word);
  }
  packet.protocol = bytes[at + 6] ?? 0;
  const total = IPV6_HEADER + u16(bytes, at + 4);
  packet.ipLength = total;
  if (total > wireEnd - at) {
    packet.malformed = 'ip-total-length';
    return;
  }
  const ipEnd = at + total;
  const limit = end < ipEnd ? end : ipEnd;
  let offset = at + IPV6_HEADER;
  for (;;) {
    const next = packet.protocol;
    if (!isExtension(next)) break;
    packet.extensionCount += 1;
    if (next === Protocol.AH) break;
    // An extension header has at least eight octets. If they are not there, its next header cannot be trusted.
    if (limit - offset < 8) {
      packet.malformed = 'ip6-extension';
      return;
    }
    packet.protocol = bytes[offset] ?? 0;
    if (next === Protocol.FRAGMENT) {
      const fragment = u16(bytes, offset + 2);
      packet.nestedFragment = packet.fragmentHeader;
      packet.fragmentHeader = true;
      packet.fragmentOffset = fragment & 0xfff8;
      packet.moreFragments = (fragment & 1) !== 0;
      packet.fragmentIdentification = u32(bytes, offset + 4);
      offset += 8;
      if (packet.fragmentOffset > 0) {
        // ipv6_find_hdr gives up here if an extension header is announced.
        if (isExtension(packet.protocol)) packet.malformed = 'ip6-extension';
        break;
      }
    } else {
      const length = 8 * ((bytes[offset + 1] ?? 0) + 1);
      if (limit - offset < length) {
        packet.malformed = 'ip6-extension';
        return;
      }
      if (next === Protocol.HOP_BY_HOP) packet.ipOptions = true;
      offset += length;
    }
  }
  readUpper(bytes, offset, end, ipEnd, packet);
  if (
    packet.extensionCount === 1 &&
    packet.ipOptions &&
    offset === at + 48 &&
    packet.protocol === Protocol.ICMPV6
  )
    packet.membership = mldMembership(bytes, at, total, end);
  // Such a packet is longer than the shortest frame, so it needs no padding.
  if (packet.protocol === Protocol.ICMPV6) packet.hasExtraData = wireEnd > ipEnd;
}

function isExtension(protocol: number): boolean {
  return (
    protocol === Protocol.HOP_BY_HOP ||
    protocol === Protocol.ROUTING ||
    protocol === Protocol.FRAGMENT ||
    protocol === Protocol.AH ||
    protocol === Protocol.DESTINATION_OPTIONS
  );
}

/**
 * Reads the transport header at `at` by `packet.protocol` (RFC 768, RFC 9293, RFC 792, RFC 4443) and sets the payload's offsets, length and
 * first octets; `end` is the end of the captured octets, `ipEnd` that of the packet by its length field, both exclusive. A later fragment
 * has no header. A fault sets `malformed`. Never throws.
 */
export function readUpper(
  bytes: Uint8Array,
  at: number,
  end: number,
  ipEnd: number,
  packet: ParsedPacket,
): void {
  const captured = end < ipEnd ? end : ipEnd;
  packet.upperOffset = at;
  packet.payloadOffset = at;
  packet.payloadEnd = captured;
  packet.payloadLength = ipEnd - at;
  if (packet.fragmentOffset === 0 && packet.malformed === undefined) {
    if (packet.protocol === Protocol.UDP) readUdp(bytes, at, captured, ipEnd, packet);
    else if (packet.protocol === Protocol.TCP) readTcp(bytes, at, captured, ipEnd, packet);
    else if (packet.protocol === (packet.ipVersion === 4 ? Protocol.ICMP : Protocol.ICMPV6)) {
      if (captured - at < 4) {
        packet.malformed = 'icmp-short';
        // The kernel reads the type if the frame has an octet there, even past the end of the packet.
        if (at < end) packet.icmpType = bytes[at] ?? 0;
      } else {
        packet.icmpType = bytes[at] ?? 0;
        packet.icmpCode = bytes[at + 1] ?? 0;
        if (packet.ipVersion === 6) readTarget(bytes, at, captured, packet);
        if (isPortUnreachable(packet)) readQuote(bytes, at + 8, captured, packet);
      }
    }
  }
  packet.payloadHead = readHead(bytes, packet.payloadOffset, packet.payloadEnd);
  packet.payloadHead2 = readHead(bytes, packet.payloadOffset + 4, packet.payloadEnd);
  packet.payloadHead3 = readHead(bytes, packet.payloadOffset + 8, packet.payloadEnd);
}

function readUdp(bytes: Uint8Array, at: number, captured: number, ipEnd: number, packet: ParsedPacket): void {
  if (captured - at >= 4) readPorts(bytes, at, packet);
  if (captured - at < UDP_HEADER) {
    packet.malformed = 'udp-short';
    return;
  }
  const length = u16(bytes, at + 4);
  packet.udpLength = length;
  // Set before the length is checked, as a packet filter reads these fields whatever the length says.
  packet.payloadOffset = at + UDP_HEADER;
  packet.payloadLength = ipEnd - packet.payloadOffset;
  if (packet.destinationPort === 67 || packet.destinationPort === 68) {
    packet.bootpCookie = readHead(bytes, packet.payloadOffset + 236, captured);
    packet.hasExtraData =
      packet.destinationPort === 67 && !isBareRequest(bytes, packet.payloadOffset, captured);
  }
  // Only in a first fragment may the datagram's length exceed the packet's.
  if (length < UDP_HEADER || (length > ipEnd - at && !packet.moreFragments)) {
    packet.malformed = 'udp-length';
    return;
  }
  const payloadEnd = length < ipEnd - at ? at + length : ipEnd;
  packet.payloadEnd = payloadEnd < captured ? payloadEnd : captured;
  packet.payloadLength = payloadEnd - at - UDP_HEADER;
}

function readTcp(bytes: Uint8Array, at: number, captured: number, ipEnd: number, packet: ParsedPacket): void {
  if (captured - at >= 4) readPorts(bytes, at, packet);
  if (captured - at < TCP_HEADER) {
    packet.malformed = 'tcp-short';
    return;
  }
  const headerLength = ((bytes[at + 12] ?? 0) >>> 4) * 4;
  if (headerLength < TCP_HEADER || headerLength > ipEnd - at) {
    packet.malformed = 'tcp-offset';
    return;
  }
  packet.tcpSequence = u32(bytes, at + 4);
  packet.tcpAcknowledgment = u32(bytes, at + 8);
  packet.tcpFlags = bytes[at + 13] ?? 0;
  const payload = at + headerLength;
  packet.payloadOffset = payload < captured ? payload : captured;
  packet.payloadEnd = captured;
  packet.payloadLength = ipEnd - payload;
}

function readPorts(bytes: Uint8Array, at: number, packet: ParsedPacket): void {
  packet.sourcePort = u16(bytes, at);
  packet.destinationPort = u16(bytes, at + 2);
}

/** In neighbour solicitations, advertisements and redirects the target address follows eight octets (RFC 4861). */
function readTarget(bytes: Uint8Array, at: number, captured: number, packet: ParsedPacket): void {
  const { target, icmpType } = packet;
  if (icmpType < 135 || icmpType > 137) return;
  for (let word = 0; word < 4; word += 1) target[word] = readHead(bytes, at + 8 + 4 * word, captured);
}

/**
 * Whether the fields of a BOOTP request that only a server or relay fills in are zero (RFC 2131 section 2): addresses, the
 * rest of the hardware address, server name and file.
 */
function isBareRequest(bytes: Uint8Array, at: number, captured: number): boolean {
  return isZero(bytes, at + 16, at + 28, captured) && isZero(bytes, at + 34, at + 236, captured);
}

/**
 * Whether nothing follows the message, from `at` to before `messageEnd`, but the zeros that pad a short frame (IEEE 802.3 section 4.2.3.3),
 * up to `wireEnd`, where the frame ended on the wire. Octets from `captured` on count as zero.
 */
export function isPadded(
  bytes: Uint8Array,
  at: number,
  messageEnd: number,
  captured: number,
  wireEnd: number,
): boolean {
  if (wireEnd === messageEnd) return true;
  return PADDED_LENGTHS.includes(wireEnd - at) && isZero(bytes, messageEnd, wireEnd, captured);
}

/** Octets from `captured` on are another frame's, and count as zero. */
function isZero(bytes: Uint8Array, from: number, to: number, captured: number): boolean {
  for (let at = from; at < to && at < captured; at += 1) if (bytes[at] !== 0) return false;
  return true;
}
