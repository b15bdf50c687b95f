// The input and the result of the checks of `leakguard doctor`. What cannot be checked is reported as `unknown`, never as `ok`.

import type { MachineHealth, PortHealth } from '../../src/api/box.ts';
import type { Status } from '../../src/api/status.ts';
import type { Policy } from '../../src/policy/policy.ts';

/** `fault`: the box does not work as it must. `warning`: it does, but something may go wrong. */
export type Level = 'ok' | 'warning' | 'fault' | 'unknown';

/** One line of `leakguard doctor`. */
export interface Finding {
  /** What was checked: one or two words. */
  readonly check: string;
  readonly level: Level;
  /** What was found. */
  readonly saw: string;
  /** What to do; empty when there is nothing to do. */
  readonly remedy: string;
}

/** The box that is checked. */
export interface Subject {
  readonly policy: Policy;
  readonly stateDir: string;
  /** Undefined when the daemon does not answer; `silence` then says why. */
  readonly status: Status | undefined;
  readonly silence: string;
  readonly machine: MachineHealth;
  /** lan, wan and bridge, in this order. */
  readonly ports: readonly PortHealth[];
  /** What is wrong with the bridge, one sentence each. */
  readonly bridgeFaults: readonly string[];
  /** nft's error when this kernel does not accept the policy's rules; undefined when it does. */
  readonly rulesFault: string | undefined;
  /** Why the LED cannot be used; undefined when it can. */
  readonly ledFault: string | undefined;
  /** Standard output of a program; undefined when it cannot be started or fails. */
  readonly run: (command: string, ...args: readonly string[]) => Promise<string | undefined>;
  /** Content of a text file; undefined when it cannot be read. */
  readonly readText: (path: string) => string | undefined;
}

/** Returns its findings, none where the machine does not report what it checks. What cannot be read is `unknown`, not a rejection. */
export type Check = (subject: Subject) => Promise<readonly Finding[]>;

/**
 * A finding of level `ok`, with an empty remedy. `check`: what was checked, one or two words; `saw`: what was found, one clause without a
 * full stop.
 */
export function ok(check: string, saw: string): Finding {
  return { check, level: 'ok', saw, remedy: '' };
}

/**
 * A finding with something to do. `check`: what was checked, one or two words; `saw`: what was found, one clause without a full stop;
 * `remedy`: a sentence or a command.
 */
export function found(level: Exclude<Level, 'ok'>, check: string, saw: string, remedy: string): Finding {
  return { check, level, saw, remedy };
}
