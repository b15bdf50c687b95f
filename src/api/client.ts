// Asks the daemon over its Unix socket, with limits of time and size. The one file of src that does I/O. Every answer is checked against
// its schema.

import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';

import type { Fault } from '../policy/fault.ts';
import { ENDPOINTS } from './endpoints.ts';
import type { EndpointName, Endpoints } from './endpoints.ts';
import type { Answer, Endpoint, Patience, Question } from './endpoint.ts';
import { GuardEventReader } from './events.ts';
import { depthOf, readJson } from './json.ts';
import { readRefusal } from './refusal.ts';
import type { GuardEvent } from './status.ts';

/**
 * `unreachable`: no socket or no listener · `silent`: no answer in time · `garbled`: not an answer of this API · `refused`: error 4xx ·
 * `failed`: error 5xx.
 */
export type ApiFaultCode = 'unreachable' | 'silent' | 'garbled' | 'refused' | 'failed';

/**
 * Why a question to the daemon has no usable answer; `message` is a sentence for people, `faults` what the API found wrong with the
 * question.
 */
export class ApiFault extends Error {
  readonly code: ApiFaultCode;
  /** Of the question, where the API listed them; else empty. */
  readonly faults: readonly Fault[];
  /** The HTTP status and error code of the API; 0 and '' without an answer that can be read. */
  readonly status: number;
  readonly word: string;

  constructor(
    code: ApiFaultCode,
    message: string,
    {
      faults = [],
      status = 0,
      word = '',
      cause,
    }: { faults?: readonly Fault[]; status?: number; word?: string; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.name = 'ApiFault';
    this.code = code;
    this.status = status;
    this.word = word;
    this.faults = faults;
  }
}

/** For `catch`, to go on without an answer: returns undefined for an ApiFault and throws any other error again. */
export function undefinedForApiFault(error: unknown): undefined {
  if (!(error instanceof ApiFault)) throw error;
}

/** Bytes; a longer answer is not the daemon's: a dossier of 20,000 sites with the longest names has 10 MB. */
const MAX_ANSWER = 16 * 1024 * 1024;
/** Nested objects and arrays: a frame has at most 32 layers with two of these each. Deeper JSON could exhaust the stack. */
const MAX_DEPTH = 68;

interface ApiClientOptions {
  readonly socketPath: string;
  /** How long to wait for each sort of answer, milliseconds. */
  readonly patience: (kind: Patience) => number;
  /** The error to throw for a fault; by default the fault itself. */
  readonly thrown?: (fault: ApiFault) => Error;
}

type Askable = Exclude<EndpointName, 'events'>;
/** The argument is optional where no part of the question is required. */
type QuestionArgument<E extends Endpoint> =
  object extends Question<E> ? [question?: Question<E> & Within] : [question: Question<E> & Within];
interface Within {
  /** Milliseconds; the endpoint's patience is the upper limit. */
  readonly withinMs?: number;
}

/** A client of the daemon's local API, HTTP over a Unix socket; each question has a connection of its own. */
export class ApiClient {
  readonly #options: ApiClientOptions;

  constructor(options: ApiClientOptions) {
    this.#options = options;
  }

  /** The answer, checked; for a file its bytes (at most 16 MiB). Throws ApiFault, or the error that `thrown` makes of it. */
  async ask<N extends Askable>(
    name: N,
    ...[question]: QuestionArgument<Endpoints[N]>
  ): Promise<Answer<Endpoints[N]>> {
    const endpoint: Endpoint = ENDPOINTS[name];
    const { withinMs = Infinity, ...parts } = (question ?? {}) as Within & Loose;
    const signal = AbortSignal.timeout(Math.min(withinMs, this.#options.patience(endpoint.patience)));
    const asking = this.#open(endpoint, parts, signal);
    try {
      const answer = await opened(asking);
      return judged(endpoint, answer.statusCode ?? 0, await bytesOf(answer)) as Answer<Endpoints[N]>;
    } catch (error) {
      throw this.#thrown(signal.aborted ? new ApiFault('silent', 'No answer in time.') : error);
    } finally {
      asking.destroy();
    }
  }

  /** GET /v1/events. Resolves when the stream ends, from either side or by `signal`; throws as `ask` when it cannot be opened or read. */
  async events(signal: AbortSignal, onEvent: (event: GuardEvent) => void): Promise<void> {
    const asking = this.#open(ENDPOINTS.events, {}, signal);
    try {
      const chunks = await this.#stream(asking);
      const events = new GuardEventReader(MAX_ANSWER, onEvent);
      for (;;) {
        const chunk = await chunks.next().catch(() => BROKEN_OFF);
        if (chunk.done === true) return;
        if (!events.push(chunk.value)) throw this.#thrown(new ApiFault('garbled', 'An event is too long.'));
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      asking.destroy();
    }
  }

  async #stream(asking: ClientRequest): Promise<AsyncIterator<string>> {
    try {
      const answer = await opened(asking);
      if (answer.statusCode !== 200) judged({}, answer.statusCode ?? 0, await bytesOf(answer));
      return (answer.setEncoding('utf8') as AsyncIterable<string>)[Symbol.asyncIterator]();
    } catch (error) {
      throw this.#thrown(error);
    }
  }

  #open({ method, path }: Endpoint, { params = {}, query, body }: Loose, signal: AbortSignal): ClientRequest {
    const sent = body === undefined ? '' : JSON.stringify(body);
    const asked = new URLSearchParams(query).toString();
    const named = path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
    const asking = request({
      method,
      path: asked === '' ? named : `${named}?${asked}`,
      signal,
      agent: false,
      socketPath: this.#options.socketPath,
      host: 'localhost',
      headers:
        body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent) },
    });
    return asking.end(sent);
  }

  #thrown(error: unknown): Error {
    const fault =
      error instanceof ApiFault
        ? error
        : new ApiFault('unreachable', 'The daemon does not answer on its socket.', { cause: error });
    return this.#options.thrown?.(fault) ?? fault;
  }
}

const BROKEN_OFF = { done: true, value: undefined } as const;

/** The parts of any question, without the types that `ask` checks. */
interface Loose {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: URLSearchParams | Record<string, string>;
  readonly body?: unknown;
}

function opened(asking: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    asking.on('response', resolve).on('error', reject);
  });
}

async function bytesOf(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_ANSWER) throw new ApiFault('garbled', 'The answer is too long.');
  }
  return Buffer.concat(chunks);
}

/** The checked value, or a file's bytes. Throws ApiFault for anything that is not an answer of the endpoint. */
function judged({ answer, file }: Pick<Endpoint, 'answer' | 'file'>, status: number, bytes: Buffer): unknown {
  if (status === 200 && file !== undefined) return bytes;
  const value = depthOf(bytes) > MAX_DEPTH ? undefined : readJson(bytes.toString('utf8'));
  if (status === 200 && answer?.safeParse(value).success === true) return value;
  const refusal = status === 200 ? undefined : readRefusal(value);
  if (refusal === undefined) throw new ApiFault('garbled', `The answer (${status}) cannot be read.`);
  const { code, message, faults } = refusal;
  throw new ApiFault(status < 500 ? 'refused' : 'failed', message, { faults, status, word: code });
}
