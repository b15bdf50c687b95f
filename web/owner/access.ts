// Whether a visitor is the owner, and how to become it: first password, login, logout. Cookies follow RFC 6265bis: host-only, HttpOnly,
// SameSite=Strict. Not Secure, because there is no TLS on the one cable between laptop and box.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import type { Context } from 'koa';

import { addressGroup } from '../http/address-group.ts';
import { FirstCode } from './first-code.ts';
import { readKept, writeKept } from './kept-file.ts';
import { LoginThrottle, THROTTLE_LIMITS } from './login-throttle.ts';
import type { ThrottleLimits } from './login-throttle.ts';
import { isLongEnough, Password } from './password.ts';
import { SESSION_TIMES, Sessions } from './sessions.ts';
import type { SessionTimes } from './sessions.ts';

const SESSION_COOKIE = 'leakguard-session';
const BROWSER_COOKIE = 'leakguard-browser';
/** Wall clock and monotonic clock drift apart by less unless the wall clock is set. */
const CLOCK_NUDGE_MS = 1000;
const YEAR_MS = 365 * 24 * 3_600_000;

/**
 * Result of an attempt. `in`: the visitor is logged in · `short`, `different`: the new password · `taken`: there is a password already ·
 * `wrong`, `code`: the password or the code · `wait`: too many attempts; try again after `waitMs` milliseconds.
 */
export type Outcome =
  | { readonly code: 'in' | 'wrong' | 'short' | 'different' | 'taken' | 'code' }
  | { readonly code: 'wait'; readonly waitMs: number };

/** How the page recognizes its owner. */
export interface AccessOptions {
  /** Directory for password and sessions; created if it is missing. */
  readonly stateDir: string;
  /** The first visit must enter a code. If there is no code file, nobody can set a password. */
  readonly codeRequired?: boolean;
  readonly sessionTimes?: SessionTimes;
  readonly throttle?: ThrottleLimits;
  /** Wall clock, milliseconds. */
  readonly now?: () => number;
}

/** The owner's password, sessions and browsers. Cookies are set on the answer of the request that is given. */
export class Access {
  readonly #password: Password;
  readonly #firstCode: FirstCode;
  readonly #sessions: Sessions;
  readonly #throttle: LoginThrottle;
  readonly #browserSecret: Buffer;
  readonly #now: () => number;

  /** Throws file system errors, and KeptFileError if the password file exists but cannot be read. */
  constructor({ stateDir, codeRequired = false, sessionTimes, throttle, now }: AccessOptions) {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    this.#now = now ?? Date.now;
    this.#password = new Password(join(stateDir, 'password.json'));
    this.#firstCode = new FirstCode(join(stateDir, 'first-code'), codeRequired);
    this.#sessions = new Sessions(join(stateDir, 'sessions.json'), this.#now, sessionTimes ?? SESSION_TIMES);
    this.#throttle = new LoginThrottle(() => performance.now(), throttle ?? THROTTLE_LIMITS);
    this.#browserSecret = secretIn(join(stateDir, 'browsers.json'));
  }

  /** False until the first visit has set a password. */
  get isSetUp(): boolean {
    return this.#password.isSet;
  }

  /** True if the first visit must enter the box's one-time code. */
  get asksForCode(): boolean {
    return !this.isSetUp && this.#firstCode.isAsked;
  }

  /** The token of the visitor's session if it is open; undefined otherwise. The tokens of forms are bound to it. */
  session(ctx: Context): string | undefined {
    const token = ctx.cookies.get(SESSION_COOKIE, { signed: false });
    return token !== undefined && this.isOpen(token) ? token : undefined;
  }

  /** Whether this is the token of an open session. */
  isOpen(token: string): boolean {
    return this.#sessions.isOpen(token);
  }

  /** True for the owner. `active`: a person did this (which prolongs the session), not a page that keeps itself current. */
  isOwner(ctx: Context, active: boolean): boolean {
    const token = this.session(ctx);
    return token !== undefined && (!active || this.#sessions.use(token));
  }

  /** Sets the first password and logs the visitor in. Rejects with file system errors; then there is still none. */
  async setFirst(ctx: Context, password: string, again: string, code: string): Promise<Outcome> {
    const fault = faultOf(password, again);
    if (fault !== undefined) return { code: fault };
    if (this.asksForCode) {
      const waitMs = this.#throttle.admit(addressGroup(ctx.req.socket.remoteAddress ?? ''), false);
      if (waitMs > 0) return { code: 'wait', waitMs };
      if (!this.#firstCode.matches(code)) return { code: 'code' };
    }
    if (!(await this.#password.setFirst(password))) return { code: 'taken' };
    this.#firstCode.forget();
    this.#letIn(ctx);
    return { code: 'in' };
  }

  /** Logs the visitor in if the password is right; every attempt counts for the throttle. */
  async logIn(ctx: Context, password: string): Promise<Outcome> {
    const outcome = await this.#guess(ctx, password);
    if (outcome.code === 'in') this.#letIn(ctx);
    return outcome;
  }

  /**
   * Changes the password and logs out everyone else: a password is often changed because someone else may know it. Rejects with file system
   * errors; the old one then stays.
   */
  async changePassword(ctx: Context, old: string, password: string, again: string): Promise<Outcome> {
    const fault = faultOf(password, again);
    if (fault !== undefined) return { code: fault };
    const outcome = await this.#guess(ctx, old);
    if (outcome.code !== 'in') return outcome;
    await this.#password.change(password);
    this.#sessions.closeAll();
    this.#letIn(ctx);
    return outcome;
  }

  /** Ends the visitor's session, or all. */
  logOut(ctx: Context, everywhere: boolean): void {
    const token = this.session(ctx);
    if (everywhere) this.#sessions.closeAll();
    else if (token !== undefined) this.#sessions.close(token);
    setCookie(ctx, SESSION_COOKIE, null);
  }

  /** Runs `task`, which may set the wall clock, and shifts all sessions by that change, so that they end after the time that really passed. */
  async overClockChange<T>(task: () => Promise<T>): Promise<T> {
    const ahead = (): number => this.#now() - performance.now();
    const before = ahead();
    try {
      return await task();
    } finally {
      const moved = Math.round(ahead() - before);
      if (Math.abs(moved) > CLOCK_NUDGE_MS) this.#sessions.shift(moved);
    }
  }

  async #guess(ctx: Context, password: string): Promise<Outcome> {
    const browser = this.#knownBrowser(ctx);
    const source = browser ?? addressGroup(ctx.req.socket.remoteAddress ?? '');
    const waitMs = this.#throttle.admit(source, browser !== undefined);
    if (waitMs > 0) return { code: 'wait', waitMs };
    if (!(await this.#password.matches(password))) return { code: 'wrong' };
    this.#throttle.succeeded(source);
    return { code: 'in' };
  }

  /** Opens a new session and closes the one that the visitor came with, whose token may have been planted (session fixation). */
  #letIn(ctx: Context): void {
    const before = this.session(ctx);
    if (before !== undefined) this.#sessions.close(before);
    setCookie(ctx, SESSION_COOKIE, this.#sessions.open());
    if (this.#knownBrowser(ctx) !== undefined) return;
    const id = randomBytes(18).toString('base64url');
    setCookie(ctx, BROWSER_COOKIE, `${id}.${this.#sign(id)}`, YEAR_MS);
  }

  #knownBrowser(ctx: Context): string | undefined {
    const parts = (ctx.cookies.get(BROWSER_COOKIE, { signed: false }) ?? '').split('.');
    const [id = '', given = ''] = parts;
    const [expected, signed] = [Buffer.from(this.#sign(id)), Buffer.from(given)];
    const genuine = expected.length === signed.length && timingSafeEqual(expected, signed);
    return genuine ? `browser ${id}` : undefined;
  }

  #sign(id: string): string {
    return createHmac('sha256', this.#browserSecret).update(id).digest('base64url');
  }
}

function setCookie(ctx: Context, name: string, value: string | null, maxAge?: number): void {
  const lasting = maxAge === undefined ? {} : { maxAge };
  ctx.cookies.set(name, value, { httpOnly: true, sameSite: 'strict', path: '/', signed: false, ...lasting });
}

function faultOf(password: string, again: string): 'short' | 'different' | undefined {
  if (!isLongEnough(password)) return 'short';
  return password === again ? undefined : 'different';
}

function secretIn(path: string): Buffer {
  const kept = readKept(path);
  if (typeof kept === 'string' && kept.length >= 43) return Buffer.from(kept, 'base64url');
  const secret = randomBytes(32);
  writeKept(path, secret.toString('base64url'));
  return secret;
}
