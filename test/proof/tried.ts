// Which policies and states the proof tries: those that tests ship, and as many more as are wanted, made from a seed.

import type { LearnedState } from '../../src/policy/servers/learned.ts';
import { NOTHING_LEARNED } from '../../src/policy/servers/learned.ts';
import type { Policy } from '../../src/policy/policy.ts';
import {
  ANSWERED,
  ANSWERED_LEARNED,
  ANYWHERE,
  BARE,
  CHANGED,
  SERVER_GROUP,
  SERVER_GROUP_LEARNED,
  FULL,
  IKE_STREAMS,
  LEARNED,
  NAMES,
  NEBULA,
  PASSING,
  RANGES,
  RANGES_LEARNED,
  SPLIT,
  STUB,
  STUB_SHUT,
  TAILSCALE,
  TRANSLATED,
  ZEROTIER,
} from '../policy/policies.ts';
import { parsePolicy } from '../../src/policy/schema/schema.ts';
import type { BoxState } from './spec.ts';

export interface Tried {
  readonly name: string;
  readonly policy: Policy;
  readonly states: readonly (readonly [string, BoxState])[];
}

const BOX = { boxMacs: ['02:00:00:00:00:bb'], canary: ['02:00:00:00:00:cc'] } as const;
const state = (mode: 'block' | 'watch', learned: LearnedState): BoxState => ({ mode, learned, ...BOX });

/** What a pass opens, beside what else was learned. */
function passing(learned: LearnedState): LearnedState {
  const { passes, links, portals } = PASSING;
  return { ...learned, passes, links, portals };
}

function tried(name: string, policy: Policy, learned: LearnedState, pass = passing(learned)): Tried {
  return {
    name,
    policy,
    states: [
      ['block, nothing learned', state('block', NOTHING_LEARNED)],
      ['block', state('block', learned)],
      ['block, a pass open', state('block', pass)],
      ['watch', state('watch', learned)],
    ],
  };
}

/** Prefixes of NAT64 of every length that RFC 6052 has. */
const PREFIXES: LearnedState['prefixes'] = [
  ...TRANSLATED.prefixes,
  ...['2001:db9::/32', '2001:db8:6600::/40', '2001:db8:67::/48', '2001:db8:68:aa00::/56'].map((network) => ({
    network,
    seconds: 3000,
  })),
];

/** Policies that the tests of src/policy have. */
export const SHIPPED: readonly Tried[] = [
  tried('bare', BARE, LEARNED),
  tried('full tunnel', FULL, LEARNED),
  tried('proxy-stub', STUB, LEARNED),
  tried('proxy-stub, nothing direct', STUB_SHUT, LEARNED),
  tried('IKE over TCP', IKE_STREAMS, LEARNED),
  tried('ranges and networks', RANGES, RANGES_LEARNED),
  tried('split', SPLIT, LEARNED),
  tried('split, answered addresses', ANSWERED, ANSWERED_LEARNED),
  tried('split, long names', NAMES, LEARNED),
  tried("full tunnel, the network's own NAT64", FULL, { ...LEARNED, prefixes: PREFIXES }),
  tried("ranges and networks, the network's own NAT64", RANGES, { ...RANGES_LEARNED, prefixes: PREFIXES }),
  tried('changed WireGuard', CHANGED, LEARNED),
  tried('peers anywhere', ANYWHERE, LEARNED),
  tried('Tailscale', TAILSCALE, LEARNED),
  tried('Nebula', NEBULA, LEARNED),
  tried('ZeroTier', ZEROTIER, LEARNED),
  tried('groups', SERVER_GROUP, SERVER_GROUP_LEARNED),
];

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function numbers(seed: number): () => number {
  let at = seed >>> 0;
  return () => {
    at = (at + 0x6d2b79f5) >>> 0;
    let x = Math.imul(at ^ (at >>> 15), at | 1);
    x = (x + Math.imul(x ^ (x >>> 7), x | 61)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

/** One policy and what was learned, of its seed alone; of a text that is no valid policy the next. */
export function random(seed: number): Tried {
  const draw = drawsOf(seed);
  for (;;) {
    const names = draw.some(4, () => draw.one(NAMES_OF_SERVERS));
    const parsed = parsePolicy(randomText(draw, names));
    if (!parsed.ok) continue;
    const learned = randomLearned(draw, parsed.policy);
    return tried(`random ${seed}`, parsed.policy, learned, randomPass(draw, learned));
  }
}

const NAMES_OF_SERVERS = ['vpn.example.com', 'a.example', 'gw-7.provider.example', '*.any.example'];
const CLIENTS = ['02:00:00:00:00:0c', '02:00:00:00:00:0d', '02:00:00:00:01:0e'];
const seconds = 3000;

type Draws = ReturnType<typeof drawsOf>;

function drawsOf(seed: number) {
  const next = numbers(seed);
  const below = (count: number): number => Math.floor(next() * count);
  const one = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const some = <T>(most: number, make: () => T): T[] => Array.from({ length: below(most + 1) }, make);
  const chance = (of: number): boolean => next() < of;
  const four = (): string =>
    `${one(['198.51.100', '203.0.113', '192.0.2', '192.168.1', '10.1.2'])}.${1 + below(250)}`;
  const six = (): string =>
    `2001:db8:${(1 + below(0xffff)).toString(16)}::${(1 + below(0xffff)).toString(16)}`;
  const port = (): number => one([443, 1194, 4500, 500, 51820, 53, 1 + below(65535)]);
  return { below, one, some, chance, four, six, port };
}

/** Of a server: an address, a name, or a network; one port, a range, or any. */
function randomEndpoint(draw: Draws, protocol: string, names: readonly string[], used: string[]): string {
  const { one, chance, below, four, six, port } = draw;
  const isIke = protocol === 'ipsec';
  const transport = one(
    protocol === 'wireguard'
      ? ['udp']
      : protocol === 'tor'
        ? ['tcp']
        : isIke
          ? ['udp', 'udp', 'tcp']
          : ['udp', 'tcp'],
  );
  const network = (): string =>
    chance(0.5)
      ? `198.51.${below(200)}.0/${20 + below(10)}`
      : `[2001:db8:${below(0xffff).toString(16)}::/${32 + below(80)}]`;
  // Now and then a server that another line names, too.
  const host =
    used.length > 0 && chance(0.15)
      ? one(used)
      : names.length > 0 && chance(0.3)
        ? one(names)
        : !isIke && chance(0.15)
          ? network()
          : chance(0.4)
            ? `[${six()}]`
            : four();
  used.push(host);
  if (isIke && transport === 'udp') return `udp:${host}:${one([500, 4500])}`;
  const first = port();
  const ports = chance(0.05)
    ? '*'
    : chance(0.15)
      ? `${first}-${Math.min(65535, first + 1 + below(2000))}`
      : first;
  return `${transport}:${host}:${ports}`;
}

const MESHES = ['tailscale', 'nebula', 'zerotier, zerotier: "a1b2c3d4e5"', 'wireguard'];
/** How a configuration changes WireGuard's packets; each setting is a shape of its own, so these are few. */
const CHANGES = [
  'reserved: any',
  'reserved: [185, 25, 129]',
  'amnezia: {h1: 5, h2: 6, h3: 7, h4: 1000}',
  'amnezia: {jc: 6, jmin: 10, jmax: 50, s1: 65, s2: 99}',
];

function randomTunnel(draw: Draws, at: number, names: readonly string[], used: string[]): string {
  const { one, chance, some } = draw;
  if (chance(0.03))
    return `{name: t${at}, anywhere: true, endpoints: ['udp:0.0.0.0/0:*', 'udp:[::/0]:*'], protocol: ${one(MESHES)}}`;
  const protocol = one(['wireguard', 'wireguard', 'openvpn', 'ipsec', 'tor', 'opaque']);
  const endpoints = [0, ...some(3, () => 0)].map(() => `'${randomEndpoint(draw, protocol, names, used)}'`);
  const change = protocol === 'wireguard' && chance(0.05) ? `, ${one(CHANGES)}` : '';
  return `{name: t${at}, protocol: ${protocol}, endpoints: [${[...new Set(endpoints)].join(', ')}]${change}}`;
}

function randomRow({ one, chance, four, six, below, port }: Draws): string {
  const network = chance(0.5)
    ? chance(0.5)
      ? four()
      : one(['10.9.0.0/16', '192.0.2.0/24', '172.16.4.0/22'])
    : chance(0.5)
      ? `'${six()}'`
      : `'2001:db8:${below(0xffff).toString(16)}::/48'`;
  const transport = one(['', ', transport: udp', ', transport: tcp', ', transport: icmp']);
  const number = /udp|tcp/.test(transport) && chance(0.6) ? `, port: ${port()}` : '';
  return `{to: ${network}${transport}${number}${chance(0.3) ? `, client: '${one(CLIENTS)}'` : ''}, why: some}`;
}

function randomText(draw: Draws, names: readonly string[]): string {
  const { one, some, chance, four, six, port } = draw;
  const profile = one(['full-tunnel', 'full-tunnel', 'proxy-stub', 'split']);
  const isStub = profile === 'proxy-stub';
  const used: string[] = [];
  const tunnels = [0, ...some(2, () => 0)].map((_, at) => randomTunnel(draw, at, names, used));
  const allow = some(3, () => randomRow(draw));
  const resolvers = isStub
    ? some(2, () => `'${one(['dot', 'doq'])}:${chance(0.7) ? four() : `[${six()}]`}:853'`)
    : [];
  const proxies = isStub ? some(2, () => `'tcp:${chance(0.7) ? four() : `[${six()}]`}:${port()}'`) : [];
  const direct = isStub ? one(['any', 'none']) : one(['any', 'answered']);
  const list = (key: string, items: readonly string[]): string[] =>
    items.length === 0 ? [] : [`${key}: [${items.join(', ')}]`];
  return [
    'version: 1',
    `profile: ${profile}`,
    ...(profile === 'full-tunnel' ? [] : [`direct: ${direct}`]),
    `localChatter: ${one(['red', 'amber', 'ignore'])}`,
    `management: {address: ${one(['dhcp', 'none', '192.168.1.9/24'])}${chance(0.2) ? ', ssh: true' : ''}}`,
    ...list('tunnels', tunnels),
    ...list('allow', allow),
    ...list('resolvers', resolvers),
    ...list('proxies', proxies),
    ...(profile === 'split'
      ? list('mustTunnel', [
          `'bank.example'`,
          ...some(1, () => `'*.clinic.example'`),
          ...some(1, () => `'bücher.example'`),
        ])
      : []),
    '',
  ].join('\n');
}

function randomLearned(draw: Draws, policy: Policy): LearnedState {
  const { one, some, chance, four, six, below } = draw;
  const names = policy.tunnels.flatMap(({ endpoints }) =>
    endpoints.filter(({ hostIs }) => hostIs === 'name').map(({ host }) => host),
  );
  const byAddress = <T extends { readonly address: string }>(list: readonly T[]): T[] =>
    list.filter(({ address }, at) => list.findIndex((other) => other.address === address) === at);
  const isSplit = policy.profile === 'split';
  const exposed = (): LearnedState['exposed'][number] => ({
    ...{ address: chance(0.7) ? four() : six(), name: 'bank.example', seconds },
    ...(chance(0.5) ? { client: one(CLIENTS) } : {}),
  });
  return {
    ...NOTHING_LEARNED,
    addresses: [...new Set(names)].flatMap((name) =>
      some(2, () => ({
        name,
        address: chance(0.7)
          ? `198.19.0.${1 + below(250)}`
          : `2001:db8:ffff::${(1 + below(0xffff)).toString(16)}`,
        seconds,
      })),
    ),
    dhcpServers: some(1, () => ({ address: '192.168.1.1', mac: '02:00:00:00:00:01', seconds })),
    prefixes: chance(0.15)
      ? some(2, () => one(PREFIXES)).filter((item, at, all) => all.indexOf(item) === at)
      : [],
    resolvers: byAddress(some(2, () => ({ address: one(['192.168.1.1', '9.9.9.9', 'fe80::1']), seconds }))),
    neighbours: byAddress(
      some(2, () => ({ address: one(['192.168.1.1', 'fe80::1', '192.168.1.2']), seconds })),
    ),
    own: byAddress(some(2, () => ({ mac: one(CLIENTS), address: `192.168.1.${20 + below(200)}`, seconds }))),
    settled: some(1, () => ({ mac: one(CLIENTS), seconds })),
    own6: byAddress(
      some(2, () => ({
        address: chance(0.5) ? `fe80::${(1 + below(0xffff)).toString(16)}` : six(),
        seconds,
      })),
    ),
    settled6: some(1, () => ({ mac: one(CLIENTS), seconds })),
    unsettled6: chance(0.5),
    links: [...new Set(some(2, () => one(['2001:db8:1::/64', '2001:db8:2::/64', '192.168.1.0/24'])))].map(
      (network) => ({ network, seconds }),
    ),
    exposed: isSplit || chance(0.3) ? byAddress(some(2, exposed)) : [],
    answered:
      policy.direct === 'answered'
        ? byAddress(some(3, () => ({ client: one(CLIENTS), address: chance(0.7) ? four() : six(), seconds })))
        : [],
    box: some(1, () => `192.168.1.${2 + below(9)}`),
  };
}

function randomPass({ one, some, chance, four, six }: Draws, learned: LearnedState): LearnedState {
  return {
    ...learned,
    passes: [{ seconds: 600, ...(chance(0.6) ? { client: one(CLIENTS) } : {}) }],
    portals: some(2, () => ({ address: chance(0.7) ? four() : six(), port: one([0, 443, 9443]), seconds })),
  };
}
