// The HTTP server of the local API: a Unix socket, JSON, server-sent events (WHATWG HTML). Every error becomes an ApiErrorBody; nothing
// that a client sends can end the daemon.

import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import { ENDPOINTS } from '../../../src/api/endpoints.ts';
import type { ErrorCode } from '../../../src/api/endpoints.ts';
import { depthOf } from '../../../src/api/json.ts';
import type { ApiErrorBody } from '../../../src/api/refusal.ts';
import type { Fault } from '../../../src/policy/fault.ts';
import type { GuardEvent } from '../../../src/api/status.ts';

/** An error answer: HTTP status and the fields of ApiErrorBody. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: ErrorCode;
  /** Every fault of the input, each with its place; empty when there is none to show. */
  readonly faults: readonly Fault[];

  constructor(
    status: number,
    code: ErrorCode,
    message: string,
    faults: readonly Fault[] = [],
    cause?: unknown,
  ) {
    super(message, { cause });
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.faults = faults;
  }
}

interface ApiRequest {
  /** Values of `:name` parts of the path. */
  readonly parts: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Parsed JSON body; undefined when there is none. */
  readonly body: unknown;
}

/** An answer that is not made into JSON: bytes as they are sent, and their media type (RFC 9110, section 8.3). */
export class BinaryAnswer {
  readonly type: string;
  readonly bytes: Uint8Array;

  constructor(type: string, bytes: Uint8Array) {
    this.type = type;
    this.bytes = bytes;
  }
}

/** One method on one path. */
export interface ApiRoute {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** `/v1/incidents/:id` */
  readonly path: string;
  /**
   * Returns the JSON value of the answer or a BinaryAnswer, or a promise of either; throws ApiError. Anything else that it throws is a bug
   * and answered with 500.
   */
  handle(request: ApiRequest): unknown;
}

/** Most bytes of a request body. */
const BODY_LIMIT = 1024 * 1024;
/** Most nested objects and lists in a body. Our own bodies have at most four levels; deeper ones could overflow a stack later on. */
const BODY_DEPTH = 32;
/** Most bytes of a request's first line and headers. */
const HEADER_LIMIT = 16_384;

/** Time limits (milliseconds) and numbers of connections and requests. */
export interface ApiLimits {
  readonly headersMs: number;
  readonly requestMs: number;
  readonly idleMs: number;
  /** A connection without any traffic for this long is closed. No answer takes the daemon longer. */
  readonly stuckMs: number;
  readonly connections: number;
  /** Most unanswered requests on one connection: our own clients send a request only after the answer to the last. */
  readonly pipelined: number;
}

/** The limits of a running daemon; tests have their own. */
export const API_LIMITS: ApiLimits = {
  headersMs: 5_000,
  requestMs: 15_000,
  idleMs: 5_000,
  stuckMs: 180_000,
  connections: 256,
  pipelined: 4,
};

/** Most event streams at once; any more are refused. */
const STREAM_LIMIT = 32;
/** A client that leaves this many bytes unread is disconnected, to bound the daemon's memory; it can connect again. */
const STREAM_BACKLOG = 1024 * 1024;

/**
 * The server. `firstEvent` makes the event that each new stream begins with; `onFault` gets errors that are not ApiErrors, and those of the
 * socket.
 */
export class ApiServer {
  readonly #routes: readonly ApiRoute[];
  readonly #firstEvent: () => GuardEvent;
  readonly #server: Server;
  readonly #streams = new Set<ServerResponse>();
  readonly #onFault: (error: unknown) => void;
  readonly #limits: ApiLimits;
  /** The connections, oldest first, with their numbers of unanswered requests. */
  readonly #connections = new Map<Duplex, number>();
  #path = '';
  /** Inode of the socket when it was created. */
  #inode: number | undefined;

  constructor(
    routes: readonly ApiRoute[],
    firstEvent: () => GuardEvent,
    onFault: (error: unknown) => void,
    limits: ApiLimits = API_LIMITS,
  ) {
    this.#routes = routes;
    this.#firstEvent = firstEvent;
    this.#onFault = onFault;
    this.#limits = limits;
    this.#server = createServer(
      {
        headersTimeout: limits.headersMs,
        requestTimeout: limits.requestMs,
        keepAliveTimeout: limits.idleMs,
        connectionsCheckingInterval: Math.min(1_000, limits.headersMs / 2),
        maxHeaderSize: HEADER_LIMIT,
      },
      (request, response) => {
        if (this.#admitRequest(request.socket, response)) void this.#serve(request, response);
      },
    );
    this.#server.timeout = limits.stuckMs;
    this.#server.on('connection', (socket) => {
      this.#admitConnection(socket);
    });
    // No file handle is left for a new connection: existing ones continue, and the client may try again.
    this.#server.on('error', onFault);
  }

  /** Listens on a Unix socket, in place of whatever has that name; owner and group may connect (0660). Rejects with the system's error. */
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

  /** Listens again when the socket was removed or replaced; true when it was. Open streams continue. Rejects with the system's error. */
  async keep(): Promise<boolean> {
    if (inodeOf(this.#path) === this.#inode) return false;
    // Closed first: closing removes the name even if it belongs to a new socket (libuv, uv__pipe_close).
    this.#server.close();
    await this.listen(this.#path);
    return true;
  }

  /** Sends an event to all event streams (server-sent events, WHATWG HTML). A client that does not read is disconnected. Never throws. */
  publish(event: GuardEvent): void {
    if (this.#streams.size === 0) return;
    const text = eventText(event);
    for (const stream of this.#streams) {
      if (stream.writableLength > STREAM_BACKLOG) stream.destroy();
      else stream.write(text);
    }
  }

  /** Ends all streams and connections. The socket's name is removed with it. */
  close(): void {
    for (const stream of this.#streams) stream.end();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** At the limit, the oldest idle connection is closed for a new one; when none is idle, the new one is refused. */
  #admitConnection(socket: Duplex): void {
    if (this.#connections.size >= this.#limits.connections) {
      const [idle] = [...this.#connections].find(([, asked]) => asked === 0) ?? [];
      if (idle === undefined) {
        socket.destroy();
        return;
      }
      this.#connections.delete(idle);
      idle.destroy();
    }
    this.#connections.set(socket, 0);
    socket.once('close', () => this.#connections.delete(socket));
  }

  /** Returns false and closes the connection when too many of its requests are unanswered. */
  #admitRequest(socket: Duplex, response: ServerResponse): boolean {
    const asked = this.#connections.get(socket) ?? 0;
    if (asked >= this.#limits.pipelined) {
      socket.destroy();
      return false;
    }
    this.#connections.set(socket, asked + 1);
    response.once('close', () => {
      const now = this.#connections.get(socket);
      if (now !== undefined) this.#connections.set(socket, now - 1);
    });
    return true;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { path, query } = targetOf(request);
      if (path === ENDPOINTS.events.path && request.method === ENDPOINTS.events.method) {
        this.#stream(request, response);
        return;
      }
      const found = this.#find(request.method ?? '', path);
      const body = await readBody(request);
      const answer = await found.route.handle({ parts: found.parts, query, body });
      if (answer instanceof BinaryAnswer) sendBytes(response, answer);
      else sendJson(response, 200, answer);
    } catch (error) {
      this.#sendError(response, error);
    }
  }

  #sendError(response: ServerResponse, error: unknown): void {
    if (!(error instanceof ApiError)) this.#onFault(error);
    const { status, code, message, faults } =
      error instanceof ApiError
        ? error
        : new ApiError(500, 'internal', 'internal error of the daemon', [], error);
    const body: ApiErrorBody = { error: { code, message, faults } };
    // The rest of a body that was not read is not waited for.
    if (!response.req.complete && !response.headersSent) response.setHeader('connection', 'close');
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
    if (pathKnown) throw new ApiError(405, 'method', `${path} does not allow ${method}`);
    throw new ApiError(404, 'not-found', `there is no ${path}`);
  }

  #stream(request: IncomingMessage, response: ServerResponse): void {
    if (this.#streams.size >= STREAM_LIMIT)
      throw new ApiError(503, 'too-many-streams', 'too many event streams');
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    // A stream may be silent for any time.
    request.socket.setTimeout(0);
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

/**
 * Path and query of a request target in origin form (RFC 9112, section 3.2.1). Throws ApiError 400 for any other form, such as one with a
 * host, for invalid percent-encoding (RFC 3986, section 2.1), and for a request with two Host headers (RFC 9112, section 3.2).
 */
function targetOf(request: IncomingMessage): { readonly path: string; readonly query: URLSearchParams } {
  const target = request.url ?? '';
  const [path = ''] = target.split('?', 1);
  if (!path.startsWith('/') || path.startsWith('//') || !/^[!$%&'()*+,\-./\w:;=@~]+$/.test(path))
    throw new ApiError(400, 'path', 'the request target is not a path');
  if ((request.headersDistinct['host']?.length ?? 0) > 1)
    throw new ApiError(400, 'host', 'a request must have only one Host header');
  decodePart(path);
  return { path, query: new URLSearchParams(target.slice(path.length + 1)) };
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
  const body = Buffer.concat(chunks);
  if (depthOf(body) > BODY_DEPTH) throw new ApiError(400, 'json', 'the body is nested too deep');
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch (error) {
    throw new ApiError(400, 'json', 'the body is not JSON', [], error);
  }
}
