// Knows: how to keep what the page knows current: one event stream to the guard, and a question now and then. Must not know: HTML, visitors.
// Errs toward "not known": a broken stream, a silent guard or an unreadable answer is told at once, never papered over.

import type { Status } from '../src/api/status.ts';
import { ApiFault, unlessFault } from '../src/api/client.ts';
import type { ApiClient, ApiFaultCode } from '../src/api/client.ts';
import type { Knowledge } from './pages/status/view-model.ts';

export interface FeedTimes {
  /** How often the guard is asked although its stream says nothing: a hung guard keeps its streams open. */
  readonly askEveryMs: number;
  /** How long an answer may take: a status is a matter of milliseconds. */
  readonly answerMs: number;
  /** How soon a broken stream is opened again. */
  readonly retryMs: number;
}

/** A daemon that hangs is told within two seconds: the pause, and the time it has for its answer. */
export const FEED_TIMES: FeedTimes = { askEveryMs: 600, answerMs: 1000, retryMs: 500 };

export class KnowledgeFeed {
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

  /** Asks now. Never throws: what cannot be had is what the page then knows. */
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

  /** Tells `watcher` whatever becomes known, until the returned function is called. Without watchers nothing runs. */
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
      this.#tell({ known: true, status: event.data });
    });
    this.#stream = stream;
    void this.#ask();
    void ended.catch(unlessFault).then(() => {
      if (this.#stream !== stream) return;
      this.#tell(this.#unknown('unreachable'));
      this.#retry = setTimeout(() => this.#open(), this.#times.retryMs);
    });
  }

  async #ask(): Promise<void> {
    const knowledge = await this.now();
    this.#tell(knowledge);
  }

  #unknown(fault: ApiFaultCode): Knowledge {
    return { known: false, fault, last: this.#last };
  }

  #tell(knowledge: Knowledge): void {
    for (const watcher of this.#watchers) watcher(knowledge);
  }
}
