// Headers that switches put between a frame's addresses and its EtherType, up to where the packet begins.
// Cisco's metadata header (0x8909), IEEE 802.1AE clause 9 (MACsec without encryption), 802.1BR (0x893f), VN-Tag (0x8926),
// 802.1ah (0x88e7), older numbers of 802.1Q tags, RFC 6325 (TRILL), RFC 8300 (network service header), PPP in Ethernet.

import { INNER_ETHERNET, INNER_IPV4, INNER_IPV6, INNER_PPP } from '../vpn/inner.ts';
import type { Inner } from '../vpn/inner.ts';
import { u16 } from '../octets.ts';

const METADATA = 0x8909;
const MACSEC = 0x88e5;
const BRIDGE_PORT_EXTENSION = 0x893f;
const VN_TAG = 0x8926;
const BACKBONE = 0x88e7;
const OLD_TAGS: ReadonlySet<number> = new Set([0x9200, 0x9300]);
const TRILL = 0x22f3;
const FABRIC_PATH = 0x8903;
const SERVICE = 0x894f;
const INTEGRITY_TAG = 16;

/**
 * What follows the header (this file's head names the standards) at `at`, which `etherType` announces: offsets are into `bytes`, `end` is
 * exclusive and, behind MACsec, precedes its integrity tag. Undefined for any other EtherType and when the packet is encrypted or cut off.
 * Never throws.
 */
export function shimInner(bytes: Uint8Array, etherType: number, at: number, end: number): Inner | undefined {
  if (OLD_TAGS.has(etherType)) return typed(bytes, at + 2, end);
  switch (etherType) {
    case METADATA:
      return typed(bytes, at + metadataLength(bytes, at), end);
    case VN_TAG:
      return typed(bytes, at + 4, end);
    case BRIDGE_PORT_EXTENSION:
      return typed(bytes, at + 6, end);
    case MACSEC:
      return macsec(bytes, at, end);
    case BACKBONE:
      return whole(at + 4, end);
    case FABRIC_PATH:
      return whole(at + 2, end);
    case TRILL:
      return whole(at + 6 + 4 * ((u16(bytes, at) >>> 6) & 31), end);
    case SERVICE:
      return service(bytes, at, end);
    case INNER_PPP:
      return { etherType: INNER_PPP, offset: at, end };
    default:
      return undefined;
  }
}

/** One octet of version, one for the options' length in words of four octets, and the options; the EtherType follows. */
function metadataLength(bytes: Uint8Array, at: number): number {
  return 2 + 4 * Math.max(1, bytes[at + 1] ?? 1);
}

/** `at` is the offset of the EtherType. */
function typed(bytes: Uint8Array, at: number, end: number): Inner | undefined {
  return at + 2 <= end ? { etherType: u16(bytes, at), offset: at + 2, end } : undefined;
}

function whole(offset: number, end: number): Inner | undefined {
  return offset < end ? { etherType: INNER_ETHERNET, offset, end } : undefined;
}

/** The tag has 6 octets, or 14 if it identifies the sender. Readable only if the data is neither encrypted nor changed. */
function macsec(bytes: Uint8Array, at: number, end: number): Inner | undefined {
  const control = bytes[at] ?? 0;
  if ((control & 0x8c) !== 0) return undefined;
  const tag = (control & 0x20) !== 0 ? 14 : 6;
  return typed(bytes, at + tag, end - INTEGRITY_TAG);
}

function service(bytes: Uint8Array, at: number, end: number): Inner | undefined {
  const header = 4 * ((bytes[at + 1] ?? 0) & 0x3f);
  const next = [undefined, INNER_IPV4, INNER_IPV6, INNER_ETHERNET][bytes[at + 3] ?? 0];
  if (header < 8 || next === undefined || at + header >= end) return undefined;
  return { etherType: next, offset: at + header, end };
}
