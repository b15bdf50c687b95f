// What a kernel makes of a transaction of ours: chains, sets and elements by name, and what it refuses. That the real one does the same:
// test/netns/ruleset.test.ts.

import type { TableShape } from '../../../src/policy/compile/readback.ts';
import { normalRule } from '../../../src/policy/compile/readback-rule.ts';
import { shapeKey } from '../../../src/policy/compile/readback.ts';

interface Element {
  readonly key: string;
  readonly verdict?: string;
  readonly timed: boolean;
}

export class NftKernel {
  readonly chains = new Map<string, { head: string; rules: string[] }>();
  readonly sets = new Map<string, Map<string, Element>>();

  /** Throws what nft would refuse. */
  run(text: string): void {
    let rules: string[] | undefined;
    for (const line of text.split('\n')) {
      const [, verb = '', what = '', name = '', listed = ''] =
        /^(add|delete|flush) (element|chain|set|map|table) bridge (?:leakguard )?(\w+)(?: \{ (.*) \})?$/.exec(
          line,
        ) ?? [];
      const chain = /^ {2}chain (\w+) \{(?: type filter hook (\w+) priority 0; policy (\w+);)?( \})?$/.exec(
        line,
      );
      const set = /^ {2}(?:set|map) (\w+) \{ .*?;(?: elements = \{ (.*) \})? \}$/.exec(line);
      if (verb === 'flush') this.#flush(what, name);
      else if (verb !== '') for (const one of elementsIn(listed)) this.#element(verb, name, one);
      else if (chain !== null) {
        const head = chain[2] === undefined ? '' : `${chain[2]} 0 ${chain[3] ?? ''}`;
        const there = this.chains.get(chain[1] ?? '') ?? { head, rules: [] };
        this.chains.set(chain[1] ?? '', there);
        rules = chain[4] === undefined ? there.rules : undefined;
      } else if (set !== null) {
        const there = this.sets.get(set[1] ?? '') ?? new Map<string, Element>();
        this.sets.set(set[1] ?? '', there);
        for (const one of elementsIn(set[2] ?? '')) this.#element('add', set[1] ?? '', one);
      } else if (line.startsWith('    ')) rules?.push(normalRule(line.trim()));
    }
  }

  /** As a listing would show it; a chain that is empty and leads nowhere is none. */
  get shape(): TableShape {
    const keys = (timed: boolean): TableShape['sets'] =>
      new Map(
        [...this.sets].map(([set, held]) => {
          const here = [...held.values()].filter((one) => one.timed === timed);
          return [set, new Set(here.map((one) => shapeKey({ set, ...one })))];
        }),
      );
    const chains = [...this.chains].filter(([, { head, rules }]) => head !== '' || rules.length > 0);
    return { chains: new Map(chains), sets: keys(false), timed: keys(true), flags: false };
  }

  #flush(what: string, name: string): void {
    if (what === 'table') for (const chain of this.chains.values()) chain.rules.length = 0;
    else if (what === 'chain') must(this.chains.get(name), name).rules.length = 0;
    else must(this.sets.get(name), name).clear();
  }

  #element(verb: string, name: string, element: Element): void {
    const set = must(this.sets.get(name), name);
    const key = shapeKey({ set: name, key: element.key });
    const there = set.get(key);
    if (verb === 'delete') {
      must(there, `${name} ${key}`);
      set.delete(key);
    } else if (there === undefined) set.set(key, element);
    else if (there.verdict !== element.verdict) throw new Error(`${name} ${key}: File exists`);
  }
}

function elementsIn(text: string): Element[] {
  const listed = text.split(', ').filter((one) => one !== '');
  return listed.map((one) => {
    const [key = '', verdict] = one.replace(/ timeout \d+s/, '').split(' : ');
    return { key, timed: one.includes(' timeout '), ...(verdict === undefined ? {} : { verdict }) };
  });
}

function must<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`${name}: No such file or directory`);
  return value;
}
