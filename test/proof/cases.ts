// Knows: in which cases the compilers make which shape, as they make it of small policies. Must not know: what is proven of it.
// A part may be the same in many cases; the box holds a table for proven only where there is one in which all of its parts are.

import { compileClosedRuleset, compileRuleset } from '../../src/policy/compile/nft.ts';
import { partsOf } from '../../src/policy/compile/outline.ts';
import { expectedShape } from '../../src/policy/compile/readback.ts';
import { CLOSED_CASES, caseNumber, everyCase, fullest } from './fullest.ts';
import { short } from './shapes.ts';
import type { Shapes } from './shapes.ts';

export function casesOf(shapes: Shapes): void {
  for (const wanted of everyCase()) {
    const { policy, states } = fullest(wanted, 'few');
    for (const [, { mode, ...rest }] of states)
      for (const part of partsOf(
        expectedShape(compileRuleset(policy, { blockMode: mode === 'block', ...rest })),
        short,
      ))
        shapes.seen(part, caseNumber(wanted));
  }
  for (const [at, ports] of [undefined, { lan: 'lan0', wan: 'wan0', webPort: 80 }].entries())
    for (const part of partsOf(expectedShape(compileClosedRuleset(ports)), short))
      shapes.seen(part, CLOSED_CASES[at] ?? 0);
}
