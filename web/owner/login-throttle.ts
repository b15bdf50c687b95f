// Limits password attempts, per source and for all sources together. Every wait ends by itself: a stranger can slow down a login, but
// never lock the owner out for good.

/** Limits of password attempts; times in milliseconds. */
export interface ThrottleLimits {
  /** Attempts of one source without a wait. */
  readonly free: number;
  /** The first wait; it doubles with every further attempt, up to `longestMs`. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** A source that has not tried for so long starts again from zero. */
  readonly forgetMs: number;
  /** Attempts of all unknown browsers together, and the time after which one more is granted. */
  readonly budget: number;
  readonly refillMs: number;
}

/** The limits of a running page. */
export const THROTTLE_LIMITS: ThrottleLimits = {
  free: 5,
  firstMs: 1000,
  longestMs: 60_000,
  forgetMs: 900_000,
  budget: 20,
  refillMs: 3000,
};

/** Sources remembered. A client that keeps changing its address still uses up the common budget. */
const SOURCES = 256;

interface Source {
  tries: number;
  last: number;
  /** Monotonic milliseconds before which no attempt is allowed. */
  next: number;
}

/** The attempts at one password. */
export class LoginThrottle {
  readonly #now: () => number;
  readonly #limits: ThrottleLimits;
  readonly #sources = new Map<string, Source>();
  #budget: number;
  #refilledAt: number;

  /** `now`: monotonic milliseconds. */
  constructor(now: () => number, limits: ThrottleLimits = THROTTLE_LIMITS) {
    this.#now = now;
    this.#limits = limits;
    this.#budget = limits.budget;
    this.#refilledAt = now();
  }

  /**
   * Milliseconds that `source` (any text that tells clients apart) must wait, or 0 if it may try now. The attempt is counted before it is
   * made, so that many at once gain nothing. A browser that has logged in before (`known`) does not use the common budget.
   */
  admit(source: string, known: boolean): number {
    const now = this.#now();
    const { free, firstMs, longestMs, forgetMs } = this.#limits;
    const old = this.#sources.get(source);
    const held = old === undefined || now - old.last > forgetMs ? { tries: 0, last: now, next: 0 } : old;
    if (now < held.next) return held.next - now;
    if (!known && !this.#spend(now)) return this.#limits.refillMs;
    held.tries += 1;
    held.last = now;
    held.next =
      held.tries < free ? 0 : now + Math.min(longestMs, firstMs * 2 ** Math.min(30, held.tries - free));
    this.#sources.delete(source);
    this.#sources.set(source, held);
    if (this.#sources.size > SOURCES) this.#sources.delete(this.#sources.keys().next().value ?? '');
    return 0;
  }

  /** The password was right: earlier failed attempts of `source` are forgotten. */
  succeeded(source: string): void {
    this.#sources.delete(source);
  }

  #spend(now: number): boolean {
    const grown = Math.floor((now - this.#refilledAt) / this.#limits.refillMs);
    this.#budget = Math.min(this.#limits.budget, this.#budget + grown);
    this.#refilledAt += grown * this.#limits.refillMs;
    if (this.#budget === 0) return false;
    this.#budget -= 1;
    return true;
  }
}
