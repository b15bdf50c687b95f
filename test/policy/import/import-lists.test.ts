// Lists of servers as services publish them, in small. Holds src/policy/import/import-lists.ts to them.

import { describe, expect, it } from 'vitest';

import { formatEndpoint } from '../../../src/policy/schema/endpoint.ts';
import { importConfig } from '../../../src/policy/import/import.ts';
import { withTunnel } from '../../../src/policy/schema/schema-edit.ts';
import { policyOf } from '../policies.ts';

const MULLVAD_APP = JSON.stringify({
  locations: { 'se-got': { country: 'Sweden' } },
  openvpn: {
    ports: [
      { port: 1194, protocol: 'udp' },
      { port: 443, protocol: 'tcp' },
    ],
    relays: [{ hostname: 'se-got-001', ipv4_addr_in: '198.51.100.8', active: true }],
  },
  wireguard: {
    port_ranges: [
      [53, 53],
      [4000, 33433],
    ],
    relays: [
      {
        hostname: 'se-got-wg-001',
        ipv4_addr_in: '198.51.100.7',
        ipv6_addr_in: '2001:db8::7',
        public_key: 'x',
      },
    ],
  },
});
const MULLVAD_SITE = JSON.stringify([
  {
    hostname: 'a',
    type: 'wireguard',
    active: true,
    ipv4_addr_in: '198.51.100.7',
    ipv6_addr_in: '2001:db8::7',
  },
  { hostname: 'b', type: 'wireguard', active: false, ipv4_addr_in: '198.51.100.9' },
  { hostname: 'c', type: 'openvpn', active: true, ipv4_addr_in: '198.51.100.8' },
  { hostname: 'd', type: 'bridge', active: true, ipv4_addr_in: '198.51.100.10' },
]);
const SERVERS = [
  { vpn: 'openvpn', hostname: 'x.example', tcp: true, udp: true, ips: ['198.51.100.8', '127.0.0.1'] },
  { vpn: 'wireguard', hostname: 'y.example', ips: ['198.51.100.7', '2001:db8::7', 'not an address'] },
];
const GLUETUN = JSON.stringify({
  version: 1,
  somevpn: { version: 2, timestamp: 1_764_374_400, servers: SERVERS },
});
const CONSENSUS = `network-status-version 3 microdesc
vote-status consensus
valid-after 2026-11-28 12:00:00
r seele AAoQ1DAR6kkoo19hBAX5K0QztNw 2026-11-27 05:09:40 198.51.100.10 9001 0
a [2001:db8::10]:9001
m abc
s Fast Running Valid
r other AAoQ1DAR6kkoo19hBAX5K0QztNw bbb 2026-11-27 05:09:40 198.51.100.11 443 80
r broken
`;

const DERP = JSON.stringify({
  Regions: {
    1: {
      Nodes: [
        { HostName: 'derp1.tailscale.com', IPv4: '198.51.100.21', IPv6: '2001:db8::21', CanPort80: true },
        { HostName: 'derp1b.example', IPv4: '198.51.100.22', IPv6: 'none', DERPPort: 8443 },
        { HostName: 'stun.example', IPv4: '198.51.100.23', STUNOnly: true },
        { HostName: 'named.example', IPv4: 'named.example' },
      ],
    },
  },
});

describe.each([
  [
    'Tailscale’s relays',
    DERP,
    {},
    'opaque',
    ['tcp:198.51.100.21:443', 'tcp:[2001:db8::21]:443', 'tcp:198.51.100.22:8443'],
    undefined,
  ],
  [
    'Mullvad’s app',
    MULLVAD_APP,
    {},
    'wireguard',
    [
      ...['udp:198.51.100.7:53', 'udp:198.51.100.7:4000-33433'],
      ...['udp:[2001:db8::7]:53', 'udp:[2001:db8::7]:4000-33433'],
    ],
    undefined,
  ],
  [
    'Mullvad’s app',
    MULLVAD_APP,
    { protocol: 'openvpn' },
    'openvpn',
    ['udp:198.51.100.8:1194', 'tcp:198.51.100.8:443'],
    undefined,
  ],
  ['Mullvad’s site', MULLVAD_SITE, {}, 'wireguard', ['udp:198.51.100.7:*', 'udp:[2001:db8::7]:*'], undefined],
  ['gluetun', GLUETUN, {}, 'openvpn', ['udp:198.51.100.8:*', 'tcp:198.51.100.8:*'], '2025-11-29'],
  [
    'gluetun',
    GLUETUN,
    { protocol: 'wireguard', service: 'SomeVPN' },
    'wireguard',
    ['udp:198.51.100.7:*', 'udp:[2001:db8::7]:*'],
    '2025-11-29',
  ],
  [
    'Tor',
    CONSENSUS,
    {},
    'tor',
    ['tcp:198.51.100.10:9001', 'tcp:[2001:db8::10]:9001', 'tcp:198.51.100.11:443'],
    '2026-11-28',
  ],
] as const)('the list of %s', (_, text, choice, protocol, endpoints, at) => {
  it(`comes to servers of ${protocol}`, () => {
    const [tunnel] = importConfig(text, choice)?.tunnels ?? [];
    expect(tunnel?.protocol).toBe(protocol);
    expect(tunnel?.endpoints.map(formatEndpoint)).toEqual(endpoints);
    expect(tunnel?.list?.at).toBe(at);
  });

  it('says what it leaves out, and never throws wherever it is cut', () => {
    if (protocol !== 'tor' && !text.startsWith('[{"hostname":"a"'))
      expect(importConfig(text, choice)?.unused.length).toBeGreaterThan(0);
    for (let cut = 0; cut < text.length; cut += 13)
      expect(() => importConfig(text.slice(0, cut), choice)).not.toThrow();
  });
});

it('of several services one has to be named', () => {
  const both = JSON.stringify({ one: { servers: SERVERS }, two: { servers: SERVERS } });
  expect(importConfig(both)?.tunnels).toEqual([]);
  expect(importConfig(both)?.unused[0]?.why).toContain('--service: one, two');
  expect(importConfig(both, { service: 'two' })?.tunnels).toHaveLength(1);
});

it('JSON that is no list is none', () => {
  for (const text of [
    '{}',
    '[]',
    '[1, "x", null]',
    '{"a": {"servers": 5}}',
    '{"wireguard": {"relays": 5}}',
    '{"Regions": {"1": {}}}',
  ])
    expect(importConfig(text)).toBeUndefined();
});

it('a list takes the place of the one before, and a configuration is added', () => {
  const [first, second] = ['udp:192.0.2.1:1', 'udp:192.0.2.2:1'].map((text) => ({
    name: 'a',
    protocol: 'wireguard' as const,
    endpoints: importConfig(`[Peer]\nEndpoint=${text.slice(4)}\n`)?.tunnels[0]?.endpoints ?? [],
  }));
  if (first === undefined || second === undefined) throw new Error('nothing was read');
  const one = withTunnel('version: 1\n', { ...first, listed: '2026-01-01' });
  expect(policyOf(one).tunnels[0]?.listed).toBe('2026-01-01');
  const two = policyOf(withTunnel(one, { ...second, listed: '2026-02-01' })).tunnels[0];
  expect([two?.listed, two?.endpoints.map(formatEndpoint)]).toEqual(['2026-02-01', ['udp:192.0.2.2:1']]);
  expect(policyOf(withTunnel(one, second)).tunnels[0]?.endpoints).toHaveLength(2);
});

it('twenty thousand servers are read, and no more are taken', () => {
  const relays = Array.from({ length: 25_000 }, (_, at) => ({
    ipv4_addr_in: `10.${at >>> 16}.${(at >>> 8) & 255}.${at & 255}`,
  }));
  const found = importConfig(JSON.stringify({ wireguard: { port_ranges: [[4000, 33433]], relays } }));
  const [tunnel] = found?.tunnels ?? [];
  expect(tunnel?.endpoints).toHaveLength(20_000);
  expect(found?.unused[0]?.why).toContain('5000 servers');
  policyOf(
    withTunnel('version: 1\n', {
      name: 'a',
      protocol: 'wireguard',
      endpoints: tunnel?.endpoints ?? [],
      listed: '2026-01-01',
    }),
  );
});
