// The set-clock request: a file through which the daemon, which may not set the clock, asks the program that may; and its checks.

import { readFileSync, rmSync, statSync } from 'node:fs';

import { writeDurable } from '../os/durable-file.ts';

/** What is asked for. Both clocks, so that the time that passes until it is carried out can be added. */
export interface SetClockRequest {
  /** The requested time, and CLOCK_MONOTONIC at the request: milliseconds. */
  readonly wall: number;
  readonly monotonic: number;
}

/** `implausible`: cannot be the time now · `garbled`: not a request · `stale`: too old · `kept`: a time service sets this clock. */
export type ClockFault = 'implausible' | 'garbled' | 'stale' | 'kept';

/** Why the clock is not set; the message is for the owner. */
export class ClockError extends Error {
  readonly code: ClockFault;

  constructor(code: ClockFault, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ClockError';
    this.code = code;
  }
}

/** The latest time that is accepted. Together with the earliest it rules out numbers in other units (seconds, microseconds). */
const LATEST = Date.UTC(2100, 0, 1);
/** A request is valid for this long; one that is found later was left behind. Milliseconds. */
const VALID_MS = 60_000;
const LENGTH_MOST = 128;

/**
 * When this program was packaged, by the modification time of its own file; wall clock milliseconds: the time cannot be earlier. The
 * package keeps the times of its files. Throws file system errors.
 */
export function packedAt(): number {
  return statSync(import.meta.filename).mtimeMs;
}

/**
 * Throws ClockError `implausible` unless `wall` is at least `earliest` and before LATEST (the year 2100); wall clock, milliseconds. So does
 * NaN.
 */
export function checkPlausible(wall: number, earliest: number): void {
  if (wall >= earliest && wall < LATEST) return;
  const [from, to] = [earliest, LATEST].map((time) => new Date(time).toISOString());
  throw new ClockError('implausible', `the time must be between ${from ?? ''} and ${to ?? ''}`);
}

/**
 * Writes the request to the file `path`, JSON with a line feed, atomically and durably; it replaces one that nobody has taken. Throws file
 * system errors.
 */
export function leaveRequest(path: string, request: SetClockRequest): void {
  writeDurable(path, `${JSON.stringify(request)}\n`);
}

/**
 * Reads the request and removes its file, because systemd's path unit would otherwise start this program again and again. Undefined when
 * there is none; throws ClockError `garbled` for an invalid one. Throws file system errors, too.
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

/** The requested time plus the time that has passed since; `monotonic`: CLOCK_MONOTONIC now. All milliseconds. Throws ClockError `stale`. */
export function requestedTime(request: SetClockRequest, monotonic: number): number {
  const age = monotonic - request.monotonic;
  if (age >= 0 && age < VALID_MS) return request.wall + age;
  throw new ClockError('stale', 'the request is too old');
}
