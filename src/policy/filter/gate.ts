// Knows: what the compiled ruleset does with a frame in block mode, frame by frame, as src/policy/compile/nft.ts does it in the kernel.
// Must not know: verdicts, words. It reads header facts, and names only where the ruleset matches them in the payload.
// The differential test (test/netns/differential*.test.ts) holds this file against a real bridge.

import type { Facts, ForNobody } from '../../flow/facts.ts';
import { parseAddress, parseMac } from '../../wire/ip/address.ts';
import { allowRules } from './allow.ts';
import { isHeldAnswer, needsAnswer } from './answered.ts';
import { chatterKind } from './chatter.ts';
import { isKeptGroup, isStation } from '../compile/counted.ts';
import type { CountedVerdict, Way } from '../compile/counted.ts';
import { isCutSegment } from './cut-answers.ts';
import { compileDesignated } from '../servers/designated.ts';
import { goesDirect, groupsMatch, isOpenProfile } from './direct.ts';
import { matchesPattern } from '../schema/endpoint.ts';
import { EndpointTable } from '../servers/endpoint-table.ts';
import { compileEssential } from './essential.ts';
import { OPENINGS } from './openings.ts';
import type { Opening } from './openings.ts';
import { byFamily, byWay, predicateOf } from './match.ts';
import type { PlumbingKind } from './rule.ts';
import {
  designatedEndpoints,
  fixedTunnelHosts,
  hostsOf,
  learnedFor,
  learnedTunnelHosts,
  tunnelEndpoints,
} from '../servers/hosts.ts';
import type { JudgedEndpoint } from '../servers/hosts.ts';
import { heldForms, holeLengths, holeNames, hostAsked, nameScan } from '../servers/names.ts';
import type { LearnedState } from '../servers/learned.ts';
import { compileNeighbours, nearHosts } from './neighbours.ts';
import { lettersOf } from '../servers/name-forms.ts';
import { compileNobodys } from './nobodys.ts';
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
 * Why a frame crosses in block mode, or `leak`: it does not. `rule` is an allow rule that names the port, `range` one
 * that does not, `hole` the question for an endpoint's own name, `direct` what the profile lets go past the tunnel.
 */
export type Passage =
  'tunnel' | 'plumbing' | 'designated' | 'hole' | 'rule' | 'range' | 'chatter' | 'pass' | 'direct' | 'leak';

/** Which of the kernel's counters a passage adds to. */
export function countedVerdict(passage: Passage): CountedVerdict {
  if (passage === 'tunnel' || passage === 'plumbing' || passage === 'pass' || passage === 'leak')
    return passage;
  return 'allowed';
}

export interface Gate extends Pick<TunnelIndex, 'endpointOf'> {
  /** The same index when the passage is `tunnel`, else -1: for the path that nearly every frame takes. */
  tunnelAt(facts: Facts, way: Way): number;
  /** `endpoint` is what endpointOf gives for this frame and way, where the caller has asked already. */
  passage(facts: Facts, way: Way, endpoint?: number): Passage;
  /** What the kernel counts it as where the passage is `plumbing`. */
  readonly plumbing: (facts: Facts, way: Way) => PlumbingKind | undefined;
  /** Why plumbing is not what it seems, by what the kernel cannot compare; undefined when it is. */
  pretence(facts: Facts): string | undefined;
  /** A UDP packet that is let through as the question for an endpoint's own name, or as its answer. */
  readonly isOwnQuestion: (facts: Facts, way: Way) => boolean;
  /** What is judged like any other and yet ends at the bridge: it bears an address of the box. */
  endsAtBox(facts: Facts): boolean;
  /** It comes down to an address that no client has here, or asks a client alone for one. */
  isForNobody(facts: Facts): ForNobody;
  /** What is counted as allowed, and handed on by the daemon alone while leaks are dropped (src/policy/filter/answered.ts). */
  holds(facts: Facts, way: Way): boolean;
  /** The name whose answer this address was, where rule D watches it. */
  exposedName(facts: Facts, way: Way): string | undefined;
  /** Why what it says and where it goes are not a resolver's name and address together (src/policy/servers/designated.ts). */
  readonly misnamed: (facts: Facts, way: Way) => string | undefined;
}

/** Of the policy's own servers, whatever is learned. */
const fixedNear = once((endpoints: readonly JudgedEndpoint[]) => nearHosts(fixedTunnelHosts(endpoints)));

export function compileGate(policy: Policy, all: LearnedState): Gate {
  const learned = learnedFor(policy, all);
  const endpoints = tunnelEndpoints(policy);
  const tunnels = learnedTunnelHosts(endpoints, learned);
  const designated = hostsOf(designatedEndpoints(policy), learned);
  const { endpointOf, findUdp } = compileTunnels(endpoints, tunnels);
  const safe = compileDesignated(policy, designated);
  const allow = byWay((way) => compileAllow(policy.allow, way));
  const servers = learned.dhcpServers.map(({ address, mac }) => ({
    word: parseAddress(address)?.words[3],
    mac: parseMac(mac),
  }));
  const exposed = compileExposed(learned.exposed);
  const passes = compilePasses(learned);
  const holes = new Map(holeNames(policy).map((name) => [name, holeLengths(name)]));
  const scan = nameScan(policy);
  const held = heldForms(policy);
  const limits = messageLimits(policy);
  const answered = needsAnswer(policy);
  const open = isOpenProfile(policy);
  const areGroups = byFamily((family) => predicateOf(groupsMatch(policy, family), undefined));
  const isNobodys = compileNobodys(policy, learned);

  const neighbours = compileNeighbours(policy, learned, fixedNear(endpoints), [...tunnels, ...designated]);
  const plumbing = compileEssential(policy, learned, {
    isDhcpServer: (facts) =>
      servers.some(({ word, mac }) => word === facts.destination[3] && mac === facts.destinationMac),
    neighbours,
  });

  /** An opened question for an endpoint's own name, or its answer. */
  function isHole(facts: Facts, way: Way): boolean {
    if (holes.size === 0) return false;
    if (facts.protocol === Protocol.TCP)
      return facts.solicited && isCutSegment(facts, way, (name) => hostAsked(holes, name) !== undefined);
    if (facts.protocol !== Protocol.UDP) return false;
    const [name, ...more] = facts.findings.names.filter(({ record }) => record !== true);
    if (way === 'down') {
      // By the question that it repeats: an answer without a record (no AAAA, an error) is one as well.
      const answer = facts.sourcePort === 53 && (facts.payloadHead & 0x8000) !== 0;
      return answer && name !== undefined && hostAsked(holes, name.name) !== undefined && more.length === 0;
    }
    const lengths = name === undefined ? undefined : holes.get(hostAsked(holes, name.name) ?? '');
    if (facts.destinationPort !== 53 || lengths === undefined || more.length > 0) return false;
    return isDnsQuery(facts) && facts.udpLength >= lengths.least && facts.udpLength <= lengths.most;
  }

  function allowedBy(facts: Facts, way: Way): 'rule' | 'range' | undefined {
    for (const { ipVersion, passage, holds } of allow[way])
      if (ipVersion === facts.ipVersion && holds(facts)) return passage;
    return undefined;
  }

  /** Split: plain questions for names that need no tunnel; everything else on the DNS port is closed. */
  function isOpenDns(facts: Facts, way: Way): boolean {
    if (way === 'down') return facts.sourcePort === 53;
    if (facts.destinationPort !== 53) return false;
    const isSecret = (name: string | undefined): boolean => {
      if (name === undefined) return false;
      const letters = lettersOf(name);
      return held.some((form) => matchesPattern(letters, form));
    };
    // What a segment says by itself, sent again or not: earlier ones may have said more.
    if (facts.protocol === Protocol.TCP)
      return isOpenSegment(facts, limits) && !facts.questions.some(isSecret);
    // A pointer hides a name from the kernel, which looks for it octet by octet; it is told all the same.
    if (facts.findings.names.some(({ name, pointed }) => pointed !== true && isSecret(name))) return false;
    return isDnsQuery(facts) && facts.udpLength <= scan.longest;
  }

  function isDirect(facts: Facts, way: Way): boolean {
    if (exposed.size > 0 && exposed.nameOf(facts, way) !== undefined) return false;
    if (facts.ipVersion !== 0 && goesDirect[facts.ipVersion][way](facts)) return !answered || facts.answered;
    const transport = facts.protocol === Protocol.UDP || facts.protocol === Protocol.TCP;
    return policy.profile === 'split' && transport && isOpenDns(facts, way);
  }

  function tunnelAt(facts: Facts, way: Way): number {
    const index = endpointOf(facts, way);
    // Before the array is asked: index -1 costs V8 five times the whole search.
    if (index < 0) return -1;
    const endpoint = endpoints[index];
    if (endpoint === undefined || !entersBridge(facts) || (way === 'down' && isNobodys(facts))) return -1;
    return !hasBadHeader(facts) && !isTooShort(facts) && hasShape(endpoint, facts, way) ? index : -1;
  }

  const ignoresChatter = policy.localChatter === 'ignore';
  const opens: Readonly<Record<Opening, (facts: Facts, way: Way) => Passage | undefined>> = {
    designated: (facts, way) => (safe.isAt(facts, way) ? 'designated' : undefined),
    hole: (facts, way) => (isHole(facts, way) ? 'hole' : undefined),
    allow: allowedBy,
    chatter: (facts) => (ignoresChatter && chatterKind(facts) !== undefined ? 'chatter' : undefined),
    pass: (facts, way) => (passes.lets(facts, way) ? 'pass' : undefined),
    direct: (facts, way) => (open && isDirect(facts, way) ? 'direct' : undefined),
  };

  function passage(facts: Facts, way: Way, known?: number): Passage {
    if (!entersBridge(facts)) return 'leak';
    const broken = hasBadHeader(facts) || isTooShort(facts);
    if (way === 'down' && !broken && isPlainIp(facts) && isNobodys(facts)) return 'leak';
    const index = broken ? -1 : (known ?? endpointOf(facts, way));
    const endpoint = index < 0 ? undefined : endpoints[index];
    if (endpoint !== undefined) return hasShape(endpoint, facts, way) ? 'tunnel' : 'leak';
    if (plumbing(facts, way) !== undefined) return 'plumbing';
    // Facts of IP behind a tag, SNAP or PPPoE are read, too; the ruleset sends such frames elsewhere.
    if (facts.ipVersion === 0 || !isPlainIp(facts) || broken || isPiece(facts)) return 'leak';
    if (formOf(facts) === 'odd') return open && areGroups[facts.ipVersion](facts) ? 'direct' : 'leak';
    for (const opening of OPENINGS) {
      const found = opens[opening](facts, way);
      if (found !== undefined) return found;
    }
    return 'leak';
  }

  function pretence(facts: Facts): string | undefined {
    if (facts.quotedPort < 0) return undefined;
    const endpoint = endpoints[findUdp(facts.ipVersion, facts.destination, facts.quotedPort)];
    const quotes = endpoint !== undefined && quotesTunnel(facts, endpoint);
    return quotes ? undefined : "quotes no packet of the tunnel's";
  }

  return {
    endpointOf,
    tunnelAt,
    passage,
    plumbing,
    pretence,
    isForNobody: (facts) => {
      if (!isPlainIp(facts)) return '';
      if (isNobodys(facts)) return 'destination';
      const asks =
        facts.icmpType === Icmp6.NEIGHBOUR_SOLICITATION &&
        facts.protocol === Protocol.ICMPV6 &&
        isStation(facts.destinationMac);
      return asks && passage(facts, 'down') === 'leak' ? 'target' : '';
    },
    isOwnQuestion: (facts, way) => facts.protocol === Protocol.UDP && passage(facts, way) === 'hole',
    endsAtBox: (facts) => neighbours.bearsBox(facts),
    holds: (facts, way) => answered && isHeldAnswer(facts, way) && passage(facts, way) === 'direct',
    exposedName: (facts, way) => exposed.nameOf(facts, way),
    misnamed: safe.misnamed,
  };
}

/** Rows that name a port first: the reason that is given is the narrowest. */
function compileAllow(rows: readonly AllowRule[], way: Way) {
  return rows
    .flatMap((row) =>
      allowRules(row, way).map((rule) => ({
        ipVersion: row.to.ipVersion,
        passage: row.port === undefined ? ('range' as const) : ('rule' as const),
        holds: predicateOf(rule, undefined),
      })),
    )
    .sort((a, b) => Number(a.passage === 'range') - Number(b.passage === 'range'));
}

/** The bridge itself holds the rest (net/bridge/br_input.c). A capture of a link without MAC addresses has none at all. */
function entersBridge({ sourceMac, destinationMac }: Facts): boolean {
  return !isKeptGroup(destinationMac) && (isStation(sourceMac) || (sourceMac === 0 && destinationMac === 0));
}

interface Exposed {
  readonly size: number;
  /** The name for which the far end's address is closed to this client. Allocates nothing. */
  nameOf(facts: Facts, way: Way): string | undefined;
}

/** Of whom it is closed for stands where a table has ports: 0 is everybody. */
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
  const find = (facts: Facts, way: Way, whose: number): number =>
    table.find(facts.ipVersion, way === 'up' ? facts.destination : facts.source, 0, whose);
  return {
    size: table.size,
    nameOf: (facts, way) => {
      if (table.size === 0 || facts.ipVersion === 0) return undefined;
      const own = clients.get(way === 'up' ? facts.sourceMac : facts.destinationMac);
      const mine = own === undefined ? -1 : find(facts, way, own);
      const found = mine >= 0 ? mine : find(facts, way, 0);
      return list[found]?.name;
    },
  };
}
