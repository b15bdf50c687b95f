// Knows: how long a visitor may take and how many there may be. Must not know: what is served.
// Against slow headers and bodies (slowloris): Node's own timeouts, checked every second.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ServerLimits {
  readonly headersMs: number;
  readonly requestMs: number;
  readonly idleMs: number;
  readonly connections: number;
}

export const SERVER_LIMITS: ServerLimits = {
  headersMs: 5000,
  requestMs: 10_000,
  idleMs: 5000,
  connections: 256,
};

export interface Listening {
  /** `http://192.0.2.9:80` */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Listens on one address; port 0 takes a free one. Rejects with Node's error when the address cannot be had. */
export async function listen(
  handler: RequestListener,
  { host, port }: { readonly host: string; readonly port: number },
  limits: ServerLimits = SERVER_LIMITS,
): Promise<Listening> {
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.idleMs,
      connectionsCheckingInterval: Math.min(1000, limits.headersMs / 2),
      maxHeaderSize: 8192,
    },
    handler,
  );
  server.maxConnections = limits.connections;
  server.listen({ host, port });
  await once(server, 'listening');
  const taken = (server.address() as AddressInfo).port;
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
