// Decides for each frame what the compiled ruleset (src/policy/compile/nft.ts) does with it in the kernel in block mode. Reads header
// fields, and names only where the ruleset matches them in the payload. The differential test (test/netns/differential*.test.ts) compares
// this file with a real bridge.

import type { ParsedPacket, UnassignedField } from '../../flow/parsed-packet.ts';
import { parseAddress, parseMac } from '../../wire/ip/address.ts';
import { allowRules } from './allow.ts';
import { isHeldAnswer, needsAnswer } from './answered.ts';
import { discoveryKind } from './discovery.ts';
import { isKeptGroup, isStation } from '../compile/counted.ts';
import type { CountedVerdict, Direction } from '../compile/counted.ts';
import { isCutSegment } from './cut-answers.ts';
import { compileDesignated } from '../servers/designated.ts';
import { goesDirect, groupsMatch, isOpenProfile } from './direct.ts';
import { matchesPattern } from '../schema/endpoint.ts';
import { EndpointTable } from '../servers/endpoint-table.ts';
import { compileEssential } from './essential.ts';
import { OPENINGS } from './openings.ts';
import type { Opening } from './openings.ts';
import { byFamily, byDirection, predicateOf } from './match.ts';
import type { EssentialKind } from './rule.ts';
import {
  designatedEndpoints,
  fixedTunnelHosts,
  hostsOf,
  learnedFor,
  learnedTunnelHosts,
  tunnelEndpoints,
} from '../servers/hosts.ts';
import type { JudgedEndpoint } from '../servers/hosts.ts';
import { mustTunnelForms, bootstrapLengths, bootstrapNames, hostAsked, nameScan } from '../servers/names.ts';
import type { LearnedState } from '../servers/learned.ts';
import { compileNeighbours, nearHosts } from './neighbours.ts';
import { lettersOf } from '../servers/name-forms.ts';
import { compileUnassigned } from './unassigned.ts';
import { compilePasses } from './passes.ts';
import { formOf, hasBadHeader, isPiece, isPlainIp, isTooShort } from './form.ts';
import { compileTunnels, hasShape } from './tunnels.ts';
import type { TunnelIndex } from './tunnels.ts';
import { once } from '../compile/per-policy.ts';
import type { AllowRule, Policy } from '../policy.ts';
import { quotesTunnel } from './port-report.ts';
import { isDnsQuery } from '../shapes/shape.ts';
import { isOpenSegment, messageLimits } from './tcp-questions.ts';
import { Icmp6 } from '../../wire/ip/icmp.ts';
import { Protocol } from '../../wire/ip/ip.ts';

/**
 * Why a frame crosses in block mode; `leak` if it does not. `rule` is an allow rule that names the port, `range` one
 * that does not, `bootstrap` the question for an endpoint's own name, `pass` a captive-portal exception, `direct` what the profile lets
 * go past the tunnel.
 */
export type Passage =
  | 'tunnel'
  | 'essential'
  | 'designated'
  | 'bootstrap'
  | 'rule'
  | 'range'
  | 'discovery'
  | 'pass'
  | 'direct'
  | 'leak';

/** The verdict under which the kernel counts a passage; `allowed` for all that the policy opens. */
export function countedVerdict(passage: Passage): CountedVerdict {
  if (passage === 'tunnel' || passage === 'essential' || passage === 'pass' || passage === 'leak')
    return passage;
  return 'allowed';
}

/**
 * The judge's copy of the ruleset, for one policy and learned state. Frames must have been dissected whole; none of the functions throws.
 */
export interface PacketFilter extends Pick<TunnelIndex, 'endpointOf'> {
  /** The index from `endpointOf` when the passage is `tunnel`, else -1: the fast path for nearly every frame. Allocates nothing. */
  tunnelAt(packet: ParsedPacket, direction: Direction): number;
  /**
   * Why the frame crosses, or `leak`. `endpoint` is the result of endpointOf for this frame and direction, if the caller already has it.
   */
  passage(packet: ParsedPacket, direction: Direction, endpoint?: number): Passage;
  /** The kind that the kernel counts an essential frame as; undefined when it is not essential. */
  readonly essential: (packet: ParsedPacket, direction: Direction) => EssentialKind | undefined;
  /** Why a frame that crosses as essential traffic is not essential, by fields that the kernel cannot compare; else undefined. */
  pretence(packet: ParsedPacket): string | undefined;
  /** Whether a UDP packet is let through as the question for an endpoint's own name, or as its answer. */
  readonly isOwnQuestion: (packet: ParsedPacket, direction: Direction) => boolean;
  /** Whether the frame has an address of the box: it is judged like any other, but never crosses. */
  endsAtBox(packet: ParsedPacket): boolean;
  /**
   * Whether the frame comes down to an address that no client here has (`destination`), or asks a single client for such an address
   * (`target`); `''` if neither.
   */
  isForNobody(packet: ParsedPacket): UnassignedField;
  /** Whether the frame is counted as allowed, and in block mode forwarded only by the daemon (src/policy/filter/answered.ts). */
  holds(packet: ParsedPacket, direction: Direction): boolean;
  /** The name for which the frame's far address was an answer, where rule D watches the address; else undefined. */
  exposedName(packet: ParsedPacket, direction: Direction): string | undefined;
  /**
   * Why the name in the frame and its destination are not a resolver's name and address together (src/policy/servers/designated.ts); else
   * undefined.
   */
  readonly misnamed: (packet: ParsedPacket, direction: Direction) => string | undefined;
}

/** For the servers that the policy names by address; cached. */
const fixedNear = once((endpoints: readonly JudgedEndpoint[]) => nearHosts(fixedTunnelHosts(endpoints)));

/** Compiles policy and learned state into the packet filter of the judge; a change of either needs a new one. */
export function compilePacketFilter(policy: Policy, all: LearnedState): PacketFilter {
  const learned = learnedFor(policy, all);
  const endpoints = tunnelEndpoints(policy);
  const tunnels = learnedTunnelHosts(endpoints, learned);
  const designated = hostsOf(designatedEndpoints(policy), learned);
  const { endpointOf, findUdp } = compileTunnels(endpoints, tunnels);
  const safe = compileDesignated(policy, designated);
  const allow = byDirection((direction) => compileAllow(policy.allow, direction));
  const servers = learned.dhcpServers.map(({ address, mac }) => ({
    word: parseAddress(address)?.words[3],
    mac: parseMac(mac),
  }));
  const exposed = compileExposed(learned.exposed);
  const passes = compilePasses(learned);
  const holes = new Map(bootstrapNames(policy).map((name) => [name, bootstrapLengths(name)]));
  const scan = nameScan(policy);
  const held = mustTunnelForms(policy);
  const limits = messageLimits(policy);
  const answered = needsAnswer(policy);
  const open = isOpenProfile(policy);
  const areGroups = byFamily((family) => predicateOf(groupsMatch(policy, family), undefined));
  const isUnassigned = compileUnassigned(policy, learned);

  const neighbours = compileNeighbours(policy, learned, fixedNear(endpoints), [...tunnels, ...designated]);
  const essential = compileEssential(policy, learned, {
    isDhcpServer: (packet) =>
      servers.some(({ word, mac }) => word === packet.destination[3] && mac === packet.destinationMac),
    neighbours,
  });

  /** Whether it is a question for an endpoint's own name that is let through, or its answer. */
  function isBootstrap(packet: ParsedPacket, direction: Direction): boolean {
    if (holes.size === 0) return false;
    if (packet.protocol === Protocol.TCP)
      return (
        packet.solicited && isCutSegment(packet, direction, (name) => hostAsked(holes, name) !== undefined)
      );
    if (packet.protocol !== Protocol.UDP) return false;
    const [name, ...more] = packet.findings.names.filter(({ record }) => record !== true);
    if (direction === 'down') {
      // Recognized by the question that it repeats: an answer may have no record (no AAAA, an error).
      const answer = packet.sourcePort === 53 && (packet.payloadHead & 0x8000) !== 0;
      return answer && name !== undefined && hostAsked(holes, name.name) !== undefined && more.length === 0;
    }
    const lengths = name === undefined ? undefined : holes.get(hostAsked(holes, name.name) ?? '');
    if (packet.destinationPort !== 53 || lengths === undefined || more.length > 0) return false;
    return isDnsQuery(packet) && packet.udpLength >= lengths.least && packet.udpLength <= lengths.most;
  }

  function allowedBy(packet: ParsedPacket, direction: Direction): 'rule' | 'range' | undefined {
    for (const { ipVersion, passage, holds } of allow[direction])
      if (ipVersion === packet.ipVersion && holds(packet)) return passage;
    return undefined;
  }

  /** Split: whether it is a plain question for names that need no tunnel; everything else on the DNS port is closed. */
  function isOpenDns(packet: ParsedPacket, direction: Direction): boolean {
    if (direction === 'down') return packet.sourcePort === 53;
    if (packet.destinationPort !== 53) return false;
    const isSecret = (name: string | undefined): boolean => {
      if (name === undefined) return false;
      const letters = lettersOf(name);
      return held.some((form) => matchesPattern(letters, form));
    };
    // By the questions in this segment, retransmitted or not: earlier segments may have held more.
    if (packet.protocol === Protocol.TCP)
      return isOpenSegment(packet, limits) && !packet.questions.some(isSecret);
    // The kernel searches for names octet by octet and does not see a compressed one, so such a question crosses; it is still a leak.
    if (packet.findings.names.some(({ name, pointed }) => pointed !== true && isSecret(name))) return false;
    return isDnsQuery(packet) && packet.udpLength <= scan.longest;
  }

  function isDirect(packet: ParsedPacket, direction: Direction): boolean {
    if (exposed.size > 0 && exposed.nameOf(packet, direction) !== undefined) return false;
    if (packet.ipVersion !== 0 && goesDirect[packet.ipVersion][direction](packet))
      return !answered || packet.answered;
    const transport = packet.protocol === Protocol.UDP || packet.protocol === Protocol.TCP;
    return policy.profile === 'split' && transport && isOpenDns(packet, direction);
  }

  function tunnelAt(packet: ParsedPacket, direction: Direction): number {
    const index = endpointOf(packet, direction);
    // Checked before the array access: an access with index -1 costs V8 five times the whole search.
    if (index < 0) return -1;
    const endpoint = endpoints[index];
    if (endpoint === undefined || !entersBridge(packet) || (direction === 'down' && isUnassigned(packet)))
      return -1;
    return !hasBadHeader(packet) && !isTooShort(packet) && hasShape(endpoint, packet, direction) ? index : -1;
  }

  const ignoresDiscovery = policy.localChatter === 'ignore';
  type Opens = (packet: ParsedPacket, direction: Direction) => Passage | undefined;
  /** Undefined for what this policy never opens. */
  const opens: Readonly<Record<Opening, Opens | undefined>> = {
    designated: (packet, direction) => (safe.isAt(packet, direction) ? 'designated' : undefined),
    bootstrap: (packet, direction) => (isBootstrap(packet, direction) ? 'bootstrap' : undefined),
    allow: allowedBy,
    discovery: ignoresDiscovery
      ? (packet) => (discoveryKind(packet) === undefined ? undefined : 'discovery')
      : undefined,
    pass: (packet, direction) => (passes.lets(packet, direction) ? 'pass' : undefined),
    direct: open ? (packet, direction) => (isDirect(packet, direction) ? 'direct' : undefined) : undefined,
  };
  const openings = OPENINGS.flatMap((opening) => opens[opening] ?? []);

  function passage(packet: ParsedPacket, direction: Direction, known?: number): Passage {
    if (!entersBridge(packet)) return 'leak';
    const broken = hasBadHeader(packet) || isTooShort(packet);
    if (direction === 'down' && !broken && isPlainIp(packet) && isUnassigned(packet)) return 'leak';
    const index = broken ? -1 : (known ?? endpointOf(packet, direction));
    const endpoint = index < 0 ? undefined : endpoints[index];
    if (endpoint !== undefined) return hasShape(endpoint, packet, direction) ? 'tunnel' : 'leak';
    if (essential(packet, direction) !== undefined) return 'essential';
    // The parser also reads IP after a tag, SNAP or PPPoE; the ruleset does not.
    if (packet.ipVersion === 0 || !isPlainIp(packet) || broken || isPiece(packet)) return 'leak';
    if (formOf(packet) === 'odd') return open && areGroups[packet.ipVersion](packet) ? 'direct' : 'leak';
    for (const opening of openings) {
      const found = opening(packet, direction);
      if (found !== undefined) return found;
    }
    return 'leak';
  }

  function pretence(packet: ParsedPacket): string | undefined {
    if (packet.quotedPort < 0) return undefined;
    const endpoint = endpoints[findUdp(packet.ipVersion, packet.destination, packet.quotedPort)];
    const quotes = endpoint !== undefined && quotesTunnel(packet, endpoint);
    return quotes ? undefined : 'does not quote a packet of the tunnel';
  }

  return {
    endpointOf,
    tunnelAt,
    passage,
    essential,
    pretence,
    isForNobody: (packet) => {
      if (!isPlainIp(packet)) return '';
      if (isUnassigned(packet)) return 'destination';
      const asks =
        packet.icmpType === Icmp6.NEIGHBOUR_SOLICITATION &&
        packet.protocol === Protocol.ICMPV6 &&
        isStation(packet.destinationMac);
      return asks && passage(packet, 'down') === 'leak' ? 'target' : '';
    },
    isOwnQuestion: (packet, direction) =>
      packet.protocol === Protocol.UDP && passage(packet, direction) === 'bootstrap',
    endsAtBox: (packet) => neighbours.bearsBox(packet),
    holds: (packet, direction) =>
      answered && isHeldAnswer(packet, direction) && passage(packet, direction) === 'direct',
    exposedName: (packet, direction) => exposed.nameOf(packet, direction),
    misnamed: safe.misnamed,
  };
}

/** Rows with a port first, so that the reason shown is the most specific. */
function compileAllow(rows: readonly AllowRule[], direction: Direction) {
  return rows
    .flatMap((row) =>
      allowRules(row, direction).map((rule) => ({
        ipVersion: row.to.ipVersion,
        passage: row.port === undefined ? ('range' as const) : ('rule' as const),
        holds: predicateOf(rule, undefined),
      })),
    )
    .sort((a, b) => Number(a.passage === 'range') - Number(b.passage === 'range'));
}

/** Whether the bridge itself lets the frame in (net/bridge/br_input.c). Frames from a capture without MAC addresses count as let in. */
function entersBridge({ sourceMac, destinationMac }: ParsedPacket): boolean {
  return !isKeptGroup(destinationMac) && (isStation(sourceMac) || (sourceMac === 0 && destinationMac === 0));
}

interface Exposed {
  readonly size: number;
  /** The name for which the far address is closed to this client. Allocates nothing. */
  nameOf(packet: ParsedPacket, direction: Direction): string | undefined;
}

/** The table's port field holds the client for which an address is closed: 0 for all clients. */
function compileExposed(list: LearnedState['exposed']): Exposed {
  const table = new EndpointTable(list.length);
  const clients = new Map<number, number>();
  for (const [at, { address, client }] of list.entries()) {
    const parsed = parseAddress(address);
    if (parsed === undefined) continue;
    const mac = client === undefined ? undefined : (parseMac(client) ?? 0);
    if (mac !== undefined && !clients.has(mac)) clients.set(mac, clients.size + 1);
    const whose = mac === undefined ? 0 : (clients.get(mac) ?? 0);
    table.add(parsed.ipVersion, parsed.words, 0, whose, at);
  }
  const find = (packet: ParsedPacket, direction: Direction, whose: number): number =>
    table.find(packet.ipVersion, direction === 'up' ? packet.destination : packet.source, 0, whose);
  return {
    size: table.size,
    nameOf: (packet, direction) => {
      if (table.size === 0 || packet.ipVersion === 0) return undefined;
      const own = clients.get(direction === 'up' ? packet.sourceMac : packet.destinationMac);
      const mine = own === undefined ? -1 : find(packet, direction, own);
      const found = mine >= 0 ? mine : find(packet, direction, 0);
      return list[found]?.name;
    },
  };
}
