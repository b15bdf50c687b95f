// THE SPECIFICATION: what may cross the bridge, as a formula over a frame's bytes, the way it goes and the box's state. Written from
// README.md ("What it guarantees"; "What crosses in block mode besides the tunnel", by whose rows plumbing is called) and the RFCs that it
// names, not from the compilers; test/proof proves that the kernel's bytecode says the same of every frame.
//
// The first clause that holds says what a frame is; what none takes is a leak. Without a policy nothing crosses; in block mode all but
// leaks; in watch mode everything, counted as what it is. A clause that asks for a field holds for no frame that is too short for it.
// Its words: sight.ts (whose an address is), messages.ts, spec-shapes.ts, spec-questions.ts (forms, byte by byte), spec-state.ts (sets).

import { allowed, leak, learn, pass, plumbing, tunnel } from './clause.ts';
import type { Clauses, Lesson } from './clause.ts';
import * as form from './messages.ts';
import { ROUTABLE6 } from './sight.ts';
import type { Sight } from './sight.ts';
import { isCut, isOwnQuestion, isOwnQuestionByTcp } from './spec-questions.ts';
import { both, either, is, isIn, no } from './terms.ts';
import { goesDirect, groupsGoDirect } from './what-goes-direct.ts';

/** A frame's headers say which of these it is read by; an IPv4 packet by `pieces` and then by `whole`. */
export type Chapters = Readonly<Record<'eapol' | 'arp' | 'pieces' | 'whole' | 'options', () => Clauses>>;

const PAE = 0x0180c2000003n;
const LOGIN = [
  80, 443, 1000, 1003, 2050, 3990, 4990, 8000, 8001, 8002, 8003, 8080, 8081, 8088, 8443, 8843, 8880, 9997,
  9998,
];

/** From a client to the network. */
export const up = (s: Sight): Chapters => ({
  // The switch opens its port to nobody else (IEEE 802.1X). No bridge but this forwards that group.
  eapol: () => [plumbing('802.1X', either(is(s.toMac, PAE), s.holds('authenticator', s.toMac)))],
  // No packet leaves without it (RFC 826, RFC 5227). All on the link hear who is looked for: nobody but whom the tunnel needs.
  arp: () => [
    plumbing('ARP request', form.asks4(s), form.endsBare(s), s.bound(s.isItself4, s.isWanted4)),
    plumbing('ARP probe and announcement', form.asks4(s), form.endsBare(s), s.isItself4, s.isTried4),
    plumbing('ARP reply', form.answers4(s), form.endsBare(s), s.bound(s.isItself4)),
  ],
  pieces: () => pieces(s),
  whole: () => [
    ...tunnels(s),
    // No address without it (RFC 2131, RFC 8415).
    plumbing('DHCPv4 request', form.dhcpRequest(s), s.isToDhcpServer),
    plumbing('DHCPv6 message of a client', form.dhcp6Up(s), s.isFromLink, isIn(s.to, 'ff02::1:2')),
    // No IPv6 without it (RFC 4861, RFC 4862): the client finds its router, and its router the client.
    plumbing('router solicitation', form.asksRouter(s), s.bound(either(s.isFromNone, s.isItself6))),
    plumbing('duplicate address detection', form.asks6(s), s.isTried6, learnsTried(s)),
    plumbing('neighbour solicitation', form.asks6(s), s.bound(no(s.isFromNone), s.isItself6, s.isWanted6)),
    plumbing('neighbour advertisement', form.answers6(s), s.bound(s.isItself6, s.isOwn6, s.isAsker6)),
    // Every system answers a late packet of its tunnel's so (RFC 1122, RFC 4443). What it quotes only the judge can compare.
    plumbing('port unreachable', form.portUnreachable(s), s.isToServer),
    ...opened(s),
  ],
  // Switches that snoop hand on nothing for a group that nobody joined (RFC 4541). No other option or extension header crosses.
  options: () => [
    ...odd(s),
    plumbing('IGMP and MLD report', form.alerted(s), form.report(s)),
    ...groupsGoDirect(s),
  ],
});

/** From the network to a client. What it says is judged by rule T; it answers what goes up. */
export const down = (s: Sight): Chapters => ({
  eapol: () => [plumbing('802.1X', either(is(s.toMac, PAE), s.isToStation), learnsAuthenticator(s))],
  arp: () => [
    plumbing('ARP request', form.asks4(s), s.bound(s.isAsked4)),
    plumbing('ARP request and reply', form.answers4(s), s.bound(s.isHeard4)),
  ],
  pieces: () => pieces(s),
  whole: () => [
    // Whoever owns the uplink finds out so which address a tunnel gave (CVE-2019-14899). DHCP's answer offers one.
    leak('to an address that no client has', s.isNobodys, no(s.isToDhcpClient)),
    ...tunnels(s),
    plumbing('DHCPv4 reply', form.dhcpReply(s)),
    plumbing('DHCPv6 message of a server', form.dhcp6Down(s), s.isFromLink, s.isToLink),
    plumbing('router advertisement', form.tellsRouter(s), s.isFromLink),
    plumbing('solicitation', form.asked6(s), s.bound(s.isAsked6), learnsAsker(s)),
    plumbing('advertisement of neighbours', form.answered6(s)),
    // Path MTU of the tunnel (RFC 1191, RFC 8201).
    plumbing('fragmentation needed and packet too big', form.tooBig(s), s.isToClient),
    plumbing('IGMP', form.igmp(s), s.isToGroup),
    ...opened(s),
  ],
  options: () => [
    ...odd(s),
    plumbing('IGMP and MLD', form.alerted(s), form.aboutGroups(s), s.isToGroup),
    ...groupsGoDirect(s),
  ],
});

// A tunnel is its server's address, its port, and the form of its packets; what goes there without the form is foreign (rule F).
const tunnels = (s: Sight): Clauses => [
  leak('shorter than a transport header: nftables reads on in what fills the frame up', s.isShort),
  tunnel('at a server, with its form', s.servers.tunnel),
  leak('at a server, without its form', s.servers.at),
  tunnel('ESP, which has no ports, at a server of IPsec', s.isEsp),
];

/**
 * Why a fragment to the tunnel's host may cross: a datagram larger than the path comes in pieces (RFC 791, RFC 8200 section 4.5), of which
 * the first alone has ports and the beginning of a tunnel's packet. Of a later one nftables sees addresses and the protocol, and no more:
 * it goes by these, or no large packet of the tunnel does. It names nobody but the server, which throws it away without the first piece,
 * and that one must be the tunnel's by port and form. TCP finds its path MTU itself, so no piece of it is a tunnel's.
 */
const pieces = (s: Sight): Clauses => [
  leak('extension headers behind a fragment header', s.isNested),
  leak('to an address that no client has', s.isPiece, s.isNobodys),
  tunnel('a later piece, to or from a host of a tunnel over UDP or of ESP', s.isLater, s.isTunnelHost),
  tunnel('a first piece, at a server, with its form', s.isFirst, no(s.protocol(6)), s.isTunnels),
  leak('any other piece', s.isPiece),
];

const odd = (s: Sight): Clauses => [leak('in pieces, or too short', either(s.isShort, s.isPieceOdd))];

/** What the policy opens, in either direction, and the question for a server's name, without which the server is not found. */
const opened = (s: Sight): Clauses => [
  allowed('resolvers and proxies', s.isDesignated),
  allowed("question for a server's own name, and its answer", isOwnQuestion(s), learnsOwn(s)),
  // To and from whom has just called its answer to that question cut.
  allowed('the same question by TCP', isOwnQuestionByTcp(s), s.holds(`cut${s.family}`, s.near, s.far)),
  allowed('`allow` rows', s.isAllowed),
  allowed('chatter on the link, where it is ignored', s.ignoresChatter, form.chatter(s)),
  // The login to a captive portal: the network's own resolvers; ports of login pages, the link, and the portal that was announced.
  pass('names', s.hasPass, s.protocol(6, 17), is(s.port, 53), isIn(s.far, ...s.k.resolvers)),
  pass('login', s.hasPass, s.protocol(6), either(is(s.port, ...LOGIN), s.isOnPassLink, s.isPortal)),
  ...goesDirect(s),
];

// What the kernel learns itself: 802.1X for ten minutes, a tried address two, who asked or cut half a minute, a question ten seconds.
const learnsAuthenticator = (s: Sight): Lesson => learn('authenticator', [s.fromMac]);
const learnsTried = (s: Sight): Lesson => learn('tried6', [s.f.target], s.isBound);
const learnsAsker = (s: Sight): Lesson => learn('asker6', [s.from], isIn(s.from, ...ROUTABLE6));
const learnsOwn = (s: Sight): Lesson =>
  s.up
    ? learn(`asked${s.family}`, [s.from, s.to, s.f.udp.source])
    : learn(`cut${s.family}`, [s.to, s.from], both(isCut(s), s.wasAsked));
