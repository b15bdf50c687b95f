// Knows: what a client must send to get on a network, and the bounds of it, for the judge and the ruleset side by side.
// Must not know: tunnels, profiles. Follows RFC 826, 2131, 8415, 4861, 8201, 1191, IEEE 802.1X.
// A frame that looks like plumbing and is out of bounds is none: doubt errs toward leak.

import type { Facts } from '../flow/facts.ts';
import type { Kind } from '../flow/kinds.ts';
import { isEapolPeer } from './askers.ts';
import type { Way } from './counted.ts';
import { isLinkLocal } from '../wire/address.ts';
import { isMembershipOf, isPlainMembership, whole6 } from './membership.ts';
import type { Neighbours } from './neighbours.ts';
import { isTunnelReport } from './port-report.ts';
import type { PortRange } from './port-report.ts';

const ALL_ROUTERS = Uint32Array.of(0xff020000, 0, 0, 2);
const DHCP_AGENTS = Uint32Array.of(0xff020000, 0, 0, 0x00010002);
/** RFC 2131 section 3. */
const DHCP_COOKIE = 0x63825363;
/** What every host must be able to take, and no client sends more (RFC 2131 section 2); IP header included. */
const DHCP_MOST = 576;
/** A client's messages are 1, 3, 4, 5, 6, 8, 9, 11 (RFC 8415 section 7.3); a server's 2, 7, 10. */
const DHCP6_UP = [1, 3, 4, 5, 6, 8, 9, 11];
const DHCP6_DOWN = [2, 7, 10];

/** Kinds that the kernel counts plumbing as; by what it is, whatever port it comes from. */
export const PLUMBING_KINDS = ['arp', 'eapol', 'dhcp', 'dhcp6', 'nd', 'icmp', 'igmp-mld'] as const;
export type PlumbingKind = (typeof PLUMBING_KINDS)[number] & Kind;

/** What of plumbing depends on policy or was learned. */
export interface PlumbingPeers {
  /** Whether this unicast renewal goes to the learned DHCP server, by address and MAC. */
  isDhcpServer(facts: Facts): boolean;
  /** Whom may be looked for on the link (src/policy/neighbours.ts). */
  readonly neighbours: Neighbours;
  /** UDP ports of tunnels. */
  readonly tunnelPorts: readonly PortRange[];
}

/** What the kernel takes the frame for, by header facts alone; undefined when it is no plumbing. */
export function plumbingKind(facts: Facts, way: Way, peers: PlumbingPeers): PlumbingKind | undefined {
  // nftables cannot compare UDP's length with IP's; the judge can, and calls such a frame malformed all the same.
  if (facts.malformed !== undefined && facts.malformed !== 'udp-length') return undefined;
  switch (facts.outerEtherType) {
    case 0x0806:
      return isArp(facts, way, peers) ? 'arp' : undefined;
    case 0x888e:
      return facts.solicited || isEapolPeer(facts.destinationMac, way) ? 'eapol' : undefined;
    case 0x0800:
      if (facts.moreFragments || facts.fragmentOffset > 0 || facts.ipLength < 28) return undefined;
      return facts.ipOptions ? ofMembership(facts, way) : ofPlain4(facts, way, peers);
    case 0x86dd:
      if (facts.extensionCount > 0) return ofMembership(facts, way);
      return facts.ipLength < 48 ? undefined : ofPlain6(facts, way, peers);
    default:
      return undefined;
  }
}

function isArp(facts: Facts, way: Way, peers: PlumbingPeers): boolean {
  if (facts.arpOperation !== 1 && facts.arpOperation !== 2) return false;
  return !(way === 'up' && facts.spare) && peers.neighbours.mayResolve4(facts, way);
}

function ofMembership(facts: Facts, way: Way): PlumbingKind | undefined {
  return isMembershipOf(facts, way) ? 'igmp-mld' : undefined;
}

function ofPlain4(facts: Facts, way: Way, peers: PlumbingPeers): PlumbingKind | undefined {
  if (facts.protocol === 17) return isDhcp(facts, way, peers) ? 'dhcp' : undefined;
  if (isPlainMembership(facts, way)) return 'igmp-mld';
  if (way === 'up') return isTunnelReport(facts, peers.neighbours, peers.tunnelPorts) ? 'icmp' : undefined;
  // Path MTU discovery of the tunnel: the answer to a frame that was let out.
  const tooBig = facts.protocol === 1 && facts.icmpType === 3 && facts.icmpCode === 4;
  return tooBig && peers.neighbours.isClient4(facts) ? 'icmp' : undefined;
}

function ofPlain6(facts: Facts, way: Way, peers: PlumbingPeers): PlumbingKind | undefined {
  if (facts.protocol === 17) return isDhcp6(facts, way) ? 'dhcp6' : undefined;
  if (facts.protocol !== 58) return undefined;
  // Packet too big (RFC 8201) comes from any router on the way.
  if (way === 'down' && facts.icmpType === 2 && facts.icmpCode === 0) return 'icmp';
  if (way === 'up' && isTunnelReport(facts, peers.neighbours, peers.tunnelPorts)) return 'icmp';
  return isNeighbourDiscovery(facts, way, peers) ? 'nd' : undefined;
}

/**
 * Up: broadcast, or a renewal to the learned server alone, or "port 67 to anywhere" would be a hole. Down: from whatever port a
 * server or relay has (RFC 2131 section 4.1 says only where it goes).
 */
function isDhcp(facts: Facts, way: Way, peers: PlumbingPeers): boolean {
  if (facts.udpLength < 248 || facts.bootpCookie !== DHCP_COOKIE) return false;
  const { sourcePort, destinationPort, payloadHead } = facts;
  if (way === 'down') return destinationPort === 68 && payloadHead >>> 8 === 0x020106;
  if (sourcePort !== 68 || destinationPort !== 67 || payloadHead !== 0x01010600) return false;
  if (facts.udpLength > DHCP_MOST - 20 || facts.ipLength > DHCP_MOST || facts.spare) return false;
  return facts.destination[3] === 0xffffffff || peers.isDhcpServer(facts);
}

/** RFC 8415 section 7.2 says where messages go; from which port, no section does. */
function isDhcp6(facts: Facts, way: Way): boolean {
  const message = facts.payloadHead >>> 24;
  if (!isLinkLocal(facts.source) || facts.udpLength < 12) return false;
  if (way === 'up') {
    const ports = facts.sourcePort === 546 && facts.destinationPort === 547;
    return ports && same(facts.destination, DHCP_AGENTS) && DHCP6_UP.includes(message);
  }
  return facts.destinationPort === 546 && isLinkLocal(facts.destination) && DHCP6_DOWN.includes(message);
}

/** Hop limit 255 proves that no router was crossed (RFC 4861 section 3.1); type and address bound what is said. */
function isNeighbourDiscovery(facts: Facts, way: Way, peers: PlumbingPeers): boolean {
  const { icmpType, destination } = facts;
  if (facts.hopLimit !== 255 || facts.icmpCode !== 0) return false;
  if (way === 'down') {
    if (icmpType === 134) return isLinkLocal(facts.source);
    return icmpType === 136 || (icmpType === 135 && peers.neighbours.mayBeAsked6(facts));
  }
  if (facts.spare) return false;
  // One link-layer address or nonce, and nothing behind it (RFC 4861 section 4.6, RFC 7527 section 4.1).
  const length = facts.ipLength - 40;
  if (icmpType === 133) {
    const whole = (length === 8 || length === 16) && same(destination, ALL_ROUTERS);
    return whole && peers.neighbours.mayAskRouter(facts);
  }
  if (icmpType !== 135 && icmpType !== 136) return false;
  return (length === 24 || length === 32) && peers.neighbours.mayResolve6(facts);
}

function same(a: Uint32Array, b: Uint32Array): boolean {
  return a[3] === b[3] && a[2] === b[2] && a[1] === b[1] && a[0] === b[0];
}

const COOKIE = '@th,1952,32 0x63825363';
/** Addresses that servers and relays write, the rest of the hardware address, server name and file: all zero. */
const BARE = [
  '@th,192,96 0x0',
  '@th,336,80 0x0',
  ...Array.from({ length: 12 }, (_, at) => `@th,${416 + 128 * at},128 0x0`),
].join(' ');
const REQUEST = `ip length <= ${DHCP_MOST} udp length 248-${DHCP_MOST - 20} @th,64,32 0x1010600 ${COOKIE} ${BARE}`;
const accept = (way: Way, kind: string): string => `counter name ${way}_plumbing_${kind} accept`;

/** Rules for IPv4 packets without options that are no fragments; `mine` where the clients' addresses are known. */
export function nftPlumbing4(way: Way, mine: boolean): readonly string[] {
  if (way === 'down') {
    return [
      `udp dport 68 udp length >= 248 @th,64,24 0x20106 ${COOKIE} ${accept('down', 'dhcp')}`,
      `icmp type 3 icmp code 4 ${mine ? 'ip daddr @mine4 ' : ''}${accept('down', 'icmp')}`,
    ];
  }
  return [
    `udp sport 68 udp dport 67 ip daddr 255.255.255.255 ${REQUEST} ${accept('up', 'dhcp')}`,
    `udp sport 68 udp dport 67 ip daddr . ether daddr @dhcp4 ${REQUEST} ${accept('up', 'dhcp')}`,
  ];
}

const NEEDS_255 = 'icmpv6 code 0 ip6 hoplimit 255';
/** A solicitation or advertisement, alone or with one option. */
export const ND_LENGTHS = [24, 32].map(whole6);

/** Rules for IPv6 packets without extension headers; `anyNeighbour` where direct traffic is allowed anyway. */
export function nftPlumbing6(way: Way, anyNeighbour: boolean): readonly string[] {
  if (way === 'down') {
    return [
      `udp dport 546 ip6 saddr fe80::/10 ip6 daddr fe80::/10 udp length >= 12 @th,64,8 { 2, 7, 10 } ${accept('down', 'dhcp6')}`,
      `icmpv6 type 2 icmpv6 code 0 ${accept('down', 'icmp')}`,
      `icmpv6 type 134 ${NEEDS_255} ip6 saddr fe80::/10 ${accept('down', 'nd')}`,
      `icmpv6 type 135 ${NEEDS_255} ${anyNeighbour ? 'goto down_asks' : 'jump down_solicit'}`,
      `icmpv6 type 136 ${NEEDS_255} ${accept('down', 'nd')}`,
    ];
  }
  return [
    `udp sport 546 udp dport 547 ip6 saddr fe80::/10 ip6 daddr ff02::1:2 udp length >= 12 @th,64,8 { 1, 3, 4, 5, 6, 8, 9, 11 } ${accept('up', 'dhcp6')}`,
    ...[8, 16].map(
      (length) =>
        `icmpv6 type 133 ${NEEDS_255} ${whole6(length)} ip6 daddr ff02::2 ${anyNeighbour ? accept('up', 'nd') : 'jump up_asks_router'}`,
    ),
    ...ND_LENGTHS.flatMap((whole) =>
      anyNeighbour
        ? [`icmpv6 type { 135, 136 } ${NEEDS_255} ${whole} ${accept('up', 'nd')}`]
        : [
            `icmpv6 type 135 ${NEEDS_255} ${whole} jump up_solicit`,
            `icmpv6 type 136 ${NEEDS_255} ${whole} jump up_advertise`,
          ],
    ),
  ];
}
