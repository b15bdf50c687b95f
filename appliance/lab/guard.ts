// Knows: how a program asks the guard and waits for what it says. Must not know: what is being waited for.
// HTTP over a Unix socket, server-sent events on /v1/events.

import { request, type IncomingMessage } from 'node:http';

import type { AckCommand, BlockCommand } from '../../src/guard/commands.ts';
import { readApiError, readJson, readStatus, type Status } from '../../src/guard/status.ts';
import { LabError } from './error.ts';

/** Looked at again after this long even when no event says so. */
const RELOOK_MS = 250;

export class GuardClient {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  status(): Promise<Status> {
    return this.#ask('GET', '/v1/status');
  }

  block(on: boolean): Promise<Status> {
    return this.#ask('PUT', '/v1/block', { on } satisfies BlockCommand);
  }

  acknowledge(id = 'all'): Promise<Status> {
    return this.#ask('POST', '/v1/ack', { id } satisfies AckCommand);
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
    const events = new EventWatch(this.#socketPath);
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

  async #ask(method: string, path: string, body?: BlockCommand | AckCommand): Promise<Status> {
    const { code, text } = await new Promise<{ code: number; text: string }>((resolve, reject) => {
      const asked = request(
        {
          socketPath: this.#socketPath,
          method,
          path,
          // A kept connection may be closed by the other end in the moment it is used again.
          agent: false,
          headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
        },
        (answer) => {
          const parts: Buffer[] = [];
          answer.on('data', (part: Buffer) => parts.push(part));
          answer.on('error', reject);
          answer.on('end', () =>
            resolve({ code: answer.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }),
          );
        },
      );
      asked.on('error', reject);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
    const value = readJson(text);
    const status = code === 200 ? readStatus(value) : undefined;
    if (status !== undefined) return status;
    const said = readApiError(value)?.error.message ?? 'an answer that is no status';
    throw new LabError('guard-refused', `${method} ${path}: ${code} ${said}`);
  }
}

/** Tells that something happened, not what: whoever waits looks at the whole status. */
class EventWatch {
  readonly #socketPath: string;
  #answer: IncomingMessage | undefined;
  #connecting = false;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** Resolves at the next event, or after `atMostMs`. */
  next(atMostMs: number): Promise<void> {
    this.#connect();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, atMostMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
    this.#answer?.destroy();
  }

  #connect(): void {
    if (this.#connecting || this.#answer !== undefined) return;
    this.#connecting = true;
    const asked = request({ socketPath: this.#socketPath, path: '/v1/events', agent: false }, (answer) => {
      this.#connecting = false;
      this.#answer = answer;
      answer.on('data', () => this.#wake?.());
      answer.on('error', () => undefined);
      answer.on('close', () => (this.#answer = undefined));
      if (this.#closed) answer.destroy();
    });
    // No guard listens (yet, or any more): the next look tries again.
    asked.on('error', () => (this.#connecting = false));
    asked.end();
  }
}
