// Who is logged in, and until when. Sessions are stored as digests, so that reading the file does not let anyone log in. Tokens are always
// generated here, never taken from a visitor.

import { createHash, randomBytes } from 'node:crypto';

import { KeptFileError, readKept, writeKept } from './kept-file.ts';

/** How long a session lasts. */
export interface SessionTimes {
  /** A session ends after this time without use, milliseconds. */
  readonly idleMs: number;
  /** Every session ends after this time, milliseconds. */
  readonly wholeMs: number;
}

const HOUR = 3_600_000;
/** Half a day without use, a week in all. */
export const SESSION_TIMES: SessionTimes = { idleMs: 12 * HOUR, wholeMs: 7 * 24 * HOUR };

interface Session {
  readonly digest: string;
  /** Wall clock, milliseconds. */
  readonly opened: number;
  used: number;
}

const SESSIONS_MOST = 64;
/** Shortest interval between writes of the last use, milliseconds: reading the page must not wear out the card. */
const WRITE_MS = 600_000;
/** A session from further in the future was opened under a different clock: its age is unknown, so it has ended. */
const AHEAD_MS = 60_000;

/** The open sessions, at most SESSIONS_MOST. What changes them throws file system errors; the change then holds in memory only. */
export class Sessions {
  readonly #path: string;
  readonly #now: () => number;
  readonly #times: SessionTimes;
  #sessions: Session[];
  #writtenAt: number;

  /** `now`: wall clock, milliseconds. If the file cannot be read, nobody is logged in. */
  constructor(path: string, now: () => number, times: SessionTimes = SESSION_TIMES) {
    this.#path = path;
    this.#now = now;
    this.#times = times;
    this.#sessions = readSessions(path);
    this.#writtenAt = now();
  }

  /** Opens a session and returns its token, 256 random bits in base64url. If there are too many, the one idle longest is closed. */
  open(): string {
    const token = randomBytes(32).toString('base64url');
    const now = this.#now();
    const open = this.#sessions.filter((session) => this.#lives(session, now));
    open.sort((a, b) => b.used - a.used);
    this.#sessions = [
      { digest: digestOf(token), opened: now, used: now },
      ...open.slice(0, SESSIONS_MOST - 1),
    ];
    this.#write();
    return token;
  }

  /** Whether this is the token of a session that has not ended. Does not prolong it. */
  isOpen(token: string): boolean {
    return this.#find(token) !== undefined;
  }

  /** Like `isOpen`, and records that the session was used by a person. */
  use(token: string): boolean {
    const session = this.#find(token);
    if (session === undefined) return false;
    session.used = this.#now();
    if (Math.abs(session.used - this.#writtenAt) > WRITE_MS) this.#write();
    return true;
  }

  /** Ends a session; an unknown token changes nothing. */
  close(token: string): void {
    const digest = digestOf(token);
    this.#sessions = this.#sessions.filter((session) => session.digest !== digest);
    this.#write();
  }

  /** Ends all sessions. */
  closeAll(): void {
    this.#sessions = [];
    this.#write();
  }

  /** Shifts all times by `ms` milliseconds after the wall clock was set, so that sessions keep their age. */
  shift(ms: number): void {
    this.#sessions = this.#sessions.map(({ digest, opened, used }) => ({
      digest,
      opened: opened + ms,
      used: used + ms,
    }));
    this.#write();
  }

  #find(token: string): Session | undefined {
    const digest = digestOf(token);
    const now = this.#now();
    return this.#sessions.find((session) => session.digest === digest && this.#lives(session, now));
  }

  #lives({ opened, used }: Session, now: number): boolean {
    const ahead = Math.max(opened, used) - now;
    return ahead < AHEAD_MS && now - used < this.#times.idleMs && now - opened < this.#times.wholeMs;
  }

  #write(): void {
    this.#writtenAt = this.#now();
    writeKept(this.#path, this.#sessions);
  }
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

function readSessions(path: string): Session[] {
  try {
    const value = readKept(path);
    return Array.isArray(value) ? value.filter(isSession) : [];
  } catch (error) {
    if (error instanceof KeptFileError) return [];
    throw error;
  }
}

function isSession(value: unknown): value is Session {
  if (typeof value !== 'object' || value === null) return false;
  const { digest, opened, used } = value as Readonly<Record<string, unknown>>;
  return typeof digest === 'string' && typeof opened === 'number' && typeof used === 'number';
}
