// Knows: how the clauses of the specification (what-may-cross.ts) become one formula for each reason to cross. Must not know: any clause.

import type { LearnedState } from '../../src/policy/servers/learned.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { REASONS } from './clause.ts';
import type { Clauses, Reason } from './clause.ts';
import type { Frame } from './frame.ts';
import { Sight } from './sight.ts';
import { knownOf } from './spec-state.ts';
import { NEVER, both, either, no, padded } from './terms.ts';
import type { Formula } from './terms.ts';
import { down, up } from './what-may-cross.ts';

export { REASONS } from './clause.ts';
export type { Reason } from './clause.ts';

export interface BoxState {
  readonly mode: 'block' | 'watch';
  readonly learned: LearnedState;
  /** MAC addresses of the box, and of the frames by which it proves itself. */
  readonly boxMacs: readonly string[];
  readonly canary: readonly string[];
}

/** A frame crosses where it is something that may, and where it may leave besides. */
export interface Specified {
  /** For each reason the frames that are so; of what is for the box itself, or pretends to be, nothing is judged. */
  readonly is: ReadonlyMap<Reason, Formula>;
  /** Guarantees 4 and 5: no frame that the box forges crosses, and none that bears an address of its own. */
  readonly mayLeave: Formula;
  /** What the kernel itself learns, and when: nothing else opens anything later. */
  readonly learns: readonly { readonly set: string; readonly key: Formula; readonly when: Formula }[];
}

export function specification(frame: Frame, policy: Policy, state: BoxState): Specified {
  const s = new Sight(frame, knownOf(policy, state.learned));
  const isJudged = no(s.isBox(state.boxMacs));
  const found = new Map<Reason, Formula>(REASONS.map((reason) => [reason, NEVER]));
  const learns: { set: string; key: Formula; when: Formula }[] = [];
  let rest = both(isJudged, s.isUntagged);
  for (const { reason, holds, lessons } of clausesFor(s)) {
    const here = both(rest, holds);
    for (const { set, key, only } of lessons)
      learns.push({ set, key: padded(...key), when: both(here, only, ...key.map(({ there }) => there)) });
    found.set(reason, either(found.get(reason) ?? NEVER, here));
    rest = both(rest, no(holds));
  }
  const tagged = both(isJudged, no(s.isUntagged));
  found.set('leak', either(found.get('leak') ?? NEVER, rest, tagged));
  const mayLeave = no(either(s.isCanary(state.canary), s.isForBox(state.boxMacs), s.bearsBox));
  return { is: found, mayLeave, learns };
}

function clausesFor(s: Sight): Clauses {
  const chapters = s.up ? up(s) : down(s);
  switch (s.frame.kind.content.form) {
    case '4':
      return [...chapters.pieces(), ...chapters.whole()];
    case '6':
      return chapters.whole();
    case '6 piece':
      return chapters.pieces();
    case '4 odd':
    case '6 odd':
      return chapters.options();
    case 'arp':
      return chapters.arp();
    case 'eapol':
      return chapters.eapol();
    case 'short':
    case 'other':
      return [];
  }
}

/** Whether the state lets a frame cross that is such. */
export function mayCross(reason: Reason, { mode }: BoxState): boolean {
  return mode === 'watch' || (reason !== 'leak' && reason !== 'held');
}
