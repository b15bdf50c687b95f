// Knows: whether a visitor is the owner, and how one becomes it: first password, login, logout. Must not know: pages, the guard.
// Cookies as RFC 6265bis: host-only, HttpOnly, SameSite=Strict. Without TLS (one cable between laptop and box) not Secure.

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
/** Two clocks that run evenly drift apart by less. */
const CLOCK_NUDGE_MS = 1000;
const YEAR_MS = 365 * 24 * 3_600_000;

/** What became of an attempt. `wait`: too many tries; `waitMs` says how long. */
export type Outcome =
  | { readonly code: 'in' | 'wrong' | 'short' | 'different' | 'taken' | 'code' }
  | { readonly code: 'wait'; readonly waitMs: number };

export interface GateOptions {
  /** Its own; made when it is missing. */
  readonly stateDir: string;
  /** The first visit has to know a code, also when none was laid down: then nobody can choose a password. */
  readonly codeRequired?: boolean;
  readonly sessionTimes?: SessionTimes;
  readonly throttle?: ThrottleLimits;
  /** Wall clock, milliseconds. */
  readonly now?: () => number;
}

export class Access {
  readonly #password: Password;
  readonly #firstCode: FirstCode;
  readonly #sessions: Sessions;
  readonly #throttle: LoginThrottle;
  readonly #browserSecret: Buffer;
  readonly #now: () => number;

  /** Throws what the file system says, and KeptFileError when the password is there and cannot be read. */
  constructor({ stateDir, codeRequired = false, sessionTimes, throttle, now }: GateOptions) {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    this.#now = now ?? Date.now;
    this.#password = new Password(join(stateDir, 'password.json'));
    this.#firstCode = new FirstCode(join(stateDir, 'first-code'), codeRequired);
    this.#sessions = new Sessions(join(stateDir, 'sessions.json'), this.#now, sessionTimes ?? SESSION_TIMES);
    this.#throttle = new LoginThrottle(() => performance.now(), throttle ?? THROTTLE_LIMITS);
    this.#browserSecret = secretIn(join(stateDir, 'browsers.json'));
  }

  /** False until the first visit has chosen a password. */
  get isSetUp(): boolean {
    return this.#password.isSet;
  }

  /** True when the first visit has to know the box's one-time code. */
  get asksForCode(): boolean {
    return !this.isSetUp && this.#firstCode.isAsked;
  }

  /** The visitor's session when it is open: what a form's token is bound to. */
  session(ctx: Context): string | undefined {
    const token = ctx.cookies.get(SESSION_COOKIE, { signed: false });
    return token !== undefined && this.isOpen(token) ? token : undefined;
  }

  isOpen(token: string): boolean {
    return this.#sessions.isOpen(token);
  }

  /** True for the owner; `active` when a person did this, not a page that keeps itself current. */
  isOwner(ctx: Context, active: boolean): boolean {
    const token = this.session(ctx);
    return token !== undefined && (!active || this.#sessions.use(token));
  }

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

  async logIn(ctx: Context, password: string): Promise<Outcome> {
    const outcome = await this.#guess(ctx, password);
    if (outcome.code === 'in') this.#letIn(ctx);
    return outcome;
  }

  /** Everyone else is logged out: a password is changed because somebody may know it. */
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

  logOut(ctx: Context, everywhere: boolean): void {
    const token = this.session(ctx);
    if (everywhere) this.#sessions.closeAll();
    else if (token !== undefined) this.#sessions.close(token);
    setCookie(ctx, SESSION_COOKIE, null);
  }

  /** Does what may set the clock: whoever is logged in stays so, by the time that really passed. */
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

  /** Whatever session the visitor came with ends: its name may have been planted (session fixation). */
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
