// The form of an IP packet: plain, with options or extension headers, a fragment, or malformed. The kernel decides the same in
// nft_set_pktinfo_ipv{4,6}_validate and ipv6_find_hdr.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { EtherType } from '../../wire/link/ethernet.ts';

/** The chains that packets go to first: `odd` are those with options or extension headers, fragments or not. */
type Form = 'plain' | 'odd' | 'first' | 'later';

/** The form of an IP packet whose header is valid; `odd` before the others, so an odd fragment is `odd`. */
export function formOf(packet: ParsedPacket): Form {
  if (packet.ipOptions || packet.extensionCount > (packet.fragmentHeader ? 1 : 0)) return 'odd';
  if (packet.fragmentOffset > 0) return 'later';
  return packet.moreFragments || packet.fragmentHeader ? 'first' : 'plain';
}

/** Whether the bridge itself sees IP. The parser also reads IP after a tag, SNAP or PPPoE. */
export function isPlainIp({ ipVersion, outerEtherType }: ParsedPacket): boolean {
  return ipVersion > 0 && (outerEtherType === EtherType.IPV4 || outerEtherType === EtherType.IPV6);
}

/** Whether it is a fragment, or has a fragment header. */
export function isPiece(packet: ParsedPacket): boolean {
  return packet.moreFragments || packet.fragmentOffset > 0 || packet.fragmentHeader;
}

/** Whether the IP header itself is malformed, also to nftables (include/net/netfilter/nf_tables_ipv4.h and nf_tables_ipv6.h). */
export function hasBadHeader(packet: ParsedPacket): boolean {
  switch (packet.malformed) {
    case 'ip-short':
    case 'ip-version':
    case 'ip-header-length':
    case 'ip-total-length':
    case 'ip6-extension':
      return true;
    default:
      return false;
  }
}

/**
 * Whether the packet ends before the bytes that rules read: eight bytes of transport header, and in a first fragment
 * twelve bytes of payload. nftables would read on in the frame's padding. Packets with further extension headers are never
 * let through by such bytes, so their length does not matter.
 */
export function isTooShort(packet: ParsedPacket): boolean {
  if (packet.fragmentOffset > 0) return false;
  if (packet.ipVersion === 4) return packet.ipLength < (packet.moreFragments && !packet.ipOptions ? 40 : 28);
  if (packet.extensionCount === 0) return packet.ipLength < 48;
  return packet.extensionCount === 1 && packet.fragmentHeader && packet.ipLength < 68;
}
