// Knows: how long a visitor may take and how many there may be. Must not know: what is served.
// Against slow headers and bodies (slowloris) and answers that nobody takes: Node's own timeouts.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Connections } from './connections.ts';
import type { ConnectionLimits } from './connections.ts';

export interface ServerLimits extends ConnectionLimits {
  readonly headersMs: number;
  readonly requestMs: number;
  readonly idleMs: number;
  /** A connection on which no byte has moved for so long ends. Longer than the guard may take to answer. */
  readonly stuckMs: number;
}

export const SERVER_LIMITS: ServerLimits = {
  headersMs: 5000,
  requestMs: 10_000,
  idleMs: 5000,
  stuckMs: 90_000,
  connections: 256,
  perClient: 96,
  pipelined: 8,
};

export interface Listening {
  /** `http://192.0.2.9:80` */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Where to listen: an address and a port, 0 for a free one; or a socket that listens already (systemd.socket(5)). */
export type Place = { readonly host: string; readonly port: number } | { readonly fd: number };

/** Rejects with Node's error when the place cannot be had. */
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
