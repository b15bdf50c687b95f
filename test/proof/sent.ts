// Sends the frames that the solver makes at every boundary of the specification (boundaries.ts) over a real bridge with the policy's ruleset:
// each must arrive exactly if the specification says that it crosses.

import { compileRuleset } from '../../src/policy/compile/nft.ts';
import type { LearnedState } from '../../src/policy/servers/learned.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { boundaries } from './boundaries.ts';
import type { Looked } from './boundaries.ts';
import { BARE, FULL, LEARNED, PASSING, STUB } from '../policy/policies.ts';
import { Bridge } from './bridge.ts';
import { forget } from './expr.ts';
import { Solver } from './solver.ts';
import { forgetSymbols } from './symbols.ts';

export interface Sent {
  readonly frames: number;
  readonly crossed: number;
  readonly wrong: readonly string[];
}

const AT_ONCE = 500;

/** What a bridge keeps, whatever rules say (IEEE 802.1Q-2022 table 8-1). */
const isKept = ({ bytes }: Looked): boolean =>
  Buffer.from(bytes.subarray(0, 5)).toString('hex') === '0180c20000';

export async function sendBoundaries(
  bridge: Bridge,
  solver: Solver,
  policy: Policy,
  learned: LearnedState,
  flips: readonly number[] = [1, 16, 128],
): Promise<Sent> {
  const looked: Looked[] = [];
  await boundaries(solver, policy, learned, flips, (one) => looked.push(one));
  const frames = looked.filter((one) => !isKept(one));
  const ruleset = compileRuleset(policy, { blockMode: true, learned, boxMacs: [], canary: [] });
  // What the kernel learns from these frames is more than its sets hold (64 questions): whether one is full is not asked here.
  await bridge.load(ruleset.replace(/ size \d+;/g, ' size 65535;'));
  const wrong: string[] = [];
  let crossed = 0;
  const send = async (list: readonly Looked[]): Promise<void> => {
    const [first] = list;
    if (first === undefined) return;
    const expected = first.crosses ? list.length : 0;
    const bytes = list.map((one) => one.bytes);
    const arrived = await bridge.arrived(first.direction === 'up' ? 'lan' : 'wan', bytes, expected);
    if (arrived === expected) crossed += expected;
    else if (list.length === 1)
      wrong.push(
        `${first.direction}, ${first.crosses ? 'does not cross' : 'crosses'}: ${Buffer.from(first.bytes).toString('hex')}`,
      );
    else {
      const half = list.length >> 1;
      await send(list.slice(0, half));
      await send(list.slice(half));
    }
  };
  // What crosses teaches the kernel something, and that may let others cross: it comes last.
  for (const crosses of [false, true])
    for (const way of ['up', 'down'] as const) {
      const list = frames.filter((one) => one.crosses === crosses && one.direction === way);
      for (let at = 0; at < list.length && wrong.length < 10; at += AT_ONCE)
        await send(list.slice(at, at + AT_ONCE));
    }
  return { frames: frames.length, crossed, wrong };
}

/** Three policies, one of them under a pass. True where every frame did what the specification says. */
export async function sendAll(): Promise<boolean> {
  const bridge = await Bridge.raise(`sent-${process.pid}`);
  const solver = new Solver();
  let isWell = true;
  try {
    for (const [name, policy, learned] of [
      ['bare', BARE, LEARNED],
      ['full tunnel', FULL, LEARNED],
      ['full tunnel, a pass open', FULL, PASSING],
      ['proxy-stub', STUB, LEARNED],
    ] as const) {
      forget();
      forgetSymbols();
      const { frames, crossed, wrong } = await sendBoundaries(bridge, solver, policy, learned);
      process.stdout.write(`${name}: ${frames} frames, ${crossed} crossed, ${wrong.length} wrong\n`);
      for (const line of wrong) process.stdout.write(`  ${line}\n`);
      isWell &&= wrong.length === 0 && frames >= 10_000;
    }
  } finally {
    solver.close();
    await bridge.close();
  }
  return isWell;
}
