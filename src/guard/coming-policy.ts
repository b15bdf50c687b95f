// Knows: what the wan tap sees leave by a policy that the kernel has and the tap does not judge by yet. Must not know: who changes
// policies, the kernel, clocks.
// Rules come first and judges after them: a tunnel that was just added would be a breach for as long as that takes.

import { compileJudge } from '../policy/judge.ts';
import type { Judge } from '../policy/judge.ts';
import type { LearnedState } from '../policy/learned.ts';
import type { Policy } from '../policy/policy.ts';
import type { Observation, TapReport } from './observation.ts';

export class ComingPolicy {
  readonly #policy: Policy;
  readonly #learned: LearnedState;
  /** Monotonic milliseconds: before this the kernel did not have it. */
  readonly #since: number;
  /** The orders by which the taps judge by it; Infinity until they are given. */
  #orders = Infinity;
  readonly #obeys = { lan: false, wan: false };
  #judge: Judge | undefined;

  constructor(policy: Policy, learned: LearnedState, since: number) {
    this.#policy = policy;
    this.#learned = learned;
    this.#since = since;
  }

  ordered(orders: number): void {
    this.#orders = orders;
  }

  /** Call it behind what the report tells: the first one of new orders still has what was judged by the old ones. */
  heard({ port, orders }: Pick<TapReport, 'port' | 'orders'>): void {
    this.#obeys[port] ||= orders >= this.#orders;
  }

  /** Both taps judge by it: there is nothing more to ask here. */
  get isObeyed(): boolean {
    return this.#obeys.lan && this.#obeys.wan;
  }

  /** Whether what a tap calls a leak may leave by it; of what was folded nobody can say. */
  letsOut({ facts, direction, first, folded }: Observation): boolean {
    if (folded || first < this.#since || this.isObeyed) return false;
    this.#judge ??= compileJudge(this.#policy, this.#learned);
    return this.#judge.crosses(facts, direction);
  }
}
