// Which rules the kernel may have had when a frame left that the wan tap judged by newer or older rules. Kernel and taps change one
// after the other, and a tap reads a little behind the wire: without this, every tunnel that is added and every pass that ends would
// look like a breach until both have changed.

import { compileJudge } from '../../policy/judge.ts';
import type { Judge } from '../../policy/judge.ts';
import type { LearnedState } from '../../policy/servers/learned.ts';
import type { Policy } from '../../policy/policy.ts';
import { SKEW_MS } from './account.ts';
import type { Observation, TapReport } from '../observation.ts';
import { SETTLE_MS } from './reconciliation.ts';

/** The longest that a tap can lag, milliseconds; frames that it has not reported by then are lost. */
const BEHIND_MS = 10_000;
/** Versions of the rules kept; with more changes within that time the oldest is forgotten. */
const VERSIONS = 32;

const TCP = 6;

/** Rules that the kernel may have enforced from `since` to `until`, monotonic milliseconds. */
interface Rules {
  readonly policy: Policy;
  readonly learned: LearnedState;
  readonly since: number;
  until: number;
  /** Number of the orders from which the taps judge by these rules; Infinity until they are given. */
  orders: number;
  judge?: Judge;
}

/** What is known of a frame that newer or older rules let out. */
export interface LetOut {
  /** Whether the frame is a leak: always when only older rules let it out. */
  readonly isLeak: boolean;
}

/**
 * The latest versions of the rules, each with the time in which the kernel may have had it. Times are monotonic milliseconds; orders are
 * numbered from earlier to later.
 */
export class RulesInForce {
  /** Oldest first. */
  #rules: Rules[] = [];
  /** The newest orders that each tap has reported to judge by. */
  readonly #obeyed = { lan: -Infinity, wan: -Infinity };

  /** Call before the kernel is given a policy: until `ordered` or `callOff`, either the old or the new one may be in force. */
  expect(policy: Policy, learned: LearnedState, now: number): void {
    this.callOff();
    this.#add({ policy, learned, since: now, until: Infinity, orders: Infinity });
  }

  /** The kernel has refused the expected policy. */
  callOff(): void {
    this.#rules = this.#rules.filter(({ orders }) => orders < Infinity);
  }

  /** The kernel has the expected policy, and the taps judge by it from these orders on. */
  ordered(orders: number, now: number): void {
    const newest = this.#rules.at(-1);
    if (newest === undefined) return;
    for (const rules of this.#rules) if (rules !== newest) rules.until = Math.min(rules.until, now);
    newest.orders = Math.min(newest.orders, orders);
  }

  /** From these orders on the taps judge by this set of learned addresses. The kernel expires its entries by itself, in whole seconds. */
  learned(learned: LearnedState, orders: number, now: number): void {
    const before = this.#rules.findLast((rules) => rules.orders < Infinity);
    if (before === undefined) return;
    before.until = Math.min(before.until, now + SETTLE_MS);
    const coming = this.#rules.filter((rules) => rules.orders === Infinity);
    this.callOff();
    this.#add({ policy: before.policy, learned, since: now, until: Infinity, orders });
    for (const rules of coming) this.#add(rules);
  }

  /** Call it after a report's observations were taken: the first report of new orders still holds frames judged by the old ones. */
  heard({ port, orders }: Pick<TapReport, 'port' | 'orders'>): void {
    this.#obeyed[port] = orders;
  }

  /**
   * The rules that may have let out a frame which should have been stopped by the rules that the wan tap judged by. Undefined when no rules
   * did, which is a breach, and for folded observations.
   */
  rulesThatLetOut({ packet, direction, first, last, folded }: Observation, now: number): LetOut | undefined {
    this.#rules = this.#rules.filter(({ until }) => until > now - BEHIND_MS);
    const rules = this.#rules.findLast((candidate) => {
      const { since, until } = candidate;
      if (folded || first < since || last > until + SKEW_MS || this.#isJudgedBy(candidate)) return false;
      return judgeOf(candidate).crosses(packet, direction);
    });
    if (rules === undefined) return undefined;
    const isNewest = rules === this.#rules.at(-1);
    // A TCP stream is recognised as the tunnel's by its first bytes, which a tap that did not know the server has not read.
    const isUnread = packet.protocol === TCP && packet.payloadLength > 0;
    return { isLeak: !isNewest || isUnread || judgeOf(rules).judge(packet, direction).verdict === 'leak' };
  }

  /** Whether both taps judge by these rules and there are no newer ones: then their own verdict holds. */
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
