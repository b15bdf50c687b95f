// Knows: how to ask the guard over its Unix socket, with a limit to how long and how much. Must not know: pages, browsers.
// Follows ARCHITECTURE.md (the local API) and the event stream format of WHATWG HTML.

import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';

import type { AckCommand, BlockCommand, PassCommand } from '../src/guard/commands.ts';
import { GuardEventReader, readApiError, readIncident, readJson, readStatus } from '../src/guard/status.ts';
import type { Fault, GuardEvent, IncidentView, Status } from '../src/guard/status.ts';

/** `unreachable`: no socket or no listener · `silent`: no answer in time · `garbled`: not the API's shape · `refused`: it said no · `failed`: it could not. */
export type GuardFaultCode = 'unreachable' | 'silent' | 'garbled' | 'refused' | 'failed';

export class GuardFault extends Error {
  readonly code: GuardFaultCode;
  readonly faults: readonly Fault[];
  /** The API's own status code, or 0 when it gave none. */
  readonly status: number;

  constructor(
    code: GuardFaultCode,
    message: string,
    faults: readonly Fault[] = [],
    cause?: unknown,
    status = 0,
  ) {
    super(message, { cause });
    this.name = 'GuardFault';
    this.code = code;
    this.status = status;
    this.faults = faults;
  }
}

/** For `catch`, where a page is worth showing without the answer: undefined for a fault of the guard; anything else is thrown on. */
export function unlessFault(error: unknown): undefined {
  if (!(error instanceof GuardFault)) throw error;
}

/** An answer longer than this is not one of ours: a dossier of 20,000 sites with the longest of names is 10 MB. */
const ANSWER_LIMIT = 16_777_216;

export interface Question {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly patience?: number;
}

export interface GuardStream {
  readonly closed: Promise<void>;
  close(): void;
}

export class GuardClient {
  readonly #socketPath: string;
  readonly #timeoutMs: number;

  constructor(socketPath: string, timeoutMs = 3000) {
    this.#socketPath = socketPath;
    this.#timeoutMs = timeoutMs;
  }

  /** GET /v1/status. Throws GuardFault. */
  async status(withinMs = this.#timeoutMs): Promise<Status> {
    return this.#ask('GET', '/v1/status', undefined, Math.min(withinMs, this.#timeoutMs), statusIn);
  }

  /** PUT /v1/block. Slower than a question: the kernel takes the rules and they are read back. Throws GuardFault. */
  async block(command: BlockCommand): Promise<Status> {
    return this.#ask('PUT', '/v1/block', command, this.#timeoutMs * 3, statusIn);
  }

  /** POST /v1/pass: until then the block lets a captive portal through. Throws GuardFault. */
  async openPass(command: PassCommand): Promise<Status> {
    return this.#ask('POST', '/v1/pass', command, this.#timeoutMs * 3, statusIn);
  }

  /** DELETE /v1/pass. Throws GuardFault. */
  async endPass(): Promise<Status> {
    return this.#ask('DELETE', '/v1/pass', undefined, this.#timeoutMs * 3, statusIn);
  }

  /** POST /v1/ack. Throws GuardFault. */
  async acknowledge(command: AckCommand): Promise<Status> {
    return this.#ask('POST', '/v1/ack', command, this.#timeoutMs * 3, statusIn);
  }

  /** GET /v1/incidents, newest first. `query`: the API's own filters. Throws GuardFault. */
  async incidents(query: URLSearchParams): Promise<readonly IncidentView[]> {
    const path = `/v1/incidents?${query.toString()}`;
    return this.#ask('GET', path, undefined, this.#timeoutMs, jsonIn(incidentsOf));
  }

  /** GET /v1/incidents/:id. Throws GuardFault. */
  async incident(id: string): Promise<IncidentView> {
    const path = `/v1/incidents/${encodeURIComponent(id)}`;
    return this.#ask('GET', path, undefined, this.#timeoutMs, jsonIn(readIncident));
  }

  /** GET /v1/incidents/:id/evidence: a pcapng file. Throws GuardFault. */
  async evidence(id: string): Promise<Buffer> {
    const path = `/v1/incidents/${encodeURIComponent(id)}/evidence`;
    return this.#ask('GET', path, undefined, this.#timeoutMs, (bytes) => bytes);
  }

  /** Any other question; `read` says whether the answer has its shape. `patience`: how much slower it may be. Throws GuardFault. */
  async ask<T>(
    { method, path, body, patience = 1 }: Question,
    read: (value: unknown) => T | undefined,
  ): Promise<T> {
    return this.#ask(method, path, body, this.#timeoutMs * patience, jsonIn(read));
  }

  /** Any file. Throws GuardFault. */
  async file(path: string, patience = 1): Promise<Buffer> {
    return this.#ask('GET', path, undefined, this.#timeoutMs * patience, (bytes) => bytes);
  }

  /** GET /v1/events. `closed` resolves when the stream ends, whoever ended it and however. */
  events(onEvent: (event: GuardEvent) => void): GuardStream {
    const events = new GuardEventReader(ANSWER_LIMIT);
    const asking = this.#open('GET', '/v1/events', { accept: 'text/event-stream' });
    asking.on('response', (answer) => {
      if (answer.statusCode !== 200) return void asking.destroy();
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        events.push(chunk).forEach(onEvent);
        if (events.broken) asking.destroy();
      });
      answer.on('error', () => asking.destroy());
    });
    const closed = new Promise<void>((resolve) => {
      asking.on('close', resolve).on('error', () => undefined);
    });
    asking.end();
    return { closed, close: () => asking.destroy() };
  }

  #open(method: string, path: string, headers: Readonly<Record<string, string | number>>): ClientRequest {
    return request({
      ...{ method, path, headers, agent: false },
      ...{ socketPath: this.#socketPath, host: 'localhost' },
    });
  }

  async #ask<T>(
    method: string,
    path: string,
    body: unknown,
    timeoutMs: number,
    read: (bytes: Buffer) => T | undefined,
  ): Promise<T> {
    const sent = body === undefined ? '' : JSON.stringify(body);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent) };
    const asking = this.#open(method, path, body === undefined ? {} : headers);
    const deadline = setTimeout(
      () => asking.destroy(new GuardFault('silent', 'No answer in time.')),
      timeoutMs,
    );
    try {
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        asking.on('response', resolve).on('error', reject).end(sent);
      });
      return judgeAnswer(answer.statusCode ?? 0, await bytesOf(answer), read);
    } catch (error) {
      if (error instanceof GuardFault) throw error;
      throw new GuardFault('unreachable', 'The socket does not answer.', [], error);
    } finally {
      clearTimeout(deadline);
      asking.destroy();
    }
  }
}

async function bytesOf(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > ANSWER_LIMIT) throw new GuardFault('garbled', 'The answer is too long.');
  }
  return Buffer.concat(chunks);
}

const jsonIn =
  <T>(read: (value: unknown) => T | undefined) =>
  (bytes: Buffer): T | undefined =>
    read(readJson(bytes.toString('utf8')));

const statusIn = jsonIn(readStatus);

/** Undefined when one of them is none: a list with holes would look like less than there was. */
function incidentsOf(value: unknown): readonly IncidentView[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { incidents } = value as { readonly incidents?: unknown };
  if (!Array.isArray(incidents)) return undefined;
  const read = incidents.map((one: unknown) => readIncident(one));
  const whole = read.filter((one) => one !== undefined);
  return whole.length === read.length ? whole : undefined;
}

function judgeAnswer<T>(statusCode: number, bytes: Buffer, read: (bytes: Buffer) => T | undefined): T {
  if (statusCode !== 200) {
    const refusal = readApiError(readJson(bytes.toString('utf8')));
    if (refusal !== undefined) {
      const code = statusCode < 500 ? 'refused' : 'failed';
      throw new GuardFault(code, refusal.error.message, refusal.error.faults, undefined, statusCode);
    }
  }
  const value = statusCode === 200 ? read(bytes) : undefined;
  if (value === undefined) throw new GuardFault('garbled', `The answer (${statusCode}) cannot be read.`);
  return value;
}
