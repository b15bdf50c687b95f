// What thousands of servers cost the ruleset. That what the kernel has already is not given again: nft-change.test.ts; that it does what
// the judge says: test/netns/differential.test.ts.

import { expect, it } from 'vitest';

import { namedPlaces } from '../../../src/policy/compile/server-groups.ts';
import type { NftElement } from '../../../src/policy/compile/nft-model.ts';
import { rulesetOf } from '../../../src/policy/compile/nft.ts';
import { BARE, SERVER_GROUP, SERVER_GROUP_LEARNED, policyOf } from '../policies.ts';

function listOf(count: number, ports: readonly string[], tunnel = 'a'): string {
  const endpoints = Array.from({ length: count }, (_, at) =>
    ports.map((port) => `    - udp:10.${tunnel === 'a' ? 0 : 1}.${at >>> 8}.${at & 255}:${port}`),
  ).flat();
  return `  - name: ${tunnel}\n    protocol: wireguard\n    endpoints:\n${endpoints.join('\n')}\n`;
}

const of = (elements: readonly NftElement[], set: string): string[] =>
  elements.filter((element) => element.set === set).map(({ key }) => key);

it('servers with the same ports are one element each, whatever their ports are', () => {
  const policy = policyOf(`version: 1\ntunnels:\n${listOf(10_000, ['53', '4000-33433'])}`);
  const { chains, elements } = rulesetOf(policy, { blockMode: true });
  expect(of(elements, 'many4_0')).toHaveLength(10_000);
  expect(elements.length).toBeLessThan(10_010);
  const rules = (name: string): readonly string[] => chains.find((chain) => chain.name === name)?.rules ?? [];
  expect(rules('many_0_ports')).toEqual([
    'iifname "lan0" udp dport 53 goto t0_wireguard',
    'iifname != "lan0" udp sport 53 goto t0_wireguard',
  ]);
  expect(rules('many_0_ranges').join()).toContain('4000-33433');
});

it.each([
  [255, 0],
  [256, 1],
])('%i servers make %i server group', (count, serverGroups) => {
  const policy = policyOf(`version: 1\ntunnels:\n${listOf(count, ['51820'])}`);
  const { elements } = rulesetOf(policy, { blockMode: true });
  expect(of(elements, 'many4_0')).toHaveLength(serverGroups * count);
  expect(of(elements, 'tun4')).toHaveLength((1 - serverGroups) * count);
});

it('a server of several tunnels, or of IPsec, stands apart from a server group', () => {
  const policy = policyOf(
    `version: 1\ntunnels:\n${listOf(300, ['51820'])}  - {name: b, protocol: openvpn, endpoints: ['udp:10.0.0.7:1194']}\n` +
      "  - {name: c, protocol: ipsec, endpoints: ['udp:10.0.0.8:500']}\n",
  );
  const { elements } = rulesetOf(policy, { blockMode: true });
  expect(of(elements, 'many4_0')).toHaveLength(298);
  expect(of(elements, 'tun4').sort()).toEqual([
    '10.0.0.7 . udp . 1194',
    '10.0.0.7 . udp . 51820',
    '10.0.0.8 . udp . 4500',
    '10.0.0.8 . udp . 500',
    '10.0.0.8 . udp . 51820',
  ]);
});

it('a range that a name leads to does not hold where a server group has a range, a single port does', () => {
  const { elements } = rulesetOf(SERVER_GROUP, { blockMode: true, learned: SERVER_GROUP_LEARNED });
  expect(of(elements, 'host4')).toEqual([]);
  expect(of(elements, 'tun4')).toEqual(
    expect.arrayContaining(['198.51.100.7 . udp . 5000', '198.51.100.77 . udp . 5000']),
  );
});

it('who has no server group has no rule for one', () => {
  const rules = rulesetOf(BARE, { blockMode: true }).chains.flatMap((chain) => chain.rules);
  expect(rules.filter((rule) => rule.includes('@many'))).toEqual([]);
});

it('a place is read back by its name, behind its own protocol alone', () => {
  expect(namedPlaces('meta protocol ip @nh,128,32 @many4_0 jump many_0_ports')).toBe(
    'ip daddr @many4_0 jump many_0_ports',
  );
  for (const other of ['@nh,128,32 @many4_0 accept', 'meta protocol arp @nh,128,32 @many4_0 accept'])
    expect(namedPlaces(other)).toBe(other);
});
