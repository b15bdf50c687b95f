// Knows: how often a password may be guessed, by one source and by all together. Must not know: passwords, cookies.
// Every wait ends by itself: a stranger can slow a login down, and never lock the owner out for good.

export interface ThrottleLimits {
  /** Tries of one source without a wait. */
  readonly free: number;
  /** The first wait; it doubles with every further try, up to the longest. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** A source that has not tried for so long begins anew. */
  readonly forgetMs: number;
  /** Tries of all strangers together at once, and how soon one more is granted. */
  readonly budget: number;
  readonly refillMs: number;
}

export const THROTTLE_LIMITS: ThrottleLimits = {
  free: 5,
  firstMs: 1000,
  longestMs: 60_000,
  forgetMs: 900_000,
  budget: 20,
  refillMs: 3000,
};

/** Sources remembered. Who changes addresses to be forgotten still spends the budget. */
const SOURCES = 256;

interface Source {
  tries: number;
  last: number;
  /** No try before this. */
  next: number;
}

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
   * Milliseconds to wait before a try of `source`, or 0: then the try is counted before it is made, so that many at once
   * gain nothing. A browser that has logged in before (`known`) has its own count and does not compete with strangers.
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

  /** The password was right: what was mistyped before is forgotten. */
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
