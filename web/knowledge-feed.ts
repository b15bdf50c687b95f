// Keeps the status that the pages show current: one event stream from the daemon, and regular requests as a check.
// Errs toward "not known": a broken stream, a daemon that does not answer or an unreadable answer is reported at once.

import type { Status } from '../src/api/status.ts';
import { ApiFault, undefinedForApiFault } from '../src/api/client.ts';
import type { ApiClient, ApiFaultCode } from '../src/api/client.ts';
import type { Knowledge } from './pages/status/view-model.ts';

/** Times in milliseconds. */
export interface FeedTimes {
  /** Interval of requests while the stream is silent: a daemon that hangs keeps its streams open. */
  readonly askEveryMs: number;
  /** How long an answer may take; a status normally takes milliseconds. */
  readonly answerMs: number;
  /** Pause before a broken stream is opened again. */
  readonly retryMs: number;
}

/** A daemon that hangs is noticed within two seconds: the interval plus the time for its answer. */
export const FEED_TIMES: FeedTimes = { askEveryMs: 600, answerMs: 1000, retryMs: 500 };

/** The status of one daemon. */
export class StatusFeed {
  readonly #client: ApiClient;
  readonly #times: FeedTimes;
  readonly #watchers = new Set<(knowledge: Knowledge) => void>();
  #last: Status | undefined;
  #stream: AbortController | undefined;
  #asking: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** Counts events: an answer that is older than an event must not overwrite it. */
  #heard = 0;

  constructor(client: ApiClient, times: FeedTimes = FEED_TIMES) {
    this.#client = client;
    this.#times = times;
  }

  /** Requests the status now. Does not reject: if the daemon cannot be reached, the result says so, with the last status known. */
  async now(): Promise<Knowledge> {
    const before = this.#heard;
    try {
      const status = await this.#client.ask('status', { withinMs: this.#times.answerMs });
      if (this.#heard === before || this.#last === undefined) this.#last = status;
      return { known: true, status: this.#last };
    } catch (error) {
      return this.#unknown(error instanceof ApiFault ? error.code : 'garbled');
    }
  }

  /** Calls `watcher` with every update, also when the daemon is lost, until the returned function is called. Without watchers nothing runs. */
  watch(watcher: (knowledge: Knowledge) => void): () => void {
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) this.#start();
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) this.#stop();
    };
  }

  #start(): void {
    this.#asking = setInterval(() => void this.#ask(), this.#times.askEveryMs);
    this.#open();
  }

  #stop(): void {
    clearInterval(this.#asking);
    clearTimeout(this.#retry);
    this.#stream?.abort();
    this.#stream = undefined;
  }

  #open(): void {
    const stream = new AbortController();
    const ended = this.#client.events(stream.signal, (event) => {
      if (event.event === 'incident') return void this.#ask();
      this.#heard += 1;
      this.#last = event.data;
      this.#publish({ known: true, status: event.data });
    });
    this.#stream = stream;
    void this.#ask();
    void ended.catch(undefinedForApiFault).then(() => {
      if (this.#stream !== stream) return;
      this.#publish(this.#unknown('unreachable'));
      this.#retry = setTimeout(() => this.#open(), this.#times.retryMs);
    });
  }

  async #ask(): Promise<void> {
    const knowledge = await this.now();
    this.#publish(knowledge);
  }

  #unknown(fault: ApiFaultCode): Knowledge {
    return { known: false, fault, last: this.#last };
  }

  #publish(knowledge: Knowledge): void {
    for (const watcher of this.#watchers) watcher(knowledge);
  }
}
