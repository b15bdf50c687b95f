// Finds the packet after the rarer link headers of capture files.
// The tcpdump.org link type registry (NFLOG and PKTAP define headers themselves), OpenBSD's ENC, RFC 2427 (frame relay),
// RFC 1042 and 2684 (LLC and SNAP on token ring, FDDI, ATM and Fibre Channel).

import { innerIp, INNER_ETHERNET, INNER_IPV4, INNER_IPV6, type Inner } from '../vpn/inner.ts';
import { LinkType } from './link-types.ts';
import { mplsStack } from './mpls.ts';
import { u16, u32, u32le } from '../octets.ts';
import { pppFrame } from './ppp.ts';

const NFLOG_HEADER = 4;
const NFLOG_PAYLOAD = 9;
const ENC_HEADER = 12;
const FDDI_HEADER = 13;
const TOKEN_RING_HEADER = 14;
const FIBRE_CHANNEL_HEADER = 16;
const PKTAP_LINK_TYPE = 8;
/** Network protocol identifiers of IPv4, IPv6 and SNAP, which follow the octet for unnumbered information (RFC 2427 section 4). */
const NLPID_IPV4 = 0xcc;
const NLPID_IPV6 = 0x8e;
const NLPID_SNAP = 0x80;

/**
 * The packet in the frame from `start` to before `end`, whose `linkType` is one of the rarer numbers of the tcpdump.org registry;
 * undefined for the types that `src/flow/headers` reads itself and for unknown ones, and when the frame is cut off or has no EtherType.
 * Never throws.
 */
export function linkInner(
  bytes: Uint8Array,
  start: number,
  end: number,
  linkType: number,
): Inner | undefined {
  switch (linkType) {
    case LinkType.CISCO_HDLC:
      return end - start < 4 ? undefined : { etherType: u16(bytes, start + 2), offset: start + 4, end };
    case LinkType.NFLOG:
      return nflog(bytes, start, end);
    case LinkType.ENC:
      return innerIp(bytes, start + ENC_HEADER, end);
    case LinkType.FDDI:
      return snap(bytes, start + FDDI_HEADER, end);
    case LinkType.TOKEN_RING:
      return tokenRing(bytes, start, end);
    case LinkType.ATM_RFC1483:
      return snap(bytes, start, end);
    case LinkType.IP_OVER_FC:
      return snap(bytes, start + FIBRE_CHANNEL_HEADER, end);
    case LinkType.FRAME_RELAY:
      return frameRelay(bytes, start, end);
    case LinkType.SUNATM:
      return snap(bytes, start + 4, end);
    case LinkType.IP_OVER_FIREWIRE:
      return typed(bytes, start + 16, end);
    case LinkType.PPP_PPPD:
    case LinkType.PPP_WITH_DIRECTION:
      return pppFrame(bytes, start + 1, end)?.inner ?? pppFrame(bytes, start, end)?.inner;
    case LinkType.CISCO_HDLC_WITH_DIRECTION:
      return typed(bytes, start + 3, end);
    case LinkType.FRAME_RELAY_WITH_DIRECTION:
      return frameRelay(bytes, start + 1, end);
    case LinkType.MPLS:
      return mplsStack(bytes, start, end)?.inner;
    case LinkType.ERF:
      return erf(bytes, start, end);
    case LinkType.NETANALYZER:
      return framed(start + 4, end);
    case LinkType.ETHERNET_MPACKET:
      return framed(start + 8, end);
    case LinkType.PKTAP:
      return pktap(bytes, start, end);
    default:
      return undefined;
  }
}

function framed(offset: number, end: number): Inner | undefined {
  return offset < end ? { etherType: INNER_ETHERNET, offset, end } : undefined;
}

/** `at` is the offset of the EtherType. */
function typed(bytes: Uint8Array, at: number, end: number): Inner | undefined {
  return at + 2 <= end ? { etherType: u16(bytes, at), offset: at + 2, end } : undefined;
}

/** A header of 16 octets, extension headers of 8 (the top bit of each type announces the next), and 2 octets before an Ethernet frame. */
function erf(bytes: Uint8Array, start: number, end: number): Inner | undefined {
  const type = bytes[start + 8] ?? 0;
  const isEthernet =
    (type & 0x7f) === 2 || (type & 0x7f) === 11 || (type & 0x7f) === 16 || (type & 0x7f) === 20;
  let at = start + 16;
  let more = type >= 0x80;
  while (more && at + 8 <= end) {
    more = (bytes[at] ?? 0) >= 0x80;
    at += 8;
  }
  return isEthernet ? framed(at + 2, end) : undefined;
}

/** Attributes are in the capturing machine's byte order; little endian is assumed. */
function nflog(bytes: Uint8Array, start: number, end: number): Inner | undefined {
  let at = start + NFLOG_HEADER;
  while (at + 4 <= end) {
    const length = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    if (length < 4 || at + length > end) return undefined;
    if (bytes[at + 2] === NFLOG_PAYLOAD && bytes[at + 3] === 0) return innerIp(bytes, at + 4, at + length);
    at += length + (-length & 3);
  }
  return undefined;
}

/** The first bit of the source address announces a routing field, whose first octet contains its length. */
function tokenRing(bytes: Uint8Array, start: number, end: number): Inner | undefined {
  const routed = ((bytes[start + 8] ?? 0) & 0x80) !== 0;
  const at = start + TOKEN_RING_HEADER;
  return snap(bytes, routed ? at + ((bytes[at] ?? 0) & 0x1f) : at, end);
}

function snap(bytes: Uint8Array, at: number, end: number): Inner | undefined {
  const isSnap = end - at >= 8 && u32(bytes, at) === 0xaaaa0300 && u16(bytes, at + 4) === 0;
  return isSnap ? { etherType: u16(bytes, at + 6), offset: at + 8, end } : undefined;
}

/** The address has two octets or more; the lowest bit is set in the last one only. */
function frameRelay(bytes: Uint8Array, start: number, end: number): Inner | undefined {
  let at = start;
  while (at < end && at - start < 4 && ((bytes[at] ?? 0) & 1) === 0) at += 1;
  if (bytes[at + 1] !== 3) return undefined;
  // One octet of padding may precede the protocol identifier.
  at += bytes[at + 2] === 0 ? 3 : 2;
  const protocol = bytes[at];
  if (protocol === NLPID_IPV4 || protocol === NLPID_IPV6) return innerIp(bytes, at + 1, end);
  const isSnap = protocol === NLPID_SNAP && end - at >= 6 && u16(bytes, at + 1) === 0 && bytes[at + 3] === 0;
  return isSnap ? { etherType: u16(bytes, at + 4), offset: at + 6, end } : undefined;
}

/** Apple's header contains its own length and the link type of the packet. */
function pktap(bytes: Uint8Array, start: number, end: number): Inner | undefined {
  const offset = start + u32le(bytes, start);
  if (end - start < PKTAP_LINK_TYPE + 4 || offset > end) return undefined;
  switch (u32le(bytes, start + PKTAP_LINK_TYPE)) {
    case LinkType.ETHERNET:
      return { etherType: INNER_ETHERNET, offset, end };
    case LinkType.NULL:
      return innerIp(bytes, offset + 4, end);
    default:
      return innerIp(bytes, offset, end);
  }
}

/**
 * INNER_IPV4 or INNER_IPV6 by the IP version nibble (RFC 791, RFC 8200) at `at`, for links without a type field; -1 when it is neither or
 * `at` is not before `end`. Never throws.
 */
export function etherTypeOfVersion(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1;
  const version = (bytes[at] ?? 0) >>> 4;
  return version === 4 ? INNER_IPV4 : version === 6 ? INNER_IPV6 : -1;
}
