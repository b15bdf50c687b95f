// How many wrong rulesets the theorems tell from the right one. A mutant that no theorem kills lets the same frames cross, counts them as
// the same and learns the same from them: the solver says so.

import { compileRuleset } from '../../src/policy/compile/nft.ts';
import { BARE, LEARNED } from '../policy/policies.ts';
import { parseBytecode } from './bytecode.ts';
import type { Bytecode, Rule } from './bytecode.ts';
import { mutantOf } from './bytecode-mutants.ts';
import { forget } from './expr.ts';
import { KINDS, kindText } from './frame.ts';
import type { Kind } from './frame.ts';
import { Kernel } from './kernel.ts';
import { Solver } from './solver.ts';
import type { BoxState } from './spec.ts';
import { Case } from './theorems.ts';

const STATE: BoxState = {
  mode: 'block',
  learned: LEARNED,
  boxMacs: ['02:00:00:00:00:bb'],
  canary: ['02:00:00:00:00:cc'],
};
/** What goes to or comes from the box itself crosses nothing. */
const OWN = new Set(['to_box', 'from_box', 'kept', 'kept_down']);

/** mulberry32 */
function drawOf(seed: number): (below: number) => number {
  let at = seed >>> 0;
  return (below) => {
    at = (at + 0x6d2b79f5) >>> 0;
    let x = Math.imul(at ^ (at >>> 15), at | 1);
    x = (x + Math.imul(x ^ (x >>> 7), x | 61)) ^ x;
    return Math.floor((((x ^ (x >>> 14)) >>> 0) / 4294967296) * below);
  };
}

async function killedBy(solver: Solver, code: Bytecode, kinds: readonly Kind[]): Promise<string | undefined> {
  for (const kind of kinds) {
    forget();
    for (const { theorem, goal } of new Case(code, kind, BARE, STATE).goals())
      if ((await solver.find(goal)).holds) return `${theorem} (${kindText(kind)})`;
  }
  return undefined;
}

/** Prints one line for each mutant that is equivalent, and the sums. */
export async function mutation(count: number, seed: number): Promise<void> {
  const kernel = await Kernel.open(`mutants-${process.pid}`);
  const ruleset = compileRuleset(BARE, {
    blockMode: true,
    learned: LEARNED,
    boxMacs: STATE.boxMacs,
    canary: STATE.canary,
  });
  const code = await kernel
    .bytecode(ruleset)
    .then(parseBytecode)
    .finally(() => kernel.close());
  const solver = new Solver();
  const draw = drawOf(seed);
  const met = new Map<Rule, Kind[]>();
  for (const kind of KINDS) {
    forget();
    for (const rule of new Case(code, kind, BARE, STATE).model.met)
      met.set(rule, [...(met.get(rule) ?? []), kind]);
  }
  const rules = [...met.keys()].filter(({ chain }) => !OWN.has(chain));
  const sums = { tried: 0, killed: 0, equivalent: 0, refused: 0 };
  while (sums.tried < count) {
    const rule = rules[draw(rules.length)];
    const mutant = rule === undefined ? undefined : mutantOf(code, rule, draw);
    if (mutant === undefined) continue;
    sums.tried += 1;
    const kinds = [...new Set(mutant.rules.flatMap((one) => met.get(one) ?? []))].sort((a, b) =>
      a.tag.localeCompare(b.tag),
    );
    try {
      if ((await killedBy(solver, mutant.code, kinds)) !== undefined) sums.killed += 1;
      else {
        sums.equivalent += 1;
        process.stdout.write(`equivalent: ${mutant.what}\n`);
      }
    } catch (error) {
      // Chains that lead back to themselves, counters of two verdicts in one map: the kernel or the model refuses the whole.
      if (!(error instanceof Error)) throw error;
      sums.refused += 1;
    }
  }
  solver.close();
  process.stdout.write(
    `${sums.tried} mutants: ${sums.killed} killed, ${sums.equivalent} equivalent, ${sums.refused} refused\n`,
  );
}
