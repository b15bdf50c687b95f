// Hosts that nobody on a network has: no policy and no import makes an endpoint of one.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { formatEndpoint } from '../../../src/policy/schema/endpoint.ts';
import { importConfig } from '../../../src/policy/import/import.ts';
import { noServer } from '../../../src/policy/servers/no-server.ts';
import { parsePolicy } from '../../../src/policy/schema/schema.ts';
import { FAULTS, hasFaults } from '../../faults.ts';

const NOBODY = [
  ['127.0.0.1', 'local'],
  ['127.255.255.254', 'local'],
  ['[::1]', 'local'],
  ['localhost', 'local'],
  ['wg.localhost', 'local'],
  ['0.0.0.0', 'unspecified'],
  ['0.1.2.3', 'unspecified'],
  ['[::]', 'unspecified'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.250', 'multicast'],
  ['[ff02::1]', 'multicast'],
  ['255.255.255.255', 'broadcast'],
  ['[::ffff:198.51.100.7]', 'mapped'],
] as const;
const SOMEBODY = [
  '126.255.255.255',
  '128.0.0.1',
  '1.0.0.1',
  '223.255.255.255',
  '240.0.0.1',
  '[::2]',
  '[2001:db8::1]',
];

const faults = (text: string): readonly string[] => {
  const parsed = parsePolicy(text);
  return parsed.ok ? [] : parsed.faults.map(({ path }) => path);
};

describe.each(NOBODY)('%s', (host, why) => {
  const endpoint = `udp:${host}:51820`;

  it('is nobody', () => {
    expect(noServer(host.replace(/^\[|\]$/g, ''))).toBe(why);
  });

  it('is refused in a policy, wherever an address stands', () => {
    expect(
      faults(`version: 1\ntunnels: [{name: a, protocol: wireguard, endpoints: ['${endpoint}']}]\n`),
    ).toEqual(['tunnels[0].endpoints[0]']);
    expect(faults(`version: 1\nprofile: proxy-stub\nresolvers: ['dot:${host}:853']\n`)).toEqual([
      'resolvers[0]',
    ]);
    expect(faults(`version: 1\nprofile: proxy-stub\nproxies: ['tcp:${host}:1080']\n`)).toEqual([
      'proxies[0]',
    ]);
  });

  it.each([
    ['WireGuard', `[Interface]\n[Peer]\nEndpoint = ${host}:51820\n`, 3],
    ['OpenVPN', `client\nremote ${host.replace(/^\[|\]$/g, '')} 1194\n`, 2],
  ])('is no endpoint of an imported configuration: %s', (_, text, line) => {
    const found = importConfig(text);
    expect(found?.tunnels).toEqual([]);
    expect(found?.unused.map((one) => one.line)).toEqual([line]);
    if (why === 'local') expect(found?.unused[0]?.why).toMatch(/this device itself.*opaque/);
  });
});

it.each(SOMEBODY)('%s may be a server', (host) => {
  expect(noServer(host.replace(/^\[|\]$/g, ''))).toBeUndefined();
});

describe('a proxy in front of OpenVPN', () => {
  it.each([
    ['socks-proxy 127.0.0.1 1080', /this device itself.*opaque/],
    ['http-proxy 192.0.2.9 3128', /192\.0\.2\.9, which gets its name in the clear.*proxy-stub/],
  ])('is where the wire goes, so the remote is refused with the reason: %s', (line, words) => {
    const found = importConfig(`client\nproto tcp\nremote vpn.example 443\n${line}\n`);
    expect(found?.tunnels).toEqual([]);
    expect(found?.unused.map(({ why }) => why).join('\n')).toMatch(words);
  });

  it('of one <connection> leaves the others', () => {
    const text = `client\n<connection>\nremote a.example 443 tcp\nsocks-proxy localhost 1080\n</connection>\n<connection>\nremote b.example 443 tcp\n</connection>\n`;
    expect(importConfig(text)?.tunnels[0]?.endpoints.map(formatEndpoint)).toEqual(['tcp:b.example:443']);
  });
});

describe('OpenVPN without its header on the wire', () => {
  it.each(['secret static.key', '<secret>\nabc\n</secret>', 'scramble obfuscate x'])(
    'is opaque: %s',
    (line) => {
      const found = importConfig(`dev tun\nremote 198.51.100.8 1194\n${line}\n`);
      expect(found?.tunnels).toMatchObject([{ protocol: 'opaque' }]);
    },
  );
});

describe.runIf(hasFaults)('the configurations of the faults', () => {
  it.each(['odd.conf', 'wstunnel.conf', 'shadowsocks.ovpn'])('%s makes no endpoint, and says why', (name) => {
    const found = importConfig(readFileSync(join(FAULTS, 'configs', name)));
    expect(found?.tunnels).toEqual([]);
    expect(found?.unused.length).toBeGreaterThan(0);
  });
});
