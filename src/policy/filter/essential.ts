// The traffic that a client needs to be on a network, and its bounds: each rule once, for the judge and the ruleset. Which neighbours may
// be looked up is in src/policy/filter/neighbours.ts. Follows RFC 2131, 8415, 4861, 8201, 1191, 2236, 3810. A frame that looks like one of
// these and is out of bounds is a leak.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { EtherType } from '../../wire/link/ethernet.ts';
import { Icmp, Icmp6 } from '../../wire/ip/icmp.ts';
import { IPV4_HEADER, Protocol } from '../../wire/ip/ip.ts';
import { isEapolPeer } from './recent-peers.ts';
import { counterName } from '../compile/counted.ts';
import type { Direction } from '../compile/counted.ts';
import { isOpenProfile } from './direct.ts';
import type { LearnedState } from '../servers/learned.ts';
import { membershipOf } from './membership.ts';
import type { Policy } from '../policy.ts';
import { tunnelReport } from './port-report.ts';
import { address, hopLimit, icmp, ipLength, port, protocol, udp } from './fields.ts';
import { byFamily, byDirection, is, isBetween, isIn, named, nftTexts, predicateOf } from './match.ts';
import type { Named, Predicate, Term } from './match.ts';
import { essential, whole6 } from './rule.ts';
import type { EssentialRule, Peers, EssentialKind } from './rule.ts';

/** The chains in which packets are judged (`up_plain4`, `up_odd6`, …): `odd` for those with options or extension headers. */
export type Form = 'plain' | 'odd';

/** Bytes with IP header. Every host must be able to receive this much, and no client sends more (RFC 2131 section 2). */
const DHCP_MAX = 576;
/** UDP header, BOOTP's fixed part, cookie. */
const DHCP_MIN = 8 + 236 + 4;
const DHCP_COOKIE = is(udp.bootpCookie, 0x63825363);
/** BOOTREQUEST and BOOTREPLY for Ethernet with six-byte addresses; a request with no relay hops (RFC 2131 section 2). */
const BOOT_REQUEST = is(udp.payload32, 0x01010600);
const BOOT_REPLY = is(udp.payload24, 0x020106);
/** All zero: the addresses that servers and relays fill in, the rest of the hardware address, server name and file. */
const BARE_REQUEST = named(
  [
    '@th,192,96 0x0',
    '@th,336,80 0x0',
    ...Array.from({ length: 12 }, (_, at) => `@th,${416 + 128 * at},128 0x0`),
  ].join(' '),
  (packet) => !packet.hasExtraData,
);
const LINK_LOCAL = 'fe80::/10';

/** Neighbour discovery: hop limit 255 proves that no router was crossed (RFC 4861 section 3.1). */
function discovery(...types: readonly number[]): readonly Term[] {
  return [is(icmp[6].type, ...types), is(icmp[6].code, 0), is(hopLimit[6], 255)];
}

/**
 * The rules for unfragmented IP packets of one form, family and direction, in their order; no packet matches two rules of different kinds.
 */
export function essentialRules(
  policy: Policy,
  learned: Pick<LearnedState, 'own'>,
  form: Form,
  family: 4 | 6,
  direction: Direction,
): readonly EssentialRule[] {
  if (form === 'odd') return [membershipOf(family, direction)];
  // Where anything may go direct, which neighbour a client looks up is no secret.
  const open = isOpenProfile(policy);
  if (direction === 'down') return family === 4 ? down4(!open && learned.own.length > 0) : down6(open);
  return [...(family === 4 ? UP_4 : up6(open)), ...tunnelReport(policy, family)];
}

/** Broadcast, or a renewal to the learned server: port 67 to any address would be a hole (RFC 2131 section 4.1). */
const UP_4 = [
  isIn(address[4].destination, '255.255.255.255'),
  named<Peers>('ip daddr . ether daddr @dhcp4', (packet, peers) => peers.isDhcpServer(packet)),
].map((server) =>
  essential('dhcp', [
    is(port.udp.source, 68),
    is(port.udp.destination, 67),
    server,
    isBetween(ipLength[4], 0, DHCP_MAX),
    isBetween(udp.length, DHCP_MIN, DHCP_MAX - IPV4_HEADER),
    BOOT_REQUEST,
    DHCP_COOKIE,
    BARE_REQUEST,
  ]),
);

/** `mine`: whether clients' addresses are known. */
function down4(mine: boolean): readonly EssentialRule[] {
  const { destination } = address[4];
  const { FRAGMENTATION_NEEDED, UNREACHABLE } = Icmp;
  const toClient = named<Peers>('ip daddr @mine4', (packet, { neighbours }) => neighbours.isClient4(packet));
  const tooBig = [is(icmp[4].type, UNREACHABLE), is(icmp[4].code, FRAGMENTATION_NEEDED)];
  return [
    // From any port of a server or relay: RFC 2131 section 4.1 fixes only the destination port.
    essential('dhcp', [
      is(port.udp.destination, 68),
      isBetween(udp.length, DHCP_MIN, Infinity),
      BOOT_REPLY,
      DHCP_COOKIE,
    ]),
    // Path MTU discovery of the tunnel (RFC 1191): the response to a packet that was let out.
    essential('icmp', mine ? [...tooBig, toClient] : tooBig),
    // The query of an old router, without router alert (RFC 2236 section 2).
    essential('igmp-mld', [
      is(protocol, Protocol.IGMP),
      is(hopLimit[4], 1),
      isIn(destination, '224.0.0.0/4'),
    ]),
  ];
}

/** RFC 8415 section 7.2 fixes the destination ports; no section fixes the source port. */
const DHCP6_MIN = isBetween(udp.length, 12, Infinity);

function up6(open: boolean): readonly EssentialRule[] {
  const { source, destination } = address[6];
  const { NEIGHBOUR_ADVERTISEMENT, NEIGHBOUR_SOLICITATION, ROUTER_SOLICITATION } = Icmp6;
  const mayAsk: Named<Peers>['holds'] = (packet, { neighbours }) => neighbours.mayAskRouter(packet);
  const mayResolve: Named<Peers>['holds'] = (packet, { neighbours }) => neighbours.mayResolve6(packet);
  const asksRouter = open ? undefined : named('jump up_asks_router', mayAsk);
  return [
    essential('dhcp6', [
      is(port.udp.source, 546),
      is(port.udp.destination, 547),
      isIn(source, LINK_LOCAL),
      isIn(destination, 'ff02::1:2'),
      DHCP6_MIN,
      // Messages of a client (RFC 8415 section 7.3).
      is(udp.payloadByte, 1, 3, 4, 5, 6, 8, 9, 11),
    ]),
    // At most one link-layer address or nonce, and nothing after it (RFC 4861 section 4.6, RFC 7527 section 4.1).
    ...[8, 16].map((length) => {
      const match = [...discovery(ROUTER_SOLICITATION), whole6(length), isIn(destination, 'ff02::2')];
      return essential('nd', match, asksRouter);
    }),
    ...[24, 32].flatMap((length) => {
      const nd = (types: readonly number[], further?: Named<Peers>): EssentialRule =>
        essential('nd', [...discovery(...types), whole6(length)], further);
      if (open) return [nd([NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT])];
      return [
        nd([NEIGHBOUR_SOLICITATION], named('jump up_solicit', mayResolve)),
        nd([NEIGHBOUR_ADVERTISEMENT], named('jump up_advertise', mayResolve)),
      ];
    }),
  ];
}

function down6(open: boolean): readonly EssentialRule[] {
  const { source, destination } = address[6];
  const mayBeAsked: Named<Peers>['holds'] = (packet, { neighbours }) => neighbours.mayBeAsked6(packet);
  const asked = open ? named('goto down_asks', () => true) : named('jump down_solicit', mayBeAsked);
  return [
    essential('dhcp6', [
      is(port.udp.destination, 546),
      isIn(source, LINK_LOCAL),
      isIn(destination, LINK_LOCAL),
      DHCP6_MIN,
      // Messages of a server (RFC 8415 section 7.3).
      is(udp.payloadByte, 2, 7, 10),
    ]),
    // From any router on the way (RFC 8201 section 4).
    essential('icmp', [is(icmp[6].type, Icmp6.PACKET_TOO_BIG), is(icmp[6].code, 0)]),
    essential('nd', [...discovery(Icmp6.ROUTER_ADVERTISEMENT), isIn(source, LINK_LOCAL)]),
    essential('nd', discovery(Icmp6.NEIGHBOUR_SOLICITATION), asked),
    essential('nd', discovery(Icmp6.NEIGHBOUR_ADVERTISEMENT)),
  ];
}

/** nft rules, with counter and verdict, for unfragmented packets of this form; arguments as for `essentialRules`. */
export function nftEssential(...of: Parameters<typeof essentialRules>): readonly string[] {
  const direction = of[4];
  return essentialRules(...of).flatMap(({ kind, match, further }) => {
    const ends = further?.nft ?? [`counter name ${counterName(direction, 'essential', kind)} accept`];
    return nftTexts(match).flatMap((text) => ends.map((end) => `${text}${end}`));
  });
}

interface Compiled {
  readonly kind: EssentialKind;
  readonly holds: Predicate;
}

/**
 * A function that tells the kind of essential traffic that the kernel takes a frame for, by its headers; undefined when it is not
 * essential. Compiled for one policy and learned state; `peers` answers for what the kernel has in sets.
 */
export function compileEssential(
  policy: Policy,
  learned: LearnedState,
  peers: Peers,
): (packet: ParsedPacket, direction: Direction) => EssentialKind | undefined {
  const compiled = (form: Form) =>
    byFamily((family) =>
      byDirection((direction): readonly Compiled[] =>
        essentialRules(policy, learned, form, family, direction).map(({ kind, match, further }) => ({
          kind,
          holds: predicateOf(further === undefined ? match : [...match, further], peers),
        })),
      ),
    );
  const [plain, odd] = [compiled('plain'), compiled('odd')];

  return (packet, direction) => {
    // nftables cannot compare UDP's length with IP's; the judge can, and calls such a frame malformed all the same.
    if (packet.malformed !== undefined && packet.malformed !== 'udp-length') return undefined;
    switch (packet.outerEtherType) {
      case EtherType.ARP:
        if (direction === 'up' && packet.hasExtraData) return undefined;
        return peers.neighbours.mayResolve4(packet, direction) ? 'arp' : undefined;
      case EtherType.EAPOL:
        return packet.solicited || isEapolPeer(packet.destinationMac, direction) ? 'eapol' : undefined;
      case EtherType.IPV4:
        if (packet.moreFragments || packet.fragmentOffset > 0 || packet.ipLength < 28) return undefined;
        return kindOf((packet.ipOptions ? odd : plain)[4][direction], packet);
      case EtherType.IPV6:
        if (packet.extensionCount > 0) return kindOf(odd[6][direction], packet);
        return packet.ipLength < 48 ? undefined : kindOf(plain[6][direction], packet);
      default:
        return undefined;
    }
  };
}

function kindOf(rules: readonly Compiled[], packet: ParsedPacket): EssentialKind | undefined {
  for (const { kind, holds } of rules) if (holds(packet)) return kind;
  return undefined;
}
