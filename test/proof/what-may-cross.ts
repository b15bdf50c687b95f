// THE SPECIFICATION: what may cross the bridge, as a formula over a frame's bytes, the way it goes and the box's state. Written from
// README.md ("What it guarantees"; "What crosses in block mode besides the tunnel", by whose rows clauses are called) and the RFCs that it
// names, not from the compilers; test/proof proves that the kernel's bytecode says the same of every frame.
//
// The first clause that holds says what a frame is; what none takes is a leak. Without a policy nothing crosses; in block mode all but
// leaks; in watch mode everything, counted as what it is. A clause that asks for a field holds for no frame that is too short for it.
// Its words are in sight.ts (whose an address is), messages.ts, spec-shapes.ts, spec-questions.ts (forms, byte by byte), spec-state.ts.

import { allowed, leak, pass, plumbing, teaches, tunnel } from './clause.ts';
import type { Clauses } from './clause.ts';
import * as form from './messages.ts';
import { LINK_LOCAL6, ROUTABLE6 } from './sight.ts';
import type { Sight } from './sight.ts';
import { isCut, isOwnQuestion, isOwnQuestionByTcp } from './spec-questions.ts';
import { both, either, is, isIn, no } from './terms.ts';
import { goesDirect, groupsGoDirect } from './what-goes-direct.ts';

/** Its headers say which of these a frame is read by; an IPv4 packet by `pieces` and then by `whole`. */
export type Chapters = Readonly<Record<'eapol' | 'arp' | 'pieces' | 'whole' | 'options', () => Clauses>>;

const PAE = 0x0180c2000003n;
const LOGIN_PORTS = [
  80, 443, 1000, 1003, 2050, 3990, 4990, 8000, 8001, 8002, 8003, 8080, 8081, 8088, 8443, 8843, 8880, 9997,
  9998,
];

/** From a client to the network. */
export const up = (s: Sight): Chapters => ({
  // The switch opens its port to nobody else (IEEE 802.1X): the group that no bridge but this forwards, and who just spoke so.
  eapol: () => [plumbing('802.1X', either(is(s.toMac, PAE), s.holds('authenticator', s.toMac)))],
  // No packet leaves without it (RFC 826, RFC 5227). All on the link hear who is looked for: so nobody but whom the tunnel needs.
  arp: () => [
    plumbing('ARP request', form.arp(s, 1), form.isBareArp(s), s.bound(s.isItself4, s.isWanted4)),
    plumbing('ARP probe and announcement', form.arp(s, 1), form.isBareArp(s), s.isItself4, s.isTried4),
    plumbing('ARP reply', form.arp(s, 2), form.isBareArp(s), s.bound(s.isItself4)),
  ],
  pieces: () => pieces(s),
  whole: () => [
    ...tunnels(s),
    // No address without it (RFC 2131, RFC 8415).
    plumbing('DHCPv4 request', form.dhcpRequest(s), s.isToDhcpServer),
    plumbing(
      'DHCPv6 message of a client',
      form.dhcp6Up(s),
      isIn(s.from, LINK_LOCAL6),
      isIn(s.to, 'ff02::1:2'),
    ),
    // No IPv6 without it (RFC 4861, RFC 4862): a client finds its router, and its router it, by an address of its own.
    plumbing(
      'router solicitation',
      form.discovery(s, 133, 8, 16),
      isIn(s.to, 'ff02::2'),
      s.bound(either(s.isFromNone, s.isItself6)),
    ),
    teaches(
      plumbing('duplicate address detection', form.discovery(s, 135, 24, 32), s.isTried6),
      'tried6',
      [s.f.target],
      s.isBound,
    ),
    plumbing(
      'neighbour solicitation',
      form.discovery(s, 135, 24, 32),
      s.bound(no(s.isFromNone), s.isItself6, s.isWanted6),
    ),
    plumbing(
      'neighbour advertisement',
      form.discovery(s, 136, 24, 32),
      s.bound(s.isItself6, s.isOwn6, s.isAsker6),
    ),
    // Every system answers a late packet of its tunnel's so (RFC 1122, RFC 4443); what it quotes only the judge can compare.
    plumbing('port unreachable', form.portUnreachable(s), s.isToServer),
    ...opened(s),
  ],
  // Switches that snoop hand on nothing for a group that nobody joined (RFC 4541). No other option or extension header crosses.
  options: () => [
    ...inPieces(s),
    plumbing('IGMP and MLD report', form.membership(s), form.isReport(s)),
    ...groupsGoDirect(s),
  ],
});

/** From the network to a client. */
export const down = (s: Sight): Chapters => ({
  eapol: () => [
    teaches(plumbing('802.1X', either(is(s.toMac, PAE), s.isToStation)), 'authenticator', [s.f.mac.source]),
  ],
  arp: () => [
    plumbing('ARP request for a client or one of its list', form.arp(s, 1), s.bound(s.isAsked4)),
    plumbing('ARP reply from one of its list', form.arp(s, 2), s.bound(s.isHeard4)),
  ],
  pieces: () => pieces(s),
  whole: () => [
    // Whoever owns the uplink finds out by such packets which address a tunnel gave (CVE-2019-14899). A DHCP server offers one.
    leak('to an address that no client has', s.isNobodys, no(both(s.isFour, is(s.f.udp.destination, 68)))),
    ...tunnels(s),
    // What these say the judge looks at (rule T): they answer what goes up.
    plumbing('DHCPv4 reply', form.dhcpReply(s)),
    plumbing(
      'DHCPv6 message of a server',
      form.dhcp6Down(s),
      isIn(s.from, LINK_LOCAL6),
      isIn(s.to, LINK_LOCAL6),
    ),
    plumbing('router advertisement', form.discovery(s, 134), isIn(s.from, LINK_LOCAL6)),
    teaches(
      plumbing('neighbour solicitation', form.discovery(s, 135), s.bound(s.isAsked6)),
      'asker6',
      [s.from],
      isIn(s.from, ...ROUTABLE6),
    ),
    plumbing('neighbour advertisement', form.discovery(s, 136)),
    // Path MTU of the tunnel (RFC 1191, RFC 8201).
    plumbing('fragmentation needed, packet too big', form.tooBig(s), s.isClients),
    plumbing('IGMP', s.isFour, s.protocol(2), is(s.f.ip[4].hops, 1), isIn(s.to, '224.0.0.0/4')),
    ...opened(s),
  ],
  // A client reports when it is asked.
  options: () => [
    ...inPieces(s),
    plumbing('IGMP and MLD', form.membership(s), form.isAboutGroups(s), s.isToGroup),
    ...groupsGoDirect(s),
  ],
});

/**
 * A tunnel is its server's address, its port, and the form of its packets. What goes there without the form is foreign (rule F), in every
 * profile. ESP (RFC 4303) has no ports.
 */
const tunnels = (s: Sight): Clauses => [
  leak('shorter than a transport header: nftables reads on in what fills the frame up', s.isShort),
  tunnel('at a server, with its form', s.servers.tunnel),
  leak('at a server, without its form', s.servers.at),
  tunnel('ESP at a server of IPsec', s.isEsp),
];

/**
 * Why a fragment to the tunnel's host may cross: a datagram larger than the path comes in pieces (RFC 791, RFC 8200 section 4.5), of which
 * the first alone has ports and the beginning of a tunnel's packet. In a later one the kernel finds an address and a protocol, and no
 * more: it goes by these or no large packet of the tunnel does. It names nobody but the server, and whoever has no first piece, which must
 * be the tunnel's by port and form, throws it away. Over TCP there is none: that finds its path MTU itself.
 */
const pieces = (s: Sight): Clauses => [
  leak('extension headers behind a fragment header', s.isNested),
  leak('to an address that no client has', s.isPiece, s.isNobodys),
  tunnel('a later piece, to a host of a tunnel over UDP or of ESP', s.isLater, s.isTunnelHost),
  tunnel(
    'a first piece, at a server, with its form',
    s.isFirst,
    no(s.protocol(6)),
    either(s.servers.tunnel, both(no(s.servers.at), s.isEsp)),
  ),
  leak('any other piece', s.isPiece),
];

const inPieces = (s: Sight): Clauses => [leak('in pieces, or too short', either(s.isShort, s.isPieceOdd))];

/** What the policy opens, in either direction. */
const opened = (s: Sight): Clauses => [
  allowed('resolvers and proxies', s.isDesignated),
  // The tunnel's server is found by its name. By TCP it is asked for where the answer has just been called cut, and nothing else is.
  s.up
    ? teaches(allowed("question for a server's own name", isOwnQuestion(s)), `asked${s.family}`, [
        s.from,
        s.to,
        s.f.udp.source,
      ])
    : teaches(
        allowed('its answer', isOwnQuestion(s)),
        `cut${s.family}`,
        [s.to, s.from],
        both(isCut(s), s.wasAsked),
      ),
  allowed('the same by TCP', isOwnQuestionByTcp(s), s.holds(`cut${s.family}`, s.near, s.far)),
  allowed('`allow` rows', s.isAllowed),
  allowed('chatter on the link that is ignored', s.ignoresChatter, form.chatter(s)),
  // A captive portal's login: the network's own resolvers, ports of login pages, the link, and the portal that was announced.
  pass('names', s.hasPass, s.protocol(6, 17), is(s.port, 53), isIn(s.far, ...s.k.resolvers)),
  pass(
    'login pages',
    s.hasPass,
    s.protocol(6),
    either(is(s.port, ...LOGIN_PORTS), isIn(s.far, ...s.k.passLinks), s.isPortal),
  ),
  ...goesDirect(s),
];
