// Finds out in which cases (profile, what is known of clients, …) the compilers make which frame of a part, by compiling a small policy for
// each case. A part may be the same in many cases; the box takes a table for proven only if all of its parts belong to one case.

import { compileClosedRuleset, compileRuleset } from '../../src/policy/compile/nft.ts';
import { partsOf } from '../../src/policy/compile/outline.ts';
import type { Part } from '../../src/policy/compile/outline.ts';
import { expectedShape } from '../../src/policy/compile/readback.ts';
import { CLOSED_CASES, caseNumber, everyCase, fullest } from './fullest.ts';
import { short } from './shapes.ts';
import type { Shapes } from './shapes.ts';
import type { Tried } from './tried.ts';

/** Parts of what the compiler writes for a policy in its first state. */
export function partsMade({ policy, states: [first] }: Tried): readonly Part[] {
  if (first === undefined) return [];
  const { mode, ...rest } = first[1];
  return partsOf(expectedShape(compileRuleset(policy, { blockMode: mode === 'block', ...rest })), short);
}

export function casesOf(shapes: Shapes): void {
  for (const wanted of everyCase()) {
    for (const part of partsMade(fullest(wanted, 'few'))) shapes.seen(part, caseNumber(wanted));
  }
  for (const [at, ports] of [undefined, { lan: 'lan0', wan: 'wan0', webPort: 80 }].entries())
    for (const part of partsOf(expectedShape(compileClosedRuleset(ports)), short))
      shapes.seen(part, CLOSED_CASES[at] ?? 0);
}
