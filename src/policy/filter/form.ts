// Knows: in which form an IP packet comes: whole, with options or extension headers, a fragment, or broken. Must not know: policy.
// The kernel sees the same: nft_set_pktinfo_ipv{4,6}_validate and ipv6_find_hdr.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { EtherType } from '../../wire/link/ethernet.ts';

/** Where packets are sent before anything is asked of them: `odd` are those with options or extension headers, a fragment or not. */
type Form = 'plain' | 'odd' | 'first' | 'later';

export function formOf(packet: ParsedPacket): Form {
  if (packet.ipOptions || packet.extensionCount > (packet.fragmentHeader ? 1 : 0)) return 'odd';
  if (packet.fragmentOffset > 0) return 'later';
  return packet.moreFragments || packet.fragmentHeader ? 'first' : 'plain';
}

/** Whether IP is what the bridge itself sees: facts of what stands behind a tag, SNAP or PPPoE are read, too. */
export function isPlainIp({ ipVersion, outerEtherType }: ParsedPacket): boolean {
  return ipVersion > 0 && (outerEtherType === EtherType.IPV4 || outerEtherType === EtherType.IPV6);
}

export function isPiece(packet: ParsedPacket): boolean {
  return packet.moreFragments || packet.fragmentOffset > 0 || packet.fragmentHeader;
}

/** The IP header itself is unusable, for nftables too (nft_set_pktinfo). */
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
 * The packet ends before what is read of it: the eight bytes that every transport has, in a first fragment twelve of
 * payload more. nftables would read on in Ethernet's padding. Behind further extension headers nothing is opened, so
 * nothing is measured there.
 */
export function isTooShort(packet: ParsedPacket): boolean {
  if (packet.fragmentOffset > 0) return false;
  if (packet.ipVersion === 4) return packet.ipLength < (packet.moreFragments && !packet.ipOptions ? 40 : 28);
  if (packet.extensionCount === 0) return packet.ipLength < 48;
  return packet.extensionCount === 1 && packet.fragmentHeader && packet.ipLength < 68;
}
