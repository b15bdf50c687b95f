// Which rule a frame breaks, by kind and profile (README.md, rules A to F). Rule T needs more than one frame and belongs to the guard;
// so does joining a D incident to its A or B.

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

/** What the judge knows about a frame besides its own fields; undefined where the circumstance does not apply. */
export interface Circumstances {
  readonly policy: Policy;
  readonly passage: Passage;
  /** Why a frame that crosses as essential traffic is not essential traffic. */
  readonly pretence: string | undefined;
  /** Address and port are those of a tunnel endpoint, but the frame is not a packet of the tunnel. */
  readonly atEndpoint: boolean;
  /** The name in the frame or its flow that must stay inside the tunnel. */
  readonly mustTunnel: string | undefined;
  /** The name for which the frame's far address was an answer, where rule D watches that address. */
  readonly exposed: string | undefined;
  /** Why a resolver's name and its address do not belong together. */
  readonly misnamed: string | undefined;
}

/** Why a frame is a leak. */
export interface Leak {
  readonly rule: Rule;
  readonly severity: Severity;
  /** What the frame's description does not already say, or ''. */
  readonly why: string;
}

/**
 * How the rules treat a kind: a `visit` reveals its destination and nothing else (rule D looks at those), `link` is what a device sends
 * on its own link without need, `other` is judged by its destination alone.
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

/** Whether frames of the kind reveal their destination and nothing else. */
export function isVisit(kind: Kind): boolean {
  return SORTS[kind] === 'visit';
}

/** The rule that the frame breaks (README.md, Rules and remedies), or undefined. The frame must not be a packet of a tunnel. */
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
  // What the policy opens by address and port is the user's decision, whatever it carries.
  if (passage === 'rule' || passage === 'bootstrap' || passage === 'discovery') return undefined;
  if (sort === 'false tunnel') return red('F', 'a tunnel that hides nothing');
  if (sort === 'question') {
    if (isOpenQuestion(packet, seen)) return undefined;
    if (asksForNat64(packet)) return { rule: 'A', severity: 'amber', why: NAT64_WHY };
    return red('A', isPiece(packet, seen) ? PIECE_WHY : '');
  }
  if (sort === 'discovery') {
    if (discoveryKind(packet) === undefined) return red('A', 'leaves the local link');
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
      'looks up a neighbour that has just asked for it: a router may ask from that address, or the network may be testing a guess',
    );
  if (sort === 'link') return amber('');
  if (needsAnswer(policy) && !packet.answered && sort === 'visit') return red('E', UNANSWERED_WHY);
  return red('E', isClosedStub(policy) && sort === 'visit' ? UNNAMED_WHY : '');
}

const UNNAMED_WHY = 'not a resolver or proxy that the policy names';

function isClosedStub(policy: Policy): boolean {
  return policy.profile === 'proxy-stub' && !isOpenProfile(policy);
}

/** An IPv6 address as a host is in brackets (RFC 3986 section 3.2.2). */
const isAddress = (host: string): boolean => parseAddress(host.replace(/^\[(.*)\]$/, '$1')) !== undefined;

/** Proxy-stub: a name that is sent to a proxy which the policy does not name. The referer does not count: it names the page before. */
function strangeProxy(packet: ParsedPacket, { profile }: Policy): string | undefined {
  if (profile !== 'proxy-stub' || (packet.kind !== 'socks' && packet.kind !== 'http-proxy')) return undefined;
  const sent = packet.findings.names.filter(({ via }) => via !== 'referer').map(({ name }) => name);
  const name = [...sent, packet.flowName].find((host) => host !== '' && !isAddress(host));
  if (name === undefined) return undefined;
  return `${name} is sent to a proxy that the policy does not name`;
}

/** Why the question for `ipv4only.arpa` (RFC 7050) is never red for itself. */
export const NAT64_WHY = 'every system asks this to find out whether the network has NAT64; it names no site';

/** Whether this asks for the network's NAT64 prefix (RFC 7050), or answers such a question. */
export function asksForNat64({ findings, malformed }: ParsedPacket): boolean {
  const { names } = findings;
  return malformed === undefined && names.length > 0 && names.every(({ name }) => name === NAT64_NAME);
}

/**
 * Split: a question whose names are known and need no tunnel, an answer, or a TCP segment on the DNS port without data.
 * A question that cannot be read may be for any name: it is a leak.
 */
function isOpenQuestion(packet: ParsedPacket, seen: Circumstances): boolean {
  if (seen.policy.profile !== 'split' || seen.passage !== 'direct') return false;
  if (packet.sourcePort === 53) return true;
  if (packet.protocol !== Protocol.TCP || packet.destinationPort !== 53)
    return packet.findings.names.length > 0;
  return packet.payloadLength === 0 || packet.questions.every((name) => name !== undefined);
}

const UNANSWERED_WHY = 'this client has asked in the clear for no name that leads there';
const PIECE_WHY = 'not a whole question in one segment, so its name cannot be read in time';

/** Split: data from a client to a resolver over TCP that is not made of whole questions (src/policy/filter/tcp-questions.ts). */
function isPiece(packet: ParsedPacket, { policy, passage }: Circumstances): boolean {
  const hasData =
    packet.protocol === Protocol.TCP && packet.destinationPort === 53 && packet.payloadLength > 0;
  return hasData && policy.profile === 'split' && passage === 'leak' && packet.questions.length === 0;
}

/** A resolver's address may be shared with other sites and proves nothing: suspected DNS over HTTPS is never red by itself. */
function encryptedDnsLeak(packet: ParsedPacket, passage: Passage): Leak {
  if (packet.findings.suspected !== true) return red('C', '');
  const crossing = passage === 'direct' || passage === 'range';
  return crossing ? { rule: 'C', severity: 'amber', why: 'suspected' } : red('E', 'suspected encrypted DNS');
}

/** Some seconds after it has answered a neighbour, a system asks for that neighbour by itself (RFC 4861 section 7.3.3). */
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
