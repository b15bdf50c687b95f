// The HTTP server with its limits. Node's own timeouts are used against slow headers and bodies (slowloris), and against clients that
// do not read their answers.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Connections } from './connections.ts';
import type { ConnectionLimits } from './connections.ts';

/** Limits of the server; times in milliseconds. */
export interface ServerLimits extends ConnectionLimits {
  /** How long a client may take to send the headers of a request. */
  readonly headersMs: number;
  /** How long it may take to send the whole request. */
  readonly requestMs: number;
  /** How long a connection may stay open between two requests. */
  readonly idleMs: number;
  /** A connection without any traffic for so long is closed. Longer than the daemon may take to answer. */
  readonly stuckMs: number;
}

/** The limits of a running page; tests have their own. */
export const SERVER_LIMITS: ServerLimits = {
  headersMs: 5000,
  requestMs: 10_000,
  idleMs: 5000,
  stuckMs: 90_000,
  connections: 256,
  perClient: 96,
  pipelined: 8,
};

/** A server that listens. */
export interface Listening {
  /** `http://192.0.2.9:80` */
  readonly url: string;
  readonly port: number;
  /** Ends all connections; resolves when the port is free. */
  close(): Promise<void>;
}

/** Where to listen: an address and a port (0 for a free one), or a socket that already listens (systemd.socket(5)). */
export type Place = { readonly host: string; readonly port: number } | { readonly fd: number };

/** Starts an HTTP/1.1 server and resolves when it listens. Rejects with Node's error if it cannot listen there (`EADDRINUSE`, `EACCES`). */
export async function listen(
  handler: RequestListener,
  place: Place,
  limits: ServerLimits = SERVER_LIMITS,
): Promise<Listening> {
  const connections = new Connections(limits);
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.idleMs,
      connectionsCheckingInterval: Math.min(1000, limits.headersMs / 2),
      maxHeaderSize: 8192,
    },
    (request, answer) => {
      if (connections.begins(request.socket, answer)) handler(request, answer);
    },
  );
  server.on('connection', (socket) => {
    connections.admit(socket);
  });
  server.timeout = limits.stuckMs;
  server.listen('fd' in place ? { fd: place.fd } : { host: place.host, port: place.port });
  await once(server, 'listening');
  const { address: host, port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    port: taken,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
