// Knows: who holds how many connections, and which of them makes room for a new one. Must not know: what is asked on them.
// Whoever opens many and asks nothing (slowloris), or asks a hundred things at once on one (pipelining, RFC 9112, section 9.3.2),
// is in his own way, not in that of others: the connection that goes is one of whoever holds the most.

import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import { addressGroup } from './address-group.ts';

export interface ConnectionLimits {
  readonly connections: number;
  /** Of one address, or of one IPv6 network. A browser has six, and one more for each stream. */
  readonly perClient: number;
  /** Requests on one connection that wait for their answers at once; browsers send the next when they have the last. */
  readonly pipelined: number;
}

export class Connections {
  readonly #limits: ConnectionLimits;
  /** Oldest first, with how many of its requests wait for their answers. */
  readonly #byClient = new Map<string, Map<Socket, number>>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** Takes a new connection, at the cost of another where there are too many; ends it where none can go. */
  admit(socket: Socket): void {
    const client = addressGroup(socket.remoteAddress ?? '');
    const own = this.#byClient.get(client) ?? new Map<Socket, number>();
    const isFull = this.#count() >= this.#limits.connections;
    const serverGroup = own.size >= this.#limits.perClient ? own : isFull ? this.#largest() : undefined;
    if (serverGroup !== undefined && !makeRoom(serverGroup)) {
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

  /** False, and the connection ends, when too many requests are on it already. */
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
      (most, one) => (most === undefined || one.size > most.size ? one : most),
      undefined,
    );
  }
}

/** The oldest on which nothing was asked goes; false when all are being answered. */
function makeRoom(serverGroup: Map<Socket, number>): boolean {
  const [idle] = [...serverGroup].find(([, asked]) => asked === 0) ?? [];
  if (idle === undefined) return false;
  serverGroup.delete(idle);
  idle.destroy();
  return true;
}
