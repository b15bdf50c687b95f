// Knows: what is done again and again, that what fails is said and done again, and which work does not come back. Must not
// know: what that is. A round that fails (no handle, no memory, a disk that is gone) must not end the process that guards.

/** A round that has been at work for so long does not come back by itself, milliseconds. */
const STUCK_MS = 4_000;

export class Rounds {
  readonly #outcome: (round: string, error: unknown) => void;
  readonly #timers = new Set<NodeJS.Timeout>();
  /** When those that are at work began. */
  readonly #working = new Map<string, number>();
  #stopped = false;

  /** `outcome` hears how each round ended: what it threw, or undefined; the next one runs all the same. */
  constructor(outcome: (round: string, error: unknown) => void) {
    this.#outcome = outcome;
  }

  /** At a fixed rate: for what costs next to nothing. */
  every(round: string, milliseconds: number, task: () => void): void {
    this.#timers.add(
      setInterval(() => {
        try {
          task();
          this.#outcome(round, undefined);
        } catch (error) {
          this.#outcome(round, error);
        }
      }, milliseconds),
    );
  }

  /**
   * One after another, with a pause of at least `milliseconds` and three times what the task took: what grows with the
   * policy, such as listing a large ruleset, must not become all that the machine does.
   */
  pacing(round: string, milliseconds: number, task: () => Promise<void>): void {
    const turn = async (): Promise<void> => {
      try {
        await task();
        this.#outcome(round, undefined);
      } catch (error) {
        this.#outcome(round, error);
      }
    };
    const next = (pause: number): void => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        const began = performance.now();
        this.#working.set(round, began);
        void turn().then(() => {
          this.#working.delete(round);
          if (!this.#stopped) next(Math.max(milliseconds, 3 * (performance.now() - began)));
        });
      }, pause);
      this.#timers.add(timer);
    };
    next(milliseconds);
  }

  /** Something that was begun does not come to its end: whoever relies on the rounds must not be told that all is well. */
  get stuck(): boolean {
    const now = performance.now();
    return [...this.#working.values()].some((began) => now - began > STUCK_MS);
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
