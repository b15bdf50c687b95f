// Knows: which rule a frame breaks, by kind and profile. Must not know: addresses, how the kernel finds out.
// Follows README.md, rules A to F. Rule T needs more than one frame and belongs to the guard, as does joining a D
// to its A or B.

import type { ParsedPacket } from '../flow/parsed-packet.ts';
import type { Kind } from '../flow/kinds.ts';
import { needsAnswer } from './filter/answered.ts';
import { discoveryKind } from './filter/discovery.ts';
import { isOpenProfile } from './filter/direct.ts';
import type { Passage } from './filter/packet-filter.ts';
import { NAT64_NAME } from './servers/nat64.ts';
import type { Policy } from './policy.ts';
import { parseAddress } from '../wire/ip/address.ts';
import type { Rule, Severity } from './verdict.ts';
import { Icmp6 } from '../wire/ip/icmp.ts';
import { Protocol } from '../wire/ip/ip.ts';

export interface Circumstances {
  readonly policy: Policy;
  readonly passage: Passage;
  /** Why what crosses as essential traffic is none. */
  readonly pretence: string | undefined;
  /** Address and port are a tunnel endpoint's, and the frame is none of the tunnel's. */
  readonly atEndpoint: boolean;
  readonly mustTunnel: string | undefined;
  readonly exposed: string | undefined;
  /** Why a resolver's name and its address are not together. */
  readonly misnamed: string | undefined;
}

export interface Leak {
  readonly rule: Rule;
  readonly severity: Severity;
  /** What the frame's description does not say yet, or ''. */
  readonly why: string;
}

/**
 * What a kind is to the rules: `visit` is nothing but a destination (rule D looks at those), `link` what a device says to its own link
 * beside what it needs, `other` what is judged by nothing but where it goes.
 */
type Sort = 'question' | 'discovery' | 'encrypted' | 'false tunnel' | 'visit' | 'link' | 'other';

const SORTS: Readonly<Record<Kind, Sort>> = {
  tunnel: 'other',
  arp: 'other',
  dhcp: 'other',
  dhcp6: 'other',
  nd: 'other',
  eapol: 'other',
  dns: 'question',
  mdns: 'discovery',
  llmnr: 'discovery',
  nbns: 'discovery',
  ssdp: 'discovery',
  dot: 'encrypted',
  doq: 'encrypted',
  doh: 'encrypted',
  dnscrypt: 'encrypted',
  http: 'visit',
  tls: 'visit',
  quic: 'visit',
  stun: 'visit',
  ntp: 'other',
  icmp: 'visit',
  tcp: 'visit',
  udp: 'visit',
  'igmp-mld': 'link',
  pptp: 'false tunnel',
  gre: 'false tunnel',
  l2tp: 'false tunnel',
  ipip: 'false tunnel',
  '6in4': 'false tunnel',
  teredo: 'false tunnel',
  vxlan: 'false tunnel',
  socks: 'other',
  'http-proxy': 'other',
  wireguard: 'other',
  openvpn: 'other',
  ipsec: 'other',
  tor: 'other',
  ssh: 'visit',
  dtls: 'visit',
  'other-ip': 'other',
  fragment: 'other',
  vlan: 'other',
  pppoe: 'other',
  'l2-other': 'link',
  malformed: 'other',
};

export function isVisit(kind: Kind): boolean {
  return SORTS[kind] === 'visit';
}

/** The rule that the frame breaks, or undefined when it breaks none. The frame is known to be no tunnel's. */
export function leakOf(packet: ParsedPacket, seen: Circumstances): Leak | undefined {
  const { policy, passage } = seen;
  const sort = SORTS[packet.kind];
  if (seen.pretence !== undefined) return red('E', seen.pretence);
  if (passage === 'essential' && packet.malformed === undefined) return undefined;
  if (seen.atEndpoint) return red('F', '');
  if (packet.malformed !== undefined) return red('E', packet.malformed);
  if (seen.mustTunnel !== undefined && policy.profile === 'split') {
    return red('B', `${seen.mustTunnel} must stay inside the tunnel`);
  }
  // What the policy names by address and port is the user's word, whatever it carries.
  if (passage === 'rule' || passage === 'bootstrap' || passage === 'discovery') return undefined;
  if (sort === 'false tunnel') return red('F', 'a tunnel that hides nothing');
  if (sort === 'question') {
    if (isOpenQuestion(packet, seen)) return undefined;
    if (asksForNat64(packet)) return { rule: 'A', severity: 'amber', why: NAT64_WHY };
    return red('A', isPiece(packet, seen) ? PIECE_WHY : '');
  }
  if (sort === 'discovery') {
    if (discoveryKind(packet) === undefined) return red('A', 'beyond the local link');
    return { rule: 'A', severity: policy.localChatter === 'red' ? 'red' : 'amber', why: '' };
  }
  if (seen.misnamed !== undefined) return red('C', seen.misnamed);
  if (passage === 'designated') return undefined;
  if (sort === 'encrypted') return encryptedDnsLeak(packet, passage);
  const proxied = passage === 'range' ? undefined : strangeProxy(packet, policy);
  if (proxied !== undefined) return red('E', proxied);
  if (passage === 'range' || passage === 'direct') return undefined;
  if (seen.exposed !== undefined && sort === 'visit') {
    return red('D', `${seen.exposed} was answered with this address, or shown there, in the clear`);
  }
  if (isCounterProbe(packet))
    return amber(
      'looks for who asked it just now: a router may ask from there, or a network try out a guess',
    );
  if (sort === 'link') return amber('');
  if (needsAnswer(policy) && !packet.answered && sort === 'visit') return red('E', UNANSWERED_WHY);
  return red('E', isShutStub(policy) && sort === 'visit' ? UNNAMED_WHY : '');
}

const UNNAMED_WHY = 'no resolver or proxy that the policy names';

function isShutStub(policy: Policy): boolean {
  return policy.profile === 'proxy-stub' && !isOpenProfile(policy);
}

/** A literal of IPv6 stands in brackets (RFC 3986 section 3.2.2). */
const isAddress = (host: string): boolean => parseAddress(host.replace(/^\[(.*)\]$/, '$1')) !== undefined;

/** Proxy-stub: a name goes to resolvers and proxies of the policy, and this is told to another. What went before said no name. */
function strangeProxy(packet: ParsedPacket, { profile }: Policy): string | undefined {
  if (profile !== 'proxy-stub' || (packet.kind !== 'socks' && packet.kind !== 'http-proxy')) return undefined;
  const told = packet.findings.names.filter(({ via }) => via !== 'referer').map((one) => one.name);
  const name = [...told, packet.flowName].find((one) => one !== '' && !isAddress(one));
  if (name === undefined) return undefined;
  return `${name} is told to a proxy that the policy does not name`;
}

export const NAT64_WHY = 'how every system finds out whether the network has NAT64: no site is told by it';

/** A question for how the network translates IPv4 addresses, or an answer to it. */
export function asksForNat64({ findings, malformed }: ParsedPacket): boolean {
  const { names } = findings;
  return malformed === undefined && names.length > 0 && names.every(({ name }) => name === NAT64_NAME);
}

/**
 * Split: a question whose names are known and need no tunnel, an answer, or a TCP segment on the DNS port that has no data.
 * What holds a question that cannot be read may be for any name: a leak.
 */
function isOpenQuestion(packet: ParsedPacket, seen: Circumstances): boolean {
  if (seen.policy.profile !== 'split' || seen.passage !== 'direct') return false;
  if (packet.sourcePort === 53) return true;
  if (packet.protocol !== Protocol.TCP || packet.destinationPort !== 53)
    return packet.findings.names.length > 0;
  return packet.payloadLength === 0 || packet.questions.every((name) => name !== undefined);
}

const UNANSWERED_WHY = 'no name that this client asked for in the clear leads there';
const PIECE_WHY = 'not a whole question in one segment, so that nobody can tell its name in time';

/** Split: what a client says to a resolver over TCP otherwise than as whole questions (src/policy/filter/tcp-questions.ts). */
function isPiece(packet: ParsedPacket, { policy, passage }: Circumstances): boolean {
  const said = packet.protocol === Protocol.TCP && packet.destinationPort === 53 && packet.payloadLength > 0;
  return said && policy.profile === 'split' && passage === 'leak' && packet.questions.length === 0;
}

/** An address that a resolver shares with others proves nothing: a suspicion is never red by itself. */
function encryptedDnsLeak(packet: ParsedPacket, passage: Passage): Leak {
  if (packet.findings.suspected !== true) return red('C', '');
  const crossing = passage === 'direct' || passage === 'range';
  return crossing ? { rule: 'C', severity: 'amber', why: 'suspected' } : red('E', 'suspected encrypted DNS');
}

/** A system looks again for whoever it has answered, some seconds later, by itself (RFC 4861 section 7.3.3). */
function isCounterProbe(packet: ParsedPacket): boolean {
  if (packet.kind !== 'nd' || packet.icmpType !== Icmp6.NEIGHBOUR_SOLICITATION || !packet.solicited)
    return false;
  return packet.target.every((word, at) => word === packet.destination[at]);
}

function amber(why: string): Leak {
  return { rule: 'E', severity: 'amber', why };
}

function red(rule: Rule, why: string): Leak {
  return { rule, severity: 'red', why };
}
