// Runs periodic tasks ("rounds"). One that fails (no file handle, no memory, no disk) is reported and runs again: it must not end
// the process that guards.

/** A round that runs longer than this will not finish by itself, milliseconds. */
const STUCK_MS = 4_000;

/** The rounds of one daemon, each known by a name that warnings show. */
export class PeriodicTasks {
  readonly #outcome: (round: string, error: unknown) => void;
  readonly #timers = new Set<NodeJS.Timeout>();
  /** The running rounds, with their start times (monotonic milliseconds). */
  readonly #running = new Map<string, number>();
  #stopped = false;

  /** `outcome` is called after each round with what it threw, or undefined; the next one runs in any case. It must not throw. */
  constructor(outcome: (round: string, error: unknown) => void) {
    this.#outcome = outcome;
  }

  /** Runs `task` every so many milliseconds, at a fixed rate: for tasks that cost next to nothing. */
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
   * Runs `task` with a pause in between of at least `milliseconds` and at least three times its last duration: a task that grows
   * with the policy, such as listing a large ruleset, must not take up the whole machine.
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
        this.#running.set(round, began);
        void turn().then(() => {
          this.#running.delete(round);
          if (!this.#stopped) next(Math.max(milliseconds, 3 * (performance.now() - began)));
        });
      }, pause);
      this.#timers.add(timer);
    };
    next(milliseconds);
  }

  /** Whether a round has been running for more than STUCK_MS: then the light must not show that all is well. */
  get stuck(): boolean {
    const now = performance.now();
    return [...this.#running.values()].some((began) => now - began > STUCK_MS);
  }

  /** Starts no further round; one that is running ends by itself. */
  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
