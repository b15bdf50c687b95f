// Knows: in which form an IP packet comes: whole, with options or extension headers, a fragment, or broken. Must not know: policy.
// The kernel sees the same: nft_set_pktinfo_ipv{4,6}_validate and ipv6_find_hdr.

import type { Facts } from '../../flow/facts.ts';
import { EtherType } from '../../wire/link/ethernet.ts';

/** Where packets are sent before anything is asked of them: `odd` are those with options or extension headers, a fragment or not. */
type Form = 'plain' | 'odd' | 'first' | 'later';

export function formOf(facts: Facts): Form {
  if (facts.ipOptions || facts.extensionCount > (facts.fragmentHeader ? 1 : 0)) return 'odd';
  if (facts.fragmentOffset > 0) return 'later';
  return facts.moreFragments || facts.fragmentHeader ? 'first' : 'plain';
}

/** Whether IP is what the bridge itself sees: facts of what stands behind a tag, SNAP or PPPoE are read, too. */
export function isPlainIp({ ipVersion, outerEtherType }: Facts): boolean {
  return ipVersion > 0 && (outerEtherType === EtherType.IPV4 || outerEtherType === EtherType.IPV6);
}

export function isPiece(facts: Facts): boolean {
  return facts.moreFragments || facts.fragmentOffset > 0 || facts.fragmentHeader;
}

/** The IP header itself is unusable, for nftables too (nft_set_pktinfo). */
export function hasBadHeader(facts: Facts): boolean {
  switch (facts.malformed) {
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
export function isTooShort(facts: Facts): boolean {
  if (facts.fragmentOffset > 0) return false;
  if (facts.ipVersion === 4) return facts.ipLength < (facts.moreFragments && !facts.ipOptions ? 40 : 28);
  if (facts.extensionCount === 0) return facts.ipLength < 48;
  return facts.extensionCount === 1 && facts.fragmentHeader && facts.ipLength < 68;
}
