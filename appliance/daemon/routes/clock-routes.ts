// Knows: what the path of the local API about the clock does: it leaves a wish, and waits until the clock says so.
// Must not know: how a clock is set: another program does, which believes no word of this one.

import { existsSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import type { TimeSource } from '../../../src/api/words.ts';
import { monotonicMs } from '../../os/clock.ts';
import { timeService } from '../../time/time-sources.ts';
import { ClockError, checkPlausible, leaveRequest, packedAt } from '../../time/set-clock-request.ts';
import { ApiError } from './api-server.ts';
import type { Handlers } from './handlers.ts';

/** How long the other program may take, milliseconds: a small board starts it in a second or two. */
const PATIENCE_MS = 12_000;
const LOOK_MS = 50;
/** The clock has been set when it is this near, milliseconds. */
const NEAR_MS = 2_000;

export interface ClockParts {
  /** Where a wish is taken from; undefined where nobody takes one: this clock is not the box's to set. */
  readonly requestPath: string | undefined;
  /** Holds /run and /sys. */
  readonly root?: string;
  /** Wall clock, milliseconds: no earlier time is believed. */
  readonly earliest?: number;
  readonly patienceMs?: number;
}

export class BoxClock {
  readonly #parts: ClockParts;

  constructor(parts: ClockParts) {
    this.#parts = parts;
  }

  get keeper(): TimeSource {
    if (this.#parts.requestPath === undefined) return 'machine';
    return timeService(this.#parts.root) === undefined ? 'owner' : 'network';
  }

  /** Resolves when the clock says `wall`, milliseconds; throws ApiError when it will not. */
  async set(wall: number): Promise<void> {
    const { requestPath, root, earliest = packedAt(), patienceMs = PATIENCE_MS } = this.#parts;
    if (requestPath === undefined) throw new ApiError(409, 'not-ours', "this clock is not the box's to set");
    const service = timeService(root);
    if (service !== undefined) throw new ApiError(409, 'kept', `${service} keeps this clock`);
    checked(wall, earliest);
    const asked = monotonicMs();
    leaveRequest(requestPath, { wall, monotonic: asked });
    for (;;) {
      const passed = monotonicMs() - asked;
      const isTaken = !existsSync(requestPath);
      if (isTaken && Math.abs(Date.now() - wall - passed) < NEAR_MS) return;
      if (passed > patienceMs) {
        rmSync(requestPath, { force: true });
        const why = isTaken ? 'it was refused' : 'nobody took the new time';
        throw new ApiError(503, 'not-set', `the clock was not set: ${why}; see leakguard-set-clock.service`);
      }
      await sleep(LOOK_MS);
    }
  }
}

function checked(wall: number, earliest: number): void {
  try {
    checkPlausible(wall, earliest);
  } catch (error) {
    if (!(error instanceof ClockError)) throw error;
    throw new ApiError(400, error.code, error.message, [], error);
  }
}

export function clockRoutes(clock: Pick<BoxClock, 'set'>) {
  return {
    setClock: async ({ body: { wall } }) => {
      await clock.set(wall);
      return { now: new Date().toISOString() };
    },
  } satisfies Partial<Handlers>;
}
