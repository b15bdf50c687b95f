// What a policy file may say, and what is said about one that is wrong.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../src/policy/fault.ts';
import { parsePolicy } from '../../../src/policy/schema/schema.ts';

function faultsOf(text: string): readonly Fault[] {
  const parsed = parsePolicy(text);
  return parsed.ok ? [] : parsed.faults;
}

const paths = (text: string): string[] =>
  faultsOf(text)
    .map(({ path }) => path)
    .sort();

describe('the shipped example', () => {
  const text = readFileSync(
    new URL('../../../appliance/policy/policy.example.yaml', import.meta.url),
    'utf8',
  );

  it('is a valid policy', () => {
    expect(faultsOf(text)).toEqual([]);
  });

  it('names every setting there is', () => {
    const parsed = parsePolicy(text);
    const all = parsePolicy('version: 1');
    if (!parsed.ok || !all.ok) throw new Error('not valid');
    const written = text.match(/^\w+(?=:)/gm) ?? [];
    expect([...written].sort()).toEqual(Object.keys(all.policy).sort());
  });
});

describe('a policy', () => {
  it('has the defaults of a full tunnel', () => {
    const parsed = parsePolicy('version: 1\n');
    expect(parsed).toEqual({
      ok: true,
      policy: {
        version: 1,
        profile: 'full-tunnel',
        tunnels: [],
        resolvers: [],
        proxies: [],
        mustTunnel: [],
        // A policy of before there was a choice lets through what it always has.
        direct: 'any',
        allow: [],
        localChatter: 'amber',
        privacy: 'full',
        privacyKey: 'disk',
        retentionDays: 30,
        bridge: { name: 'br0', lan: 'lan0', wan: 'wan0' },
        management: { address: 'dhcp', hostname: 'leakguard', ssh: false },
        web: { port: 80 },
        lamp: { driver: 'none' },
        relock: 'closed',
      },
    });
  });

  it('is read into canonical addresses and names', () => {
    const parsed = parsePolicy(`
version: 1
profile: split
tunnels: [{name: a, protocol: opaque, endpoints: ['udp:[2001:DB8:0::7]:1', 'tcp:VPN.Example.COM.:2']}]
mustTunnel: ['*.Clinic.example']
allow: [{to: 192.0.2.9, client: 02-00-00-00-00-0C, why: x}]
management: {address: 192.0.2.7/24}
lamp: {driver: gpio, red: 17, green: 27}
`);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
    expect(parsed.policy.tunnels[0]?.endpoints).toEqual([
      { transport: 'udp', host: '2001:db8::7', hostIs: 'ipv6', port: 1 },
      { transport: 'tcp', host: 'vpn.example.com', hostIs: 'name', port: 2 },
    ]);
    expect(parsed.policy.mustTunnel).toEqual([{ suffix: 'clinic.example', itself: false }]);
    expect(parsed.policy.allow).toEqual([
      { to: { ipVersion: 4, address: '192.0.2.9', length: 32 }, client: '02:00:00:00:00:0c', why: 'x' },
    ]);
    expect(parsed.policy.management.address).toEqual({ static: '192.0.2.7/24' });
    expect(parsed.policy.lamp).toEqual({ driver: 'gpio', red: 17, green: 27 });
  });

  it('may have ten thousand endpoints', () => {
    const endpoints = Array.from(
      { length: 10_000 },
      (_, at) => `      - udp:10.0.${at >>> 8}.${at & 255}:51820`,
    );
    const parsed = parsePolicy(
      `version: 1\ntunnels:\n  - name: a\n    protocol: wireguard\n    endpoints:\n${endpoints.join('\n')}\n`,
    );
    expect(parsed.ok).toBe(true);
  });
});

describe('where other traffic may go, when the policy does not say', () => {
  const PROXY = 'proxies: ["tcp:203.0.113.9:1080"]';

  it.each([
    ['with proxies in a proxy-stub nowhere', `profile: proxy-stub\n${PROXY}`, 'none'],
    ['anywhere when it says so', `profile: proxy-stub\n${PROXY}\ndirect: any`, 'any'],
    ['with resolvers alone anywhere', 'profile: proxy-stub\nresolvers: ["dot:9.9.9.9:853"]', 'any'],
    ['nowhere when it says so', 'profile: proxy-stub\nresolvers: ["dot:9.9.9.9:853"]\ndirect: none', 'none'],
    ['in split anywhere', `profile: split\nmustTunnel: [bank.example]\n${PROXY}`, 'any'],
  ])('%s', (_what, lines, direct) => {
    expect(parsePolicy(`version: 1\n${lines}\n`)).toMatchObject({ ok: true, policy: { direct } });
  });

  it('a wrong one is told in words', () => {
    const [fault] = faultsOf('version: 1\nprofile: proxy-stub\ndirect: answered\n');
    expect(fault).toMatchObject({ line: 3, path: 'direct' });
    expect(fault?.message).toContain('no meaning in profile proxy-stub');
    expect(fault?.remedy).toMatch(/none.*any/);
  });
});

it('a port of a range may be listed for itself within one tunnel, and other hosts may have it', () => {
  const text = `version: 1
tunnels:
  - {name: a, protocol: wireguard, endpoints: ['udp:192.0.2.1:1-9', 'udp:192.0.2.1:5', 'udp:192.0.2.1:8-20', 'udp:192.0.2.0/24:5']}
  - {name: b, protocol: openvpn, endpoints: ['udp:192.0.2.2:5', 'tcp:192.0.2.1:5', 'udp:192.0.2.0/25:5']}
`;
  expect(parsePolicy(text)).toMatchObject({ ok: true });
});

it('IPsec over TCP has the port that its operator chose, and over UDP its own two', () => {
  const text = `version: 1
tunnels:
  - {name: a, protocol: ipsec, endpoints: ['udp:192.0.2.1:500', 'tcp:192.0.2.1:4500', 'tcp:192.0.2.1:443', 'tcp:vpn.example:1-9']}
  - {name: b, protocol: opaque, endpoints: ['tcp:192.0.2.1:500', 'udp:192.0.2.1:443']}
`;
  expect(parsePolicy(text)).toMatchObject({ ok: true });
});

const tunnel = (more: string): string => `version: 1\ntunnels: [${more}]\n`;

describe('a fault', () => {
  it.each([
    ['version: 2', ['version']],
    ['', ['version']],
    ['version: 1\nprofile: all', ['profile']],
    ['version: 1\ntunnel: []', ['tunnel']],
    ['version: 1\nbridge: {lan: a, wan: a}', ['bridge.wan']],
    ['version: 1\nbridge: {name: x, lan: x}', ['bridge.name']],
    ['version: 1\nbridge: {lan: "sixteen-letters-"}', ['bridge.lan']],
    ['version: 1\nbridge: {lan: "a\\" accept"}', ['bridge.lan']],
    ['version: 1\nbridge: {lan: "a b"}', ['bridge.lan']],
    ['version: 1\nbridge: {lan: "../x"}', ['bridge.lan']],
    [tunnel('{name: a, protocol: wireguard, endpoints: []}'), ['tunnels[0].endpoints']],
    [tunnel("{name: a, protocol: wireguard, endpoints: ['tcp:192.0.2.1:1']}"), ['tunnels[0].endpoints[0]']],
    [tunnel("{name: a, protocol: tor, endpoints: ['udp:192.0.2.1:1']}"), ['tunnels[0].endpoints[0]']],
    [tunnel("{name: a, protocol: ipsec, endpoints: ['udp:192.0.2.1:501']}"), ['tunnels[0].endpoints[0]']],
    [tunnel("{name: a, protocol: wireguard, endpoints: ['udp:192.0.2.1:0']}"), ['tunnels[0].endpoints[0]']],
    [
      tunnel("{name: a, protocol: wireguard, endpoints: ['udp:192.0.2.1:70000']}"),
      ['tunnels[0].endpoints[0]'],
    ],
    [
      tunnel("{name: a, protocol: wireguard, endpoints: ['udp:2001:db8::7:51820']}"),
      ['tunnels[0].endpoints[0]'],
    ],
    [tunnel("{name: a, protocol: wireguard, endpoints: ['udp:192.0.2.01:1']}"), ['tunnels[0].endpoints[0]']],
    [
      tunnel("{name: a, protocol: wireguard, endpoints: ['udp:192.0.2.1:1', 'udp:192.0.2.1:1']}"),
      ['tunnels[0].endpoints[1]'],
    ],
    [
      tunnel(
        "{name: a, protocol: wireguard, endpoints: ['udp:192.0.2.1:1']}, {name: a, protocol: openvpn, endpoints: ['udp:192.0.2.1:1']}",
      ),
      ['tunnels[1].endpoints[0]', 'tunnels[1].name'],
    ],
    [
      tunnel(
        "{name: a, protocol: opaque, endpoints: ['udp:192.0.2.1:4500']}, {name: b, protocol: ipsec, endpoints: ['udp:192.0.2.1:500']}",
      ),
      ['tunnels[1].endpoints[0]'],
    ],
    [
      tunnel(
        "{name: a, protocol: wireguard, endpoints: ['udp:192.0.2.1:1-9']}, {name: b, protocol: openvpn, endpoints: ['udp:192.0.2.1:9', 'udp:192.0.2.1:10']}",
      ),
      ['tunnels[1].endpoints[0]'],
    ],
    [
      tunnel(
        "{name: a, protocol: wireguard, endpoints: ['udp:192.0.2.1:5']}, {name: b, protocol: openvpn, endpoints: ['udp:192.0.2.1:*']}",
      ),
      ['tunnels[1].endpoints[0]'],
    ],
    [tunnel("{name: a, protocol: ipsec, endpoints: ['udp:192.0.2.0/24:500']}"), ['tunnels[0].endpoints[0]']],
    [
      tunnel("{name: a, protocol: ipsec, endpoints: ['udp:192.0.2.1:500-4500']}"),
      ['tunnels[0].endpoints[0]'],
    ],
    [tunnel("{name: a, protocol: ipsec, endpoints: ['tcp:192.0.2.0/24:4500']}"), ['tunnels[0].endpoints[0]']],
    [
      tunnel(
        "{name: a, protocol: ipsec, endpoints: ['tcp:192.0.2.1:4500']}, {name: b, protocol: opaque, endpoints: ['tcp:192.0.2.1:4500']}",
      ),
      ['tunnels[1].endpoints[0]'],
    ],
    [tunnel("{name: a, protocol: opaque, endpoints: ['udp:0.0.0.0/0:*']}"), ['tunnels[0].endpoints[0]']],
    [tunnel("{name: a, protocol: opaque, endpoints: ['udp:[2000::/3]:443']}"), ['tunnels[0].endpoints[0]']],
    [tunnel("{name: a, protocol: wireguard, endpoints: ['udp:32.0.0.0/3:1']}"), ['tunnels[0].endpoints[0]']],
    [
      tunnel("{name: a, protocol: wireguard, endpoints: ['udp:224.0.0.0/24:1']}"),
      ['tunnels[0].endpoints[0]'],
    ],
    ['version: 1\nprofile: proxy-stub\nresolvers: ["dot:9.9.9.9:853-854"]', ['resolvers[0]']],
    ['version: 1\nprofile: proxy-stub\nproxies: ["tcp:9.9.9.0/24:1080"]', ['proxies[0]']],
    ['version: 1\nresolvers: ["dot:9.9.9.9:853"]', ['resolvers']],
    ['version: 1\nproxies: ["tcp:9.9.9.9:1080"]', ['proxies']],
    ['version: 1\nprofile: proxy-stub\ndirect: answered', ['direct']],
    ['version: 1\nprofile: split\nmustTunnel: [a.example]\ndirect: none', ['direct']],
    ['version: 1\ndirect: proxies', ['direct']],
    ['version: 1\nmustTunnel: [a.example]', ['mustTunnel']],
    ['version: 1\nprofile: split', ['mustTunnel']],
    ['version: 1\nprofile: split\nmustTunnel: [a.example, A.example]', ['mustTunnel[1]']],
    ['version: 1\nprofile: split\nmustTunnel: ["a..example"]', ['mustTunnel[0]']],
    ['version: 1\nallow: [{to: 192.0.2.9/24, why: x}]', ['allow[0].to']],
    ['version: 1\nallow: [{to: 192.0.2.9}]', ['allow[0].why']],
    ['version: 1\nallow: [{to: 192.0.2.9, port: 5, why: x}]', ['allow[0].port']],
    ['version: 1\nallow: [{to: 192.0.2.9, transport: icmp, port: 5, why: x}]', ['allow[0].port']],
    ['version: 1\nallow: [{to: 0.0.0.0/0, why: x}]', ['allow[0].to']],
    ['version: 1\nallow: [{to: 192.0.2.9, client: 02:00, why: x}]', ['allow[0].client']],
    ['version: 1\nlamp: {driver: disco}', ['lamp.driver']],
    ['version: 1\nlamp: {driver: leds, red: ../x, green: g}', ['lamp.red']],
    ['version: 1\nmanagement: {address: 192.0.2.7}', ['management.address']],
    ['version: 1\nmanagement: {ssh: "yes"}', ['management.ssh']],
    ['version: 1\nmanagement: {address: none, ssh: true}', ['management.ssh']],
    ['version: 1\nmanagement: {ssh: true}\nweb: {port: 22}', ['management.ssh']],
    ['version: 1\nweb: {port: "80"}', ['web.port']],
    ['version: 1\nversion: 1', ['']],
    ['a: [', ['']],
    ['x: &a 1\ny: *a\n', ['']],
    ['- 1', ['']],
  ] as const)('%j is found at %j', (text, expected) => {
    expect([...new Set(paths(text))]).toEqual([...expected]);
  });

  it('never comes alone: all are listed, also those between two settings, with line and remedy', () => {
    const faults = faultsOf(`version: 1
profil: split
tunnels:
  - name: a
    protocol: wireguard
    endpoints:
      - udp:192.0.2.1
      - udp:192.0.2.1:1
  - name: a
    protocol: wireguard
    endpoints: ['udp:192.0.2.1:1']
bridge: {lan: x, wan: x}
retentionDays: 0
`);
    expect(faults.map(({ path, line }) => [path, line])).toEqual([
      ['tunnels[0].endpoints[0]', 7],
      ['retentionDays', 13],
      ['profil', 2],
      ['tunnels[1].name', 9],
      ['tunnels[1].endpoints[0]', 11],
      ['bridge.wan', 12],
    ]);
    for (const fault of faults) {
      expect(fault.message.length).toBeGreaterThan(5);
      expect(fault.remedy.length).toBeGreaterThan(5);
    }
  });

  it('is all that garbage gives', () => {
    const property = fc.property(
      fc.oneof(
        fc.string(),
        fc.json().map((text) => `version: 1\ntunnels: ${text}`),
      ),
      (text) => {
        const parsed = parsePolicy(text);
        expect(parsed.ok || parsed.faults.length > 0).toBe(true);
      },
    );
    fc.assert(property, { numRuns: 500 });
  });
});
