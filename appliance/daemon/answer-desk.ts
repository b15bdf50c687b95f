// Where direct traffic may go only to answered addresses (`direct: answered`): the order in which a DNS answer takes effect. The taps are
// told, the kernel opens the address, and only then is the answer forwarded to its client. So no packet of the client comes before its
// address is open, and no address is open without an answer. Answers that arrive while a batch is under way form the next batch. Without
// the daemon no answer is forwarded: clients ask again.

import type { Lesson } from '../../src/guard/observation.ts';
import { FairMap } from '../../src/guard/incidents/quotas.ts';
import type { AnsweredAddress } from '../../src/policy/filter/answered.ts';

/** Most addresses open at once; beyond that the client with the most loses its oldest. */
const OPEN_MOST = 4_096;
/** Most answers waiting; any more are dropped, and the clients ask again. */
const WAITING_MOST = 512;

/** What the desk needs from daemon, taps and kernel. */
export interface AnswerMeans {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Tells the taps which addresses are open, and which are not any more. */
  readonly tell: (opened: readonly AnsweredAddress[], gone: readonly AnsweredAddress[]) => void;
  /** Changes the kernel's sets; resolves when the kernel has them. When it rejects, no answer of the batch is forwarded. */
  readonly give: (opened: readonly AnsweredAddress[], gone: readonly AnsweredAddress[]) => Promise<void>;
  /** Whether the kernel holds answers back now. */
  readonly holds: () => boolean;
  /** Forwards the frame of an answer, from its Ethernet header on, to its client. */
  readonly handOn: (frame: Uint8Array) => void;
  /** Called with the error of a batch, or undefined after a success. */
  readonly failed: (error: unknown) => void;
}

interface Open {
  readonly client: string;
  readonly address: string;
  /** Monotonic milliseconds. */
  until: number;
}

/** The addresses that DNS answers have opened, and the answers that wait for them (`direct: answered`, src/policy/filter/answered.ts). */
export class AnswerDesk {
  readonly #means: AnswerMeans;
  #open = new FairMap<Open>(OPEN_MOST);
  #waiting: Lesson[] = [];
  #isBusy = false;
  /** Number of addresses that were closed early because there were too many. */
  closedEarly = 0;
  /** Number of answers that were not forwarded, for the same reason. */
  notGiven = 0;

  constructor(means: AnswerMeans) {
    this.#means = means;
  }

  /** All addresses that are open now, with the seconds left, rounded up; at most OPEN_MOST. */
  get table(): readonly AnsweredAddress[] {
    const now = this.#means.now();
    return [...this.#open.values()].flatMap(({ client, address, until }) => {
      const seconds = Math.ceil((until - now) / 1_000);
      return seconds > 0 ? [{ client, address, seconds }] : [];
    });
  }

  /** Takes over addresses that the kernel's sets hold from an earlier process. */
  restore(addresses: readonly AnsweredAddress[]): void {
    const now = this.#means.now();
    for (const address of addresses) this.#put(address, now);
  }

  /** Forgets every open address: the protected names have changed. */
  forget(): void {
    this.#open = new FairMap(OPEN_MOST);
  }

  /** Queues the answers of a tap's report; those beyond WAITING_MOST are counted in `notGiven`. Returns at once; errors go to `failed`. */
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
    const gone = opened.flatMap((address) => this.#put(address, at) ?? []);
    if (opened.length > 0) {
      tell(opened, gone);
      await give(opened, gone);
      failed(undefined);
    }
    // Otherwise the kernel has forwarded the answers already.
    if (!holds()) return;
    for (const { frame } of batch) if (frame !== undefined) handOn(frame);
  }

  /** Opens an address; returns the one that had to make room for it, if that was still open. */
  #put({ client, address, seconds }: AnsweredAddress, now: number): AnsweredAddress | undefined {
    const key = `${client} ${address}`;
    const until = Math.max(now + seconds * 1_000, this.#open.get(key)?.until ?? 0);
    const gone = this.#open.set(key, { client, address, until }, client);
    if (gone === undefined || gone.until <= now) return undefined;
    this.closedEarly += 1;
    return { client: gone.client, address: gone.address, seconds: 1 };
  }
}
