// Everything that decides what the box lets through, as one immutable value, and the functions that derive a new one. Pure: no disk, kernel
// or clock. Ruleset, orders to the taps, LED, status and history follow from this value.

import type { Exposure } from '../../../src/guard/answers/correlation.ts';
import { dropsLeaks } from '../../../src/policy/compile/nft.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import type { LearnedState } from '../../../src/policy/servers/learned.ts';

/** Most addresses that the rules watch at once (rule D). */
const EXPOSED_MOST = 1_000;
/** A repeated answer extends the watch only if it adds at least this much, milliseconds. */
const EXPOSURE_SLACK_MS = 30_000;

/** A captive-portal exception (README.md, What crosses in block mode besides the tunnel). */
export interface OpenPass {
  /** MAC address of the client; absent: every client. */
  readonly client?: string;
  /** Monotonic milliseconds. */
  readonly until: number;
}

/** What the box lets through, and why. No part of it is ever changed: each function makes a new one. */
export interface BoxState {
  /** Undefined while there is no valid policy: then nothing crosses. */
  readonly policy: Policy | undefined;
  readonly blockMode: boolean;
  /** Both taps are reading. Until they are, `relock: closed` blocks. */
  readonly isWatched: boolean;
  readonly passes: readonly OpenPass[];
  /** Watched addresses (rule D): for each client and address the entry that lasts longest. */
  readonly exposed: readonly Exposure[];
  /** MAC addresses of bridge and ports, lower-case with colons, when they were last looked up. */
  readonly macs: readonly string[];
  /** The bridge's IPv4 addresses as text, sorted, when they were last looked up. */
  readonly addresses: readonly string[];
}

/**
 * The state at the start, a new value: nothing is known but block mode, there is no policy, and no tap reads yet. Given to the kernel as it
 * is, nothing crosses (closedRuleset, src/policy/compile/nft.ts).
 */
export function initialState(blockMode: boolean): BoxState {
  return { policy: undefined, blockMode, isWatched: false, passes: [], exposed: [], macs: [], addresses: [] };
}

/** Whether leaks are dropped, for whatever reason. Without a policy there is no notion of a leak, so false. */
export function drops({ policy, ...state }: BoxState): boolean {
  return policy !== undefined && dropsLeaks(policy, { ...state, unverified: !state.isWatched });
}

/** When the last pass that is open at `now` ends; undefined when none is open. Both in monotonic milliseconds (CLOCK_MONOTONIC). */
export function passUntil({ passes }: BoxState, now: number): number | undefined {
  const open = passes.filter(({ until }) => until > now);
  return open.length === 0 ? undefined : Math.max(...open.map(({ until }) => until));
}

/**
 * Passes, watched addresses and the box's own addresses in the form that the compilers take, with the whole seconds left: passes rounded,
 * watches rounded down; what has less than that is left out. `now` in monotonic milliseconds.
 */
export function openingsOf(
  { passes, exposed, addresses }: BoxState,
  now: number,
): Pick<LearnedState, 'passes' | 'exposed' | 'box'> {
  return {
    passes: passes.flatMap(({ until, ...pass }) => {
      // The kernel takes whole seconds. Rounded down, a pass of ten seconds would be open for nine.
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

/**
 * The state with another policy; `state` itself does not change. Watched addresses are dropped when the profile changes: what one profile
 * watches, another allows.
 */
export function withPolicy(state: BoxState, policy: Policy): BoxState {
  const exposed = policy.profile === state.policy?.profile ? state.exposed : [];
  return { ...state, policy, exposed };
}

/** The state with a pass, which replaces the one that the same client has; `state` itself does not change. Passes that have ended are kept. */
export function withPass(state: BoxState, pass: OpenPass): BoxState {
  return { ...state, passes: [...state.passes.filter(({ client }) => client !== pass.client), pass] };
}

/**
 * What is on disk while the box changes from one state to another: after a crash in between, the stricter one applies. So closing is
 * written before the kernel gets it, and opening after. Block mode is on if it is in either, and only passes of both are open.
 */
export function stricter(before: BoxState, after: BoxState): BoxState {
  return {
    ...after,
    blockMode: before.blockMode || after.blockMode,
    passes: after.passes.filter((pass) => before.passes.includes(pass)),
  };
}

/**
 * `now` with the decisions (policy, block mode, passes) of `before`, after the kernel refused the change to `after`; observations made
 * meanwhile stay, unless they were made under the refused policy.
 */
export function afterRefusal(now: BoxState, before: BoxState, after: BoxState): BoxState {
  const { policy, blockMode, passes } = before;
  const exposed = policy === after.policy ? now.exposed : before.exposed;
  return { ...now, policy, blockMode, passes, exposed };
}

/**
 * With addresses that were answered in the clear or at which a protected name was shown (rule D); `more` are those that the rules do not
 * watch yet, or not as long. Only the newest EXPOSED_MOST are kept, so that the ruleset does not become slow. `now` in monotonic
 * milliseconds.
 */
export function withExposures(
  state: BoxState,
  news: readonly Exposure[],
  now: number,
): { readonly state: BoxState; readonly more: readonly Exposure[] } {
  const key = ({ client = '', address }: Exposure): string => `${client} ${address}`;
  const known = new Map(state.exposed.filter(({ until }) => until > now).map((entry) => [key(entry), entry]));
  const more = news.filter((entry) => {
    const before = known.get(key(entry));
    if (before !== undefined && before.until > entry.until - EXPOSURE_SLACK_MS) return false;
    known.delete(key(entry));
    known.set(key(entry), entry);
    return true;
  });
  return { state: { ...state, exposed: [...known.values()].slice(-EXPOSED_MOST) }, more };
}

/** The state with the names of watched addresses reduced to what `show` leaves of them (README.md, Privacy); addresses and times stay. */
export function withShownNames(state: BoxState, show: (name: string) => string): BoxState {
  return { ...state, exposed: state.exposed.map((entry) => ({ ...entry, name: show(entry.name) })) };
}
