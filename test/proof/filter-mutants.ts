// How many wrong capture filters theorem 6 tells from the right one: one instruction of the classic BPF that libpcap compiled is made wrong
// at a time. A mutant that hides less than the right filter hides no leak; what it hides too little is counted apart.

import { compileFilter } from '../../src/policy/compile/bpf.ts';
import { BARE, LEARNED } from '../policy/policies.ts';
import { compiled, shows } from './capture-filter.ts';
import type { BpfInstruction } from './capture-filter.ts';
import { and, forget, not, or } from './expr.ts';
import type { Node } from './expr.ts';
import { CONTENTS, Frame } from './frame.ts';
import { Solver } from './solver.ts';
import { specification } from './spec.ts';
import type { BoxState } from './spec.ts';

export interface FilterMutants {
  tried: number;
  /** They hide a frame that is no tunnel. */
  killed: number;
  /** They show exactly what the right filter shows. */
  equivalent: number;
  /** They hide tunnels alone, and fewer: the taps see more than they need to. */
  showsMore: number;
  /** libpcap writes no such instruction, and the model stops at it. */
  refused: number;
}

type Program = readonly BpfInstruction[];

const LOADS = new Set([0x20, 0x28, 0x30, 0x40, 0x48, 0x50]);

/** Every way to make one instruction wrong: comparison, constant, branches, offset, and what is returned. */
function mutantsOf(program: Program): Program[] {
  return program.flatMap((one, at) => {
    const other = (changed: Partial<BpfInstruction>): Program =>
      program.map((old, nth) => (nth === at ? { ...old, ...changed } : old));
    const { code, ifTrue, ifFalse, k } = one;
    if ((code & 7) === 5 && (code & 0xf0) !== 0)
      return [
        other({ ifTrue: ifFalse, ifFalse: ifTrue }),
        other({ k: (k ^ 1) >>> 0 }),
        other({ k: (k ^ 0x100) >>> 0 }),
        other({ code: (code & 0xf0) === 0x10 ? code ^ 0x20 : code ^ 0x10 }),
        ...(at + 2 + ifTrue < program.length ? [other({ ifTrue: ifTrue + 1 })] : []),
        ...(at + 2 + ifFalse < program.length ? [other({ ifFalse: ifFalse + 1 })] : []),
      ];
    if (LOADS.has(code)) return [other({ k: k + 1 }), other({ k: Math.max(0, k - 1) })];
    if ((code & 7) === 4) return [other({ k: k ^ 1 })];
    return (code & 7) === 6 ? [other({ k: k === 0 ? 0x40000 : 0 })] : [];
  });
}

interface Asked {
  readonly frame: Frame;
  readonly isOutgoing: boolean;
  readonly tunnel: Node;
  readonly right: Node;
}

/** Of the filter for port lan of the bare policy; of its mutants each `step`th. */
export async function filterMutants(step: number): Promise<FilterMutants> {
  const program = await compiled(compileFilter(BARE, 'lan', LEARNED));
  const state: BoxState = { mode: 'block', learned: LEARNED, boxMacs: [], canary: [] };
  forget();
  const asked = CONTENTS.flatMap((content) =>
    (['up', 'down'] as const).map((way): Asked => {
      const frame = new Frame({ way, tag: 'none', content });
      const isOutgoing = way === 'down';
      const tunnel = specification(frame, BARE, state).is.get('tunnel') ?? or();
      return { frame, isOutgoing, tunnel, right: shows(program, frame, isOutgoing) };
    }),
  );
  const solver = new Solver();
  const sums: FilterMutants = { tried: 0, killed: 0, equivalent: 0, showsMore: 0, refused: 0 };
  const some = async (goalOf: (one: Asked) => Node): Promise<boolean> => {
    for (const one of asked) if ((await solver.find(goalOf(one))).holds) return true;
    return false;
  };
  for (const [at, mutant] of mutantsOf(program).entries()) {
    if (at % step !== 0) continue;
    sums.tried += 1;
    try {
      const shown = new Map(asked.map((one) => [one, shows(mutant, one.frame, one.isOutgoing)]));
      const shownOf = (one: Asked): Node => shown.get(one) ?? or();
      if (await some((one) => and(one.frame.premise, not(shownOf(one)), not(one.tunnel)))) sums.killed += 1;
      else if (await some((one) => and(one.frame.premise, shownOf(one), not(one.right)))) sums.showsMore += 1;
      else sums.equivalent += 1;
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('unknown instruction')) throw error;
      sums.refused += 1;
    }
  }
  solver.close();
  return sums;
}
