// How one place of a ruleset's bytecode is made wrong: a comparison, a constant, an element of a set, a verdict, the order of two rules.

import type { Bytecode, Element, Instruction, Rule, SetOfElements, Verdict } from './bytecode.ts';

export interface Mutant {
  readonly what: string;
  readonly code: Bytecode;
  /** Rules of the ruleset as it was that this is about. */
  readonly rules: readonly Rule[];
}

type Draw = (below: number) => number;

const OTHER = { eq: 'neq', neq: 'eq', lt: 'lte', lte: 'lt', gt: 'gte', gte: 'gt' } as const;

function otherWord(words: readonly number[], bytes: number, draw: Draw): number[] {
  const at = draw(bytes);
  return words.map((word, i) => (i === at >> 2 ? (word ^ (1 << (8 * (at % 4) + draw(8)))) >>> 0 : word));
}

function otherVerdict(verdict: Verdict, chains: readonly string[], draw: Draw): Verdict {
  if (verdict.of === 'accept') return { of: 'drop' };
  if (verdict.of === 'drop') return { of: 'accept' };
  if (verdict.of === 'return') return { of: 'accept' };
  return draw(2) === 0
    ? { of: 'return' }
    : { of: verdict.of, chain: chains[draw(chains.length)] ?? verdict.chain };
}

/** Bytes that the register holds there: those of the load before. */
function loaded(rule: Rule, at: number): number {
  for (let i = at - 1; i >= 0; i -= 1) {
    const one = rule.instructions[i];
    if (one?.of === 'payload') return one.length;
    if (one?.of === 'meta') return one.key === 'l4proto' ? 1 : one.key === 'protocol' ? 2 : 4;
    if (one?.of === 'exthdr') return one.length;
  }
  return 1;
}

/** One mutant of a rule; undefined where there is nothing of that sort to change. */
export function mutantOf(code: Bytecode, rule: Rule, draw: Draw): Mutant | undefined {
  const chain = code.chains.get(rule.chain);
  if (chain === undefined) return undefined;
  const place = chain.rules.indexOf(rule);
  const withRules = (rules: readonly Rule[]): Bytecode => ({
    ...code,
    chains: new Map([...code.chains, [rule.chain, { ...chain, rules }]]),
  });
  const leafs = [...code.chains.keys()];
  const sort = draw(10);
  if (sort === 0)
    return {
      what: `${rule.chain}: without ${rule.text}`,
      rules: [rule],
      code: withRules(chain.rules.filter((one) => one !== rule)),
    };
  const next = chain.rules[place + 1];
  if (sort === 1 && next !== undefined) {
    const rules = chain.rules.map((one, at) => (at === place ? next : at === place + 1 ? rule : one));
    return {
      what: `${rule.chain}: behind the next, ${rule.text}`,
      rules: [rule, next],
      code: withRules(rules),
    };
  }
  const at = draw(rule.instructions.length);
  const one = rule.instructions[at];
  if (one === undefined) return undefined;
  if ((one.of === 'lookup' || one.of === 'counter of') && sort < 8) {
    const set = code.sets.get(one.set);
    const victim = set?.elements[draw(set.elements.length)];
    if (set === undefined || victim === undefined || one.of === 'counter of') return undefined;
    const changed = elementOf(set, victim, leafs, draw);
    const sets = new Map([...code.sets, [set.name, changed.set]]);
    const users = [...code.chains.values()].flatMap(({ rules }) =>
      rules.filter(({ instructions }) =>
        instructions.some((user) => user.of === 'lookup' && user.set === set.name),
      ),
    );
    return { what: `@${set.name}: ${changed.what}, in ${rule.text}`, rules: users, code: { ...code, sets } };
  }
  const instruction = instructionOf(one, loaded(rule, at), leafs, draw);
  if (instruction === undefined) return undefined;
  const mutated = {
    ...rule,
    instructions: rule.instructions.map((old, i) => (i === at ? instruction : old)),
  };
  return {
    what: `${rule.chain}: ${JSON.stringify(one)} → ${JSON.stringify(instruction)} in ${rule.text}`,
    rules: [rule],
    code: withRules(chain.rules.map((old) => (old === rule ? mutated : old))),
  };
}

function elementOf(
  set: SetOfElements,
  victim: Element,
  chains: readonly string[],
  draw: Draw,
): { readonly what: string; readonly set: SetOfElements } {
  const put = (elements: readonly Element[]): SetOfElements => ({ ...set, elements });
  const sort = draw(3);
  if (sort === 0 || victim.ends)
    return {
      what: `without ${JSON.stringify(victim.words)}`,
      set: put(set.elements.filter((one) => one !== victim)),
    };
  if (sort === 1 && victim.verdict !== undefined) {
    const verdict = otherVerdict(victim.verdict, chains, draw);
    return {
      what: `${JSON.stringify(victim.words)} : ${JSON.stringify(verdict)}`,
      set: put(set.elements.map((one) => (one === victim ? { ...one, verdict } : one))),
    };
  }
  const words = otherWord(victim.words, 2, draw);
  return {
    what: `${JSON.stringify(victim.words)} → ${JSON.stringify(words)}`,
    set: put(set.elements.map((one) => (one === victim ? { ...one, words } : one))),
  };
}

function instructionOf(
  one: Instruction,
  bytes: number,
  chains: readonly string[],
  draw: Draw,
): Instruction | undefined {
  switch (one.of) {
    case 'cmp':
      return draw(2) === 0
        ? { ...one, how: OTHER[one.how] }
        : { ...one, words: otherWord(one.words, Math.min(bytes, 4 * one.words.length), draw) };
    case 'bitwise':
      return { ...one, mask: otherWord(one.mask, Math.min(bytes, 4 * one.mask.length), draw) };
    case 'payload':
      return { ...one, offset: one.offset + 1 };
    case 'lookup':
      return one.verdict ? undefined : { ...one, inverted: !one.inverted };
    case 'verdict':
      return { of: 'verdict', verdict: otherVerdict(one.verdict, chains, draw) };
    case 'meta':
      return one.key === 'iifname' ? { ...one, key: 'oifname' } : undefined;
    default:
      return undefined;
  }
}
