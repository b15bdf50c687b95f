// Client of the guard's API that can wait for a status. It reads the status at every event and at regular intervals.

import { ApiClient } from '../../src/api/client.ts';
import type { Status } from '../../src/api/status.ts';
import { LabError } from './error.ts';

/** The status is read again after this time even without an event. */
const POLL_MS = 250;
/** Equal to the time for which the daemon keeps an idle connection. */
const ANSWER_TIMEOUT_MS = 180_000;

/** Its requests reject with LabError `guard-refused`. */
export class GuardClient {
  readonly #api: ApiClient;

  constructor(socketPath: string) {
    this.#api = new ApiClient({
      socketPath,
      patience: () => ANSWER_TIMEOUT_MS,
      thrown: (fault) => new LabError('guard-refused', `${fault.status} ${fault.message}`, fault),
    });
  }

  status(): Promise<Status> {
    return this.#api.ask('status');
  }

  /** Switches block mode; resolves with the status after it. */
  block(on: boolean): Promise<Status> {
    return this.#api.ask('block', { body: { on } });
  }

  /** Acknowledges one incident, or all; resolves with the status after it. */
  acknowledge(id = 'all'): Promise<Status> {
    return this.#api.ask('acknowledge', { body: { id } });
  }

  /**
   * The first status for which `satisfied` returns true; keeps trying while the guard does not answer. Rejects with LabError `not-seen` and
   * the last status after `timeoutMs` or when `signal` is aborted; `what` names the expected status in it.
   */
  async waitFor(
    what: string,
    satisfied: (status: Status) => boolean,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<Status> {
    let last: Status | undefined;
    const found = await this.#poll(timeoutMs, (status) => satisfied((last = status)), signal);
    if (found !== undefined) return found;
    const seen =
      last === undefined
        ? 'no answer'
        : `state ${last.state} (${last.why}), ledger ${JSON.stringify(last.ledger)}`;
    throw new LabError('not-seen', `the guard did not show ${what} within ${timeoutMs} ms: ${seen}`);
  }

  /**
   * Watches for `durationMs`; returns the first status for which `holds` returns false, or undefined when there is none. A guard that does
   * not answer breaks nothing.
   */
  breaks(holds: (status: Status) => boolean, durationMs: number): Promise<Status | undefined> {
    return this.#poll(durationMs, (status) => !holds(status));
  }

  /** Reads the status at every event until it is `wanted` or the time is up. */
  async #poll(
    forMs: number,
    wanted: (status: Status) => boolean,
    signal?: AbortSignal,
  ): Promise<Status | undefined> {
    const end = Date.now() + forMs;
    const events = new EventWatch(this.#api);
    try {
      for (;;) {
        const event = events.next(Math.min(POLL_MS, Math.max(0, end - Date.now())));
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

/** Waits for any event of the guard; the caller then reads the whole status. */
class EventWatch {
  readonly #api: ApiClient;
  readonly #ending = new AbortController();
  #listening = false;
  #wake: (() => void) | undefined;

  constructor(api: ApiClient) {
    this.#api = api;
  }

  /** Resolves at the next event, or after `timeoutMs`. */
  next(timeoutMs: number): Promise<void> {
    // If the guard is not reachable, the next call tries again.
    if (!this.#listening) void this.#listen().catch(() => undefined);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
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
