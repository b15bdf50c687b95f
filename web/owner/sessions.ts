// Knows: who is logged in, and until when. Must not know: passwords, cookies, pages.
// Kept as digests: who reads the file cannot log in with it. A session's name is always made here, never taken from a visitor.

import { createHash, randomBytes } from 'node:crypto';

import { KeptFileError, readKept, writeKept } from './kept-file.ts';

export interface SessionTimes {
  /** A session that nobody uses ends after this. */
  readonly idleMs: number;
  /** Every session ends after this. */
  readonly wholeMs: number;
}

const HOUR = 3_600_000;
export const SESSION_TIMES: SessionTimes = { idleMs: 12 * HOUR, wholeMs: 7 * 24 * HOUR };

interface Session {
  readonly digest: string;
  /** Wall clock, milliseconds. */
  readonly opened: number;
  used: number;
}

const MOST = 64;
/** Use is written down at most so often: reading the page must not wear the card out. */
const WRITE_MS = 600_000;
/** A session from further in the future was made under another clock: its age is unknown, so it is over. */
const AHEAD_MS = 60_000;

export class Sessions {
  readonly #path: string;
  readonly #now: () => number;
  readonly #times: SessionTimes;
  #sessions: Session[];
  #writtenAt: number;

  /** `now`: wall clock, milliseconds. A file that cannot be read means that nobody is logged in. */
  constructor(path: string, now: () => number, times: SessionTimes = SESSION_TIMES) {
    this.#path = path;
    this.#now = now;
    this.#times = times;
    this.#sessions = readSessions(path);
    this.#writtenAt = now();
  }

  /** A new session's token, 256 random bits. The one that was idle longest makes room. */
  open(): string {
    const token = randomBytes(32).toString('base64url');
    const now = this.#now();
    const open = this.#sessions.filter((session) => this.#lives(session, now));
    open.sort((a, b) => b.used - a.used);
    this.#sessions = [{ digest: digestOf(token), opened: now, used: now }, ...open.slice(0, MOST - 1)];
    this.#write();
    return token;
  }

  isOpen(token: string): boolean {
    return this.#find(token) !== undefined;
  }

  /** As `isOpen`, and counts as use: a person did something. */
  use(token: string): boolean {
    const session = this.#find(token);
    if (session === undefined) return false;
    session.used = this.#now();
    if (Math.abs(session.used - this.#writtenAt) > WRITE_MS) this.#write();
    return true;
  }

  close(token: string): void {
    const digest = digestOf(token);
    this.#sessions = this.#sessions.filter((session) => session.digest !== digest);
    this.#write();
  }

  closeAll(): void {
    this.#sessions = [];
    this.#write();
  }

  /** The wall clock was set by so many milliseconds: every session is as old as it was. */
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
