// Carries out or refuses a set-clock request. It does not trust the daemon, so everything is checked here again. Uses date(1), --set and
// @SECONDS, because Node cannot set a clock.

import { monotonicMs } from '../os/clock.ts';
import { run } from '../os/run-command.ts';
import { timeService } from './time-sources.ts';
import { ClockError, checkPlausible, packedAt, takeRequest, requestedTime } from './set-clock-request.ts';

/** What the setter needs from the machine. */
export interface SetterParts {
  /** Directory that holds run/ and sys/. */
  readonly root: string;
  /** Earliest time that is accepted; wall clock, milliseconds. */
  readonly earliest: number;
  /** CLOCK_MONOTONIC, milliseconds. */
  readonly monotonic: () => number;
  readonly run: (command: string, args: readonly string[]) => Promise<unknown>;
}

/**
 * The parts for this machine: its root directory, its clock, date(1), and `packedAt` as the earliest time. Throws file system errors when
 * its own file cannot be read.
 */
export function machineParts(): SetterParts {
  return { root: '/', earliest: packedAt(), monotonic: monotonicMs, run };
}

/**
 * Carries out the request in the file `path`, which is removed in any case. True when the clock was set, to the millisecond; false when
 * there is no request. Rejects with ClockError for a refusal, RunError when date(1) fails.
 */
export async function setAsRequested(path: string, parts: SetterParts): Promise<boolean> {
  const request = takeRequest(path);
  if (request === undefined) return false;
  const service = timeService(parts.root);
  if (service !== undefined) throw new ClockError('kept', `${service} sets this clock`);
  const wall = requestedTime(request, parts.monotonic());
  checkPlausible(wall, parts.earliest);
  await parts.run('date', ['--utc', `--set=@${(wall / 1_000).toFixed(3)}`]);
  return true;
}
