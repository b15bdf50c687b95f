// Packets from the network to an address that no client here has, for the judge, the ruleset and the capture filter. Whoever controls the
// uplink can use them to find out which address a tunnel gave a laptop, and to inject data into it (CVE-2019-14899). They are checked
// before the tunnels: a tunnel server's address is as easily forged as any other.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { addressText, isGroup, isLinkLocal, parseAddress, parseMac } from '../../wire/ip/address.ts';
import { isOpenProfile } from './direct.ts';
import { EndpointTable } from '../servers/endpoint-table.ts';
import type { LearnedState } from '../servers/learned.ts';
import type { NftChain } from '../compile/nft-model.ts';
import type { Policy } from '../policy.ts';
import { Protocol } from '../../wire/ip/ip.ts';

const DHCP_CLIENT = 68;
const BROADCAST4 = 0xffffffff;

/**
 * A predicate for IP packets that come down: whether no client here has the destination. False as long as no client's addresses are known,
 * and in profiles where everything may go direct. Allocates nothing for IPv4, and for IPv6 nothing while no client is settled.
 */
export function compileUnassigned(policy: Policy, learned: LearnedState): (packet: ParsedPacket) => boolean {
  if (isOpenProfile(policy)) return () => false;
  const mine4 = new Set(learned.own.map(({ address }) => parseAddress(address)?.words[3] ?? 0));
  const known4 = new Set(learned.own.map(({ mac }) => parseMac(mac)));
  const mine6 = new EndpointTable(learned.own6.length);
  for (const { address } of learned.own6) {
    const parsed = parseAddress(address);
    if (parsed !== undefined) mine6.add(6, parsed.words, 0, 0, 0);
  }
  const settled6 = new Set(learned.settled6.map(({ mac }) => parseMac(mac)));
  /** Sent to a client whose addresses are known, or to a group address, which such a packet should not have. */
  const isChecked = (mac: number, known: ReadonlySet<number | undefined>): boolean =>
    known.has(mac) || isGroup(mac);

  return ({ ipVersion, destination, destinationMac, protocol, destinationPort, moreFragments }) => {
    if (ipVersion === 4) {
      const to = destination[3] ?? 0;
      if (mine4.size === 0 || mine4.has(to) || to === BROADCAST4 || to >>> 28 === 0xe) return false;
      // A DHCP server answers to the address that it offers (RFC 2131 section 4.1), unfragmented.
      if (protocol === Protocol.UDP && destinationPort === DHCP_CLIENT && !moreFragments) return false;
      return isChecked(destinationMac, known4);
    }
    if (ipVersion !== 6 || settled6.size === 0) return false;
    if ((destination[0] ?? 0) >>> 24 === 0xff || isLinkLocal(destination)) return false;
    return mine6.find(6, destination, 0, 0) < 0 && isChecked(destinationMac, settled6);
  };
}

const ELSEWHERE = {
  4: 'ip daddr != @mine4 ip daddr != { 224.0.0.0/4, 255.255.255.255 }',
  6: '@nh,192,128 != @mine6 ip6 daddr != { fe80::/10, ff00::/8 }',
} as const;
const CHECKED = {
  4: ['ether daddr @known', '@ll,7,1 0x1'],
  6: ['ether daddr @settled6', '@ll,7,1 0x1'],
} as const;

/** Whether the addresses of any client are known, so that others are unassigned. */
function isKnown(policy: Policy, learned: LearnedState, family: 4 | 6): boolean {
  return !isOpenProfile(policy) && (family === 4 ? learned.own : learned.settled6).length > 0;
}

/**
 * Rules before the tunnels for unfragmented packets that come down: a jump for those to other addresses. None while no client's addresses
 * are known.
 */
export function nftUnassigned(policy: Policy, learned: LearnedState, family: 4 | 6): string[] {
  return isKnown(policy, learned, family) ? [`${ELSEWHERE[family]} jump down_unassigned${family}`] : [];
}

/** Matches, without verdict, for fragments that come down to an unassigned address; none while no client's addresses are known. */
export function nftUnassignedPieces(policy: Policy, learned: LearnedState, family: 4 | 6): string[] {
  return isKnown(policy, learned, family) ? CHECKED[family].map((to) => `${ELSEWHERE[family]} ${to}`) : [];
}

/**
 * The chain `down_unassigned4` or `down_unassigned6` for unfragmented packets to other addresses, which returns for those that are not
 * checked; none while no client's addresses are known.
 */
export function nftUnassignedChain(policy: Policy, learned: LearnedState, family: 4 | 6): NftChain[] {
  if (!isKnown(policy, learned, family)) return [];
  const dhcp = family === 4 ? [`udp dport ${DHCP_CLIENT} return`] : [];
  return [
    {
      name: `down_unassigned${family}`,
      why: 'for an address that no client has here, perhaps one inside its tunnel',
      rules: [...dhcp, ...CHECKED[family].map((to) => `${to} goto down_leak`)],
    },
  ];
}

/** With more addresses than this, the filter compares none and shows everything that comes down. */
const FILTER_ADDRESSES = 16;

/**
 * Term of pcap-filter(7) for a packet of the family that comes down to a client's address; '' if any address will do, undefined where the
 * filter cannot tell, so that no packet may be hidden.
 */
export function bpfForClient(policy: Policy, learned: LearnedState, family: 4 | 6): string | undefined {
  if (!isKnown(policy, learned, family)) return '';
  const addresses = family === 4 ? learned.own : learned.own6;
  const texts = [
    ...new Set(
      addresses.flatMap(({ address }) => {
        const parsed = parseAddress(address);
        return parsed === undefined ? [] : [addressText(parsed.ipVersion, parsed.words)];
      }),
    ),
  ];
  if (texts.length === 0 || texts.length > FILTER_ADDRESSES) return undefined;
  return `(${texts.map((text) => `${family === 4 ? 'ip' : 'ip6'} dst host ${text}`).join(' or ')})`;
}
