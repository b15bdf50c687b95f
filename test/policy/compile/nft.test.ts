// What the compiled rulesets look like (golden files) and what a change of state changes in them.

import { describe, expect, it } from 'vitest';
import { COUNTED_KINDS, counterOf } from '../../../src/policy/compile/counted.ts';
import { compileClosedRuleset, compileRuleset, rulesetOf } from '../../../src/policy/compile/nft.ts';
import { removeText } from '../../../src/policy/compile/nft-model.ts';
import { elementsOf } from '../../../src/policy/compile/nft-sets.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import { expectedShape } from '../../../src/policy/compile/readback.ts';
import { BARE, FULL, LEARNED, PASSING, SPLIT, STUB, STUB_SHUT, policyOf } from '../policies.ts';

const BOX = ['02:00:00:00:00:bb'];

describe('the golden ruleset', () => {
  it.each([
    ['full-tunnel', compileRuleset(FULL, { blockMode: true, learned: PASSING, boxMacs: BOX })],
    ['full-tunnel-watch', compileRuleset(BARE, { blockMode: false })],
    ['proxy-stub', compileRuleset(STUB, { blockMode: true, learned: LEARNED })],
    ['proxy-stub-shut', compileRuleset(STUB_SHUT, { blockMode: true, learned: LEARNED })],
    ['split', compileRuleset(SPLIT, { blockMode: true, learned: LEARNED })],
    ['closed', compileClosedRuleset()],
    ['closed-with-page', compileClosedRuleset({ lan: 'lan0', wan: 'wan0', webPort: 80 })],
  ])('%s', async (name, text) => {
    await expect(text).toMatchFileSnapshot(`golden/${name}.nft`);
  });
});

const lines = (text: string): string[] => text.split('\n');

describe('watch mode', () => {
  it('differs from block mode in the ends of two chains', () => {
    const chains = (blockMode: boolean): ReadonlyMap<string, unknown> =>
      expectedShape(compileRuleset(FULL, { blockMode, learned: LEARNED })).chains;
    const [block, watch] = [chains(true), chains(false)];
    expect([...watch.keys()]).toEqual([...block.keys()]);
    const differing = [...block.keys()].filter(
      (name) => JSON.stringify(block.get(name)) !== JSON.stringify(watch.get(name)),
    );
    expect(differing).toEqual(['leak', 'leak_down']);
  });

  it('is block mode while nothing is verified, unless the policy says open', () => {
    const block = compileRuleset(BARE, { blockMode: true });
    const watch = compileRuleset(BARE, { blockMode: false });
    expect(compileRuleset(BARE, { blockMode: false, unverified: true })).toBe(block);
    const open = { ...BARE, relock: 'open' as const };
    expect(compileRuleset(open, { blockMode: false, unverified: true })).toBe(watch);
    expect(compileRuleset(open, { blockMode: true, unverified: true })).toBe(block);
  });
});

describe('every path of the ruleset', () => {
  it.each([FULL, BARE, STUB, STUB_SHUT, SPLIT])(
    'ends in a verdict, and jumps only to chains that are there',
    (policy) => {
      const { chains } = expectedShape(compileRuleset(policy, { blockMode: true, learned: LEARNED }));
      const targets = (rules: readonly string[], how: RegExp): string[] =>
        rules.flatMap((rule) => [...rule.matchAll(how)].map((match) => match[1] ?? ''));
      const all = [...chains.values()].flatMap(({ rules }) => targets(rules, /(?:jump|goto) (\w+)/g));
      // What a chain that was jumped to hands on falls back to who jumped; nothing else may fall.
      const ending = new Set([...chains.keys()].filter((name) => !all.includes(name)));
      for (const name of ending)
        for (const next of targets(chains.get(name)?.rules ?? [], /goto (\w+)/g)) ending.add(next);
      expect(ending).toContain('up_leak');
      expect(ending).toContain('up_plain4');
      for (const [name, { rules }] of chains) {
        for (const rule of rules) {
          const target = /(?:goto|jump) (\w+)(?:,|$)/.exec(rule)?.[1];
          if (target !== undefined) expect(chains.has(target), `${name}: ${rule}`).toBe(true);
        }
        if (!ending.has(name)) continue;
        expect(rules.at(-1), name).toMatch(/^(?:counter name \w+ )?(?:accept|drop|goto \w+)$/);
      }
    },
  );

  it('lets the page in and, when the policy says so, ssh: from lan, and nothing else to a port of the box', () => {
    const doors = (policy: Policy): string[] =>
      lines(compileRuleset(policy, { blockMode: false })).filter((line) => /tcp dport \d+ accept/.test(line));
    const login = (port: number) => `    iifname "lan0" meta protocol ip tcp dport ${String(port)} accept`;
    const withSsh = (ssh: boolean, address: 'dhcp' | 'none' = 'dhcp'): Policy => ({
      ...BARE,
      management: { ...BARE.management, address, ssh },
    });
    expect(doors(withSsh(false))).toEqual([login(80)]);
    expect(doors(withSsh(true))).toEqual([login(80), login(22)]);
    expect(doors(withSsh(true, 'none'))).toEqual([]);
  });

  it('drops by default on every hook', () => {
    const hooks = rulesetOf(FULL, { blockMode: false }).chains.flatMap(({ hook }) => hook ?? []);
    expect(hooks.sort()).toEqual(['forward', 'input', 'output', 'prerouting']);
    expect(compileRuleset(FULL, { blockMode: false }).match(/policy drop/g)?.length).toBe(8);
    expect(compileRuleset(FULL, { blockMode: false })).not.toContain('policy accept');
  });
});

describe('counters', () => {
  it('exist for every kind the kernel can tell, both ways, and their names say what they count', () => {
    const { counters } = rulesetOf(FULL, { blockMode: true });
    for (const direction of ['up', 'down'] as const) {
      for (const kind of COUNTED_KINDS) {
        const name = `${direction}_leak_${kind.replaceAll('-', '_')}`;
        expect(counters).toContain(name);
        expect(counterOf(name)).toEqual({ direction: direction, verdict: 'leak', kind });
      }
    }
    expect(counters).toContain('up_tunnel_4');
    expect(counterOf('down_tunnel_4')).toEqual({ direction: 'down', verdict: 'tunnel', tunnel: 4 });
    expect(counterOf('up_tunnel_fragment')).toEqual({ direction: 'up', verdict: 'tunnel', tunnel: -1 });
    expect(counterOf('up_essential_dhcp')).toEqual({ direction: 'up', verdict: 'essential', kind: 'dhcp' });
    for (const other of [
      'leak_dropped',
      'up_leak_',
      'up_leak_nothing',
      'up_tunnel_x',
      'sideways_leak_dns',
      '',
    ]) {
      expect(counterOf(other)).toBeUndefined();
    }
  });

  it('are all declared that a rule names', () => {
    for (const policy of [FULL, BARE, STUB, STUB_SHUT, SPLIT]) {
      const ruleset = rulesetOf(policy, { blockMode: true, learned: PASSING, boxMacs: BOX });
      const named = ruleset.chains
        .flatMap(({ rules }) => rules)
        .flatMap((rule) =>
          [...rule.matchAll(/counter name "?(\w+_\w+)|"(\w+_(?:allowed|pass|leak)_\w+)"/g)].map(
            (match) => match[1] ?? match[2] ?? '',
          ),
        );
      const unknown = named.filter((name) => !ruleset.counters.includes(name));
      expect(unknown).toEqual([]);
    }
  });
});

describe('changes without a new ruleset', () => {
  const endpoint = {
    set: 'tun4',
    key: '198.51.100.78 . udp . 51820',
    verdict: 'goto t0_wireguard',
    seconds: 299.2,
  };

  it('take them out, whether they are there or not', () => {
    expect(lines(removeText([endpoint]))).toEqual([
      'add element bridge leakguard tun4 { 198.51.100.78 . udp . 51820 timeout 300s : goto t0_wireguard }',
      'delete element bridge leakguard tun4 { 198.51.100.78 . udp . 51820 : goto t0_wireguard }',
      '',
    ]);
  });
});

describe('what is learned', () => {
  const timed = (address: { readonly name: string; readonly address: string }): readonly unknown[] =>
    elementsOf(FULL, { ...LEARNED, addresses: [{ ...address, seconds: 60 }] }, []).filter(
      ({ key, seconds }) => seconds === 60 && key.startsWith(address.address),
    );

  it('of a name of the policy stands in its sets for a time', () => {
    expect(timed({ name: 'vpn.example.com', address: '198.51.100.78' })).toEqual([
      { set: 'tun4', key: '198.51.100.78 . udp . 51820', verdict: 'goto t0_wireguard', seconds: 60 },
      { set: 'near4', key: '198.51.100.78', seconds: 60 },
      { set: 'frag4', key: '198.51.100.78 . udp', seconds: 60 },
    ]);
  });

  it('leaves what the policy names by address alone, and no other name adds anything', () => {
    expect(timed({ name: 'vpn.example.com', address: '198.51.100.7' })).toEqual([]);
    expect(timed({ name: 'other.example', address: '198.51.100.79' })).toEqual([]);
  });

  it('of a pass is its client', () => {
    const passes = [{ client: '02-00-00-00-00-0C', seconds: 300 }];
    expect(elementsOf(FULL, { ...LEARNED, passes }, [])).toContainEqual({
      set: 'pass_mac',
      key: '02:00:00:00:00:0c',
      seconds: 300,
    });
  });
});

describe('text that comes from the policy', () => {
  it('cannot leave its place: names of ports and hosts are checked before', () => {
    const policy = policyOf("version: 1\nbridge: {lan: 'a.b-c_d', wan: eth1}\n");
    expect(compileRuleset(policy, { blockMode: true })).toContain('iifname "a.b-c_d" goto up');
  });
});
