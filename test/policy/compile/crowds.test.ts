// Knows: what thousands of servers cost the ruleset, and that what the kernel has already is not given again. That the kernel does what
// the judge says: test/netns/differential.test.ts.

import fc from 'fast-check';
import { expect, it } from 'vitest';

import { namedPlaces } from '../../../src/policy/compile/crowds.ts';
import { sparingText } from '../../../src/policy/compile/nft-model.ts';
import type { NftElement } from '../../../src/policy/compile/nft-model.ts';
import { compileRuleset, rulesetOf } from '../../../src/policy/compile/nft.ts';
import { expectedShape } from '../../../src/policy/compile/readback.ts';
import { BARE, CROWD, CROWD_LEARNED, policyOf } from '../policies.ts';

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
])('%i servers make %i crowd', (count, crowds) => {
  const policy = policyOf(`version: 1\ntunnels:\n${listOf(count, ['51820'])}`);
  const { elements } = rulesetOf(policy, { blockMode: true });
  expect(of(elements, 'many4_0')).toHaveLength(crowds * count);
  expect(of(elements, 'tun4')).toHaveLength((1 - crowds) * count);
});

it('a server of several tunnels, or of IPsec, stands apart from a crowd', () => {
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

it('a range that a name leads to does not hold where a crowd has a range, a single port does', () => {
  const { elements } = rulesetOf(CROWD, { blockMode: true, learned: CROWD_LEARNED });
  expect(of(elements, 'host4')).toEqual([]);
  expect(of(elements, 'tun4')).toEqual(
    expect.arrayContaining(['198.51.100.7 . udp . 5000', '198.51.100.77 . udp . 5000']),
  );
});

it('who has no crowd has no rule for one', () => {
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

it('what the kernel has is not given again, and what it has not is given whole', () => {
  const few = policyOf(`version: 1\ntunnels:\n${listOf(300, ['51820'])}`);
  const more = policyOf(`version: 1\ntunnels:\n${listOf(300, ['51820'])}${listOf(400, ['1194'], 'b')}`);
  const text = compileRuleset(few, { blockMode: true });
  const open = compileRuleset(few, { blockMode: false });
  const spared = sparingText(open, text);
  expect(spared).not.toContain('flush set bridge leakguard many4_0');
  expect(spared).not.toContain('elements = { 1677');
  expect(spared.length).toBeLessThan(open.length - 300 * 8);
  // The larger crowd comes first: nothing stands where it stood.
  expect(sparingText(compileRuleset(more, { blockMode: true }), text)).toBe(
    compileRuleset(more, { blockMode: true }),
  );
});

it('what is spared is what was held, set by set', () => {
  const sizes = fc.array(fc.constantFrom(0, 256, 300), { minLength: 2, maxLength: 2 });
  const textOf = ([a = 0, b = 0]: readonly number[]): string => {
    const lists = [a > 0 ? listOf(a, ['51820']) : '', b > 0 ? listOf(b, ['1194'], 'b') : ''].join('');
    return compileRuleset(policyOf(`version: 1\ntunnels:${lists === '' ? ' []' : ''}\n${lists}`), {
      blockMode: true,
    });
  };
  const property = fc.property(sizes, sizes, (before, after) => {
    const [held, wanted] = [textOf(before), textOf(after)];
    const spared = sparingText(wanted, held);
    const [has, wants, gets] = [held, wanted, spared].map((text) => expectedShape(text).sets);
    for (const [name, keys] of wants ?? []) {
      const isGiven = spared.includes(`flush set bridge leakguard ${name}\n`) || !name.startsWith('many');
      expect(isGiven ? gets?.get(name) : has?.get(name)).toEqual(keys);
    }
  });
  fc.assert(property, { seed: 13, numRuns: 30 });
});
