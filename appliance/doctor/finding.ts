// Knows: what a check says, and what it may look at. Must not know: any check, and how things are looked at.
// Which way doubt errs: what cannot be looked at is said to be unknown, never to be well.

import type { MachineHealth, PortHealth } from '../../src/api/box.ts';
import type { Status } from '../../src/api/status.ts';
import type { Policy } from '../../src/policy/policy.ts';

/** `fault`: the box does not do what it must. `warning`: it does, and something speaks against it. */
export type Level = 'ok' | 'warning' | 'fault' | 'unknown';

export interface Finding {
  /** What was looked at: one or two words. */
  readonly check: string;
  readonly level: Level;
  /** What was seen. */
  readonly saw: string;
  /** What to do; empty when nothing is to be done. */
  readonly remedy: string;
}

/** A box that is being looked at. */
export interface Subject {
  readonly policy: Policy;
  readonly stateDir: string;
  /** Undefined when the daemon does not answer; `silence` then says why. */
  readonly status: Status | undefined;
  readonly silence: string;
  readonly machine: MachineHealth;
  readonly ports: readonly PortHealth[];
  /** What the bridge has other than it must have, one sentence each. */
  readonly bridgeFaults: readonly string[];
  /** Why this kernel does not take the policy's rules, in nft's words; undefined when it does. */
  readonly rulesFault: string | undefined;
  /** Why this LED could not be used; undefined when it could. */
  readonly ledFault: string | undefined;
  /** Standard output of a program; undefined when it is not there or ended badly. */
  readonly run: (command: string, ...args: readonly string[]) => Promise<string | undefined>;
  /** A text file; undefined when there is none or it may not be read. */
  readonly readText: (path: string) => string | undefined;
}

export type Check = (subject: Subject) => Promise<readonly Finding[]>;

export function ok(check: string, saw: string): Finding {
  return { check, level: 'ok', saw, remedy: '' };
}

export function found(level: Exclude<Level, 'ok'>, check: string, saw: string, remedy: string): Finding {
  return { check, level, saw, remedy };
}
