// Every rule in every profile, as a table: what it takes, what it leaves, how severe, and in which words.
// Holds src/policy/rules.ts and reason.ts to README.md, rules A to F. Rule T takes more than one frame: test/guard/attacks/tripwire.test.ts.

import { describe, expect, it } from 'vitest';

import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import type { Findings } from '../../src/flow/parsed-packet.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import type { Kind } from '../../src/flow/kinds.ts';
import { NOTHING_LEARNED } from '../../src/policy/servers/learned.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { parsePolicy } from '../../src/policy/schema/schema.ts';
import { parseAddress } from '../../src/wire/ip/address.ts';

const TUNNEL = 'tunnels: [{name: home, protocol: wireguard, endpoints: ["udp:198.51.100.7:51820"]}]';

function policyOf(...lines: readonly string[]): Policy {
  const parsed = parsePolicy(['version: 1', TUNNEL, ...lines].join('\n'));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.policy;
}

const POLICIES = {
  full: policyOf('profile: full-tunnel'),
  stub: policyOf(
    'profile: proxy-stub',
    'resolvers: ["dot:9.9.9.9:853"]',
    'proxies: ["tcp:203.0.113.9:1080"]',
    'direct: any',
  ),
  split: policyOf('profile: split', 'mustTunnel: ["bank.example"]'),
} as const;
type ProfileName = keyof typeof POLICIES;

interface Frame {
  readonly kind: Kind;
  /** `tcp 203.0.113.5 443`; a bare number is an IP protocol. */
  readonly to: string;
  readonly name?: string;
  readonly via?: 'dns' | 'sni' | 'quic' | 'http' | 'mdns';
  readonly change?: Partial<ParsedPacket>;
  readonly findings?: Partial<Findings>;
}

const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1 };

/** What the decoders would have read of an ordinary frame; each test says what differs. */
function factsOf(frame: Frame): ParsedPacket {
  const packet = new ParsedPacket();
  const [protocol = '', address = '', port] = frame.to.split(' ');
  const destination = parseAddress(address) ?? { ipVersion: 4 as const, words: new Uint32Array(4) };
  const number = PROTOCOLS[protocol] ?? Number(protocol);
  packet.sourceMac = 0x02000000000c;
  packet.destinationMac = 0x020000000001;
  packet.outerEtherType = packet.etherType = destination.ipVersion === 4 ? 0x0800 : 0x86dd;
  packet.ipVersion = destination.ipVersion;
  packet.source.set(parseAddress('192.168.1.50')?.words ?? []);
  packet.destination.set(destination.words);
  packet.protocol = number;
  packet.ipLength = 100;
  if (number === 17) packet.udpLength = destination.ipVersion === 4 ? 80 : 60;
  if (port !== undefined) [packet.sourcePort, packet.destinationPort] = [40_000, Number(port)];
  if (number === 1) [packet.icmpType, packet.icmpCode] = [8, 0];
  // The header of one ordinary question (RFC 1035 section 4.1.1).
  if (frame.kind === 'dns') [packet.payloadHead, packet.payloadHead2] = [0x12340100, 0x00010000];
  packet.kind = frame.kind;
  const names = frame.name === undefined ? [] : [{ name: frame.name, via: frame.via ?? 'dns' }];
  packet.findings = { names, answers: [], ...frame.findings };
  return Object.assign(packet, frame.change);
}

const dns = (name: string, to = 'udp 192.0.2.53 53'): Frame => ({ kind: 'dns', to, name });
const tls = (name?: string, to = 'tcp 203.0.113.5 443'): Frame => ({
  ...{ kind: 'tls', to },
  ...(name === undefined ? {} : { name, via: 'sni' as const }),
});
const SUSPECTED = { suspected: true, detail: 'suspected: address of a DoH provider' } as const;
const GROUP = { ipOptions: true } as const;

type Row = readonly [what: string, frame: Frame, expected: Readonly<Record<ProfileName, string>>];
const same = (verdict: string): Record<ProfileName, string> => ({
  full: verdict,
  stub: verdict,
  split: verdict,
});

const TABLE: readonly Row[] = [
  ['A: a question', dns('news.example'), { full: 'A red', stub: 'A red', split: 'allowed' }],
  [
    "A: a question at the tunnel server's address",
    dns('news.example', 'udp 198.51.100.7 53'),
    { full: 'A red', stub: 'A red', split: 'allowed' },
  ],
  [
    'A: over TCP',
    dns('news.example', 'tcp 192.0.2.53 53'),
    { full: 'A red', stub: 'A red', split: 'allowed' },
  ],
  [
    'A: over IPv6',
    dns('news.example', 'udp 2001:db8::53 53'),
    { full: 'A red', stub: 'A red', split: 'allowed' },
  ],
  [
    'A: link-local discovery',
    { kind: 'mdns', to: 'udp 224.0.0.251 5353', name: 'printer.local', via: 'mdns' },
    same('A amber'),
  ],
  ['A: link-local discovery over IPv6', { kind: 'ssdp', to: 'udp ff02::c 1900' }, same('A amber')],
  [
    'A: NetBIOS names as broadcast',
    { kind: 'nbns', to: 'udp 192.168.1.255 137', change: { destinationMac: 0xffffffffffff } },
    same('A amber'),
  ],
  ['A: mDNS beyond the local link', { kind: 'mdns', to: 'udp 203.0.113.53 5353' }, same('A red')],
  ['A: LLMNR beyond the local link', { kind: 'llmnr', to: 'udp 2001:db8::53 5355' }, same('A red')],
  ['A: SSDP beyond the local link', { kind: 'ssdp', to: 'udp 203.0.113.53 1900' }, same('A red')],
  ['A: NetBIOS names to one host', { kind: 'nbns', to: 'udp 203.0.113.53 137' }, same('A red')],
  ['A: link-local discovery on another port', { kind: 'mdns', to: 'udp 224.0.0.251 5300' }, same('A red')],
  [
    'B: a must-tunnel name asked for',
    dns('www.bank.example'),
    { full: 'A red', stub: 'A red', split: 'B red' },
  ],
  ['B: visited by TLS', tls('bank.example'), { full: 'E red', stub: 'allowed', split: 'B red' }],
  [
    'B: by QUIC',
    { kind: 'quic', to: 'udp 203.0.113.5 443', name: 'bank.example', via: 'quic' },
    { full: 'E red', stub: 'allowed', split: 'B red' },
  ],
  [
    'B: by HTTP',
    { kind: 'http', to: 'tcp 203.0.113.5 80', name: 'bank.example', via: 'http' },
    { full: 'E red', stub: 'allowed', split: 'B red' },
  ],
  [
    'B: not for a name that only ends alike',
    tls('riverbank.example'),
    { full: 'E red', stub: 'allowed', split: 'allowed' },
  ],
  ['C: DNS over TLS', { kind: 'dot', to: 'tcp 192.0.2.53 853' }, same('C red')],
  [
    'C: not at the designated resolver',
    { kind: 'dot', to: 'tcp 9.9.9.9 853' },
    { full: 'C red', stub: 'allowed', split: 'C red' },
  ],
  ['C: DNS over QUIC', { kind: 'doq', to: 'udp 192.0.2.53 853' }, same('C red')],
  [
    'C: DNS over HTTPS by its name',
    { kind: 'doh', to: 'tcp 192.0.2.53 443', name: 'dns.example', via: 'sni' },
    same('C red'),
  ],
  ['C: DNSCrypt', { kind: 'dnscrypt', to: 'udp 192.0.2.53 443' }, same('C red')],
  [
    'C: an address alone is suspected',
    { kind: 'doh', to: 'tcp 192.0.2.53 443', findings: SUSPECTED },
    { full: 'E red', stub: 'C amber', split: 'C amber' },
  ],
  ['D: a visit to what was answered in the clear', tls(undefined, 'tcp 203.0.113.80 443'), same('D red')],
  ['E: a connection', tls(), { full: 'E red', stub: 'allowed', split: 'allowed' }],
  [
    'E: a ping',
    { kind: 'icmp', to: 'icmp 203.0.113.5' },
    { full: 'E red', stub: 'allowed', split: 'allowed' },
  ],
  [
    'E: a fragment',
    { kind: 'fragment', to: '17 203.0.113.5', change: { fragmentOffset: 1480 } },
    same('E red'),
  ],
  ['E: another protocol', { kind: 'other-ip', to: '132 203.0.113.5' }, same('E red')],
  [
    'E: group membership',
    { kind: 'igmp-mld', to: '2 224.0.0.22', change: GROUP },
    { full: 'E amber', stub: 'allowed', split: 'allowed' },
  ],
  [
    'E: a damaged packet',
    { kind: 'malformed', to: 'udp 203.0.113.5 9', change: { malformed: 'udp-length' } },
    same('E red'),
  ],
  ['F: GRE', { kind: 'gre', to: '47 203.0.113.5' }, same('F red')],
  ['F: L2TP without IPsec', { kind: 'l2tp', to: 'udp 203.0.113.5 1701' }, same('F red')],
  ['F: IP in IP', { kind: 'ipip', to: '4 203.0.113.5' }, same('F red')],
  ['F: 6in4', { kind: '6in4', to: '41 203.0.113.5' }, same('F red')],
  ['F: Teredo', { kind: 'teredo', to: 'udp 203.0.113.5 3544' }, same('F red')],
  ['F: VXLAN', { kind: 'vxlan', to: 'udp 203.0.113.5 4789' }, same('F red')],
  ['F: PPTP', { kind: 'pptp', to: 'tcp 203.0.113.5 1723' }, same('F red')],
  ['F: plain text at the tunnel endpoint', dns('news.example', 'udp 198.51.100.7 51820'), same('F red')],
  [
    'a proxy that is designated',
    { kind: 'socks', to: 'tcp 203.0.113.9 1080' },
    { full: 'E red', stub: 'allowed', split: 'allowed' },
  ],
];

const judges = Object.fromEntries(
  Object.entries(POLICIES).map(([profile, policy]) => {
    const exposed = [{ address: '203.0.113.80', name: 'shop.example', seconds: 60 }];
    return [profile, compileJudge(policy, { ...NOTHING_LEARNED, exposed })];
  }),
);

const judge = (profile: string, frame: Frame): ReturnType<ReturnType<typeof compileJudge>['judge']> => {
  const compiled = judges[profile];
  if (compiled === undefined) throw new Error(profile);
  return compiled.judge(factsOf(frame), 'up');
};

describe.each(Object.keys(POLICIES) as ProfileName[])('profile %s', (profile) => {
  it.each(TABLE)('%s', (_what, frame, expected) => {
    const { verdict, rule, severity } = judge(profile, frame);
    expect(rule === undefined ? verdict : `${rule} ${severity}`).toBe(expected[profile]);
  });
});

describe('a proxy-stub in which nothing else goes direct', () => {
  const NAMED = ['tcp 9.9.9.9 853', 'tcp 203.0.113.9 1080'];
  const shut = compileJudge(
    policyOf('profile: proxy-stub', 'resolvers: ["dot:9.9.9.9:853"]', 'proxies: ["tcp:203.0.113.9:1080"]'),
    { ...NOTHING_LEARNED, exposed: [{ address: '203.0.113.80', name: 'shop.example', seconds: 60 }] },
  );

  it.each(TABLE)('is a full tunnel with resolvers and proxies beside it: %s', (_what, frame, expected) => {
    const { verdict, rule, severity } = shut.judge(factsOf(frame), 'up');
    const isNamed = NAMED.includes(frame.to);
    expect(rule === undefined ? verdict : `${rule} ${severity}`).toBe(
      isNamed ? expected.stub : expected.full,
    );
    expect(shut.crosses(factsOf(frame), 'up')).toBe(isNamed);
  });

  it('says why a connection is a leak there', () => {
    const { reason } = shut.judge(factsOf(tls('news.example')), 'up');
    expect(reason).toContain('(not a resolver or proxy that the policy names)');
  });
});

describe('a proxy that the policy does not name', () => {
  const socks = (name: string, to = 'tcp 203.0.113.7 1080'): Frame => ({
    ...{ kind: 'socks', to, change: { flowName: name } },
  });
  const connect = (name: string): Frame => ({
    ...{ kind: 'http-proxy', to: 'tcp 203.0.113.7 3128', name, via: 'http' },
  });

  it.each<[string, Frame, Readonly<Record<ProfileName, string>>]>([
    ['SOCKS with a name', socks('news.example'), { full: 'E', stub: 'E', split: 'allowed' }],
    ['CONNECT with a name', connect('news.example'), { full: 'E', stub: 'E', split: 'allowed' }],
    ['SOCKS with a protected name', socks('bank.example'), { full: 'E', stub: 'E', split: 'B' }],
    ['SOCKS with an address', socks('203.0.113.5'), { full: 'E', stub: 'allowed', split: 'allowed' }],
    [
      'CONNECT with an IPv6 address',
      connect('[2001:db8::1]'),
      { full: 'E', stub: 'allowed', split: 'allowed' },
    ],
    [
      'an address, and a name in the Host field',
      { ...connect('203.0.113.5'), change: { flowName: 'news.example' } },
      { full: 'E', stub: 'E', split: 'allowed' },
    ],
    ['SOCKS before a name was said', socks(''), { full: 'E', stub: 'allowed', split: 'allowed' }],
    [
      'SOCKS with a name, to one that it names',
      socks('news.example', 'tcp 203.0.113.9 1080'),
      { full: 'E', stub: 'allowed', split: 'allowed' },
    ],
  ])('%s', (_what, frame, expected) => {
    for (const profile of Object.keys(POLICIES) as ProfileName[]) {
      const { verdict, rule } = judge(profile, frame);
      expect(rule ?? verdict, profile).toBe(expected[profile]);
    }
  });

  it('is told the name, which the kernel cannot stop', () => {
    const said = judge('stub', socks('news.example'));
    expect(said).toMatchObject({ rule: 'E', severity: 'red', exposure: 'news.example' });
    expect(said.reason).toContain('news.example is sent to a proxy that the policy does not name');
    expect(judges['stub']?.crosses(factsOf(socks('news.example')), 'up')).toBe(true);
  });
});

describe('a resolver is a pair of address and name', () => {
  const stub = (...resolvers: readonly string[]): ReturnType<typeof compileJudge> =>
    compileJudge(
      policyOf(
        'profile: proxy-stub',
        `resolvers: ${JSON.stringify(resolvers)}`,
        'direct: any',
        `proxies: []`,
      ),
      {
        ...NOTHING_LEARNED,
        addresses: [{ name: 'named.example', address: '203.0.113.54', seconds: 60 }],
      },
    );
  const pairs = stub(
    'dot:9.9.9.9:853/dns.example',
    'doh:203.0.113.5:443/doh.example',
    'doh:203.0.113.5:443/other-doh.example',
    'doq:203.0.113.6:853',
    'dot:named.example:853',
  );
  const hello = (kind: Kind, to: string, name?: string): Frame => ({
    ...{ kind, to },
    ...(name === undefined ? {} : { name, via: kind === 'doq' ? ('quic' as const) : ('sni' as const) }),
  });
  const said = (by: typeof pairs, frame: Frame): string => {
    const { verdict, rule, severity } = by.judge(factsOf(frame), 'up');
    return rule === undefined ? verdict : `${rule} ${severity}`;
  };

  it.each<[string, Frame, string]>([
    ['both', hello('dot', 'tcp 9.9.9.9 853', 'dns.example'), 'allowed'],
    ['the address, and no name', hello('dot', 'tcp 9.9.9.9 853'), 'allowed'],
    ['the address, and another name', hello('dot', 'tcp 9.9.9.9 853', 'news.example'), 'C red'],
    ['the first of two names', hello('doh', 'tcp 203.0.113.5 443', 'doh.example'), 'allowed'],
    ['the second of two names', hello('tls', 'tcp 203.0.113.5 443', 'other-doh.example'), 'allowed'],
    ['neither of two names', hello('tls', 'tcp 203.0.113.5 443', 'www.example'), 'C red'],
    [
      'another name, in plain HTTP',
      { kind: 'http', to: 'tcp 203.0.113.5 443', name: 'www.example', via: 'http' },
      'C red',
    ],
    [
      'another name, as to a proxy',
      { kind: 'http-proxy', to: 'tcp 203.0.113.5 443', name: 'www.example', via: 'http' },
      'C red',
    ],
    ['its name at another address', hello('tls', 'tcp 203.0.113.77 443', 'doh.example'), 'C red'],
    ['its name at another port', hello('dot', 'tcp 203.0.113.5 853', 'doh.example'), 'C red'],
    ['its name at another resolver', hello('dot', 'tcp 9.9.9.9 853', 'doh.example'), 'C red'],
    ['any name where none is given', hello('doq', 'udp 203.0.113.6 853', 'whatever.example'), 'allowed'],
    ['the name by which it is found', hello('dot', 'tcp 203.0.113.54 853', 'named.example'), 'allowed'],
    ['another than that', hello('dot', 'tcp 203.0.113.54 853', 'news.example'), 'C red'],
    ['what has nothing to do with it', hello('tls', 'tcp 203.0.113.77 443', 'www.example'), 'allowed'],
    [
      'what follows such a hello',
      { kind: 'tls', to: 'tcp 203.0.113.77 443', change: { flowName: 'doh.example' } },
      'C red',
    ],
  ])('%s', (_what, frame, expected) => {
    expect(said(pairs, frame)).toBe(expected);
  });

  it('is told in words, and the kernel knows addresses alone', () => {
    const [there, elsewhere] = [
      hello('dot', 'tcp 9.9.9.9 853', 'news.example'),
      hello('tls', 'tcp 203.0.113.77 443', 'dns.example'),
    ];
    expect(pairs.judge(factsOf(there), 'up').reason).toContain(
      '(at this address the policy names only dns.example)',
    );
    expect(pairs.judge(factsOf(elsewhere), 'up').reason).toContain(
      '(the policy names dns.example at another address)',
    );
    for (const frame of [there, elsewhere]) expect(pairs.crosses(factsOf(frame), 'up')).toBe(true);
  });

  it('goes with a proxy at the same address and port, which is told any name', () => {
    const both = compileJudge(
      policyOf(
        'profile: proxy-stub',
        'resolvers: ["doh:203.0.113.5:443/doh.example"]',
        'proxies: ["tcp:203.0.113.5:443"]',
      ),
    );
    expect(said(both, hello('tls', 'tcp 203.0.113.5 443', 'www.example'))).toBe('allowed');
  });
});

describe('a reason names the facts', () => {
  const OUTSIDE = 'outside the tunnel udp:198.51.100.7:51820';
  it.each<[string, string, Frame, string]>([
    ['A', 'full', dns('bank.example'), `DNS question for bank.example to 192.0.2.53, ${OUTSIDE}`],
    [
      'B',
      'split',
      tls('bank.example'),
      `TLS for bank.example to 203.0.113.5:443, ${OUTSIDE} (bank.example must stay inside the tunnel)`,
    ],
    ['C', 'stub', { kind: 'dot', to: 'tcp 192.0.2.53 853' }, `DNS over TLS to 192.0.2.53:853, ${OUTSIDE}`],
    [
      'D',
      'stub',
      tls(undefined, 'tcp 203.0.113.80 443'),
      `TLS to 203.0.113.80:443, ${OUTSIDE} (shop.example was answered with this address, or shown there, in the clear)`,
    ],
    ['E', 'full', { kind: 'icmp', to: 'icmp 203.0.113.5' }, `ICMP to 203.0.113.5, ${OUTSIDE}`],
    ['E', 'full', { kind: 'other-ip', to: '132 203.0.113.5' }, `IP protocol 132 to 203.0.113.5, ${OUTSIDE}`],
    [
      'F',
      'full',
      dns('bank.example', 'udp 198.51.100.7 51820'),
      'DNS question for bank.example to 198.51.100.7:51820, at the tunnel endpoint udp:198.51.100.7:51820, but not wireguard',
    ],
  ])('%s in %s', (rule, profile, frame, reason) => {
    expect(judge(profile, frame)).toMatchObject({ rule, reason });
  });

  it('and what Eve learns is the name where there is one, the destination otherwise', () => {
    expect(judge('full', dns('bank.example')).exposure).toBe('bank.example');
    expect(judge('full', { kind: 'icmp', to: 'icmp 203.0.113.5' }).exposure).toBe('203.0.113.5');
    expect(judge('stub', tls(undefined, 'tcp 203.0.113.80 443')).exposure).toBe('shop.example');
  });
});
