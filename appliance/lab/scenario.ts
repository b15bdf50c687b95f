// The types of scenarios. A scenario is data: a list of acts with their expected results.

import type { Kind } from '../../src/flow/kinds.ts';
import type { LedPattern, State } from '../../src/api/words.ts';
import type { Rule } from '../../src/policy/verdict.ts';
import type { Argv } from './processes/process.ts';

/** What a step does. */
export type Act =
  /** Runs a program on the laptop; `first` is run right before it, during the same capture. */
  | { readonly do: 'run'; readonly argv: Argv; readonly first?: Argv }
  | { readonly do: 'block'; readonly on: boolean }
  | { readonly do: 'acknowledge' }
  /** Makes the tunnel's client use its server's other address. */
  | { readonly do: 'roam'; readonly to: 'ipv4' | 'ipv6' }
  | { readonly do: 'renew lease' }
  | { readonly do: 'new lease' }
  | { readonly do: 'kill daemon' }
  | { readonly do: 'nothing' };

/** Exactly one incident is raised or grows. */
export interface Leak {
  readonly is: 'leak';
  /** `escapes` in watch mode, with a client that succeeds; `blocked` in block mode, with a client that fails. */
  readonly way: 'escapes' | 'blocked';
  readonly rule: Rule;
  readonly kinds: readonly Kind[];
  readonly exposure?: string;
  /** The exact number of frames, if it is known. */
  readonly frames?: number;
}

/** What must follow from the act. */
export type Expectation =
  | Leak
  /** The client succeeds, and no red incident is raised within a second. */
  | { readonly is: 'clean' }
  /** The guard's status becomes this one. */
  | {
      readonly is: 'state';
      readonly states: readonly State[];
      readonly lamps?: readonly LedPattern[];
      readonly blockMode?: boolean;
    }
  /** The client fails. The guard is not asked, since it may not be running. */
  | { readonly is: 'cut off' };

/** One act, and how it is checked. */
export interface Step {
  readonly name: string;
  readonly act: Act;
  /** A pcap-filter(7) expression: the uplink captures the laptop's frames that match it during the step. */
  readonly watch?: string;
  /** How many of these frames must arrive; for a leak this follows from its `way`. */
  readonly arrives?: 'some' | 'none';
  readonly expect: Expectation;
}

/** Steps in order; each begins in the state that the one before it leaves. `name` is one word for the command line. */
export interface Scenario {
  readonly name: string;
  readonly summary: string;
  readonly steps: readonly Step[];
}

/**
 * A step in the output of `lab play --json`. The counts are the frames of red incidents during this step; `detail`: what was observed, and
 * what is wrong with it.
 */
export interface StepResult {
  readonly name: string;
  readonly ok: boolean;
  readonly attempted: number;
  readonly escaped: number;
  readonly blocked: number;
  readonly lamp: LedPattern | 'unknown';
  readonly detail: string;
}

/** The output of `lab play --json`; `ok`: all steps are. */
export interface ScenarioResult {
  readonly scenario: string;
  readonly ok: boolean;
  readonly steps: readonly StepResult[];
}
