// Knows: which policies and states the proof tries: those that tests ship, and as many more as are wanted, made from a seed.
// Must not know: what is proven of them.

import type { LearnedState } from '../../src/policy/servers/learned.ts';
import { NOTHING_LEARNED } from '../../src/policy/servers/learned.ts';
import type { Policy } from '../../src/policy/policy.ts';
import {
  ANSWERED,
  ANSWERED_LEARNED,
  ANYWHERE,
  BARE,
  CHANGED,
  CROWD,
  CROWD_LEARNED,
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
  policyOf,
} from '../policy/policies.ts';
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
  tried('crowds', CROWD, CROWD_LEARNED),
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

/** One policy and what was learned, of its seed alone. */
export function random(seed: number): Tried {
  const next = numbers(seed);
  const below = (count: number): number => Math.floor(next() * count);
  const one = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const some = <T>(most: number, make: () => T): T[] => Array.from({ length: below(most + 1) }, make);
  const chance = (of: number): boolean => next() < of;
  const four = (): string =>
    `${one(['198.51.100', '203.0.113', '192.0.2', '192.168.1', '10.1.2'])}.${1 + below(250)}`;
  const six = (): string =>
    `2001:db8:${(1 + below(0xffff)).toString(16)}::${(1 + below(0xffff)).toString(16)}`;
  const mac = (): string =>
    `02:00:00:00:${below(256).toString(16).padStart(2, '0')}:${below(256).toString(16).padStart(2, '0')}`;
  const seconds = 3000;
  const names = ['vpn.example.com', 'a.example', 'gw-7.provider.example'];
  const port = (): number => one([443, 1194, 4500, 500, 51820, 53, 1 + below(65535)]);
  const used = new Set<string>();
  const endpoint = (transports: readonly string[]): string[] => {
    const host = chance(0.2) ? one(names) : chance(0.4) ? `[${six()}]` : four();
    const transport = one(transports);
    const first = port();
    const range =
      chance(0.15) && !transport.includes('!')
        ? `${first}-${Math.min(65535, first + 1 + below(2000))}`
        : String(first);
    const text = `${transport.replace('!', '')}:${host}:${range}`;
    // One address, one use: which of two uses holds where they meet is tested elsewhere.
    if (used.has(host)) return [];
    used.add(host);
    return [text];
  };
  const protocols: readonly (readonly [string, readonly string[]])[] = [
    ['wireguard', ['udp']],
    ['openvpn', ['udp', 'tcp']],
    ['ipsec', ['udp!']],
    ['tor', ['tcp']],
    ['opaque', ['udp', 'tcp']],
  ];
  const tunnels = Array.from({ length: 1 + below(3) }, (_, at) => {
    const [protocol, transports] = one(protocols);
    const endpoints = Array.from({ length: 1 + below(3) }, () => endpoint(transports)).flat();
    const sure =
      endpoints.length > 0
        ? endpoints
        : [
            `${(transports[0] ?? 'udp').replace('!', '')}:198.18.0.${10 + at}:${protocol === 'ipsec' ? 500 : 4000 + at}`,
          ];
    const mended = protocol === 'ipsec' ? sure.map((text) => text.replace(/:\d+$/, ':500')) : sure;
    return `  - {name: t${at}, protocol: ${protocol}, endpoints: [${mended.map((text) => `'${text}'`).join(', ')}]}`;
  });
  const allow = some(3, () => {
    const network = chance(0.5)
      ? chance(0.5)
        ? four()
        : one(['10.9.0.0/16', '192.0.2.0/24', '172.16.4.0/22'])
      : chance(0.5)
        ? `'${six()}'`
        : `'2001:db8:${below(0xffff).toString(16)}::/48'`;
    const transport = one(['', ', transport: udp', ', transport: tcp', ', transport: icmp']);
    const number = /udp|tcp/.test(transport) && chance(0.6) ? `, port: ${port()}` : '';
    return `  - {to: ${network}${transport}${number}${chance(0.3) ? `, client: '${mac()}'` : ''}, why: some}`;
  });
  const profile = one(['full-tunnel', 'full-tunnel', 'proxy-stub']);
  const resolvers = profile === 'proxy-stub' ? some(2, () => `'${one(['dot', 'doq'])}:${four()}:853'`) : [];
  const proxies = profile === 'proxy-stub' ? some(2, () => `'tcp:${four()}:${port()}'`) : [];
  const text = [
    'version: 1',
    `profile: ${profile}`,
    ...(profile === 'proxy-stub' ? [`direct: ${one(['any', 'none'])}`] : []),
    `localChatter: ${one(['red', 'amber', 'ignore'])}`,
    `management: {address: ${one(['dhcp', 'none'])}}`,
    'tunnels:',
    ...tunnels,
    ...(allow.length > 0 ? ['allow:', ...allow] : []),
    ...(resolvers.length > 0 ? [`resolvers: [${resolvers.join(', ')}]`] : []),
    ...(proxies.length > 0 ? [`proxies: [${proxies.join(', ')}]`] : []),
    '',
  ].join('\n');
  const clients = [mac(), mac()];
  const own = some(2, () => ({ mac: one(clients), address: `192.168.1.${20 + below(200)}`, seconds }));
  const learned: LearnedState = {
    ...NOTHING_LEARNED,
    addresses: names.flatMap((name) =>
      chance(0.6)
        ? [
            {
              name,
              address: chance(0.7)
                ? `198.19.0.${1 + below(250)}`
                : `2001:db8:ffff::${(1 + below(0xffff)).toString(16)}`,
              seconds,
            },
          ]
        : [],
    ),
    dhcpServers: some(1, () => ({ address: '192.168.1.1', mac: mac(), seconds })),
    resolvers: some(2, () => ({ address: one(['192.168.1.1', '9.9.9.9', 'fe80::1']), seconds })).filter(
      ({ address }, at, list) => list.findIndex((other) => other.address === address) === at,
    ),
    neighbours: some(2, () => ({ address: one(['192.168.1.1', 'fe80::1', '192.168.1.2']), seconds })),
    own: own.filter(({ address }, at) => own.findIndex((other) => other.address === address) === at),
    settled: some(1, () => ({ mac: one(clients), seconds })),
    own6: some(2, () => ({
      address: chance(0.5) ? `fe80::${(1 + below(0xffff)).toString(16)}` : six(),
      seconds,
    })),
    settled6: some(1, () => ({ mac: one(clients), seconds })),
    unsettled6: chance(0.5),
    links: some(2, () => ({
      network: one(['2001:db8:1::/64', '2001:db8:2::/64', '192.168.1.0/24']),
      seconds,
    })),
    exposed: some(2, () => ({
      address: four(),
      name: 'shop.example',
      seconds,
      ...(chance(0.5) ? { client: one(clients) } : {}),
    })),
    box: some(1, () => `192.168.1.${2 + below(9)}`),
  };
  const passing: LearnedState = {
    ...learned,
    passes: [{ seconds: 600, ...(chance(0.6) ? { client: one(clients) } : {}) }],
    portals: some(2, () => ({ address: chance(0.7) ? four() : six(), port: one([0, 443, 9443]), seconds })),
  };
  return tried(`random ${seed}`, policyOf(text), learned, passing);
}
