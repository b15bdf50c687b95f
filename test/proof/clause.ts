// Knows: how the specification is written: clauses with a name, of which the first that holds says what a frame is. Must not know: any of them.

import type { Field, Formula } from './terms.ts';
import { ALWAYS, both } from './terms.ts';

/** Why a frame crosses. `held`: allowed, and handed on by the daemon. */
export const REASONS = ['tunnel', 'plumbing', 'allowed', 'pass', 'held', 'leak'] as const;
export type Reason = (typeof REASONS)[number];

/** What the kernel learns from a frame of a clause: in which set, what, and of which of its frames alone. */
interface Lesson {
  readonly set: string;
  readonly key: readonly Field[];
  readonly only: Formula;
}

export interface Clause {
  readonly reason: Reason;
  readonly name: string;
  readonly holds: Formula;
  readonly lessons: readonly Lesson[];
}

export type Clauses = readonly Clause[];

const clause =
  (reason: Reason) =>
  (name: string, ...all: readonly Formula[]): Clause => ({ reason, name, holds: both(...all), lessons: [] });

export const tunnel = clause('tunnel');
export const plumbing = clause('plumbing');
export const allowed = clause('allowed');
export const pass = clause('pass');
export const held = clause('held');
export const leak = clause('leak');

/** The same clause, from whose frames the kernel learns. */
export function teaches(of: Clause, set: string, key: readonly Field[], only: Formula = ALWAYS): Clause {
  return { ...of, lessons: [...of.lessons, { set, key, only }] };
}
