// Knows: how the guard's and the machine's readings become what the history keeps. Must not know: when, or where, it is kept.

import { statSync } from 'node:fs';
import type { Guard } from '../../../src/guard/guard.ts';
import type { Status } from '../../../src/api/status.ts';
import { worseTunnel } from '../../../src/guard/history/timeline.ts';
import type { Tally } from '../../../src/guard/history/timeline.ts';
import type { TimelineTunnel } from '../../../src/api/past.ts';
import { counterFilePath } from './counter-file.ts';

/** Wall clock of the last kernel reading of an earlier process since boot. */
export function lastAlive(runtimeDir: string): number | undefined {
  const seen = statSync(counterFilePath(runtimeDir), { throwIfNoEntry: false });
  return seen === undefined ? undefined : Math.floor(seen.mtimeMs);
}

/** The tunnel's part of a state. */
export function tunnelOf({ tunnels }: Status): TimelineTunnel {
  // One tunnel that is up carries the traffic: the best tells, not the worst.
  const [best, ...others] = tunnels.map(({ state }) => state);
  if (best === undefined) return 'none';
  return others.reduce<TimelineTunnel>((one, other) => (worseTunnel(one, other) === one ? other : one), best);
}

/** Frames counted since the guard began. */
export function tallyOf({ book, unseen }: Guard): Tally {
  const { red, amber } = book.bySeverity;
  return {
    redEscaped: red.escaped,
    redBlocked: red.blocked,
    amberEscaped: amber.escaped,
    amberBlocked: amber.blocked,
    unseen,
  };
}

/** What was counted between two readings; counting that began anew is none. */
export function difference(now: Tally, before: Tally): Tally {
  const grown = (name: keyof Tally): number => Math.max(0, now[name] - before[name]);
  return {
    redEscaped: grown('redEscaped'),
    redBlocked: grown('redBlocked'),
    amberEscaped: grown('amberEscaped'),
    amberBlocked: grown('amberBlocked'),
    unseen: grown('unseen'),
  };
}
