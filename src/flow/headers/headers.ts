// Knows: how to read link headers of every capture link type into Facts. Must not know: policy, applications, clocks.
// Agrees with what Linux nftables sees in the bridge family: a tag, SNAP or PPPoE hides IP from rules that ask for
// `ether type ip`, so `outerEtherType` keeps the bridge's view while `etherType` says what is inside.
// Follows IEEE 802.3/802.1Q, RFC 826 and the tcpdump.org link type registry. Allocates nothing, never throws.

import { EtherType, FIRST_ETHERTYPE, HEADER_LENGTH, isTag } from '../../wire/link/ethernet.ts';
import { INNER_ETHERNET } from '../../wire/vpn/inner.ts';
import { etherTypeOfVersion, linkInner } from '../../wire/link/link-headers.ts';
import { LinkType } from '../../wire/link/link-types.ts';
import { pppFrame } from '../../wire/link/ppp.ts';
import { readHead, u16, u32 } from '../../wire/octets.ts';
import { LLC, NO_FINDINGS, NO_QUESTIONS, SNAP } from '../facts.ts';
import type { Facts } from '../facts.ts';
import { readIp, readUpper } from './headers-ip.ts';
import { readArp } from './headers-arp.ts';
import { isPlainUdp, readPlainUdp } from './headers-plain.ts';
import { readWirelessHeader } from './headers-wireless.ts';

/** More tags than any switch stacks: what claims more is not worth following. */
const MAX_TAGS = 8;

/**
 * Reads layers 2 to 4 of the frame in `bytes[start, end)` into `facts`. `wireLength` is the frame's length on the wire,
 * which is more than `end - start` when the capture cut it. What does not parse sets `facts.malformed` and leaves the
 * fields behind the fault at -1. `facts.kind` is left to the classifier.
 */
export function readHeaders(
  bytes: Uint8Array,
  start: number,
  end: number,
  wireLength: number,
  linkType: number,
  facts: Facts,
): void {
  const ethernet = linkType === LinkType.ETHERNET;
  facts.bytes = bytes;
  if (facts.plain && ethernet && readPlainUdp(bytes, start, end, wireLength, facts)) return;
  clear(facts);
  facts.length = wireLength;
  facts.captured = end - start;
  const wireEnd = start + (wireLength < end - start ? end - start : wireLength);
  if (ethernet) {
    readEthernet(bytes, start, end, wireEnd, facts);
    facts.plain = isPlainUdp(facts);
  } else readOtherLink(bytes, start, end, wireEnd, linkType, facts);
}

/** Reads what an encapsulation carries, as if a frame without link header; `etherType` says what it is. */
export function readInner(
  bytes: Uint8Array,
  start: number,
  end: number,
  wireEnd: number,
  etherType: number,
  facts: Facts,
): void {
  clear(facts);
  facts.bytes = bytes;
  facts.length = wireEnd - start;
  facts.captured = end - start;
  facts.outerEtherType = etherType;
  readEtherType(bytes, start, end, wireEnd, etherType, facts);
}

/**
 * Reads the transport header of what an IP packet carries whole, put together from fragments or without what stood in
 * front; the rest is as `outer`, the packet or its last fragment, says.
 */
export function readUpperOf(whole: Uint8Array, outer: Facts, protocol: number, facts: Facts): void {
  clear(facts);
  facts.bytes = whole;
  facts.length = facts.captured = whole.length;
  facts.sourceMac = outer.sourceMac;
  facts.destinationMac = outer.destinationMac;
  facts.outerEtherType = outer.outerEtherType;
  facts.etherType = outer.etherType;
  facts.ipVersion = outer.ipVersion;
  facts.hopLimit = outer.hopLimit;
  facts.protocol = protocol;
  facts.source.set(outer.source);
  facts.destination.set(outer.destination);
  readUpper(whole, 0, whole.length, whole.length, facts);
}

function clear(facts: Facts): void {
  facts.plain = false;
  facts.sourceMac = 0;
  facts.destinationMac = 0;
  facts.outerEtherType = -1;
  facts.etherType = -1;
  facts.llc = -1;
  facts.vlanTags = 0;
  facts.malformed = undefined;
  facts.ipVersion = 0;
  facts.hopLimit = -1;
  facts.ipOptions = false;
  facts.protocol = -1;
  facts.extensionCount = 0;
  facts.fragmentOffset = 0;
  facts.moreFragments = false;
  facts.fragmentHeader = false;
  facts.nestedFragment = false;
  facts.fragmentIdentification = 0;
  facts.ipLength = -1;
  facts.udpLength = -1;
  facts.sourcePort = -1;
  facts.destinationPort = -1;
  facts.tcpFlags = -1;
  facts.tcpSequence = 0;
  facts.tcpAcknowledgment = 0;
  facts.icmpType = -1;
  facts.icmpCode = -1;
  facts.arpOperation = -1;
  facts.spare = false;
  facts.membership = 'none';
  facts.quotedPort = -1;
  facts.quotesReply = false;
  facts.solicited = false;
  facts.triedSource = facts.triedTarget = false;
  facts.forNobody = '';
  facts.upperOffset = 0;
  facts.payloadOffset = 0;
  facts.payloadEnd = 0;
  facts.payloadLength = 0;
  facts.foreign = false;
  facts.payloadHead = 0;
  facts.payloadHead2 = 0;
  facts.payloadHead3 = 0;
  facts.bootpCookie = 0;
  facts.fromServer = false;
  facts.direction = undefined;
  facts.flowName = '';
  facts.connection = undefined;
  facts.wholeQuestion = '';
  facts.questions = NO_QUESTIONS;
  facts.answered = false;
  facts.kind = 'malformed';
  facts.findings = NO_FINDINGS;
  const { source, destination, target } = facts;
  source[0] = source[1] = source[2] = source[3] = 0;
  destination[0] = destination[1] = destination[2] = destination[3] = 0;
  target[0] = target[1] = target[2] = target[3] = 0;
}

function readEthernet(bytes: Uint8Array, start: number, end: number, wireEnd: number, facts: Facts): void {
  if (end - start < HEADER_LENGTH) {
    facts.malformed = 'ethernet-short';
    return;
  }
  facts.destinationMac = readMac(bytes, start);
  facts.sourceMac = readMac(bytes, start + 6);
  const type = u16(bytes, start + 12);
  readFramed(bytes, start + HEADER_LENGTH, end, wireEnd, type, facts);
}

/** `type` is the type-or-length field in front of `at`. */
function readFramed(
  bytes: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
  type: number,
  facts: Facts,
): void {
  if (type === EtherType.VLAN && isPriorityTag(bytes, at, end)) {
    facts.outerEtherType = u16(bytes, at + 2);
    readEtherType(bytes, at + 4, end, wireEnd, facts.outerEtherType, facts);
    return;
  }
  facts.outerEtherType = type < FIRST_ETHERTYPE ? LLC : type;
  let inner = type;
  let offset = at;
  while (isTag(inner)) {
    if (facts.vlanTags === MAX_TAGS || end - offset < 4) {
      facts.malformed = 'tag-short';
      return;
    }
    facts.vlanTags += 1;
    inner = u16(bytes, offset + 2);
    offset += 4;
  }
  if (inner < FIRST_ETHERTYPE) readLlc(bytes, offset, end, wireEnd, facts);
  else readEtherType(bytes, offset, end, wireEnd, inner, facts);
}

/**
 * A tag of VLAN 0 says how urgent the frame is and nothing else: to a station and a bridge it is untagged (IEEE 802.1Q-2022
 * clause 6.9 and table 9-2; Linux takes it off, net/core/dev.c). Around another tag or a length it is none that we know.
 */
function isPriorityTag(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < 4 || (u16(bytes, at) & 0xfff) !== 0) return false;
  const inner = u16(bytes, at + 2);
  return inner >= FIRST_ETHERTYPE && !isTag(inner);
}

/** RFC 1042: only SNAP with a zero organisation code carries EtherTypes. */
function readLlc(bytes: Uint8Array, at: number, end: number, wireEnd: number, facts: Facts): void {
  const snap = end - at >= 8 && u32(bytes, at) === 0xaaaa0300 && bytes[at + 4] === 0 && bytes[at + 5] === 0;
  if (!snap) {
    facts.etherType = LLC;
    const organisation = end - at >= 8 && u16(bytes, at) === 0xaaaa;
    if (organisation)
      facts.llc = SNAP + u16(bytes, at + 3) * 0x1000000 + u16(bytes, at + 5) * 0x100 + (bytes[at + 7] ?? 0);
    else if (end - at >= 2) facts.llc = u16(bytes, at);
  } else readEtherType(bytes, at + 8, end, wireEnd, u16(bytes, at + 6), facts);
}

function readEtherType(
  bytes: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
  etherType: number,
  facts: Facts,
): void {
  facts.etherType = etherType;
  if (etherType === EtherType.IPV4 || etherType === EtherType.IPV6) {
    readIp(bytes, at, end, wireEnd, etherType === EtherType.IPV4 ? 4 : 6, facts);
    return;
  }
  facts.payloadOffset = at;
  facts.payloadEnd = end;
  facts.payloadLength = wireEnd - at;
  facts.payloadHead = readHead(bytes, at, end);
  if (etherType === EtherType.ARP) readArp(bytes, at, end, wireEnd, facts);
}

function readOtherLink(
  bytes: Uint8Array,
  start: number,
  end: number,
  wireEnd: number,
  linkType: number,
  facts: Facts,
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
      readPpp(bytes, start, end, wireEnd, facts);
      return;
    case LinkType.PPPOE:
      etherType = EtherType.PPPOE_SESSION;
      break;
    case LinkType.LINUX_SLL:
      readCooked(bytes, start, end, wireEnd, 4, 6, 14, 16, facts);
      return;
    case LinkType.LINUX_SLL2:
      readCooked(bytes, start, end, wireEnd, 10, 12, 0, 20, facts);
      return;
    case LinkType.IEEE802_11:
    case LinkType.RADIOTAP:
    case LinkType.PPI:
    case LinkType.PRISM:
    case LinkType.AVS:
      at = readWirelessHeader(bytes, start, end, linkType, facts);
      if (at < 0) facts.outerEtherType = LLC;
      else readLlc(bytes, at, end, wireEnd, facts);
      return;
    default: {
      const inner = linkInner(bytes, start, end, linkType);
      if (inner?.etherType === INNER_ETHERNET) readEthernet(bytes, inner.offset, end, wireEnd, facts);
      else if (inner !== undefined) readFramed(bytes, inner.offset, end, wireEnd, inner.etherType, facts);
      return;
    }
  }
  if (at > end) facts.malformed = 'ethernet-short';
  else if (etherType >= 0) {
    facts.outerEtherType = etherType;
    readEtherType(bytes, at, end, wireEnd, etherType, facts);
  }
}

/** PPP on a serial line; the address 0x0f of Cisco's framing is read like 0xff. */
function readPpp(bytes: Uint8Array, start: number, end: number, wireEnd: number, facts: Facts): void {
  const cisco = end - start >= 2 && bytes[start] === 0x0f && bytes[start + 1] === 0;
  const frame = pppFrame(bytes, cisco ? start + 2 : start, end);
  if (frame === undefined) {
    facts.malformed = 'ethernet-short';
    return;
  }
  if (frame.inner.etherType < 0) return;
  facts.outerEtherType = frame.inner.etherType;
  readEtherType(bytes, frame.inner.offset, end, wireEnd, frame.inner.etherType, facts);
}

/** Linux cooked captures: `length` (of the address), `address`, `type` and `header` are offsets of their version. */
function readCooked(
  bytes: Uint8Array,
  start: number,
  end: number,
  wireEnd: number,
  length: number,
  address: number,
  type: number,
  header: number,
  facts: Facts,
): void {
  if (end - start < header) {
    facts.malformed = 'ethernet-short';
    return;
  }
  if ((u16(bytes, start + length) & 0xff) === 6) facts.sourceMac = readMac(bytes, start + address);
  readFramed(bytes, start + header, end, wireEnd, u16(bytes, start + type), facts);
}

function readMac(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 0x100000000 + u32(bytes, at + 2);
}
