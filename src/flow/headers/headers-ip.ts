// Knows: how IPv4, IPv6 and the transport headers are read into Facts. Must not know: link layers, policy, applications.
// Agrees with the kernel's nft_set_pktinfo_ipv{4,6}_validate and ipv6_find_hdr: the extension chain stops at AH and ESP,
// a fragment that is not the first has no upper-layer header. Follows RFC 791, 8200, 768, 9293, 792, 4443.

import { IPV4_HEADER, IPV6_HEADER, Protocol, TCP_HEADER, UDP_HEADER } from '../../wire/ip/ip.ts';
import { readHead, u16, u32 } from '../../wire/octets.ts';
import { PADDED } from '../facts.ts';
import type { Facts } from '../facts.ts';
import { igmpMembership, mldMembership } from './headers-membership.ts';
import { isPortUnreachable, readQuote } from './headers-quote.ts';

/** Reads an IP packet at `at`; `end` is where the captured bytes stop, `wireEnd` where the frame stopped. */
export function readIp(
  bytes: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
  ipVersion: 4 | 6,
  facts: Facts,
): void {
  facts.payloadOffset = at;
  facts.payloadEnd = end;
  if (ipVersion === 4) readIpv4(bytes, at, end, wireEnd, facts);
  else readIpv6(bytes, at, end, wireEnd, facts);
}

function readIpv4(bytes: Uint8Array, at: number, end: number, wireEnd: number, facts: Facts): void {
  if (end - at < IPV4_HEADER) {
    facts.malformed = 'ip-short';
    return;
  }
  const first = bytes[at] ?? 0;
  if (first >>> 4 !== 4) {
    facts.malformed = 'ip-version';
    return;
  }
  facts.ipVersion = 4;
  facts.hopLimit = bytes[at + 8] ?? 0;
  facts.protocol = bytes[at + 9] ?? 0;
  facts.source[2] = facts.destination[2] = 0xffff;
  facts.source[3] = u32(bytes, at + 12);
  facts.destination[3] = u32(bytes, at + 16);
  const headerLength = (first & 15) * 4;
  if (headerLength < IPV4_HEADER) {
    facts.malformed = 'ip-header-length';
    return;
  }
  const total = u16(bytes, at + 2);
  facts.ipLength = total;
  if (total < headerLength || total > wireEnd - at) {
    facts.malformed = 'ip-total-length';
    return;
  }
  if (end - at < headerLength) {
    facts.malformed = 'ip-short';
    return;
  }
  if (headerLength > IPV4_HEADER) facts.ipOptions = true;
  const fragment = u16(bytes, at + 6);
  facts.fragmentOffset = (fragment & 0x1fff) * 8;
  facts.moreFragments = (fragment & 0x2000) !== 0;
  facts.fragmentIdentification = u16(bytes, at + 4);
  readUpper(bytes, at + headerLength, end, at + total, facts);
  if (facts.protocol === Protocol.IGMP && !facts.moreFragments && facts.fragmentOffset === 0)
    facts.membership = igmpMembership(bytes, at, total, end);
  if (facts.protocol === Protocol.IGMP) facts.spare = !isPadded(bytes, at, at + total, wireEnd);
}

function readIpv6(bytes: Uint8Array, at: number, end: number, wireEnd: number, facts: Facts): void {
  if (end - at < IPV6_HEADER) {
    facts.malformed = 'ip-short';
    return;
  }
  if ((bytes[at] ?? 0) >>> 4 !== 6) {
    facts.malformed = 'ip-version';
    return;
  }
  facts.ipVersion = 6;
  facts.hopLimit = bytes[at + 7] ?? 0;
  for (let word = 0; word < 4; word += 1) {
    facts.source[word] = u32(bytes, at + 8 + 4 * word);
    facts.destination[word] = u32(bytes, at + 24 + 4 * word);
  }
  facts.protocol = bytes[at + 6] ?? 0;
  const total = IPV6_HEADER + u16(bytes, at + 4);
  facts.ipLength = total;
  if (total > wireEnd - at) {
    facts.malformed = 'ip-total-length';
    return;
  }
  const ipEnd = at + total;
  const limit = end < ipEnd ? end : ipEnd;
  let offset = at + IPV6_HEADER;
  for (;;) {
    const next = facts.protocol;
    if (!isExtension(next)) break;
    facts.extensionCount += 1;
    if (next === Protocol.AH) break;
    // Every extension header is a multiple of eight bytes; one that does not fit has no next header to believe.
    if (limit - offset < 8) {
      facts.malformed = 'ip6-extension';
      return;
    }
    facts.protocol = bytes[offset] ?? 0;
    if (next === Protocol.FRAGMENT) {
      const fragment = u16(bytes, offset + 2);
      facts.nestedFragment = facts.fragmentHeader;
      facts.fragmentHeader = true;
      facts.fragmentOffset = fragment & 0xfff8;
      facts.moreFragments = (fragment & 1) !== 0;
      facts.fragmentIdentification = u32(bytes, offset + 4);
      offset += 8;
      if (facts.fragmentOffset > 0) {
        // ipv6_find_hdr gives up here when the fragment says that an extension header follows.
        if (isExtension(facts.protocol)) facts.malformed = 'ip6-extension';
        break;
      }
    } else {
      const length = 8 * ((bytes[offset + 1] ?? 0) + 1);
      if (limit - offset < length) {
        facts.malformed = 'ip6-extension';
        return;
      }
      if (next === Protocol.HOP_BY_HOP) facts.ipOptions = true;
      offset += length;
    }
  }
  readUpper(bytes, offset, end, ipEnd, facts);
  if (
    facts.extensionCount === 1 &&
    facts.ipOptions &&
    offset === at + 48 &&
    facts.protocol === Protocol.ICMPV6
  )
    facts.membership = mldMembership(bytes, at, total, end);
  // Longer than the shortest frame, so that nothing fills it up.
  if (facts.protocol === Protocol.ICMPV6) facts.spare = wireEnd > ipEnd;
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

/** Reads the transport header at `at`; `ipEnd` is where the IP packet ends by its own length field. */
export function readUpper(bytes: Uint8Array, at: number, end: number, ipEnd: number, facts: Facts): void {
  const captured = end < ipEnd ? end : ipEnd;
  facts.upperOffset = at;
  facts.payloadOffset = at;
  facts.payloadEnd = captured;
  facts.payloadLength = ipEnd - at;
  if (facts.fragmentOffset === 0 && facts.malformed === undefined) {
    if (facts.protocol === Protocol.UDP) readUdp(bytes, at, captured, ipEnd, facts);
    else if (facts.protocol === Protocol.TCP) readTcp(bytes, at, captured, ipEnd, facts);
    else if (facts.protocol === (facts.ipVersion === 4 ? Protocol.ICMP : Protocol.ICMPV6)) {
      if (captured - at < 4) {
        facts.malformed = 'icmp-short';
        // The kernel reads the type wherever the frame has a byte, behind the end of the packet too.
        if (at < end) facts.icmpType = bytes[at] ?? 0;
      } else {
        facts.icmpType = bytes[at] ?? 0;
        facts.icmpCode = bytes[at + 1] ?? 0;
        if (facts.ipVersion === 6) readTarget(bytes, at, facts);
        if (isPortUnreachable(facts)) readQuote(bytes, at + 8, captured, facts);
      }
    }
  }
  facts.payloadHead = readHead(bytes, facts.payloadOffset, facts.payloadEnd);
  facts.payloadHead2 = readHead(bytes, facts.payloadOffset + 4, facts.payloadEnd);
  facts.payloadHead3 = readHead(bytes, facts.payloadOffset + 8, facts.payloadEnd);
}

function readUdp(bytes: Uint8Array, at: number, captured: number, ipEnd: number, facts: Facts): void {
  if (captured - at >= 4) readPorts(bytes, at, facts);
  if (captured - at < UDP_HEADER) {
    facts.malformed = 'udp-short';
    return;
  }
  const length = u16(bytes, at + 4);
  facts.udpLength = length;
  // Set before the length is doubted: what a firewall reads there it reads whatever the length says.
  facts.payloadOffset = at + UDP_HEADER;
  facts.payloadLength = ipEnd - facts.payloadOffset;
  if (facts.destinationPort === 67 || facts.destinationPort === 68) {
    facts.bootpCookie = readHead(bytes, facts.payloadOffset + 236, captured);
    facts.spare = facts.destinationPort === 67 && !isBareRequest(bytes, facts.payloadOffset);
  }
  // A first fragment holds less than the datagram's length; a whole datagram never does.
  if (length < UDP_HEADER || (length > ipEnd - at && !facts.moreFragments)) {
    facts.malformed = 'udp-length';
    return;
  }
  const payloadEnd = length < ipEnd - at ? at + length : ipEnd;
  facts.payloadEnd = payloadEnd < captured ? payloadEnd : captured;
  facts.payloadLength = payloadEnd - at - UDP_HEADER;
}

function readTcp(bytes: Uint8Array, at: number, captured: number, ipEnd: number, facts: Facts): void {
  if (captured - at >= 4) readPorts(bytes, at, facts);
  if (captured - at < TCP_HEADER) {
    facts.malformed = 'tcp-short';
    return;
  }
  const headerLength = ((bytes[at + 12] ?? 0) >>> 4) * 4;
  if (headerLength < TCP_HEADER || headerLength > ipEnd - at) {
    facts.malformed = 'tcp-offset';
    return;
  }
  facts.tcpSequence = u32(bytes, at + 4);
  facts.tcpAcknowledgment = u32(bytes, at + 8);
  facts.tcpFlags = bytes[at + 13] ?? 0;
  const payload = at + headerLength;
  facts.payloadOffset = payload < captured ? payload : captured;
  facts.payloadEnd = captured;
  facts.payloadLength = ipEnd - payload;
}

function readPorts(bytes: Uint8Array, at: number, facts: Facts): void {
  facts.sourcePort = u16(bytes, at);
  facts.destinationPort = u16(bytes, at + 2);
}

/** Redirects and the messages of neighbours are about an address behind eight bytes (RFC 4861). */
function readTarget(bytes: Uint8Array, at: number, facts: Facts): void {
  const { target, icmpType } = facts;
  if (icmpType < 135 || icmpType > 137) return;
  for (let word = 0; word < 4; word += 1) target[word] = readHead(bytes, at + 8 + 4 * word, bytes.length);
}

/**
 * Whether what only a server or relay writes is empty in a BOOTP request (RFC 2131 section 2): addresses, the rest of the
 * hardware address, server name and file.
 */
function isBareRequest(bytes: Uint8Array, at: number): boolean {
  return isZero(bytes, at + 16, at + 28) && isZero(bytes, at + 34, at + 236);
}

/** Bytes that were not captured count as zero. */
/** Whether nothing stands behind the message but the zeros that fill a short frame up. */
export function isPadded(bytes: Uint8Array, at: number, messageEnd: number, wireEnd: number): boolean {
  if (wireEnd === messageEnd) return true;
  return PADDED.includes(wireEnd - at) && isZero(bytes, messageEnd, wireEnd);
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if ((bytes[at] ?? 0) !== 0) return false;
  return true;
}
