// Knows: the wish for another time: which one is believed, and the file by which it goes from the daemon, which may not set
// clocks, to the program that may. Must not know: who wishes, how a clock is set.

import { readFileSync, rmSync, statSync } from 'node:fs';

import { writeDurable } from '../os/durable-file.ts';

export interface SetClockRequest {
  /** The time that was wished for, and CLOCK_MONOTONIC when it was: milliseconds. */
  readonly wall: number;
  readonly monotonic: number;
}

/** `implausible`: no time of today · `garbled`: no wish · `stale`: nobody took it in time · `kept`: somebody else keeps this clock. */
export type ClockFault = 'implausible' | 'garbled' | 'stale' | 'kept';

export class ClockError extends Error {
  readonly code: ClockFault;

  constructor(code: ClockFault, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ClockError';
    this.code = code;
  }
}

/** By then something else keeps time; before it, a number of other units (seconds, microseconds) is no date. */
const LATEST = Date.UTC(2100, 0, 1);
/** A wish holds so long: what is found later was left behind. Milliseconds. */
const GOOD_MS = 60_000;
const LENGTH_MOST = 128;

/** When this program was packed: no box that runs it is older. The package keeps the times of its files. */
export function packedAt(): number {
  return statSync(import.meta.filename).mtimeMs;
}

/** Throws ClockError `implausible` for what cannot be the time now. `earliest`: wall clock, milliseconds. */
export function checkPlausible(wall: number, earliest: number): void {
  if (wall >= earliest && wall < LATEST) return;
  const [from, to] = [earliest, LATEST].map((time) => new Date(time).toISOString());
  throw new ClockError('implausible', `the time must lie between ${from ?? ''} and ${to ?? ''}`);
}

/** The file is there whole or not at all. Throws what the file system says. */
export function leaveRequest(path: string, request: SetClockRequest): void {
  writeDurable(path, `${JSON.stringify(request)}\n`);
}

/**
 * The wish, and its file is gone: whoever watches for it would start this again and again. Undefined when there is none;
 * throws ClockError for a file that is no wish.
 */
export function takeRequest(path: string): SetClockRequest | undefined {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return undefined;
  const text = size > LENGTH_MOST ? '' : readFileSync(path, 'utf8');
  rmSync(path);
  return requestIn(text);
}

function requestIn(text: string): SetClockRequest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ClockError('garbled', 'the file does not hold a time', error);
  }
  const { wall, monotonic } = (value ?? {}) as Partial<Readonly<Record<string, unknown>>>;
  if (typeof wall === 'number' && typeof monotonic === 'number') return { wall, monotonic };
  throw new ClockError('garbled', 'the file does not hold a time');
}

/** The time it is by the wish, `monotonic` being now. Throws ClockError `stale`. */
export function requestedTime(request: SetClockRequest, monotonic: number): number {
  const age = monotonic - request.monotonic;
  if (age >= 0 && age < GOOD_MS) return request.wall + age;
  throw new ClockError('stale', 'the time was wished for too long ago');
}
