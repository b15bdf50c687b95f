// Knows: how the daemon is asked over its Unix socket, with a limit to how long and how much. Must not know: who asks, what for.
// The one file of src that reaches outside. What an answer says is checked by its schema: whoever asks believes nothing else.

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

/** `unreachable`: no socket or no listener · `silent`: no answer in time · `garbled`: not the API's shape · `refused`: it said no · `failed`: it could not. */
export type ApiFaultCode = 'unreachable' | 'silent' | 'garbled' | 'refused' | 'failed';

export class ApiFault extends Error {
  readonly code: ApiFaultCode;
  readonly faults: readonly Fault[];
  /** The API's own status and error code; 0 and '' when it gave none. */
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

/** For `catch`, where it is worth going on without the answer: undefined for a fault of the daemon; anything else is thrown on. */
export function unlessFault(error: unknown): undefined {
  if (!(error instanceof ApiFault)) throw error;
}

/** An answer longer than this is not one of ours: a dossier of 20,000 sites with the longest of names is 10 MB. Bytes. */
const ANSWER_MOST = 16 * 1024 * 1024;
/** Objects and lists within one another: a frame has 32 layers at most, two of these each. What is deeper may use up a stack. */
const ANSWER_DEPTH = 68;

interface ApiClientOptions {
  readonly socketPath: string;
  /** How long each sort of answer is waited for, milliseconds. */
  readonly patience: (kind: Patience) => number;
  /** What is thrown for a fault; the fault itself unless told. */
  readonly thrown?: (fault: ApiFault) => Error;
}

type Askable = Exclude<EndpointName, 'events'>;
/** Nothing needs to be said where nothing can be. */
type Said<E extends Endpoint> =
  object extends Question<E> ? [question?: Question<E> & Within] : [question: Question<E> & Within];
interface Within {
  /** Milliseconds; no longer than the endpoint's patience. */
  readonly withinMs?: number;
}

export class ApiClient {
  readonly #options: ApiClientOptions;

  constructor(options: ApiClientOptions) {
    this.#options = options;
  }

  /** The answer, checked; of a file its bytes. Throws ApiFault, or what is thrown for it. */
  async ask<N extends Askable>(name: N, ...[question]: Said<Endpoints[N]>): Promise<Answer<Endpoints[N]>> {
    const endpoint: Endpoint = ENDPOINTS[name];
    const { withinMs = Infinity, ...said } = (question ?? {}) as Within & Loose;
    const signal = AbortSignal.timeout(Math.min(withinMs, this.#options.patience(endpoint.patience)));
    const asking = this.#open(endpoint, said, signal);
    try {
      const answer = await opened(asking);
      return judged(endpoint, answer.statusCode ?? 0, await bytesOf(answer)) as Answer<Endpoints[N]>;
    } catch (error) {
      throw this.#thrown(signal.aborted ? new ApiFault('silent', 'No answer in time.') : error);
    } finally {
      asking.destroy();
    }
  }

  /** GET /v1/events. Resolves when the stream ends, whoever ended it; throws as `ask` when there is none or it cannot be read. */
  async events(signal: AbortSignal, onEvent: (event: GuardEvent) => void): Promise<void> {
    const asking = this.#open(ENDPOINTS.events, {}, signal);
    try {
      const chunks = await this.#stream(asking);
      const events = new GuardEventReader(ANSWER_MOST, onEvent);
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
        : new ApiFault('unreachable', 'The socket does not answer.', { cause: error });
    return this.#options.thrown?.(fault) ?? fault;
  }
}

const BROKEN_OFF = { done: true, value: undefined } as const;

/** What any question may have; its types are `ask`'s. */
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
    if (length > ANSWER_MOST) throw new ApiFault('garbled', 'The answer is too long.');
  }
  return Buffer.concat(chunks);
}

/** Throws ApiFault for whatever is no answer of the endpoint. */
function judged({ answer, file }: Pick<Endpoint, 'answer' | 'file'>, status: number, bytes: Buffer): unknown {
  if (status === 200 && file !== undefined) return bytes;
  const value = depthOf(bytes) > ANSWER_DEPTH ? undefined : readJson(bytes.toString('utf8'));
  if (status === 200 && answer?.safeParse(value).success === true) return value;
  const refusal = status === 200 ? undefined : readRefusal(value);
  if (refusal === undefined) throw new ApiFault('garbled', `The answer (${status}) cannot be read.`);
  const { code, message, faults } = refusal;
  throw new ApiFault(status < 500 ? 'refused' : 'failed', message, { faults, status, word: code });
}
