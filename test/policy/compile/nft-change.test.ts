// Checks that a change brings the kernel from any ruleset to any other, that it is small where little differs, and when what the kernel
// counts down has to be given again. Holds nft-change.ts.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { GivenTable } from '../../../src/policy/compile/nft-change.ts';
import { rulesetText } from '../../../src/policy/compile/nft-model.ts';
import type { NftElement, NftRuleset } from '../../../src/policy/compile/nft-model.ts';
import { closedRuleset, rulesetOf } from '../../../src/policy/compile/nft.ts';
import { elementsOf } from '../../../src/policy/compile/nft-sets.ts';
import { differences, expectedShape } from '../../../src/policy/compile/readback.ts';
import type { TableShape } from '../../../src/policy/compile/readback.ts';
import type { LearnedState } from '../../../src/policy/servers/learned.ts';
import { NOTHING_LEARNED } from '../../../src/policy/servers/learned.ts';
import {
  ANSWERED,
  ANSWERED_LEARNED,
  ANYWHERE,
  BARE,
  SERVER_GROUP,
  SERVER_GROUP_LEARNED,
  FULL,
  LEARNED,
  NAMES,
  PASSING,
  RANGES,
  RANGES_LEARNED,
  SPLIT,
  STUB,
  TRANSLATED,
} from '../policies.ts';
import { NftKernel } from './nft-kernel.ts';

const MAC = '02:00:00:00:00:0c';
const policies = [ANSWERED, ANYWHERE, BARE, SERVER_GROUP, FULL, NAMES, RANGES, SPLIT, STUB];
const learnings = [
  NOTHING_LEARNED,
  LEARNED,
  PASSING,
  ANSWERED_LEARNED,
  RANGES_LEARNED,
  TRANSLATED,
  SERVER_GROUP_LEARNED,
];
const ruleset = fc
  .record({
    policy: fc.constantFrom(...policies),
    learned: fc.constantFrom(...learnings),
    blockMode: fc.boolean(),
    boxMacs: fc.constantFrom([], [MAC], ['02:00:00:00:00:0b', MAC]),
  })
  .map(({ policy, ...state }) => rulesetOf(policy, state));
const anyRuleset = fc.oneof(
  { weight: 9, arbitrary: ruleset },
  { weight: 1, arbitrary: fc.constant(closedRuleset()) },
);

/** A shape without chains that are empty and lead nowhere. */
function listed({ chains, ...sets }: TableShape): TableShape {
  const full = [...chains].filter(([, { head, rules }]) => head !== '' || rules.length > 0);
  return { chains: new Map(full), ...sets };
}

/** Only of sets that the ruleset has: one that is not used any more stays. */
function shapeIn(kernel: NftKernel, { sets }: NftRuleset): TableShape {
  const { chains, flags, ...held } = kernel.shape;
  const here = (of: TableShape['sets']): TableShape['sets'] =>
    new Map(sets.map(({ name }) => [name, of.get(name) ?? new Set<string>()]));
  return { chains, sets: here(held.sets), timed: here(held.timed), flags };
}

describe('a change', () => {
  it('makes of any ruleset any other, one after another', () => {
    const property = fc.property(fc.array(anyRuleset, { minLength: 3, maxLength: 6 }), (rulesets) => {
      const [before = closedRuleset(), first = closedRuleset(), ...others] = rulesets;
      const kernel = new NftKernel();
      // What another process has given before this one stays where nobody empties it.
      kernel.run(rulesetText(before));
      kernel.run(rulesetText(first));
      let table = GivenTable.of(first, 0);
      for (const [nth, wanted] of others.entries()) {
        const change = table.changeTo(wanted, nth * 10_000);
        kernel.run(change?.text ?? rulesetText(wanted));
        table = change?.table ?? GivenTable.of(wanted, nth * 10_000);
        const whole = expectedShape(rulesetText(wanted));
        expect(shapeIn(kernel, wanted)).toEqual(listed(whole));
        expect(listed(table.shape)).toEqual(listed(whole));
      }
    });
    fc.assert(property, { seed: 15, numRuns: 30 });
  });

  it('of nothing is nothing, also when time has gone by', () => {
    const of = (gone: number): NftRuleset => {
      const addresses = LEARNED.addresses.map((one) => ({ ...one, seconds: 3_000 - gone }));
      return rulesetOf(FULL, { blockMode: true, learned: { ...NOTHING_LEARNED, addresses } });
    };
    for (const gone of [0, 1, 700, 2_900])
      expect(GivenTable.of(of(0), 0).changeTo(of(gone), gone * 1_000 + 400)?.text).toBe('');
  });

  it.each<[string, Partial<LearnedState>, boolean]>([
    [
      'a learned address',
      { addresses: [...LEARNED.addresses, { name: 'vpn.example.com', address: '203.0.113.9', seconds: 60 }] },
      false,
    ],
    ['a DHCP server', { dhcpServers: [{ address: '192.168.9.9', mac: MAC, seconds: 60 }] }, false],
    ['an exposed address', { exposed: [{ address: '203.0.113.8', name: 'a.example', seconds: 60 }] }, false],
    ['a second pass', { passes: [...PASSING.passes, { client: '02:00:00:00:00:0d', seconds: 60 }] }, false],
    ['the first pass', { passes: [{ client: MAC, seconds: 60 }] }, true],
  ])('of %s is elements, and rules where they ask for it', (_what, more, isOfRules) => {
    const before = isOfRules ? { ...PASSING, passes: [] } : PASSING;
    const from = GivenTable.of(rulesetOf(FULL, { blockMode: true, learned: before }), 0);
    const to = rulesetOf(FULL, { blockMode: true, learned: { ...before, ...more } });
    const change = from.changeTo(to, 0);
    expect([change?.isOfRules, (change?.come.length ?? 0) > 0]).toEqual([isOfRules, true]);
    expect(change?.text.length).toBeLessThan(rulesetText(to).length / 8);
  });

  it('of block mode is a few chains, whatever the policy is', () => {
    const [block, watch] = [true, false].map((blockMode) => rulesetOf(SERVER_GROUP, { blockMode }));
    const change = GivenTable.of(block ?? closedRuleset(), 0).changeTo(watch ?? closedRuleset(), 0);
    expect(change?.text.match(/^flush .*$/gm)).toEqual([
      'flush chain bridge leakguard leak',
      'flush chain bridge leakguard leak_down',
    ]);
    expect(change?.come).toEqual([]);
  });

  it('that brings a set of which nothing is known is none: what it holds would stay', () => {
    const policy = rulesetOf(SERVER_GROUP, { blockMode: true });
    expect(GivenTable.of(closedRuleset(), 0).changeTo(policy, 0)).toBeUndefined();
    expect(GivenTable.of(policy, 0).changeTo(closedRuleset(), 0)).toBeDefined();
  });

  it('that moves a chain to another hook is none', () => {
    const moved = closedRuleset();
    const chains = moved.chains.map((chain) => ({ ...chain, hook: 'input' as const }));
    expect(GivenTable.of(moved, 0).changeTo({ ...moved, chains }, 0)).toBeUndefined();
  });
});

describe('elements', () => {
  const pass: NftElement = { set: 'pass_mac', key: MAC, seconds: 60 };

  it('that are put in and taken out are held, and asked for by what is read back', () => {
    const first = rulesetOf(FULL, { blockMode: true });
    const kernel = new NftKernel();
    kernel.run(rulesetText(first));
    const given = GivenTable.of(first, 0).with([pass], [], 0);
    kernel.run(given.text);
    expect(kernel.shape.timed.get('pass_mac')).toEqual(new Set([MAC]));
    expect(given.table.shape.timed.get('pass_mac')).toEqual(new Set([MAC]));
    const taken = given.table.with([], [pass], 0);
    kernel.run(taken.text);
    expect([kernel.shape, taken.table.shape].map(({ timed }) => timed.get('pass_mac')?.size)).toEqual([0, 0]);
    expect(differences({ nftables: [] }, taken.table.shape).length).toBeGreaterThan(0);
  });

  it.each<[string, (seconds: number) => Partial<LearnedState>]>([
    [
      'an address of a tunnel',
      (seconds) => ({ addresses: [{ name: 'vpn.example.com', address: '198.51.100.78', seconds }] }),
    ],
    ['a DHCP server', (seconds) => ({ dhcpServers: [{ address: '192.168.1.1', mac: MAC, seconds }] })],
    ['a resolver', (seconds) => ({ resolvers: [{ address: '192.168.1.1', seconds }] })],
    ['an exposed address', (seconds) => ({ exposed: [{ address: '203.0.113.1', name: 'bank', seconds }] })],
    ['a neighbour', (seconds) => ({ neighbours: [{ address: '192.168.1.1', seconds }] })],
    ['an own address', (seconds) => ({ own: [{ mac: MAC, address: '192.168.1.2', seconds }] })],
    ['a settled client', (seconds) => ({ settled: [{ mac: MAC, seconds }] })],
  ])(
    '%s is given again when it was prolonged, before the kernel lets it go, and not while it runs out',
    (_what, of) => {
      const elements = (seconds: number): readonly NftElement[] =>
        elementsOf(FULL, { ...NOTHING_LEARNED, ...of(seconds) }, []);
      const table = GivenTable.of({ counters: [], sets: [], chains: [], elements: elements(60) }, 0);
      const stale = (seconds: (second: number) => number, late = 0): boolean[] =>
        Array.from({ length: 60 }, (_, second) =>
          table.isStale(elements(seconds(second)), second * 1_000 + late),
        );
      expect(stale((second) => 60 - second, 999)).not.toContain(true);
      expect(stale(() => 600)).not.toContain(false);
      const seenAgain = stale(() => 60);
      expect(seenAgain.indexOf(true)).toBeGreaterThan(29);
      expect(seenAgain.lastIndexOf(false)).toBeLessThan(35);
    },
  );
});
