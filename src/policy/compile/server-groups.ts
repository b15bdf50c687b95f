// Puts thousands of servers with the same ports into one set of the ruleset, with rules that look there. The cost of a packet and of a
// transaction depends on the number of elements: a server with ports of its own has five (itself, its fragments, its place on the link, its
// NAT64 addresses), one in a server group has one. The set holds the address as a number, so that the same element is found in IP, in ARP,
// in a neighbour solicitation, and behind a NAT64 prefix.

import { parseAddress } from '../../wire/ip/address.ts';
import { isRange, lastPort } from '../schema/endpoint.ts';
import { NAT64_NETWORK, tunnelEndpoints } from '../servers/hosts.ts';
import type { JudgedEndpoint } from '../servers/hosts.ts';
import type { NftChain, NftElement, NftSet } from './nft-model.ts';
import { once } from './per-policy.ts';
import type { Policy, Transport } from '../policy.ts';

/** Fewer servers make no group: each group costs every packet one more lookup. */
const MIN_SERVERS = 256;
/** The largest groups of a policy, up to this number. */
const MAX_GROUPS = 4;

interface ServerGroup {
  readonly name: string;
  readonly hosts: readonly string[];
  /** The endpoints of its first server; those of the others differ in the address alone. */
  readonly endpoints: readonly JudgedEndpoint[];
  readonly families: ReadonlySet<4 | 6>;
}

interface ServerGroups {
  readonly list: readonly ServerGroup[];
  readonly byHost: ReadonlyMap<string, ServerGroup>;
}

/** The server groups of a policy: at most four, the largest first; `byHost` finds them by address as the policy writes it. Cached. */
export const serverGroupsOf = once(findServerGroups);

/** Endpoints whose servers are in no server group, in the order of the policy; cached. */
export const apartFromServerGroups = once((policy: Policy): readonly JudgedEndpoint[] =>
  tunnelEndpoints(policy).filter(({ endpoint }) => !isInServerGroup(policy, endpoint.host)),
);

function findServerGroups(policy: Policy): ServerGroups {
  const byHost = new Map<string, { endpoints: JudgedEndpoint[]; key: string }>();
  const all = tunnelEndpoints(policy);
  if (all.length < MIN_SERVERS) return { list: [], byHost: new Map() };
  const apart = new Set<string>();
  for (const judged of all) {
    const { endpoint, tunnel, protocol } = judged;
    if (endpoint.hostIs === 'name' || endpoint.length !== undefined) continue;
    // ESP has no ports: IPsec servers stay in the sets where ESP is looked up.
    if (protocol === 'ipsec') apart.add(endpoint.host);
    const key = `${tunnel} ${endpoint.transport} ${endpoint.port}-${lastPort(endpoint)}`;
    const host = byHost.get(endpoint.host);
    if (host === undefined) byHost.set(endpoint.host, { endpoints: [judged], key });
    else {
      host.endpoints.push(judged);
      host.key += `, ${key}`;
    }
  }
  const groups = new Map<string, string[]>();
  for (const [host, { key }] of byHost) {
    if (apart.has(host)) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [host]);
    else group.push(host);
  }
  const largest = [...groups.values()]
    .filter((hosts) => hosts.length >= MIN_SERVERS)
    .sort((a, b) => b.length - a.length)
    .slice(0, MAX_GROUPS);
  const list = largest.map((hosts, number): ServerGroup => {
    const families = new Set(hosts.map((host) => (host.includes(':') ? 6 : 4)));
    const endpoints = byHost.get(hosts[0] ?? '')?.endpoints ?? [];
    return { name: `many_${number}`, hosts, endpoints, families };
  });
  const members = largest.flatMap((hosts, number) => hosts.map((host) => [host, list[number]] as const));
  return {
    list,
    byHost: new Map(members.flatMap(([host, serverGroup]) => (serverGroup ? [[host, serverGroup]] : []))),
  };
}

function elementOf(number: number, host: string): NftElement {
  const { ipVersion, words } = parseAddress(host) ?? { ipVersion: 4, words: new Uint32Array(4) };
  if (ipVersion === 4) return { set: `many4_${number}`, key: String(words[3] ?? 0) };
  const digits = [...words].map((word) => word.toString(16).padStart(8, '0')).join('');
  return { set: `many6_${number}`, key: `0x${digits}` };
}

/** Offset of an address in bits from the network header (RFC 791, RFC 826, RFC 8200), and the protocol of that header. */
const PLACES = {
  'ip saddr': { protocol: 'ip', at: 96 },
  'ip daddr': { protocol: 'ip', at: 128 },
  'arp saddr ip': { protocol: 'arp', at: 112 },
  'arp daddr ip': { protocol: 'arp', at: 192 },
  'ip6 saddr': { protocol: 'ip6', at: 64 },
  'ip6 daddr': { protocol: 'ip6', at: 192 },
} as const;
/** The header fields in which a server's address is looked up, by nft's names. */
export type Place = keyof typeof PLACES;

const BITS = { 4: 32, 6: 128 };

/** `many4_0` to `many6_3`, whose keys are addresses as numbers; only another policy changes them. */
export const SERVER_GROUP_SETS: readonly NftSet[] = Array.from({ length: MAX_GROUPS }, (_, number) =>
  ([4, 6] as const).map((family): NftSet => ({
    name: `many${family}_${number}`,
    keyword: 'set',
    timeouts: false,
    of: `@nh,${family === 4 ? PLACES['ip daddr'].at : PLACES['ip6 daddr'].at},${BITS[family]}`,
  })),
).flat();

const RAW = new Map(
  Object.entries(PLACES).map(([place, { protocol, at }]) => [
    `${protocol} ${at},${BITS[place.startsWith('ip6') ? 6 : 4]}`,
    place,
  ]),
);

/** The rule with raw matches of addresses replaced by field names, as nft lists them. */
export function namedPlaces(rule: string): string {
  return rule.replaceAll(
    /meta protocol (ip6?|arp) @nh,(\d+,\d+) (?=@many[46]_)/g,
    (raw, protocol: string, at: string) => {
      const place = RAW.get(`${protocol} ${at}`);
      return place === undefined ? raw : `${place} `;
    },
  );
}

/** Whether an address is in a server group, and thus in no other set. */
function isInServerGroup(policy: Policy, host: string): boolean {
  return serverGroupsOf(policy).byHost.has(host);
}

/**
 * Whether an address, as the policy writes it, is in a server group with a range of ports over this transport: ranges of other endpoints do
 * not apply there.
 */
export function hasServerGroupRange(policy: Policy, host: string, transport: Transport): boolean {
  const serverGroup = serverGroupsOf(policy).byHost.get(host);
  return (
    serverGroup?.endpoints.some(({ endpoint }) => endpoint.transport === transport && isRange(endpoint)) ===
    true
  );
}

/** Elements of all server groups, without timeouts: IPv4 addresses as decimal numbers, IPv6 ones as 32 hexadecimal digits; cached. */
export const serverGroupElements = once((policy: Policy): readonly NftElement[] =>
  serverGroupsOf(policy).list.flatMap(({ hosts }, number) => hosts.map((host) => elementOf(number, host))),
);

/**
 * Two chains per group, for single ports (`many_0_ports`) and for ranges (`many_0_ranges`): endpoints narrower than a range are looked up
 * between the two. `rulesOf` makes the rules of one endpoint.
 */
export function serverGroupChains(
  policy: Policy,
  rulesOf: (endpoint: JudgedEndpoint) => string[],
): readonly NftChain[] {
  return serverGroupsOf(policy).list.flatMap(({ name, endpoints }) =>
    PARTS.map((part) => ({
      name: `${name}_${part}`,
      rules: endpoints.filter(({ endpoint }) => isRange(endpoint) === (part === 'ranges')).flatMap(rulesOf),
    })),
  );
}

const PARTS = ['ports', 'ranges'] as const;

/**
 * Rules that jump to the chains of one part, for packets whose far address is in the field `far`, also behind the well-known NAT64 prefix.
 */
export function nftServerGroups(policy: Policy, far: Place, part: (typeof PARTS)[number]): string[] {
  return serverGroupsOf(policy).list.flatMap((serverGroup) => {
    const isWanted = serverGroup.endpoints.some(({ endpoint }) => isRange(endpoint) === (part === 'ranges'));
    return isWanted
      ? inServerGroup(serverGroup, far).map((found) => `${found} jump ${serverGroup.name}_${part}`)
      : [];
  });
}

/** Matches, without verdict, for later UDP fragments to or from a server group; `far` is the field of the far address. */
export function nftServerGroupPieces(policy: Policy, far: Place): string[] {
  return serverGroupsOf(policy)
    .list.filter(({ endpoints }) => endpoints.some(({ endpoint }) => endpoint.transport === 'udp'))
    .flatMap((serverGroup) => inServerGroup(serverGroup, far).map((found) => `meta l4proto udp ${found}`));
}

/** Matches for a far address in the group, also behind the well-known NAT64 prefix (RFC 6052 section 2.1). */
function inServerGroup({ name, families }: ServerGroup, far: Place): string[] {
  const number = name.replace('many_', '');
  if (!far.startsWith('ip6')) return families.has(4) ? [`${rawPlace(far)} @many4_${number}`] : [];
  const embedded = PLACES[far].at + BITS[6] - BITS[4];
  return [
    ...(families.has(6) ? [`${rawPlace(far)} @many6_${number}`] : []),
    ...(families.has(4) ? [`${far} ${NAT64_NETWORK} @nh,${embedded},${BITS[4]} @many4_${number}`] : []),
  ];
}

function rawPlace(place: Place): string {
  const { protocol, at } = PLACES[place];
  return `meta protocol ${protocol} @nh,${at},${BITS[place.startsWith('ip6') ? 6 : 4]}`;
}

/** Matches, each for a rule of its own, for an address that may be looked up on the link: `@near4` or `@near6`, and the server groups. */
export function nftNear(policy: Policy, place: Place): string[] {
  const family = place.startsWith('ip6') ? 6 : 4;
  const serverGroups = serverGroupsOf(policy).list.filter(({ families }) => families.has(family));
  return [
    `${place} @near${family}`,
    ...serverGroups.map(({ name }) => `${rawPlace(place)} @${name.replace('many', `many${family}`)}`),
  ];
}

/** As `nftNear`, for the target of a neighbour solicitation (RFC 4861 section 4.3). */
export function nftNearTarget(policy: Policy): string[] {
  const serverGroups = serverGroupsOf(policy).list.filter(({ families }) => families.has(6));
  return ['@target6', ...serverGroups.map(({ name }) => `@${name.replace('many', 'many6')}`)].map(
    (set) => `@th,64,128 ${set}`,
  );
}
