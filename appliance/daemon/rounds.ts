// Knows: what is done again and again, and how it ends. Must not know: what that is.

export class Rounds {
  readonly #timers = new Set<NodeJS.Timeout>();
  #stopped = false;

  /** At a fixed rate: for what costs next to nothing. */
  every(milliseconds: number, task: () => void): void {
    this.#timers.add(setInterval(task, milliseconds));
  }

  /**
   * One after another, with a pause of at least `milliseconds` and three times what the task took: what grows with the
   * policy, such as listing a large ruleset, must not become all that the machine does.
   */
  pacing(milliseconds: number, task: () => Promise<void>): void {
    const next = (pause: number): void => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        const began = performance.now();
        void task().finally(() => {
          if (!this.#stopped) next(Math.max(milliseconds, 3 * (performance.now() - began)));
        });
      }, pause);
      this.#timers.add(timer);
    };
    next(milliseconds);
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
