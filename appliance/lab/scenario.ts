// Knows: what a scenario is made of: acts and what must come of them. Must not know: any scenario, how one is played.
// Scenarios are data, so that many can follow the few there are.

import type { Kind } from '../../src/flow/kinds.ts';
import type { LedPattern, State } from '../../src/api/words.ts';
import type { Rule } from '../../src/policy/verdict.ts';
import type { Argv } from './processes/process.ts';

export type Act =
  /** A program on the laptop; `first` is run right before it, under the same watch. */
  | { readonly do: 'run'; readonly argv: Argv; readonly first?: Argv }
  | { readonly do: 'block'; readonly on: boolean }
  | { readonly do: 'acknowledge' }
  /** The tunnel's client moves to its server's other address. */
  | { readonly do: 'roam'; readonly to: 'ipv4' | 'ipv6' }
  | { readonly do: 'renew lease' }
  | { readonly do: 'new lease' }
  | { readonly do: 'kill daemon' }
  | { readonly do: 'nothing' };

/** One incident, and no other, is raised or grows. */
export interface Leak {
  readonly is: 'leak';
  /** Escapes in watch mode, is blocked in block mode; the client succeeds or fails accordingly. */
  readonly way: 'escapes' | 'blocked';
  readonly rule: Rule;
  readonly kinds: readonly Kind[];
  readonly exposure?: string;
  /** Exactly so many frames, where the client sends a known number. */
  readonly frames?: number;
}

export type Expectation =
  | Leak
  /** The client succeeds, and no incident but amber ones is raised within a second. */
  | { readonly is: 'clean' }
  /** The guard comes to say so. */
  | {
      readonly is: 'state';
      readonly states: readonly State[];
      readonly lamps?: readonly LedPattern[];
      readonly blockMode?: boolean;
    }
  /** The client fails, whatever the guard says: it may not be there. */
  | { readonly is: 'cut off' };

export interface Step {
  readonly name: string;
  readonly act: Act;
  /** What the uplink looks for while the step lasts (pcap-filter(7)), of the laptop's frames. */
  readonly watch?: string;
  /** How much of it must arrive: with a leak this follows from its way. */
  readonly arrives?: 'some' | 'none';
  readonly expect: Expectation;
}

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  readonly steps: readonly Step[];
}

/** What `lab play --json` prints of a step. Counts are frames of red incidents, this step's only. */
export interface StepResult {
  readonly name: string;
  readonly ok: boolean;
  readonly attempted: number;
  readonly escaped: number;
  readonly blocked: number;
  readonly lamp: LedPattern | 'unknown';
  readonly detail: string;
}

export interface ScenarioResult {
  readonly scenario: string;
  readonly ok: boolean;
  readonly steps: readonly StepResult[];
}
