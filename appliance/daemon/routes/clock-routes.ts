// The route that sets the clock: it leaves a set-clock request and waits until the clock shows the new time. Another program, which does not
// trust this one, sets the clock (appliance/time/).

import { existsSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import type { TimeSource } from '../../../src/api/words.ts';
import { monotonicMs } from '../../os/clock.ts';
import { timeService } from '../../time/time-sources.ts';
import { ClockError, checkPlausible, leaveRequest, packedAt } from '../../time/set-clock-request.ts';
import { ApiError } from './api-server.ts';
import type { Handlers } from './handlers.ts';

/** How long the other program may take, milliseconds: on a small board it starts within a second or two. */
const TIMEOUT_MS = 12_000;
const POLL_MS = 50;
/** The clock counts as set when it differs by less than this, milliseconds. */
const TOLERANCE_MS = 2_000;

/** What the clock needs from the machine. `timeoutMs`: how long the program that sets the clock may take, milliseconds. */
export interface ClockParts {
  /** File for set-clock requests; undefined: the box may not set this machine's clock. */
  readonly requestPath: string | undefined;
  /** Directory that holds run/ and sys/; by default the root. */
  readonly root?: string;
  /** Earliest time that is accepted; wall clock, milliseconds. */
  readonly earliest?: number;
  readonly timeoutMs?: number;
}

/** The clock of this machine, as far as the box may set it. */
export class BoxClock {
  readonly #parts: ClockParts;

  constructor(parts: ClockParts) {
    this.#parts = parts;
  }

  /** Who sets this clock: `machine` when the box may not, `network` while a time service runs, otherwise `owner`. */
  get source(): TimeSource {
    if (this.#parts.requestPath === undefined) return 'machine';
    return timeService(this.#parts.root) === undefined ? 'owner' : 'network';
  }

  /**
   * Resolves when the clock shows `wall` (wall clock milliseconds, within TOLERANCE_MS). Rejects with ApiError: 409 `not-ours` or `kept`
   * when the box does not set this clock, 400 `implausible`, 503 `not-set` when no program set it in time.
   */
  async set(wall: number): Promise<void> {
    const { requestPath, root, earliest = packedAt(), timeoutMs = TIMEOUT_MS } = this.#parts;
    if (requestPath === undefined)
      throw new ApiError(409, 'not-ours', "the box may not set this machine's clock");
    const service = timeService(root);
    if (service !== undefined) throw new ApiError(409, 'kept', `${service} sets this clock`);
    assertPlausible(wall, earliest);
    const asked = monotonicMs();
    leaveRequest(requestPath, { wall, monotonic: asked });
    for (;;) {
      const passed = monotonicMs() - asked;
      const isTaken = !existsSync(requestPath);
      if (isTaken && Math.abs(Date.now() - wall - passed) < TOLERANCE_MS) return;
      if (passed > timeoutMs) {
        rmSync(requestPath, { force: true });
        const why = isTaken ? 'the request was refused' : 'no program picked up the request';
        throw new ApiError(503, 'not-set', `the clock was not set: ${why}; see leakguard-set-clock.service`);
      }
      await sleep(POLL_MS);
    }
  }
}

function assertPlausible(wall: number, earliest: number): void {
  try {
    checkPlausible(wall, earliest);
  } catch (error) {
    if (!(error instanceof ClockError)) throw error;
    throw new ApiError(400, error.code, error.message, [], error);
  }
}

/** The handler for `setClock`; its answer is the time that the clock shows then, ISO 8601. Rejects as BoxClock.set does. */
export function clockRoutes(clock: Pick<BoxClock, 'set'>) {
  return {
    setClock: async ({ body: { wall } }) => {
      await clock.set(wall);
      return { now: new Date().toISOString() };
    },
  } satisfies Partial<Handlers>;
}
