// Knows: the local API: HTTP over a Unix socket, JSON, server-sent events (DESIGN section 7). Must not know: how the
// guard does what it is asked. Every fault becomes an ApiErrorBody; nothing a client sends can end the daemon.

import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { ApiErrorBody, Fault, GuardEvent } from '../../src/guard/status.ts';

/** An answer that is not success: status code plus the fields of ApiErrorBody. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly faults: readonly Fault[];

  constructor(status: number, code: string, message: string, faults: readonly Fault[] = [], cause?: unknown) {
    super(message, { cause });
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.faults = faults;
  }
}

export interface ApiRequest {
  /** Values of `:name` parts of the path. */
  readonly parts: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Parsed JSON body; undefined when there is none. */
  readonly body: unknown;
}

/** An answer that is not JSON. */
export class BinaryAnswer {
  readonly type: string;
  readonly bytes: Uint8Array;

  constructor(type: string, bytes: Uint8Array) {
    this.type = type;
    this.bytes = bytes;
  }
}

export interface ApiRoute {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** `/v1/incidents/:id` */
  readonly path: string;
  /** The answer's JSON value, or a BinaryAnswer; throws ApiError. */
  handle(request: ApiRequest): unknown;
}

const BODY_LIMIT = 1024 * 1024;
/** Event streams at once; one more is refused. */
const STREAM_LIMIT = 32;
/** A reader that lets this much pile up is cut off: it can ask again, the guard must not grow. Bytes. */
const STREAM_BACKLOG = 1024 * 1024;

export class ApiServer {
  readonly #routes: readonly ApiRoute[];
  readonly #firstEvent: () => GuardEvent;
  readonly #server: Server;
  readonly #streams = new Set<ServerResponse>();
  readonly #onFault: (error: unknown) => void;
  #path = '';
  /** Which file the socket's name led to when it was made. */
  #inode: number | undefined;

  constructor(routes: readonly ApiRoute[], firstEvent: () => GuardEvent, onFault: (error: unknown) => void) {
    this.#routes = routes;
    this.#firstEvent = firstEvent;
    this.#onFault = onFault;
    this.#server = createServer((request, response) => {
      void this.#serve(request, response);
    });
    // A newcomer for whom there is no handle left: those who are connected go on, and it may ask again.
    this.#server.on('error', onFault);
  }

  async listen(socketPath: string): Promise<void> {
    this.#path = socketPath;
    rmSync(socketPath, { recursive: true, force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(socketPath, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    chmodSync(socketPath, 0o660);
    this.#inode = inodeOf(socketPath);
  }

  /** Listens again when the socket's name was removed or taken; true when it was. Streams that are open go on. */
  async keep(): Promise<boolean> {
    if (inodeOf(this.#path) === this.#inode) return false;
    // Closed before it is made anew: closing takes the name away, whoever has it by then (libuv, uv__pipe_close).
    this.#server.close();
    await this.listen(this.#path);
    return true;
  }

  /** Sends an event to everyone who listens. */
  publish(event: GuardEvent): void {
    if (this.#streams.size === 0) return;
    const text = eventText(event);
    for (const stream of this.#streams) {
      if (stream.writableLength > STREAM_BACKLOG) stream.destroy();
      else stream.write(text);
    }
  }

  close(): void {
    for (const stream of this.#streams) stream.end();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const url = new URL(request.url ?? '/', 'http://api');
      if (url.pathname === '/v1/events' && request.method === 'GET') {
        this.#stream(response);
        return;
      }
      const found = this.#find(request.method ?? '', url.pathname);
      const body = await readBody(request);
      const answer = await found.route.handle({ parts: found.parts, query: url.searchParams, body });
      if (answer instanceof BinaryAnswer) sendBytes(response, answer);
      else sendJson(response, 200, answer);
    } catch (error) {
      this.#refuse(response, error);
    }
  }

  #refuse(response: ServerResponse, error: unknown): void {
    if (!(error instanceof ApiError)) this.#onFault(error);
    const { status, code, message, faults } =
      error instanceof ApiError
        ? error
        : new ApiError(500, 'internal', 'the daemon could not do that', [], error);
    const body: ApiErrorBody = { error: { code, message, faults } };
    sendJson(response, status, body);
  }

  #find(method: string, path: string): { route: ApiRoute; parts: Record<string, string> } {
    let pathKnown = false;
    for (const route of this.#routes) {
      const parts = matchPath(route.path, path);
      if (parts === undefined) continue;
      if (route.method === method) return { route, parts };
      pathKnown = true;
    }
    if (pathKnown) throw new ApiError(405, 'method', `${path} does not take ${method}`);
    throw new ApiError(404, 'not-found', `there is no ${path}`);
  }

  #stream(response: ServerResponse): void {
    if (this.#streams.size >= STREAM_LIMIT)
      throw new ApiError(503, 'too-many-streams', 'too many event streams');
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(eventText(this.#firstEvent()));
    this.#streams.add(response);
    response.once('close', () => this.#streams.delete(response));
  }
}

function inodeOf(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino;
}

function eventText(event: GuardEvent): string {
  return `event: ${event.event}\ndata: ${JSON.stringify(event.data)}\n\n`;
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  if (response.headersSent) {
    response.end();
    return;
  }
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(value)}\n`);
}

function sendBytes(response: ServerResponse, { type, bytes }: BinaryAnswer): void {
  response.writeHead(200, {
    'content-type': type,
    'content-length': bytes.length,
    'cache-control': 'no-store',
  });
  response.end(bytes);
}

function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const parts: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? '';
    if (part.startsWith(':')) parts[part.slice(1)] = decodePart(value);
    else if (part !== value) return undefined;
  }
  return parts;
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    throw new ApiError(400, 'path', 'the path is not valid percent-encoding', [], error);
  }
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_LIMIT) throw new ApiError(413, 'too-large', 'the body is larger than 1 MiB');
    chunks.push(chunk);
  }
  if (bytes === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch (error) {
    throw new ApiError(400, 'json', 'the body is not JSON', [], error);
  }
}
