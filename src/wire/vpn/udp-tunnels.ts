// Tunnels in UDP whose headers are too short for a file each: CAPWAP, AYIYA, LISP, TZSP, GUE, GTP version 0.
// RFC 5415 section 4.3, draft-massar-v6ops-ayiya, RFC 9300 section 5.3 and its port, draft-ietf-intarea-gue,
// 3GPP TS 29.060, and, as TZSP has no standard, what its receivers agree on.

import { innerFrame, innerIp, INNER_ETHERNET } from './inner.ts';
import type { Inner } from './inner.ts';
import { u16, u24, u32 } from '../octets.ts';
import { wlanInner } from '../link/wlan.ts';

/** UDP ports by which these tunnels are recognised. */
export const CAPWAP_DATA_PORT = 5247;
export const AYIYA_PORT = 5072;
export const LISP_DATA_PORT = 4341;
export const TZSP_PORT = 37_008;
export const GUE_PORT = 6080;
export const GTP_ZERO_PORT = 3386;

/**
 * The Ethernet frame, or the packet in the 802.11 frame, in a UDP payload of CAPWAP data (RFC 5415 section 4.3); undefined for DTLS,
 * keepalives, later fragments, and frames that `innerFrame` or `wlanInner` refuses. Never throws.
 */
export function capwapInner(bytes: Uint8Array, start: number, end: number): Inner | undefined {
  // Version 0, type 0: no DTLS follows.
  if (end - start < 8 || bytes[start] !== 0) return undefined;
  const fields = u24(bytes, start + 1);
  const header = 4 * (fields >>> 19);
  const isNative = (fields & 0x100) !== 0;
  const isFragment = (fields & 0x80) !== 0;
  const isKeepAlive = (fields & 0x08) !== 0;
  if (header < 8 || isKeepAlive || (isFragment && u16(bytes, start + 6) >>> 3 !== 0)) return undefined;
  const offset = start + header;
  return isNative ? wlanInner(bytes, offset, end) : innerFrame(bytes, offset, end);
}

/**
 * The IP packet in a UDP payload after AYIYA's sender identity and signature, whose lengths are in the header (draft-massar-v6ops-ayiya);
 * undefined when another protocol follows or its header is cut off. Never throws.
 */
export function ayiyaInner(bytes: Uint8Array, start: number, end: number): Inner | undefined {
  if (end - start < 8) return undefined;
  const identity = 1 << ((bytes[start] ?? 0) >>> 4);
  const signature = 4 * ((bytes[start + 1] ?? 0) >>> 4);
  const next = bytes[start + 3];
  return next === 41 || next === 4 ? innerIp(bytes, start + 8 + identity + signature, end) : undefined;
}

/**
 * The IP packet in a UDP payload after LISP's header of eight octets (RFC 9300 section 5.3), which is not checked; undefined when no IP
 * header follows. Never throws.
 */
export function lispInner(bytes: Uint8Array, start: number, end: number): Inner | undefined {
  return innerIp(bytes, start + 8, end);
}

/**
 * The Ethernet frame, or the packet in the 802.11 frame, that a sniffer forwards by TZSP in a UDP payload, after tagged fields; undefined
 * for other versions, types and protocols, and without an end tag. TZSP has no standard. Never throws.
 */
export function tzspInner(bytes: Uint8Array, start: number, end: number): Inner | undefined {
  if (end - start < 5 || bytes[start] !== 1 || (bytes[start + 1] ?? 0) > 1) return undefined;
  let at = start + 4;
  while (at < end && bytes[at] !== 1) at += bytes[at] === 0 ? 1 : 2 + (bytes[at + 1] ?? 0);
  at += 1;
  if (at >= end) return undefined;
  switch (u16(bytes, start + 2)) {
    case 1:
      return { etherType: INNER_ETHERNET, offset: at, end };
    case 18:
      return wlanInner(bytes, at, end);
    default:
      return undefined;
  }
}

/**
 * The IP packet in a UDP payload of GUE (draft-ietf-intarea-gue); undefined for control messages, other protocols, or a header that is cut
 * off. Variant 1 is an IP packet without a header; variant 0 has one that names the protocol. Never throws.
 */
export function gueInner(bytes: Uint8Array, start: number, end: number): Inner | undefined {
  const first = bytes[start] ?? 0;
  if (first >>> 6 === 1) return innerIp(bytes, start, end);
  const carriesIp = bytes[start + 1] === 4 || bytes[start + 1] === 41;
  return first >>> 5 === 0 && carriesIp ? innerIp(bytes, start + 4 + 4 * (first & 31), end) : undefined;
}

/**
 * The user's IP packet in a UDP payload after GTP version 0's header of 20 octets (3GPP TS 29.060); undefined for other versions and
 * message types, and when no IP header follows. Never throws.
 */
export function gtpZeroInner(bytes: Uint8Array, start: number, end: number): Inner | undefined {
  const isUser = (bytes[start] ?? 0) >>> 5 === 0 && bytes[start + 1] === 0xff;
  return isUser ? innerIp(bytes, start + 20, end) : undefined;
}

/** The next headers that an IPv6 packet on an unregistered port must have: ICMPv6, TCP, UDP, and extension headers before them. */
const COMMON: ReadonlySet<number> = new Set([0, 6, 17, 43, 44, 58, 60]);

/**
 * The IP packet (RFC 791, RFC 8200) that fills a UDP payload on any port (Linux's FOU, private tunnels), or the frame after a VXLAN header
 * (RFC 7348 section 5); otherwise undefined. A packet's length must agree with the payload's, up to `wireEnd`, the exclusive offset where
 * it ended before the capture cut it to `end`, and in a VXLAN frame not exceed it; an IPv4 header's checksum must be right. Never throws.
 */
export function bareInner(bytes: Uint8Array, start: number, end: number, wireEnd: number): Inner | undefined {
  if (isWholePacket(bytes, start, end, wireEnd)) return innerIp(bytes, start, end);
  const isVxlan = u32(bytes, start) === 0x08000000 && bytes[start + 7] === 0;
  if (!isVxlan || end - start < 8 + 14) return undefined;
  const inner = innerFrame(bytes, start + 8, end);
  const etherType = u16(bytes, start + 20);
  const isIp = etherType === 0x0800 || etherType === 0x86dd;
  if (inner === undefined || (isIp && !isPacket(bytes, start + 22, end, wireEnd))) return undefined;
  return inner;
}

function isWholePacket(bytes: Uint8Array, at: number, end: number, wireEnd: number): boolean {
  const version = (bytes[at] ?? 0) >>> 4;
  if (version === 4) return u16(bytes, at + 2) === wireEnd - at && isPacket(bytes, at, end, wireEnd);
  return version === 6 && 40 + u16(bytes, at + 4) === wireEnd - at && isPacket(bytes, at, end, wireEnd);
}

function isPacket(bytes: Uint8Array, at: number, end: number, wireEnd: number): boolean {
  const first = bytes[at] ?? 0;
  if (first >>> 4 === 6)
    return end - at >= 40 && COMMON.has(bytes[at + 6] ?? 255) && 40 + u16(bytes, at + 4) <= wireEnd - at;
  const header = 4 * (first & 15);
  if (first >>> 4 !== 4 || header < 20 || end - at < header || u16(bytes, at + 2) > wireEnd - at)
    return false;
  let sum = 0;
  for (let word = 0; word < header; word += 2) sum += u16(bytes, at + word);
  sum = (sum & 0xffff) + (sum >>> 16);
  return (sum & 0xffff) + (sum >>> 16) === 0xffff;
}
