// Where link-local discovery goes, for the judge and the ruleset. Follows RFC 6762, RFC 4795, RFC 1002 and UPnP's SSDP. It is multicast
// and broadcast that no router forwards; the same protocols to any other address leave the link, and show Eve names like any DNS.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import type { Kind } from '../../flow/kinds.ts';
import { EtherType } from '../../wire/link/ethernet.ts';
import { Protocol } from '../../wire/ip/ip.ts';
import { address, ether, port } from './fields.ts';
import { is, isIn, nftTexts, predicateOf } from './match.ts';
import type { Predicate } from './match.ts';

const GROUPS = [
  { kind: 'mdns', port: 5353, group: { 4: '224.0.0.251', 6: 'ff02::fb' } },
  { kind: 'llmnr', port: 5355, group: { 4: '224.0.0.252', 6: 'ff02::1:3' } },
  { kind: 'ssdp', port: 1900, group: { 4: '239.255.255.250', 6: 'ff02::c' } },
] as const;
/** NetBIOS names, IPv4 only. */
const NBNS = [is(ether.destination, 0xffffffffffff), is(port.udp.destination, 137)];

/** Kinds of link-local discovery that have rules here. */
export const DISCOVERY_KINDS: readonly Kind[] = [...GROUPS.map(({ kind }) => kind), 'nbns'];

const toGroups = (family: 4 | 6): { readonly kind: Kind; readonly holds: Predicate }[] =>
  GROUPS.map(({ kind, port: number, group }) => ({
    kind,
    holds: predicateOf(
      [is(port.udp.destination, number), isIn(address[family].destination, group[family])],
      undefined,
    ),
  }));
const RULES = {
  4: [...toGroups(4), { kind: 'nbns' as const, holds: predicateOf(NBNS, undefined) }],
  6: toGroups(6),
};

/**
 * The kind of mDNS, LLMNR or SSDP to its link-local group (RFC 6762, RFC 4795), or of NetBIOS names to the broadcast MAC address (RFC
 * 1002); undefined for anything else. By destination address and port only.
 */
export function discoveryKind(packet: ParsedPacket): Kind | undefined {
  if (packet.protocol !== Protocol.UDP) return undefined;
  const four = packet.outerEtherType === EtherType.IPV4;
  if (!four && packet.outerEtherType !== EtherType.IPV6) return undefined;
  for (const { kind, holds } of RULES[four ? 4 : 6]) if (holds(packet)) return kind;
  return undefined;
}

const BROADCAST_NAMES = `meta protocol ip ${nftTexts(NBNS).join('')}`;

/** A match of `ip daddr . udp dport` with a set or map of groups and ports. */
function nftGroups(family: 4 | 6, how: string, more: (kind: Kind) => string): string {
  const fields = `${address[family].destination.nft} . ${port.udp.destination.nft}`;
  const elements = GROUPS.map(({ kind, port: number, group }) => `${group[family]} . ${number}${more(kind)}`);
  return `${fields} ${how}{ ${elements.join(', ')} } `;
}

/** nft matches without verdict, by family; each ends in a space and makes a rule of its own. */
export const NFT_DISCOVERY: Readonly<Record<4 | 6, readonly string[]>> = {
  4: [nftGroups(4, '', () => ''), BROADCAST_NAMES],
  6: [nftGroups(6, '', () => '')],
};

/** nft rules that count each kind with its counter, without verdict; each ends in a space. `counter` gives the counter's name. */
export function nftCountDiscovery(counter: (kind: Kind) => string): readonly string[] {
  const counted = (family: 4 | 6): string =>
    `counter name ${nftGroups(family, 'map ', (kind) => ` : "${counter(kind)}"`)}`;
  return [counted(4), counted(6), `${BROADCAST_NAMES}counter name "${counter('nbns')}" `];
}
