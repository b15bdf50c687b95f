// Finds the packet inside another; names in it are readable on the wire all the same.
// RFC 2784 and 2637 (GRE), 2003, 2473 and 4213 (IP in IP), 2516 (PPPoE), 3032 (MPLS), 4380 (Teredo), 7348 (VXLAN), 8086 (GRE in UDP),
// 7761 (PIM), 2661 and 3931 (L2TP), 3378 (EtherIP), 4302 (AH), 8926 (Geneve), 7510 (MPLS in UDP), 3GPP TS 29.281 (GTP).

import { EtherType } from '../../wire/link/ethernet.ts';
import { ERSPAN, ERSPAN_III, erspanInner } from '../../wire/vpn/erspan.ts';
import { GENEVE_PORT, geneveInner } from '../../wire/vpn/geneve.ts';
import { grePacket } from '../../wire/vpn/gre.ts';
import type { GrePacket } from '../../wire/vpn/gre.ts';
import { gtpInner } from '../../wire/vpn/gtp.ts';
import { INNER_ETHERNET, INNER_PPP, innerFrame, innerIp } from '../../wire/vpn/inner.ts';
import type { Inner } from '../../wire/vpn/inner.ts';
import { Protocol } from '../../wire/ip/ip.ts';
import { ipInIp } from '../../wire/vpn/ipip.ts';
import { ahHeader } from '../../wire/vpn/ipsec.ts';
import { shimInner } from '../../wire/link/link-shims.ts';
import { LinkType } from '../../wire/link/link-types.ts';
import { l2tpOverIp, l2tpPacket } from '../../wire/vpn/l2tp.ts';
import { mplsStack } from '../../wire/link/mpls.ts';
import { pppFrame } from '../../wire/link/ppp.ts';
import { pppoeFrame } from '../../wire/link/pppoe.ts';
import { teredoPacket } from '../../wire/vpn/teredo.ts';
import { u16 } from '../../wire/octets.ts';
import {
  AYIYA_PORT,
  ayiyaInner,
  bareInner,
  CAPWAP_DATA_PORT,
  capwapInner,
  GTP_ZERO_PORT,
  gtpZeroInner,
  GUE_PORT,
  gueInner,
  LISP_DATA_PORT,
  lispInner,
  TZSP_PORT,
  tzspInner,
} from '../../wire/vpn/udp-tunnels.ts';
import { VXLAN_GPE_PORT, vxlanGpeInner, vxlanPacket } from '../../wire/vpn/vxlan.ts';
import { wlanInner } from '../../wire/link/wlan.ts';
import type { ParsedPacket } from '../parsed-packet.ts';
import { readHeaders, readInner } from './headers.ts';

const GTP_USER = 2152;
/** RFC 8086. */
const GRE_IN_UDP = 4754;
const WCCP = 0x883e;
const PIM = 103;
/** Version 2, type 1. */
const PIM_REGISTER = 0x21;
/** RFC 7510. */
const MPLS_IN_UDP = 6635;
/** RFC 3378: version 3 and twelve zero bits precede a frame. */
const ETHERIP = 0x3000;

/** How many octets of the upper-layer payload were on the wire but cut off by the capture; 0 if none. */
export function cutOff({ payloadOffset, payloadEnd, payloadLength }: ParsedPacket): number {
  return Math.max(0, payloadLength - (payloadEnd - payloadOffset));
}

/**
 * Reads the headers of the packet inside `packet`, whose kind must be set and whose offsets must be those of `bytes`, into `into`; false,
 * and `into` unchanged, if there is none. One level: the packet inside may have another. The RFC of each encapsulation is named in this
 * file's head. Never throws.
 */
export function readInside(bytes: Uint8Array, packet: ParsedPacket, into: ParsedPacket): boolean {
  const inside = innerOf(bytes, packet);
  if (inside === undefined) return false;
  const { etherType, offset, end } = inside;
  // What is missing from the outer packet is missing from the inner one.
  const wireEnd = end === packet.payloadEnd ? end + cutOff(packet) : end;
  if (etherType === INNER_ETHERNET)
    readHeaders(bytes, offset, end, wireEnd - offset, LinkType.ETHERNET, into);
  else readInner(bytes, offset, end, wireEnd, etherType, into);
  return true;
}

function innerOf(bytes: Uint8Array, packet: ParsedPacket): Inner | undefined {
  const wireEnd = packet.payloadEnd + cutOff(packet);
  const inner =
    packet.ipVersion === 0 ? innerOfLink(bytes, packet, wireEnd) : innerOfIp(bytes, packet, wireEnd);
  return inner === undefined || inner.etherType < 0 || inner.offset >= inner.end ? undefined : inner;
}

function innerOfLink(bytes: Uint8Array, packet: ParsedPacket, wireEnd: number): Inner | undefined {
  const { payloadOffset, payloadEnd } = packet;
  switch (packet.etherType) {
    case EtherType.PPPOE_SESSION:
      return pppoeFrame(bytes, payloadOffset, payloadEnd, wireEnd)?.ppp?.inner;
    case EtherType.MPLS:
    case EtherType.MPLS_MULTICAST:
      return mplsStack(bytes, payloadOffset, payloadEnd)?.inner;
    default:
      return unwrapPpp(bytes, shimInner(bytes, packet.etherType, payloadOffset, payloadEnd));
  }
}

function innerOfIp(bytes: Uint8Array, packet: ParsedPacket, wireEnd: number): Inner | undefined {
  const { upperOffset, payloadOffset, payloadEnd } = packet;
  switch (packet.protocol) {
    case Protocol.UDP:
      return innerOfUdp(bytes, packet, wireEnd);
    case Protocol.GRE:
      return innerOfGre(bytes, grePacket(bytes, upperOffset, payloadEnd, wireEnd));
    case Protocol.ETHERIP:
      return u16(bytes, upperOffset) === ETHERIP
        ? { etherType: INNER_ETHERNET, offset: upperOffset + 2, end: payloadEnd }
        : undefined;
    case Protocol.IPIP:
    case Protocol.IPV6:
      return ipInIp(packet.protocol, bytes, upperOffset, payloadEnd);
    case Protocol.L2TP: {
      const l2tp = l2tpOverIp(bytes, upperOffset, payloadEnd);
      return l2tp === undefined || l2tp.control
        ? undefined
        : unwrapPseudowire(bytes, l2tp.dataOffset, payloadEnd);
    }
    case Protocol.AH:
      return innerOfAh(bytes, upperOffset, payloadEnd);
    case PIM:
      // A register message contains what a sender sent to a group (RFC 7761 section 4.9.3).
      return bytes[upperOffset] === PIM_REGISTER ? innerIp(bytes, upperOffset + 8, payloadEnd) : undefined;
    case Protocol.MPLS_IN_IP:
      return mplsStack(bytes, payloadOffset, payloadEnd)?.inner;
    default:
      return undefined;
  }
}

function innerOfUdp(bytes: Uint8Array, packet: ParsedPacket, wireEnd: number): Inner | undefined {
  const { payloadOffset, payloadEnd } = packet;
  switch (packet.kind) {
    case 'vxlan':
      return vxlanPacket(bytes, payloadOffset, payloadEnd)?.inner;
    case 'teredo':
      return teredoPacket(bytes, payloadOffset, payloadEnd, wireEnd)?.inner;
    case 'l2tp': {
      const l2tp = l2tpPacket(bytes, payloadOffset, payloadEnd, wireEnd);
      if (l2tp === undefined || l2tp.control) return undefined;
      return l2tp.version === 2
        ? pppFrame(bytes, l2tp.dataOffset, payloadEnd)?.inner
        : unwrapPseudowire(bytes, l2tp.dataOffset, payloadEnd);
    }
    case 'udp':
      return (
        innerOfPort(bytes, packet.destinationPort, payloadOffset, payloadEnd, wireEnd) ??
        innerOfPort(bytes, packet.sourcePort, payloadOffset, payloadEnd, wireEnd) ??
        bareInner(bytes, payloadOffset, payloadEnd, wireEnd)
      );
    default:
      return undefined;
  }
}

/** The packet inside tunnels that have no separate kind. */
function innerOfPort(
  bytes: Uint8Array,
  port: number,
  start: number,
  end: number,
  wireEnd: number,
): Inner | undefined {
  switch (port) {
    case GTP_USER:
      return gtpInner(bytes, start, end, wireEnd);
    case GTP_ZERO_PORT:
      return gtpZeroInner(bytes, start, end);
    case GRE_IN_UDP:
      return innerOfGre(bytes, grePacket(bytes, start, end, wireEnd));
    case CAPWAP_DATA_PORT:
      return capwapInner(bytes, start, end);
    case AYIYA_PORT:
      return ayiyaInner(bytes, start, end);
    case LISP_DATA_PORT:
      return lispInner(bytes, start, end);
    case TZSP_PORT:
      return tzspInner(bytes, start, end);
    case GUE_PORT:
      return gueInner(bytes, start, end);
    case GENEVE_PORT:
      return geneveInner(bytes, start, end);
    case VXLAN_GPE_PORT:
      return vxlanGpeInner(bytes, start, end);
    case MPLS_IN_UDP:
      return mplsStack(bytes, start, end)?.inner;
    default:
      return undefined;
  }
}

/** An L2TP version 3 pseudowire carries IP, a frame or PPP, after a cookie and a sublayer whose lengths only its ends know. */
function unwrapPseudowire(bytes: Uint8Array, offset: number, end: number): Inner | undefined {
  for (const at of [offset, offset + 4, offset + 8, offset + 12]) {
    const inner = innerIp(bytes, at, end) ?? innerFrame(bytes, at, end);
    if (inner !== undefined) return inner;
  }
  return pppFrame(bytes, offset, end)?.inner;
}

function innerOfGre(bytes: Uint8Array, gre: GrePacket | undefined): Inner | undefined {
  const inner = gre?.inner;
  if (gre !== undefined && (inner?.etherType === ERSPAN || inner?.etherType === ERSPAN_III))
    return erspanInner(bytes, gre.inner, gre.sequenced);
  if (inner === undefined) return undefined;
  const { etherType, offset, end } = inner;
  // Cisco's WCCP redirection puts four octets before the packet, or none in its first version.
  if (etherType === WCCP) return innerIp(bytes, offset, end) ?? innerIp(bytes, offset + 4, end);
  // Aruba's access points use private protocol numbers, for 802.11 frames or, if they decrypt themselves, for Ethernet frames.
  if (isAruba(etherType))
    return wlanInner(bytes, offset, end) ?? innerFrame(bytes, offset, end) ?? innerIp(bytes, offset, end);
  return unwrapPpp(bytes, shimInner(bytes, etherType, offset, end) ?? inner);
}

function isAruba(etherType: number): boolean {
  const isNumbered = etherType >= 0x8200 && etherType <= 0x83f0 && (etherType & 15) === 0;
  return isNumbered || etherType === 0x9000 || etherType === 0x9100;
}

function unwrapPpp(bytes: Uint8Array, inner: Inner | undefined): Inner | undefined {
  if (inner?.etherType !== INNER_PPP) return inner;
  return pppFrame(bytes, inner.offset, inner.end)?.inner;
}

/** The IP packet that AH protects in tunnel mode; for transport mode see `protectedByAh`. AH does not encrypt. */
function innerOfAh(bytes: Uint8Array, start: number, end: number): Inner | undefined {
  const header = ahHeader(bytes, start, end);
  if (header === undefined) return undefined;
  const carriesIp = header.nextProtocol === Protocol.IPIP || header.nextProtocol === Protocol.IPV6;
  return carriesIp ? innerIp(bytes, header.innerOffset, end) : undefined;
}

/**
 * The IP protocol number, UDP or TCP, of what AH protects in transport mode (RFC 4302 section 3.1), and the offset of its header in
 * `bytes`; otherwise undefined. Never throws.
 */
export function protectedByAh(
  bytes: Uint8Array,
  packet: ParsedPacket,
): { readonly protocol: number; readonly offset: number } | undefined {
  if (packet.protocol !== Protocol.AH) return undefined;
  const header = ahHeader(bytes, packet.upperOffset, packet.payloadEnd);
  const isUpper = header?.nextProtocol === Protocol.UDP || header?.nextProtocol === Protocol.TCP;
  return isUpper ? { protocol: header.nextProtocol, offset: header.innerOffset } : undefined;
}
