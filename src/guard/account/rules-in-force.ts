// Knows: which rules the kernel had when a frame left that the wan tap tells of, though the tap judges by others by now, or not yet.
// Must not know: who changes rules, the kernel, clocks.
// Kernel and taps change one after the other, and a tap reads a little behind the wire: without this, each tunnel that is added, and each
// pass that ends, would be a breach for as long as that takes.

import { compileJudge } from '../../policy/judge.ts';
import type { Judge } from '../../policy/judge.ts';
import type { LearnedState } from '../../policy/servers/learned.ts';
import type { Policy } from '../../policy/policy.ts';
import { SKEW_MS } from './account.ts';
import type { Observation, TapReport } from '../observation.ts';
import { SETTLE_MS } from './reconciliation.ts';

/** A tap is behind by this at most, or has lost what it did not tell. Milliseconds. */
const BEHIND_MS = 10_000;
/** More changes within that time than these, and what was in force first is not asked any more. */
const VERSIONS = 32;

const TCP = 6;

/** What the kernel may have enforced from one moment to another, monotonic milliseconds. */
interface Rules {
  readonly policy: Policy;
  readonly learned: LearnedState;
  readonly since: number;
  until: number;
  /** By which the taps judge by it; Infinity until they are given. */
  orders: number;
  judge?: Judge;
}

export interface LetOut {
  /** By the rules of now; what those of before let out and these would not is one. */
  readonly isLeak: boolean;
}

export class RulesInForce {
  /** Oldest first. */
  #rules: Rules[] = [];
  readonly #obeyed = { lan: -Infinity, wan: -Infinity };

  /** The kernel is about to be given a policy; until it is in force or called off, either may hold. */
  expect(policy: Policy, learned: LearnedState, now: number): void {
    this.callOff();
    this.#add({ policy, learned, since: now, until: Infinity, orders: Infinity });
  }

  /** The kernel has refused it. */
  callOff(): void {
    this.#rules = this.#rules.filter(({ orders }) => orders < Infinity);
  }

  /** The kernel has what was expected, and the taps judge by it from these orders on. */
  ordered(orders: number, now: number): void {
    const newest = this.#rules.at(-1);
    if (newest === undefined) return;
    for (const rules of this.#rules) if (rules !== newest) rules.until = Math.min(rules.until, now);
    newest.orders = Math.min(newest.orders, orders);
  }

  /** The taps were told what was learned; the kernel lets go of what is over by itself, and by whole seconds. */
  learned(learned: LearnedState, orders: number, now: number): void {
    const before = this.#rules.findLast((rules) => rules.orders < Infinity);
    if (before === undefined) return;
    before.until = Math.min(before.until, now + SETTLE_MS);
    const coming = this.#rules.filter((rules) => rules.orders === Infinity);
    this.callOff();
    this.#add({ policy: before.policy, learned, since: now, until: Infinity, orders });
    for (const rules of coming) this.#add(rules);
  }

  /** Call it behind what the report tells: the first one of new orders still has what was judged by the old ones. */
  heard({ port, orders }: Pick<TapReport, 'port' | 'orders'>): void {
    this.#obeyed[port] = orders;
  }

  /**
   * By which rules a frame may have left that the wan tap, by its own, would have had stopped: undefined where by none, and then it is a
   * breach. Of what was folded nobody can say.
   */
  thatLetOut({ packet, direction, first, last, folded }: Observation, now: number): LetOut | undefined {
    this.#rules = this.#rules.filter(({ until }) => until > now - BEHIND_MS);
    const rules = this.#rules.findLast((one) => {
      if (folded || first < one.since || last > one.until + SKEW_MS || this.#isJudgedBy(one)) return false;
      return judgeOf(one).crosses(packet, direction);
    });
    if (rules === undefined) return undefined;
    const isNewest = rules === this.#rules.at(-1);
    // A stream is the tunnel's by what it begins with, which a tap has not read that did not know the server.
    const isUnread = packet.protocol === TCP && packet.payloadLength > 0;
    return { isLeak: !isNewest || isUnread || judgeOf(rules).judge(packet, direction).verdict === 'leak' };
  }

  /** Both taps go by it, and nothing newer: there is nothing more to ask here. */
  #isJudgedBy(rules: Rules): boolean {
    const { lan, wan } = this.#obeyed;
    return rules === this.#rules.at(-1) && Math.min(lan, wan) >= rules.orders;
  }

  #add(rules: Rules): void {
    this.#rules.push(rules);
    if (this.#rules.length > VERSIONS) this.#rules.shift();
  }
}

function judgeOf(rules: Rules): Judge {
  rules.judge ??= compileJudge(rules.policy, rules.learned);
  return rules.judge;
}
