// Checks what is and what is not part of a table's shape, and which policies of the tests have a proven one. Holds README.md, What is proven:
// a rule, an order or a combination of rules that was not proven is called `not a proven shape`.

import { describe, expect, it } from 'vitest';
import { findingOf } from '../../../appliance/bridge/table-shape.ts';
import { closedRuleset, compileClosedRuleset, compileRuleset } from '../../../src/policy/compile/nft.ts';
import { partsOf } from '../../../src/policy/compile/outline.ts';
import { expectedShape } from '../../../src/policy/compile/readback.ts';
import type { TableShape } from '../../../src/policy/compile/readback.ts';
import type { LearnedState } from '../../../src/policy/servers/learned.ts';
import { NOTHING_LEARNED } from '../../../src/policy/servers/learned.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import { PROVEN_SHAPES } from '../../../src/policy/compile/proven-shapes.ts';
import { partsMade } from '../../proof/cases.ts';
import { FULLEST } from '../../proof/fullest.ts';
import { Shapes } from '../../proof/shapes.ts';
import { random } from '../../proof/tried.ts';
import * as policies from '../policies.ts';

const { BARE, FULL, LEARNED, PASSING, STUB, policyOf } = policies;
const PROVEN = Shapes.of(PROVEN_SHAPES);
const BOX = { boxMacs: ['02:00:00:00:00:bb'], canary: ['02:00:00:00:00:cc'] };

function shapeOf(policy: Policy, learned: LearnedState, blockMode = true): TableShape {
  return expectedShape(compileRuleset(policy, { blockMode, learned, ...BOX }));
}

const same = (text: string): string => text;
const outline = (policy: Policy, learned = LEARNED): unknown => partsOf(shapeOf(policy, learned), same);
const verdict = (table: TableShape): string => {
  const { shape, unproven } = findingOf(table);
  return unproven === '' ? shape : `${shape}: ${unproven}`;
};

/** The shape with another list of rules in one chain. */
function changed(
  table: TableShape,
  chain: string,
  rules: (rules: readonly string[]) => readonly string[],
): TableShape {
  const old = table.chains.get(chain);
  if (old === undefined) throw new Error(`no chain ${chain}`);
  return { ...table, chains: new Map([...table.chains, [chain, { ...old, rules: rules(old.rules) }]]) };
}

describe('a table of other addresses', () => {
  const rows = (allow: string): Policy =>
    policyOf(
      `version: 1\ntunnels:\n  - {name: a, protocol: wireguard, endpoints: ['udp:198.51.100.7:51820', 'udp:vpn.example.com:443']}\n${allow}`,
    );
  const row = (text: string): Policy => rows(`allow:\n${text}`);

  it.each([
    [
      'servers',
      BARE,
      policyOf(
        `version: 1\ntunnels:\n  - {name: b, protocol: wireguard, endpoints: ['udp:203.0.113.9:443']}\n`,
      ),
    ],
    ['ports', rows(`bridge: {lan: lan0, wan: wan0}`), rows(`bridge: {lan: enp1s0, wan: enp2s0}`)],
    [
      'rows',
      row(`  - {to: 192.0.2.0/24, transport: tcp, port: 631, why: a}`),
      row(`  - {to: 10.0.0.0/9, transport: tcp, port: 22, why: b}`),
    ],
    [
      'as many of them as there are',
      row(`  - {to: 192.0.2.1, why: a}`),
      row(`  - {to: 192.0.2.1, why: a}\n  - {to: 192.0.2.7, why: b}\n  - {to: 198.18.0.0/16, why: b}`),
    ],
    [
      'names of the same length',
      BARE,
      policyOf(
        `version: 1\ntunnels:\n  - {name: home, protocol: wireguard, endpoints: ['udp:198.51.100.8:51820']}\n`,
      ),
    ],
  ])('has the same shape: %s', (_, one, other) => {
    expect(outline(one)).toEqual(outline(other));
  });

  it('has the same shape whoever is on the link', () => {
    const other: LearnedState = {
      ...LEARNED,
      own: [{ mac: '02:00:00:00:00:0d', address: '10.1.2.3', seconds: 60 }],
      neighbours: [
        { address: '10.1.2.1', seconds: 60 },
        { address: 'fe80::77', seconds: 60 },
        { address: 'fe80::78', seconds: 60 },
      ],
      box: ['10.1.2.9'],
    };
    expect(outline(FULL, other)).toEqual(outline(FULL));
  });

  it.each([
    [
      'a row for one client',
      row(`  - {to: 192.0.2.1, transport: tcp, port: 22, client: '02:00:00:00:00:0c', why: a}`),
    ],
    ['a row without a port', row(`  - {to: 192.0.2.1, transport: tcp, why: a}`)],
    ['another protocol', row(`  - {to: 192.0.2.1, transport: udp, port: 22, why: a}`)],
  ])('has another shape with %s', (_, other) => {
    expect(outline(row(`  - {to: 192.0.2.1, transport: tcp, port: 22, why: a}`))).not.toEqual(outline(other));
  });
});

describe('what was proven', () => {
  /** Of these the specification does not speak, or nobody has proven them yet (test/proof/RESULTS.md). */
  const NOT_PROVEN = [
    'NAMES',
    'RANGES',
    'SERVER_GROUP',
    'ANYWHERE',
    'CHANGED',
    'TAILSCALE',
    'NEBULA',
    'ZEROTIER',
  ];
  const states: Readonly<Record<string, LearnedState>> = { NOTHING_LEARNED, LEARNED, PASSING };

  it('is every policy of the tests, but those that are listed', () => {
    const found = Object.entries(policies).flatMap(([name, policy]) =>
      typeof policy === 'object' && 'tunnels' in policy
        ? Object.values(states).map((learned) => [name, verdict(shapeOf(policy, learned))] as const)
        : [],
    );
    const unproven = new Set(found.filter(([, said]) => said !== 'proven').map(([name]) => name));
    expect([...unproven].sort()).toEqual([...NOT_PROVEN].sort());
  });

  it('is the same in watch mode, and what a box without a policy has', () => {
    expect(verdict(shapeOf(FULL, LEARNED, false))).toBe('proven');
    expect(verdict(expectedShape(compileClosedRuleset()))).toBe('proven');
    expect(verdict(expectedShape(compileClosedRuleset({ lan: 'a', wan: 'b', webPort: 8080 })))).toBe(
      'proven',
    );
    expect(closedRuleset().chains.length).toBeGreaterThan(0);
  });

  it('is what the compilers make of the fullest policies', () => {
    const unknown = FULLEST.filter((_, at) => at % 37 === 0).flatMap((make) => {
      const tried = make('all');
      const lacks = partsMade(tried).filter((part) => !PROVEN.covers(part));
      return lacks.map((part) => `${tried.name}: ${part.name}`);
    });
    expect(unknown, 'the compilers make a shape that nobody has proven: run `npm run prove`').toEqual([]);
  });

  it('is what most policies of chance are', () => {
    const all = Array.from({ length: 40 }, (_, seed) => random(1 + seed)).map(({ policy, states: list }) =>
      list.every(([, { mode, ...rest }]) => {
        const ruleset = compileRuleset(policy, { blockMode: mode === 'block', ...rest });
        return verdict(expectedShape(ruleset)) === 'proven';
      }),
    );
    expect(all.filter((is) => is).length).toBeGreaterThan(all.length / 2);
  });
});

describe('no proven shape is a table', () => {
  const table = shapeOf(FULL, PASSING);

  it('of the right rules is one', () => expect(verdict(table)).toBe('proven'));

  // Of these a policy may have more, fewer, or other ones: rows, servers, names, the link's own.
  const isRow =
    /(?:\d+\.\d+\.\d+\.\d+|[0-9a-f]:[0-9a-f:]*:[0-9a-f]+|@th,64,32 \d+ @th,96,32 \d+|@(?:th|ih),(?:160|112),)/;
  /** What is called proven although one place of the table is another; `change` makes other lists of rules of one. */
  const missedBy = (
    change: (rules: readonly string[]) => readonly (readonly [string, readonly string[]])[],
  ) =>
    [...table.chains].flatMap(([name, { rules }]) =>
      change(rules).flatMap(([what, others]) =>
        verdict(changed(table, name, () => others)) === 'proven' ? [`${name}: ${what}`] : [],
      ),
    );
  const endOf = (rule: string): string => /(?:accept|drop|return|(?:goto|jump) \w+)$/.exec(rule)?.[0] ?? rule;

  it('without one of the rules that have no address of the policy, wherever it stands', () => {
    const missed = missedBy((all) => all.map((rule, at) => [rule, all.filter((_, nth) => nth !== at)]));
    expect(missed.filter((rule) => !isRow.test(rule))).toEqual([]);
  });

  it('with two rules in the other order, but for two rows that end in the same', () => {
    const missed = missedBy((all) =>
      all.slice(1).flatMap((rule, at) => {
        const before = all[at] ?? '';
        const isSame = isRow.test(rule) && isRow.test(before) && endOf(rule) === endOf(before);
        const others = all.map((one, nth) => (nth === at ? rule : nth === at + 1 ? before : one));
        return isSame || rule === before ? [] : [[`${before} | ${rule}`, others] as const];
      }),
    );
    expect(missed).toEqual([]);
  });

  it('with another verdict, wherever it stands', () => {
    const missed = missedBy((all) =>
      all.flatMap((rule, at) => {
        const other = rule.replace(/(?:accept|drop|return|(?:goto|jump) \w+)$/, (end) =>
          end === 'accept' ? 'drop' : 'accept',
        );
        return other === rule ? [] : [[rule, all.map((one, nth) => (nth === at ? other : one))] as const];
      }),
    );
    expect(missed).toEqual([]);
  });

  it('with another number of the compilers in a rule without an address, wherever it stands', () => {
    const missed = missedBy((all) =>
      all.flatMap((rule, at) => {
        const other = rule.replace(/(^| )(\d+)( |$)/, (_, before: string, number: string, after: string) => {
          return `${before}${String(Number(number) + 1)}${after}`;
        });
        return other === rule || isRow.test(rule)
          ? []
          : [[rule, all.map((one, nth) => (nth === at ? other : one))] as const];
      }),
    );
    // The port of the page, which the policy says.
    expect(missed.filter((rule) => !rule.startsWith('to_box: '))).toEqual([]);
  });

  it.each([
    [
      'whose order is another',
      'up_plain4',
      (rules: readonly string[]) => [...rules.slice(1), ...rules.slice(0, 1)],
    ],
    ['with a rule of somebody else', 'up_plain4', (rules: readonly string[]) => ['accept', ...rules]],
    [
      'with a rule for an address where none stands',
      'up_leak',
      (rules: readonly string[]) => ['ip daddr 192.0.2.1 accept', ...rules],
    ],
    [
      'with a row before the tunnels',
      'up_plain4',
      (rules: readonly string[]) => ['meta l4proto 1 ip daddr 203.0.113.99 goto up_allowed', ...rules],
    ],
    [
      'with another verdict',
      'up_vlan',
      (rules: readonly string[]) => rules.map((rule) => rule.replace('goto leak', 'accept')),
    ],
    [
      'with another comparison',
      'up_frag4',
      (rules: readonly string[]) => rules.map((rule) => rule.replace('< 40', '< 28')),
    ],
    [
      'with an address that is not hidden everywhere',
      'box_hidden',
      (rules: readonly string[]) => rules.slice(1),
    ],
    [
      'with a third port',
      'crossing',
      (rules: readonly string[]) => ['iifname wlan0 oifname wan0 accept', ...rules],
    ],
  ])('%s', (_, chain, rules) => {
    expect(verdict(changed(table, chain, rules))).toMatch(/^not a proven shape: /);
  });

  it('with a chain of somebody else at a hook', () => {
    const other = { head: 'forward -10 accept', rules: ['accept'] };
    expect(verdict({ ...table, chains: new Map([...table.chains, ['theirs', other]]) })).toMatch(
      /^not a proven shape/,
    );
  });

  it('whose parts are of different policies', () => {
    const open = shapeOf(STUB, PASSING);
    const mixed = [...table.chains].map(
      ([name, chain]) => [name, /^up_arp/.test(name) ? (open.chains.get(name) ?? chain) : chain] as const,
    );
    expect(verdict({ ...table, chains: new Map(mixed) })).toMatch(
      /^not a proven shape: its parts are of different policies/,
    );
  });

  it('that looks for networks in one direction alone', () => {
    const [fullest] = FULLEST;
    const tried = fullest?.('all');
    const state = tried?.states[0]?.[1];
    if (tried === undefined || state === undefined) throw new Error('no policy');
    const { mode, ...rest } = state;
    const ranges = expectedShape(compileRuleset(tried.policy, { blockMode: mode === 'block', ...rest }));
    expect(verdict(ranges)).toBe('proven');
    const less = ['down_frag4', 'down_plain4'].reduce(
      (one, name) => changed(one, name, (rules) => rules.filter((rule) => !rule.includes('@net4'))),
      ranges,
    );
    expect(verdict(less)).toMatch(/^not a proven shape: /);
  });

  it('with a list of servers that no rule looks in', () => {
    const { sets } = table;
    expect(
      verdict({ ...table, sets: new Map([...sets, ['net4', new Set(['10.0.0.0/8=jump t0_wireguard'])]]) }),
    ).toMatch(/^not a proven shape/);
  });
});
