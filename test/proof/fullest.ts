// Policies with everything that a profile can have, and learned state with everything that can be learned, in every case in which the
// compilers write other rules. What is proven of these holds for policies that have less (RESULTS.md, Shapes). No two of their addresses
// share a word, so that each can stand for any address.

import { NOTHING_LEARNED } from '../../src/policy/servers/learned.ts';
import type { LearnedState } from '../../src/policy/servers/learned.ts';
import { policyOf } from '../policy/policies.ts';
import type { BoxState } from './spec.ts';
import type { Tried } from './tried.ts';

/** Of which the rules of several parts depend. */
export interface Case {
  readonly profile: 'closed' | 'any' | 'split' | 'answered';
  readonly ignoresDiscovery: boolean;
  readonly knowsOwn: boolean;
  readonly knowsLinks: boolean;
  readonly hasAddress: boolean;
  readonly mode: 'block' | 'watch';
}

const PROFILE_CASES = ['closed', 'any', 'split', 'answered'] as const;
const FLAGS = ['ignoresDiscovery', 'knowsOwn', 'knowsLinks', 'hasAddress'] as const;
/** Without a policy: no page, a page. */
export const CLOSED_CASES = [128, 129] as const;

export function caseNumber(one: Case): number {
  const profile = PROFILE_CASES.indexOf(one.profile);
  return (
    FLAGS.reduce((sum, flag, at) => sum + (one[flag] ? 4 << at : 0), profile) +
    (one.mode === 'watch' ? 64 : 0)
  );
}

/** Words that no rule has by itself, each another; from each `start` other ones, whatever was made from the others. */
class Words {
  #count: number;
  #port: number;

  constructor(start: number) {
    this.#count = 1000 * start;
    this.#port = 20_000 + 500 * start;
  }

  word(): number {
    this.#count += 1;
    return Math.imul(this.#count, 0x9e3779b1) >>> 0;
  }

  four(first?: string): string {
    const word = this.word();
    const bytes = [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, (word & 127) + 64];
    return first === undefined
      ? [16 + ((bytes[0] ?? 0) % 90), ...bytes.slice(1).map((byte) => byte | 1)].join('.')
      : `${first}.${((bytes[2] ?? 0) | 1).toString()}.${String(bytes[3])}`;
  }

  six(first = '2a'): string {
    const words = [this.word(), this.word(), this.word(), this.word()].map((word) =>
      ((word | 0x10101010) >>> 0).toString(16).padStart(8, '0'),
    );
    const text = first + words.join('').slice(first.length);
    return (text.match(/.{4}/g) ?? []).join(':');
  }

  network6(groups: number): string {
    return this.six().split(':').slice(0, groups).join(':');
  }

  mac(): string {
    const digits = ((this.word() | 0x01010101) >>> 0).toString(16).padStart(8, '0');
    return `02:5e:${(digits.match(/../g) ?? []).join(':')}`;
  }

  port(): number {
    // Of neighbours nft makes one range, and a range stays the numbers that it is (symbols.ts).
    this.#port += 2;
    return this.#port;
  }
}

const NAME_LENGTHS = Array.from({ length: 25 }, (_, at) => 10 + at);

function namesOf(): string[] {
  return NAME_LENGTHS.map(
    (length) => `${'vpn-7x0123456789abcdefghijklmnopqrstuvw'.slice(0, length - 10)}q.example`,
  );
}

/** Every form that the ports of a server can have, for each form of its packets. */
function tunnels(words: Words, names: readonly string[]): string[] {
  const exact = (protocol: string): string[] => [
    `'${protocol}:${words.four()}:${words.port()}'`,
    `'${protocol}:[${words.six()}]:${words.port()}'`,
  ];
  const ranges = (protocol: string): string[] => [
    `'${protocol}:${words.four()}:3000-3999'`,
    `'${protocol}:[${words.six()}]:3000-3999'`,
  ];
  const networks = (protocol: string, third: number): string[] => [
    `'${protocol}:203.0.${third}.0/24:7000-7999'`,
    `'${protocol}:[2001:db8:${third}::/48]:7000-7999'`,
  ];
  // A port of its own at a server with a range, in which it may lie.
  const both = (protocol: string): string[] => {
    const hosts = [words.four(), `[${words.six()}]`];
    return hosts.flatMap((host) => [
      `'${protocol}:${host}:${words.port()}'`,
      `'${protocol}:${host}:4000-4999'`,
    ]);
  };
  // One in another: the fifth lies in the fourth, and so on.
  const nested = (protocol: string, depth: number): string[] => [
    `'${protocol}:198.18.0.0/${20 + depth}:1000-${2000 + depth}'`,
    `'${protocol}:[2001:db8:a0a0::/${48 + 2 * depth}]:1000-${2000 + depth}'`,
  ];
  const all = (protocol: string, third: number): string[] => [
    ...exact(protocol),
    ...ranges(protocol),
    ...networks(protocol, third),
    ...both(protocol),
  ];
  const named = [...names, '*.own.example', '*.vpnx.example.net'].map(
    (name, at) => `'udp:${name}:${41_000 + 2 * at}'`,
  );
  return [
    `{name: wg, protocol: wireguard, endpoints: [${[...all('udp', 10), ...nested('udp', 1), ...named].join(', ')}]}`,
    `{name: ov, protocol: openvpn, endpoints: [${[...all('udp', 11), ...all('tcp', 12), ...nested('udp', 2)].join(', ')}]}`,
    `{name: ike, protocol: ipsec, endpoints: ['udp:${words.four()}:500', 'udp:[${words.six()}]:4500', ${[...exact('tcp'), ...ranges('tcp')].join(', ')}]}`,
    `{name: tor, protocol: tor, endpoints: [${all('tcp', 15).join(', ')}]}`,
    `{name: any, protocol: opaque, endpoints: [${[...all('udp', 13), ...all('tcp', 14), ...nested('udp', 3)].join(', ')}]}`,
    // The same once more in the other order: which of two lists of ports comes first is of the form.
    `{name: wg2, protocol: wireguard, endpoints: [${nested('udp', 4).join(', ')}]}`,
    `{name: ov2, protocol: openvpn, endpoints: [${nested('udp', 5).join(', ')}]}`,
  ];
}

function allowRows(words: Words): string[] {
  const rows: string[] = [];
  for (const to of [
    () => words.four(),
    () => `198.51.${1 + (words.word() % 250)}.0/24`,
    () => `'${words.six()}'`,
    () => `'${words.network6(3)}::/48'`,
  ])
    for (const rest of [
      '',
      ', transport: udp',
      ', transport: tcp',
      ', transport: icmp',
      'udp port',
      'tcp port',
    ])
      for (const client of ['', `, client: '${words.mac()}'`]) {
        const port = rest.endsWith(' port')
          ? `, transport: ${rest.slice(0, 3)}, port: ${words.port()}`
          : rest;
        rows.push(`{to: ${to()}${port}${client}, why: some}`);
      }
  return rows;
}

export interface Wanted extends Case {
  readonly knowsOwn6: boolean;
  readonly mayHaveOthers6: boolean;
  readonly seeksRouter: boolean;
  readonly management: 'none' | 'dhcp' | 'static';
  /** Everybody has a pass. */
  readonly passForAll: boolean;
  readonly ssh: boolean;
}

/** With everything, or with one of a sort: the frames of its parts are the same. */
export function fullest(of: Wanted, size: Size): Tried {
  const names = namesOf().slice(0, size === 'all' ? undefined : 1);
  const stub = new Words(3);
  const isStub = of.profile === 'any';
  const lines = [
    'version: 1',
    `profile: ${of.profile === 'closed' ? 'full-tunnel' : isStub ? 'proxy-stub' : 'split'}`,
    ...(isStub ? ['direct: any'] : of.profile === 'answered' ? ['direct: answered'] : []),
    `localChatter: ${of.ignoresDiscovery ? 'ignore' : 'red'}`,
    `management: {address: ${of.management === 'static' ? '192.168.37.9/24' : of.management}${of.ssh ? ', ssh: true' : ''}}`,
    'tunnels:',
    ...tunnels(new Words(1), names)
      .slice(0, size === 'all' ? undefined : 1)
      .map((line) => `  - ${line}`),
    'allow:',
    ...allowRows(new Words(2))
      .slice(0, size === 'all' ? undefined : 1)
      .map((line) => `  - ${line}`),
    ...(isStub
      ? [
          `resolvers: ['dot:${stub.four()}:853', 'doq:[${stub.six()}]:853']`,
          `proxies: ['tcp:${stub.four()}:${stub.port()}', 'tcp:[${stub.six()}]:${stub.port()}']`,
        ]
      : []),
    ...(of.profile === 'split' || of.profile === 'answered'
      ? [`mustTunnel: ['bank.example', '*.clinic.example', 'bücher.example']`]
      : []),
    '',
  ];
  const policy = policyOf(lines.join('\n'));
  const seconds = 3000;
  const ofClients = new Words(4);
  const clients = [ofClients.mac(), ofClients.mac(), ofClients.mac()];
  const client = (at: number): string => clients[at] ?? '';
  /** Of what one case has and another has not: so that what both have is the same in both. */
  const [ofBox, ofOwn, ofRouter, ofLinks] = [5, 6, 7, 8].map((start) => new Words(start)) as [
    Words,
    Words,
    Words,
    Words,
  ];
  const words = new Words(9);
  const learned: LearnedState = {
    ...NOTHING_LEARNED,
    addresses: names.flatMap((name, at) =>
      at % 12 !== 0
        ? []
        : [
            { name, address: words.four(), seconds },
            ...(at === 0 ? [{ name, address: words.six(), seconds }] : []),
          ],
    ),
    dhcpServers: [{ address: words.four('192.168'), mac: words.mac(), seconds }],
    prefixes: [96, 64, 32].map((length) => ({
      network: `${words.network6(8 - (128 - length) / 16).replace(/(..)$/, length % 16 === 0 ? '$1' : '00')}::/${length}`,
      seconds,
    })),
    resolvers: [words.four('192.168'), words.four(), words.six()].map((address) => ({ address, seconds })),
    neighbours: [
      { address: words.four('192.168'), seconds },
      ...(of.seeksRouter ? [] : [{ address: ofRouter.six('fe80'), seconds }]),
    ],
    own: of.knowsOwn
      ? [0, 1].map((at) => ({ mac: client(at), address: ofOwn.four('192.168'), seconds }))
      : [],
    settled: of.knowsOwn ? [{ mac: client(0), seconds }] : [],
    own6: [words.six(), words.six('fe80'), words.six('fd')].map((address) => ({ address, seconds })),
    settled6: of.knowsOwn6 ? [0, 2].map((at) => ({ mac: client(at), seconds })) : [],
    unsettled6: of.mayHaveOthers6,
    links: [
      { network: '192.168.37.0/24', seconds },
      ...(of.knowsLinks
        ? [`${ofLinks.network6(4)}::/64`, `${ofLinks.network6(4)}::/64`].map((network) => ({
            network,
            seconds,
          }))
        : [`${ofLinks.network6(3)}::/48`].map((network) => ({ network, seconds }))),
    ],
    exposed: [
      { address: words.four(), name: 'shop.example', seconds },
      { address: words.six(), name: 'shop.example', seconds },
      { address: words.four(), name: 'shop.example', client: client(0), seconds },
      { address: words.six(), name: 'shop.example', client: client(1), seconds },
    ],
    answered: [
      { client: client(0), address: words.four(), seconds },
      { client: client(1), address: words.six(), seconds },
    ],
    box: of.management === 'none' ? [] : [ofBox.four('192.168')],
    passes: [
      { client: client(0), seconds },
      { client: client(2), seconds },
      ...(of.passForAll ? [{ seconds }] : []),
    ],
    portals: [
      { address: words.four(), port: 0, seconds },
      { address: words.four(), port: words.port(), seconds },
      { address: words.six(), port: 0, seconds },
      { address: words.six(), port: words.port(), seconds },
    ],
  };
  const state: BoxState = { mode: of.mode, learned, boxMacs: [ofClients.mac()], canary: [ofClients.mac()] };
  const said = Object.entries(of).map(([name, value]) =>
    value === true ? name : value === false ? '' : String(value),
  );
  return {
    name: `fullest ${said.filter((word) => word !== '').join(' ')}`,
    policy,
    states: [[of.mode, state]],
  };
}

const BOTH = [false, true] as const;

/** Every case, and of what only one part depends on everything with it. */
function cases(profiles: readonly Case['profile'][], passes: readonly boolean[]): Wanted[] {
  const usual = { hasAddress: true, management: 'dhcp', ssh: false, mode: 'block' } as const;
  return profiles.flatMap((profile) =>
    passes.flatMap((passForAll) =>
      BOTH.flatMap((ignoresDiscovery) =>
        BOTH.flatMap((knowsOwn) =>
          BOTH.flatMap((knowsLinks) =>
            BOTH.flatMap((knowsOwn6) =>
              BOTH.map((mayHaveOthers6): Wanted => ({
                ...usual,
                ...{ profile, passForAll, ignoresDiscovery, knowsOwn, knowsLinks, knowsOwn6, mayHaveOthers6 },
                // Up and down: no part depends on both.
                seeksRouter: mayHaveOthers6,
              })),
            ),
          ),
        ),
      ),
    ),
  );
}

/** How the box itself is reached, in both modes. */
function boxes(one: Wanted): Wanted[] {
  const managements = [
    { management: 'none', ssh: false, hasAddress: false },
    ...(['dhcp', 'static'] as const).flatMap((management) =>
      BOTH.map((ssh) => ({ management, ssh, hasAddress: true })),
    ),
  ] as const;
  return managements.flatMap((box) =>
    (['block', 'watch'] as const).map((mode) => ({ ...one, ...box, mode })),
  );
}

type Size = 'all' | 'few';

/** What is proven: the fullest policies, then small ones for what is before them, in watch mode too. */
export const FULLEST: readonly ((size: Size) => Tried)[] = [
  ...cases(PROFILE_CASES, BOTH).map((wanted) => (size: Size) => fullest(wanted, size)),
  ...cases(['closed'], [false])
    .slice(0, 1)
    .flatMap(boxes)
    .map((wanted) => () => fullest(wanted, 'few')),
];

/** Every case there is, with everything that any part depends on. */
export function everyCase(): readonly Wanted[] {
  return cases(PROFILE_CASES, BOTH).flatMap((one) => {
    const all = boxes(one);
    const isFirst = !one.passForAll && !one.knowsOwn6 && !one.mayHaveOthers6;
    return isFirst ? all : all.filter(({ management, ssh }) => management !== 'static' && !ssh);
  });
}
