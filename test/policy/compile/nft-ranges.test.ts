// What ranges of ports and networks of servers cost the ruleset. That the kernel does what the judge says: test/netns/differential.test.ts.

import { expect, it } from 'vitest';

import { compileRuleset, rulesetOf } from '../../../src/policy/compile/nft.ts';
import { expectedShape } from '../../../src/policy/compile/readback.ts';
import { BARE, RANGES } from '../policies.ts';

it('networks within networks become pieces that do not overlap, the narrower ports first', () => {
  const { elements, chains } = rulesetOf(RANGES, { blockMode: true });
  const net4 = elements.filter(({ set }) => set === 'net4').map(({ key }) => key);
  expect(net4).toEqual([
    '198.51.96.0-198.51.100.127',
    '198.51.100.128-198.51.100.199',
    '198.51.100.200/29',
    '198.51.100.208-198.51.100.255',
    '198.51.101.0-198.51.111.255',
    '203.0.113.0/26',
  ]);
  const innermost = elements.find(({ key }) => key === '198.51.100.200/29')?.verdict;
  const chain = chains.find(({ name }) => `jump ${name}` === innermost);
  expect(chain?.rules.filter((rule) => rule.includes('dport'))).toEqual([
    'iifname "lan0" udp dport 51820 goto t2_wireguard',
    'iifname "lan0" udp dport 1000-2000 goto t2_wireguard',
    'iifname "lan0" udp dport 1194-1200 goto t1_openvpn',
    'iifname "lan0" tcp dport 443 goto t1_openvpn_tcp',
  ]);
});

it('who has no range has no rule for one', () => {
  const rules = rulesetOf(BARE, { blockMode: true }).chains.flatMap((chain) => chain.rules);
  expect(rules.filter((rule) => /@(host|nets?)[46]/.test(rule))).toEqual([]);
});

it('what is compiled is read back whole', () => {
  const { sets } = expectedShape(compileRuleset(RANGES, { blockMode: true }));
  expect(
    [...(sets.get('net4') ?? [])].filter((key) => key.startsWith('198.51.100.200/29=jump ports_')),
  ).toHaveLength(1);
  expect(sets.get('nets4')).toEqual(new Set(['198.51.96.0/20']));
});
