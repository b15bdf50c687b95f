// Knows: all that decides what the box lets through, as one value, and the ways in which it becomes another. Must not know: disk, kernel,
// clocks, how anything is learned. Ruleset, orders to the taps, LED, status and history follow from it, and from nothing else.

import type { Exposure } from '../../../src/guard/answers/correlation.ts';
import { dropsLeaks } from '../../../src/policy/compile/nft.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import type { LearnedState } from '../../../src/policy/servers/learned.ts';

/** Addresses that the rules watch at once (rule D). */
const EXPOSED_MOST = 1_000;
/** A repeated answer prolongs the watch only when it adds this much, milliseconds. */
const EXPOSURE_SLACK_MS = 30_000;

export interface OpenPass {
  /** MAC address; absent: every client. */
  readonly client?: string;
  /** Monotonic milliseconds. */
  readonly until: number;
}

export interface BoxState {
  /** Undefined while no valid one is in force: nothing crosses. */
  readonly policy: Policy | undefined;
  readonly blockMode: boolean;
  /** Both taps read what crosses. Until they do, `relock: closed` blocks. */
  readonly isWatched: boolean;
  readonly passes: readonly OpenPass[];
  /** By client and address, the one that lasts longest. */
  readonly exposed: readonly Exposure[];
  /** MAC addresses of the bridge, and the IPv4 addresses that it had when it was looked at. */
  readonly macs: readonly string[];
  readonly addresses: readonly string[];
}

/** Before anything is known but what the record says. */
export function unwatched(blockMode: boolean): BoxState {
  return { policy: undefined, blockMode, isWatched: false, passes: [], exposed: [], macs: [], addresses: [] };
}

/** Whether leaks are dropped, for whatever reason. Without a policy nothing is called a leak. */
export function drops({ policy, ...state }: BoxState): boolean {
  return policy !== undefined && dropsLeaks(policy, { ...state, unverified: !state.isWatched });
}

/** The latest end of a pass that is open at `now`, monotonic milliseconds. */
export function passUntil({ passes }: BoxState, now: number): number | undefined {
  const open = passes.filter(({ until }) => until > now);
  return open.length === 0 ? undefined : Math.max(...open.map(({ until }) => until));
}

/** What was opened and closed by hand or by what was seen, beside what the wire teaches, as the compilers take it at `now`. */
export function openingsOf(
  { passes, exposed, addresses }: BoxState,
  now: number,
): Pick<LearnedState, 'passes' | 'exposed' | 'box'> {
  return {
    passes: passes.flatMap(({ until, ...pass }) => {
      // The kernel takes whole seconds: rounded down, a pass of ten would be open for nine.
      const seconds = Math.round((until - now) / 1_000);
      return seconds > 0 ? [{ ...pass, seconds }] : [];
    }),
    exposed: exposed.flatMap(({ until, ...served }) => {
      const seconds = Math.floor((until - now) / 1_000);
      return seconds > 0 ? [{ ...served, seconds }] : [];
    }),
    box: addresses,
  };
}

/** Under another policy. What one profile has to watch, another lets go direct. */
export function governed(state: BoxState, policy: Policy): BoxState {
  const exposed = policy.profile === state.policy?.profile ? state.exposed : [];
  return { ...state, policy, exposed };
}

/** A pass takes the place of the one that the same client has. */
export function passing(state: BoxState, pass: OpenPass): BoxState {
  return { ...state, passes: [...state.passes.filter(({ client }) => client !== pass.client), pass] };
}

/**
 * What the disk says while the box goes from one state to the other: a crash in between finds the one that lets less through. So the
 * record closes first and opens last.
 */
export function stricter(before: BoxState, after: BoxState): BoxState {
  return {
    ...after,
    blockMode: before.blockMode || after.blockMode,
    passes: after.passes.filter((pass) => before.passes.includes(pass)),
  };
}

/** After a change that was refused: what was decided is as before it, what was seen meanwhile stays. */
export function refused(now: BoxState, before: BoxState, after: BoxState): BoxState {
  const { policy, blockMode, passes } = before;
  const exposed = policy === after.policy ? now.exposed : before.exposed;
  return { ...now, policy, blockMode, passes, exposed };
}

/**
 * With addresses that were answered, or shown a protected name, in the clear; `more` are those that the rules do not watch yet. At most
 * so many as a ruleset can hold without growing slow: the newest.
 */
export function exposing(
  state: BoxState,
  news: readonly Exposure[],
  now: number,
): { readonly state: BoxState; readonly more: readonly Exposure[] } {
  const key = ({ client = '', address }: Exposure): string => `${client} ${address}`;
  const known = new Map(state.exposed.filter(({ until }) => until > now).map((one) => [key(one), one]));
  const more = news.filter((one) => {
    const before = known.get(key(one));
    if (before !== undefined && before.until > one.until - EXPOSURE_SLACK_MS) return false;
    known.delete(key(one));
    known.set(key(one), one);
    return true;
  });
  return { state: { ...state, exposed: [...known.values()].slice(-EXPOSED_MOST) }, more };
}

/** With no more of the names of exposed addresses than `show` leaves. */
export function veiled(state: BoxState, show: (name: string) => string): BoxState {
  return { ...state, exposed: state.exposed.map((one) => ({ ...one, name: show(one.name) })) };
}
