// Knows: how the specification is written: clauses with a name, of which the first that holds says what a frame is. Must not know: any of them.

import type { Field, Formula } from './terms.ts';
import { ALWAYS, both } from './terms.ts';

/** Why a frame crosses. `held`: allowed, and handed on by the daemon. */
export const REASONS = ['tunnel', 'plumbing', 'allowed', 'pass', 'held', 'leak'] as const;
export type Reason = (typeof REASONS)[number];

/** What the kernel learns from a frame of a clause: in which set, what, and of which of its frames alone. */
export interface Lesson {
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
  (name: string, ...all: readonly (Formula | Lesson)[]): Clause => ({
    reason,
    name,
    holds: both(...all.flatMap((one) => (isLesson(one) ? [] : [one]))),
    lessons: all.filter(isLesson),
  });

const isLesson = (one: Formula | Lesson): one is Lesson => 'set' in one;

export const tunnel = clause('tunnel');
export const plumbing = clause('plumbing');
export const allowed = clause('allowed');
export const pass = clause('pass');
export const held = clause('held');
export const leak = clause('leak');

/** In a clause: from its frames, or from those alone, the kernel learns this. */
export function learn(set: string, key: readonly Field[], only: Formula = ALWAYS): Lesson {
  return { set, key, only };
}
