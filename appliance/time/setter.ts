// Knows: how a wish for another time is fulfilled or refused. Must not know: who wished. It believes nobody: what was checked
// before is checked here. Follows date(1), --set and @SECONDS: Node has no call that sets a clock.

import { monotonicMs } from '../os/clock.ts';
import { run } from '../os/run-command.ts';
import { timeService } from './time-sources.ts';
import { ClockError, checkPlausible, packedAt, takeRequest, requestedTime } from './set-clock-request.ts';

export interface SetterParts {
  /** Holds /run and /sys. */
  readonly root: string;
  /** Wall clock, milliseconds: no earlier time is believed. */
  readonly earliest: number;
  /** CLOCK_MONOTONIC, milliseconds. */
  readonly monotonic: () => number;
  readonly run: (command: string, args: readonly string[]) => Promise<unknown>;
}

export function machineParts(): SetterParts {
  return { root: '/', earliest: packedAt(), monotonic: monotonicMs, run };
}

/** True when the clock was set, false when nobody wished it; throws ClockError for a refusal, RunError when it cannot be set. */
export async function fulfil(path: string, parts: SetterParts): Promise<boolean> {
  const request = takeRequest(path);
  if (request === undefined) return false;
  const service = timeService(parts.root);
  if (service !== undefined) throw new ClockError('kept', `${service} keeps this clock`);
  const wall = requestedTime(request, parts.monotonic());
  checkPlausible(wall, parts.earliest);
  await parts.run('date', ['--utc', `--set=@${(wall / 1_000).toFixed(3)}`]);
  return true;
}
