// Knows: how a program asks the guard and waits for what it says. Must not know: what is being waited for.
// It looks again at every event, and now and then without one.

import { ApiClient } from '../../src/api/client.ts';
import type { Status } from '../../src/api/status.ts';
import { LabError } from './error.ts';

/** Looked at again after this long even when no event says so. */
const RELOOK_MS = 250;
/** As long as the daemon itself keeps a connection on which nothing moves. */
const ANSWER_MS = 180_000;

export class GuardClient {
  readonly #api: ApiClient;

  constructor(socketPath: string) {
    this.#api = new ApiClient({
      socketPath,
      patience: () => ANSWER_MS,
      thrown: (fault) => new LabError('guard-refused', `${fault.status} ${fault.message}`, fault),
    });
  }

  status(): Promise<Status> {
    return this.#api.ask('status');
  }

  block(on: boolean): Promise<Status> {
    return this.#api.ask('block', { body: { on } });
  }

  acknowledge(id = 'all'): Promise<Status> {
    return this.#api.ask('acknowledge', { body: { id } });
  }

  /** The first status that satisfies; while no guard answers it keeps asking. LabError with the last one seen when time is up, or `signal` is aborted. */
  async waitFor(
    what: string,
    satisfied: (status: Status) => boolean,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<Status> {
    let last: Status | undefined;
    const met = await this.#look(timeoutMs, (status) => satisfied((last = status)), signal);
    if (met !== undefined) return met;
    const seen =
      last === undefined
        ? 'no answer'
        : `state ${last.state} (${last.why}), ledger ${JSON.stringify(last.ledger)}`;
    throw new LabError('not-seen', `the guard did not show ${what} within ${timeoutMs} ms: ${seen}`);
  }

  /** Watches for `durationMs`: the first status that breaks the promise, or undefined when it was kept. */
  breaks(promise: (status: Status) => boolean, durationMs: number): Promise<Status | undefined> {
    return this.#look(durationMs, (status) => !promise(status));
  }

  /** Looks at the status on every event until it is `wanted` or the time is up. */
  async #look(
    forMs: number,
    wanted: (status: Status) => boolean,
    signal?: AbortSignal,
  ): Promise<Status | undefined> {
    const end = Date.now() + forMs;
    const events = new EventWatch(this.#api);
    try {
      for (;;) {
        const event = events.next(Math.min(RELOOK_MS, Math.max(0, end - Date.now())));
        const status = await this.status().catch(() => undefined);
        if (status !== undefined && wanted(status)) return status;
        if (Date.now() >= end || signal?.aborted === true) return undefined;
        await event;
      }
    } finally {
      events.close();
    }
  }
}

/** Tells that something happened, not what: whoever waits looks at the whole status. */
class EventWatch {
  readonly #api: ApiClient;
  readonly #ending = new AbortController();
  #listening = false;
  #wake: (() => void) | undefined;

  constructor(api: ApiClient) {
    this.#api = api;
  }

  /** Resolves at the next event, or after `atMostMs`. */
  next(atMostMs: number): Promise<void> {
    // No guard listens (yet, or any more): the next look tries again.
    if (!this.#listening) void this.#listen().catch(() => undefined);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, atMostMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  close(): void {
    this.#wake?.();
    this.#ending.abort();
  }

  async #listen(): Promise<void> {
    this.#listening = true;
    try {
      await this.#api.events(this.#ending.signal, () => this.#wake?.());
    } finally {
      this.#listening = false;
    }
  }
}
