// Knows: the order in which an answer takes effect where direct traffic goes to answered addresses alone: taps are told, the kernel opens,
// and only then the client is given the answer that it waits for. Must not know: names, frames, how any of it is done.
// So no packet of the client's comes before the address is open, and nothing is open that no answer led to. What comes while one batch is
// on its way makes the next. When the daemon is gone nothing is handed on: clients ask again.

import type { Lesson } from '../../src/guard/observation.ts';
import { FairMap } from '../../src/guard/incidents/quotas.ts';
import type { AnsweredAddress } from '../../src/policy/filter/answered.ts';

/** Addresses that are open at once; the client that holds most gives its oldest. */
const OPEN_MOST = 4_096;
/** Answers that wait: of more, the clients ask again. */
const WAITING_MOST = 512;

export interface AnswerMeans {
  readonly now: () => number;
  /** Tells the taps. */
  readonly tell: (opened: readonly AnsweredAddress[], gone: readonly AnsweredAddress[]) => void;
  /** Resolves when the kernel has it. */
  readonly give: (opened: readonly AnsweredAddress[], gone: readonly AnsweredAddress[]) => Promise<void>;
  /** Whether the kernel keeps answers back now. */
  readonly holds: () => boolean;
  readonly handOn: (frame: Uint8Array) => void;
  /** What went wrong, or undefined when it went well. */
  readonly failed: (error: unknown) => void;
}

interface Open {
  readonly client: string;
  readonly address: string;
  /** Monotonic milliseconds. */
  until: number;
}

export class AnswerDesk {
  readonly #means: AnswerMeans;
  #open = new FairMap<Open>(OPEN_MOST);
  #waiting: Lesson[] = [];
  #isBusy = false;
  /** Addresses that were closed before their time, because there were too many. */
  closedEarly = 0;
  /** Answers that nobody was given, for the same reason. */
  notGiven = 0;

  constructor(means: AnswerMeans) {
    this.#means = means;
  }

  /** All that is open at this moment. */
  get table(): readonly AnsweredAddress[] {
    const now = this.#means.now();
    return [...this.#open.values()].flatMap(({ client, address, until }) => {
      const seconds = Math.ceil((until - now) / 1_000);
      return seconds > 0 ? [{ client, address, seconds }] : [];
    });
  }

  /** What the kernel has held since before this process. */
  restore(addresses: readonly AnsweredAddress[]): void {
    const now = this.#means.now();
    for (const one of addresses) this.#put(one, now);
  }

  /** Other names are protected: what was opened for them is not known any more. */
  forget(): void {
    this.#open = new FairMap(OPEN_MOST);
  }

  take(lessons: readonly Lesson[]): void {
    const room = Math.max(0, WAITING_MOST - this.#waiting.length);
    this.#waiting.push(...lessons.slice(0, room));
    this.notGiven += Math.max(0, lessons.length - room);
    if (!this.#isBusy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      await this.#serve(batch).catch((error: unknown) => this.#means.failed(error));
    }
    this.#isBusy = false;
  }

  async #serve(batch: readonly Lesson[]): Promise<void> {
    const { now, tell, give, holds, handOn, failed } = this.#means;
    const at = now();
    const opened = batch.flatMap((lesson) => lesson.opened);
    const gone = opened.flatMap((one) => this.#put(one, at) ?? []);
    if (opened.length > 0) {
      tell(opened, gone);
      await give(opened, gone);
      failed(undefined);
    }
    // Where the kernel hands answers on by itself the clients have them.
    if (!holds()) return;
    for (const { frame } of batch) if (frame !== undefined) handOn(frame);
  }

  #put({ client, address, seconds }: AnsweredAddress, now: number): AnsweredAddress | undefined {
    const key = `${client} ${address}`;
    const until = Math.max(now + seconds * 1_000, this.#open.get(key)?.until ?? 0);
    const gone = this.#open.set(key, { client, address, until }, client);
    if (gone === undefined || gone.until <= now) return undefined;
    this.closedEarly += 1;
    return { client: gone.client, address: gone.address, seconds: 1 };
  }
}
