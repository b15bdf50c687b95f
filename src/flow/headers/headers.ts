// Reads the link headers of every capture link type into a ParsedPacket, and what follows them. `outerEtherType` is what nftables sees in the
// bridge family, where a tag, SNAP or PPPoE hides IP from rules with `ether type ip`; `etherType` is what is inside.
// IEEE 802.3/802.1Q, RFC 826 and the tcpdump.org link type registry. Allocates nothing, never throws.

import { EtherType, FIRST_ETHERTYPE, HEADER_LENGTH, isTag } from '../../wire/link/ethernet.ts';
import { INNER_ETHERNET } from '../../wire/vpn/inner.ts';
import { etherTypeOfVersion, linkInner } from '../../wire/link/link-headers.ts';
import { LinkType } from '../../wire/link/link-types.ts';
import { pppFrame } from '../../wire/link/ppp.ts';
import { readHead, u16, u32 } from '../../wire/octets.ts';
import { LLC, NO_FINDINGS, NO_QUESTIONS, SNAP } from '../parsed-packet.ts';
import type { ParsedPacket } from '../parsed-packet.ts';
import { readIp, readUpper } from './headers-ip.ts';
import { readArp } from './headers-arp.ts';
import { isPlainUdp, readPlainUdp } from './headers-plain.ts';
import { readWirelessHeader } from './headers-wireless.ts';

/** More tags than any switch stacks; a frame with more is malformed. */
const MAX_TAGS = 8;

/**
 * Reads layers 2 to 4 of the frame in `bytes[start, end)` into `packet`. `wireLength` is the frame's length on the wire in octets without
 * frame check sequence, more than `end - start` if the capture cut it; `linkType` is from the tcpdump.org registry, and of an unknown one
 * only the lengths are read. A frame that does not parse sets `packet.malformed` and leaves the fields after the fault at -1. `packet.kind`
 * is set by the classifier (kindOfHeaders). `packet.bytes` refers to `bytes`, to which all offsets belong.
 */
export function readHeaders(
  bytes: Uint8Array,
  start: number,
  end: number,
  wireLength: number,
  linkType: number,
  packet: ParsedPacket,
): void {
  const ethernet = linkType === LinkType.ETHERNET;
  packet.bytes = bytes;
  if (packet.plain && ethernet && readPlainUdp(bytes, start, end, wireLength, packet)) return;
  clear(packet);
  packet.length = wireLength;
  packet.captured = end - start;
  const wireEnd = start + (wireLength < end - start ? end - start : wireLength);
  if (ethernet) {
    readEthernet(bytes, start, end, wireEnd, packet);
    packet.plain = isPlainUdp(packet);
  } else readOtherLink(bytes, start, end, wireEnd, linkType, packet);
}

/**
 * Reads the encapsulated packet of this EtherType at `start`, as a frame without link header, into `packet`; `end` is the end of the
 * captured octets, `wireEnd` where it ended on the wire, both exclusive. A fault sets `packet.malformed`. Allocates nothing, never throws.
 */
export function readInner(
  bytes: Uint8Array,
  start: number,
  end: number,
  wireEnd: number,
  etherType: number,
  packet: ParsedPacket,
): void {
  clear(packet);
  packet.bytes = bytes;
  packet.length = wireEnd - start;
  packet.captured = end - start;
  packet.outerEtherType = etherType;
  readEtherType(bytes, start, end, wireEnd, etherType, packet);
}

/**
 * Reads the transport header of this IP protocol number, and the payload, that fill `whole`: a reassembled packet, or one without the
 * headers before it. Addresses and hop limit are those of `outer`, the packet or its last fragment; offsets are into `whole`. A fault sets
 * `packet.malformed`. Allocates nothing, never throws.
 */
export function readUpperOf(
  whole: Uint8Array,
  outer: ParsedPacket,
  protocol: number,
  packet: ParsedPacket,
): void {
  clear(packet);
  packet.bytes = whole;
  packet.length = packet.captured = whole.length;
  packet.sourceMac = outer.sourceMac;
  packet.destinationMac = outer.destinationMac;
  packet.outerEtherType = outer.outerEtherType;
  packet.etherType = outer.etherType;
  packet.ipVersion = outer.ipVersion;
  packet.hopLimit = outer.hopLimit;
  packet.protocol = protocol;
  packet.source.set(outer.source);
  packet.destination.set(outer.destination);
  readUpper(whole, 0, whole.length, whole.length, packet);
}

function clear(packet: ParsedPacket): void {
  packet.plain = false;
  packet.sourceMac = 0;
  packet.destinationMac = 0;
  packet.outerEtherType = -1;
  packet.etherType = -1;
  packet.llc = -1;
  packet.vlanTags = 0;
  packet.malformed = undefined;
  packet.ipVersion = 0;
  packet.hopLimit = -1;
  packet.ipOptions = false;
  packet.protocol = -1;
  packet.extensionCount = 0;
  packet.fragmentOffset = 0;
  packet.moreFragments = false;
  packet.fragmentHeader = false;
  packet.nestedFragment = false;
  packet.fragmentIdentification = 0;
  packet.ipLength = -1;
  packet.udpLength = -1;
  packet.sourcePort = -1;
  packet.destinationPort = -1;
  packet.tcpFlags = -1;
  packet.tcpSequence = 0;
  packet.tcpAcknowledgment = 0;
  packet.icmpType = -1;
  packet.icmpCode = -1;
  packet.arpOperation = -1;
  packet.hasExtraData = false;
  packet.membership = 'none';
  packet.quotedPort = -1;
  packet.quotesReply = false;
  packet.solicited = false;
  packet.tentativeSource = packet.tentativeTarget = false;
  packet.unassignedField = '';
  packet.upperOffset = 0;
  packet.payloadOffset = 0;
  packet.payloadEnd = 0;
  packet.payloadLength = 0;
  packet.foreign = false;
  packet.payloadHead = 0;
  packet.payloadHead2 = 0;
  packet.payloadHead3 = 0;
  packet.bootpCookie = 0;
  packet.fromServer = false;
  packet.direction = undefined;
  packet.flowName = '';
  packet.connection = undefined;
  packet.wholeQuestion = '';
  packet.questions = NO_QUESTIONS;
  packet.answered = false;
  packet.kind = 'malformed';
  packet.findings = NO_FINDINGS;
  const { source, destination, target } = packet;
  source[0] = source[1] = source[2] = source[3] = 0;
  destination[0] = destination[1] = destination[2] = destination[3] = 0;
  target[0] = target[1] = target[2] = target[3] = 0;
}

function readEthernet(
  bytes: Uint8Array,
  start: number,
  end: number,
  wireEnd: number,
  packet: ParsedPacket,
): void {
  if (end - start < HEADER_LENGTH) {
    packet.malformed = 'ethernet-short';
    return;
  }
  packet.destinationMac = readMac(bytes, start);
  packet.sourceMac = readMac(bytes, start + 6);
  const type = u16(bytes, start + 12);
  readFramed(bytes, start + HEADER_LENGTH, end, wireEnd, type, packet);
}

/** `type` is the type-or-length field before `at`. */
function readFramed(
  bytes: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
  type: number,
  packet: ParsedPacket,
): void {
  if (type === EtherType.VLAN && isPriorityTag(bytes, at, end)) {
    packet.outerEtherType = u16(bytes, at + 2);
    readEtherType(bytes, at + 4, end, wireEnd, packet.outerEtherType, packet);
    return;
  }
  packet.outerEtherType = type < FIRST_ETHERTYPE ? LLC : type;
  let inner = type;
  let offset = at;
  while (isTag(inner)) {
    if (packet.vlanTags === MAX_TAGS || end - offset < 4) {
      packet.malformed = 'tag-short';
      return;
    }
    packet.vlanTags += 1;
    inner = u16(bytes, offset + 2);
    offset += 4;
  }
  if (inner < FIRST_ETHERTYPE) readLlc(bytes, offset, end, wireEnd, packet);
  else readEtherType(bytes, offset, end, wireEnd, inner, packet);
}

/**
 * A tag of VLAN 0 only gives the frame's priority: stations and bridges treat the frame as untagged (IEEE 802.1Q-2022
 * clause 6.9 and table 9-2; Linux removes the tag, net/core/dev.c). Before another tag or a length it is not taken for one.
 */
function isPriorityTag(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < 4 || (u16(bytes, at) & 0xfff) !== 0) return false;
  const inner = u16(bytes, at + 2);
  return inner >= FIRST_ETHERTYPE && !isTag(inner);
}

/** Only SNAP with organisation code zero contains an EtherType (RFC 1042). */
function readLlc(bytes: Uint8Array, at: number, end: number, wireEnd: number, packet: ParsedPacket): void {
  const snap = end - at >= 8 && u32(bytes, at) === 0xaaaa0300 && bytes[at + 4] === 0 && bytes[at + 5] === 0;
  if (!snap) {
    packet.etherType = LLC;
    const organisation = end - at >= 8 && u16(bytes, at) === 0xaaaa;
    if (organisation)
      packet.llc = SNAP + u16(bytes, at + 3) * 0x1000000 + u16(bytes, at + 5) * 0x100 + (bytes[at + 7] ?? 0);
    else if (end - at >= 2) packet.llc = u16(bytes, at);
  } else readEtherType(bytes, at + 8, end, wireEnd, u16(bytes, at + 6), packet);
}

function readEtherType(
  bytes: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
  etherType: number,
  packet: ParsedPacket,
): void {
  packet.etherType = etherType;
  if (etherType === EtherType.IPV4 || etherType === EtherType.IPV6) {
    readIp(bytes, at, end, wireEnd, etherType === EtherType.IPV4 ? 4 : 6, packet);
    return;
  }
  packet.payloadOffset = at;
  packet.payloadEnd = end;
  packet.payloadLength = wireEnd - at;
  packet.payloadHead = readHead(bytes, at, end);
  if (etherType === EtherType.ARP) readArp(bytes, at, end, wireEnd, packet);
}

function readOtherLink(
  bytes: Uint8Array,
  start: number,
  end: number,
  wireEnd: number,
  linkType: number,
  packet: ParsedPacket,
): void {
  let at = start;
  let etherType: number;
  switch (linkType) {
    case LinkType.RAW:
    case LinkType.RAW_BSD:
    case LinkType.RAW_OPENBSD:
    case LinkType.IPV4:
    case LinkType.IPV6:
      etherType = etherTypeOfVersion(bytes, start, end);
      break;
    case LinkType.NULL:
    case LinkType.LOOP:
      at += 4;
      etherType = etherTypeOfVersion(bytes, at, end);
      break;
    case LinkType.PPP:
    case LinkType.PPP_HDLC:
      readPpp(bytes, start, end, wireEnd, packet);
      return;
    case LinkType.PPPOE:
      etherType = EtherType.PPPOE_SESSION;
      break;
    case LinkType.LINUX_SLL:
      readCooked(bytes, start, end, wireEnd, 4, 6, 14, 16, packet);
      return;
    case LinkType.LINUX_SLL2:
      readCooked(bytes, start, end, wireEnd, 10, 12, 0, 20, packet);
      return;
    case LinkType.IEEE802_11:
    case LinkType.RADIOTAP:
    case LinkType.PPI:
    case LinkType.PRISM:
    case LinkType.AVS:
      at = readWirelessHeader(bytes, start, end, linkType, packet);
      if (at < 0) packet.outerEtherType = LLC;
      else readLlc(bytes, at, end, wireEnd, packet);
      return;
    default: {
      const inner = linkInner(bytes, start, end, linkType);
      if (inner?.etherType === INNER_ETHERNET) readEthernet(bytes, inner.offset, end, wireEnd, packet);
      else if (inner !== undefined) readFramed(bytes, inner.offset, end, wireEnd, inner.etherType, packet);
      return;
    }
  }
  if (at > end) packet.malformed = 'ethernet-short';
  else if (etherType >= 0) {
    packet.outerEtherType = etherType;
    readEtherType(bytes, at, end, wireEnd, etherType, packet);
  }
}

/** PPP on a serial line; Cisco's framing has the address 0x0f in place of 0xff. */
function readPpp(bytes: Uint8Array, start: number, end: number, wireEnd: number, packet: ParsedPacket): void {
  const cisco = end - start >= 2 && bytes[start] === 0x0f && bytes[start + 1] === 0;
  const frame = pppFrame(bytes, cisco ? start + 2 : start, end);
  if (frame === undefined) {
    packet.malformed = 'ethernet-short';
    return;
  }
  if (frame.inner.etherType < 0) return;
  packet.outerEtherType = frame.inner.etherType;
  readEtherType(bytes, frame.inner.offset, end, wireEnd, frame.inner.etherType, packet);
}

/**
 * Linux cooked captures; `length` (of the address), `address` and `type` are the offsets of these fields, `header` is the header's length.
 */
function readCooked(
  bytes: Uint8Array,
  start: number,
  end: number,
  wireEnd: number,
  length: number,
  address: number,
  type: number,
  header: number,
  packet: ParsedPacket,
): void {
  if (end - start < header) {
    packet.malformed = 'ethernet-short';
    return;
  }
  if ((u16(bytes, start + length) & 0xff) === 6) packet.sourceMac = readMac(bytes, start + address);
  readFramed(bytes, start + header, end, wireEnd, u16(bytes, start + type), packet);
}

function readMac(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 0x100000000 + u32(bytes, at + 2);
}
