// How ranges of ports and networks of servers become sets and chains of the ruleset. An address with ranges leads by a map to a chain that
// compares ports; addresses with the same ranges share one chain, also twenty thousand servers of one service. Networks lead there by an
// interval set, whose elements must not overlap: where one network contains another, the inner one's chain has the ports of both, its own
// first. src/policy/servers/endpoint-index.ts does the same for the judge.

import { addressText, parseAddress } from '../../wire/ip/address.ts';
import { isAnywhere } from '../servers/anywhere.ts';
import { isRange, lastPort } from '../schema/endpoint.ts';
import { apartFromServerGroups, serverGroupChains } from './server-groups.ts';
import type { JudgedEndpoint } from '../servers/hosts.ts';
import type { NftChain, NftElement } from './nft-model.ts';
import { once } from './per-policy.ts';
import type { Endpoint, Policy } from '../policy.ts';
import type { Shape } from '../shapes/protocols.ts';

/** Name of the chain that checks and counts one tunnel's packets of one shape; `tunnel` is the index in the policy. */
export function tunnelChain(tunnel: number, shape: Shape | 'esp'): string {
  return `t${tunnel}_${shape}`;
}

/** The same where peers may be at any address: it returns for packets that are not the tunnel's. */
export function anywhereChain(tunnel: number, shape: Shape): string {
  return `${tunnelChain(tunnel, shape)}_any`;
}

interface Ranges {
  /** Chain name by `hostKey`. */
  readonly hosts: ReadonlyMap<string, string>;
  readonly elements: readonly NftElement[];
  readonly chains: readonly NftChain[];
  readonly networks: ReadonlySet<4 | 6>;
  readonly ipv4: Ipv4Pieces;
}

/** Networks of IPv4 servers as ranges of numbers, in nft's text. */
interface Ipv4Pieces {
  readonly ports: readonly { readonly text: string; readonly chain: string }[];
  /** Those with servers over UDP. */
  readonly udp: readonly string[];
}

const rangesOf = once(compileRanges);

const isNetwork = ({ length }: Endpoint): boolean => length !== undefined;

function compileRanges(policy: Policy): Ranges {
  const chains = new Map<string, NftChain>();
  const chainOf = (endpoints: readonly JudgedEndpoint[]): string => {
    const rules = endpoints.flatMap((endpoint) => portRules(policy, endpoint));
    const key = rules.join('\n');
    const chain = chains.get(key) ?? { name: `ports_${chains.size}`, rules };
    chains.set(key, chain);
    return chain.name;
  };
  const byHost = new Map<string, JudgedEndpoint[]>();
  const byNetwork = new Map<string, JudgedEndpoint[]>();
  for (const judged of apartFromServerGroups(policy)) {
    const { endpoint } = judged;
    if (!isRange(endpoint)) continue;
    const groups = isNetwork(endpoint) ? byNetwork : byHost;
    const key = isNetwork(endpoint) ? `${endpoint.host}/${String(endpoint.length)}` : hostKey(endpoint);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [judged]);
    else group.push(judged);
  }
  const hosts = new Map([...byHost].map(([key, group]) => [key, chainOf(group)]));
  const elements: NftElement[] = [];
  const networks = new Set<4 | 6>();
  const ipv4: { ports: { text: string; chain: string }[]; udp: string[] } = { ports: [], udp: [] };
  for (const family of [4, 6] as const) {
    const nested = [...byNetwork.values()].flatMap((group) => [
      ...networkOfGroup(group, family),
      ...(family === 6 ? networkOfGroup(group, 4).map(translatedNetwork) : []),
    ]);
    if (nested.length === 0) continue;
    networks.add(family);
    for (const { first, last, within } of disjoint(nested)) {
      const chain = chainOf(within.flatMap(({ group }) => group));
      elements.push({ set: `net${family}`, key: rangeText(first, last, family), verdict: `jump ${chain}` });
      if (family === 4) ipv4.ports.push({ text: numbersText(first, last), chain });
    }
    // A later fragment shows no form, so it never belongs to peers at any address.
    const udp = nested.filter(({ group }) =>
      group.some(({ endpoint }) => endpoint.transport === 'udp' && !isAnywhere(endpoint)),
    );
    for (const { first, last } of outermost(udp)) {
      elements.push({ set: `nets${family}`, key: rangeText(first, last, family) });
      if (family === 4) ipv4.udp.push(numbersText(first, last));
    }
  }
  return { hosts, elements, chains: [...chains.values()], networks, ipv4 };
}

function hostKey({ transport, host }: Endpoint): string {
  return `${transport} ${host}`;
}

/**
 * Name of the chain that compares the ports of an endpoint's host, by its transport and host as the policy writes it; `''` if no endpoint
 * there has a range of ports.
 */
export function hostChain(policy: Policy, endpoint: Endpoint): string {
  return rangesOf(policy).hosts.get(hostKey(endpoint)) ?? '';
}

/**
 * Elements of `net4`, `net6`, `nets4` and `nets6`: the policy's networks of servers as intervals that do not overlap, and the same IPv4
 * networks behind the well-known NAT64 prefix (RFC 6052 section 2.1). Without timeouts.
 */
export function networkElements(policy: Policy): readonly NftElement[] {
  return rangesOf(policy).elements;
}

/**
 * Networks of IPv4 servers as ranges of decimal numbers (`3221225984-3221226239`), for addresses embedded in IPv6 ones
 * (src/policy/compile/nft-prefixes.ts).
 */
export function ipv4Pieces(policy: Policy): Ipv4Pieces {
  return rangesOf(policy).ipv4;
}

/** The chains that compare ports, those of server groups included. They return for packets to other ports. */
export function rangeChains(policy: Policy): readonly NftChain[] {
  return [
    ...serverGroupChains(policy, (endpoint) => portRules(policy, endpoint)),
    ...rangesOf(policy).chains,
  ];
}

/** Whether packets of this family can meet a network of servers; for IPv6 also because of an IPv4 network behind NAT64. */
export function hasNetworks(policy: Policy, family: 4 | 6): boolean {
  return rangesOf(policy).networks.has(family);
}

/**
 * Rules after the lookup of single addresses and ports. `far` and `protocol` are nft's expressions for the far side's address and the
 * packet's protocol. Empty where the policy has no ranges.
 */
export function nftRangeLookups(policy: Policy, family: 4 | 6, far: string, protocol: string): string[] {
  return [
    ...(rangesOf(policy).hosts.size > 0 ? [`${far} . ${protocol} vmap @host${family}`] : []),
    ...(hasNetworks(policy, family) ? [`${far} vmap @net${family}`] : []),
  ];
}

/**
 * Matches, without verdict, for later UDP fragments to or from a network of servers; `far` is nft's expression for the far side's address.
 */
export function nftRangePieces(policy: Policy, family: 4 | 6, far: string): string[] {
  return hasNetworks(policy, family) ? [`meta l4proto udp ${far} @nets${family}`] : [];
}

function portRules(policy: Policy, { tunnel, shape, endpoint }: JudgedEndpoint): string[] {
  const { lan } = policy.bridge;
  const last = lastPort(endpoint);
  const ports = last === endpoint.port ? String(last) : `${endpoint.port}-${last}`;
  // With peers at any address the form alone decides: for other packets the rules that follow apply.
  const to = isAnywhere(endpoint)
    ? `jump ${anywhereChain(tunnel, shape)}`
    : `goto ${tunnelChain(tunnel, shape)}`;
  return [
    `iifname "${lan}" ${endpoint.transport} dport ${ports} ${to}`,
    `iifname != "${lan}" ${endpoint.transport} sport ${ports} ${to}`,
  ];
}

interface Interval {
  readonly first: bigint;
  readonly last: bigint;
}

interface Network extends Interval {
  readonly group: readonly JudgedEndpoint[];
}

function networkOfGroup(group: readonly JudgedEndpoint[], family: 4 | 6): Network[] {
  const endpoint = group[0]?.endpoint;
  const address = parseAddress(endpoint?.host ?? '');
  if (endpoint?.length === undefined || address?.ipVersion !== family) return [];
  const first = numberOf(address.words, family);
  const last = first + (1n << BigInt((family === 4 ? 32 : 128) - endpoint.length)) - 1n;
  return [{ first, last, group }];
}

const NAT64_FIRST = 0x0064ff9bn << 96n;

/** The network behind the well-known NAT64 prefix, as src/policy/servers/hosts.ts does for single addresses. */
function translatedNetwork({ first, last, group }: Network): Network {
  return { first: NAT64_FIRST | first, last: NAT64_FIRST | last, group };
}

function numberOf(words: Uint32Array, family: 4 | 6): bigint {
  if (family === 4) return BigInt(words[3] ?? 0);
  return words.reduce((number, word) => (number << 32n) | BigInt(word), 0n);
}

/** By address; wider networks before those that they contain. */
function sorted(networks: readonly Network[]): Network[] {
  return [...networks].sort((a, b) =>
    a.first !== b.first ? (a.first < b.first ? -1 : 1) : a.last > b.last ? -1 : a.last < b.last ? 1 : 0,
  );
}

/** Of networks that contain one another or are apart: intervals that do not overlap, each with the networks around it, narrowest first. */
function disjoint(networks: readonly Network[]): (Interval & { readonly within: readonly Network[] })[] {
  const pieces: (Interval & { readonly within: readonly Network[] })[] = [];
  const open: Network[] = [];
  let at = 0n;
  const upTo = (end: bigint): void => {
    if (open.length > 0 && at <= end) pieces.push({ first: at, last: end, within: [...open].reverse() });
    at = end + 1n;
  };
  const closeBefore = (start: bigint): void => {
    for (let inner = open.at(-1); inner !== undefined && inner.last < start; inner = open.at(-1)) {
      upTo(inner.last);
      open.pop();
    }
  };
  for (const network of sorted(networks)) {
    closeBefore(network.first);
    if (open.length > 0) upTo(network.first - 1n);
    at = network.first;
    open.push(network);
  }
  closeBefore(1n << 129n);
  return pieces;
}

function outermost(networks: readonly Network[]): Interval[] {
  const found: Interval[] = [];
  for (const network of sorted(networks)) {
    const before = found.at(-1);
    if (before === undefined || network.first > before.last) found.push(network);
  }
  return found;
}

/** As nft lists it: an address, a network, or a range. */
function rangeText(first: bigint, last: bigint, family: 4 | 6): string {
  const size = last - first + 1n;
  if (size === 1n) return textOf(first, family);
  const isNet = (size & (size - 1n)) === 0n && first % size === 0n;
  if (!isNet) return `${textOf(first, family)}-${textOf(last, family)}`;
  const bits = size.toString(2).length - 1;
  return `${textOf(first, family)}/${(family === 4 ? 32 : 128) - bits}`;
}

function numbersText(first: bigint, last: bigint): string {
  return `${String(first)}-${String(last)}`;
}

function textOf(number: bigint, family: 4 | 6): string {
  const words = new Uint32Array(4);
  for (let at = 3, rest = number; at >= 0; at -= 1, rest >>= 32n) words[at] = Number(rest & 0xffffffffn);
  return addressText(family, words);
}
