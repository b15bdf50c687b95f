// Limits connections and requests per client. A client that opens many connections without requests (slowloris), or sends many requests
// at once on one (pipelining, RFC 9112, section 9.3.2), slows down itself, not others: the client with the most connections loses one.

import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import { addressGroup } from './address-group.ts';

/** Most of each at once. */
export interface ConnectionLimits {
  readonly connections: number;
  /** For one IPv4 address or one IPv6 /64. A browser opens six, and one more for each stream. */
  readonly perClient: number;
  /** Unanswered requests on one connection. Browsers send the next request only after the previous answer. */
  readonly pipelined: number;
}

/** The connections of one server, by client (address-group.ts). */
export class Connections {
  readonly #limits: ConnectionLimits;
  /** By client, its sockets, oldest first, each with its number of unanswered requests. */
  readonly #byClient = new Map<string, Map<Socket, number>>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** Accepts a new connection. If there are too many, closes an idle one instead, or the new one if none is idle. */
  admit(socket: Socket): void {
    const client = addressGroup(socket.remoteAddress ?? '');
    const own = this.#byClient.get(client) ?? new Map<Socket, number>();
    const isFull = this.#count() >= this.#limits.connections;
    const crowded = own.size >= this.#limits.perClient ? own : isFull ? this.#largest() : undefined;
    if (crowded !== undefined && !makeRoom(crowded)) {
      socket.destroy();
      return;
    }
    own.set(socket, 0);
    this.#byClient.set(client, own);
    socket.once('close', () => {
      own.delete(socket);
      if (own.size === 0 && this.#byClient.get(client) === own) this.#byClient.delete(client);
    });
  }

  /** Registers a request. Returns false, and closes the connection, if too many on it are unanswered. */
  begins(socket: Socket, answer: ServerResponse): boolean {
    const own = this.#byClient.get(addressGroup(socket.remoteAddress ?? ''));
    const asked = own?.get(socket) ?? 0;
    if (asked >= this.#limits.pipelined) {
      socket.destroy();
      return false;
    }
    own?.set(socket, asked + 1);
    answer.once('close', () => {
      const now = own?.get(socket);
      if (now !== undefined) own?.set(socket, now - 1);
    });
    return true;
  }

  #count(): number {
    return [...this.#byClient.values()].reduce((sum, { size }) => sum + size, 0);
  }

  #largest(): Map<Socket, number> | undefined {
    return [...this.#byClient.values()].reduce<Map<Socket, number> | undefined>(
      (largest, sockets) => (largest === undefined || sockets.size > largest.size ? sockets : largest),
      undefined,
    );
  }
}

/** Closes the oldest connection without an unanswered request. Returns false if there is none. */
function makeRoom(sockets: Map<Socket, number>): boolean {
  const [idle] = [...sockets].find(([, asked]) => asked === 0) ?? [];
  if (idle === undefined) return false;
  sockets.delete(idle);
  idle.destroy();
  return true;
}
