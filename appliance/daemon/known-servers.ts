// Knows: how the addresses that tunnels' names have led to outlive the daemon. Must not know: what a changed one means (rule T).
// Which way doubt errs: a file that is damaged is set aside by being written anew, and said, for a change may have gone unnoticed.
// Bounded: as many names as the policy has, so many addresses each as the tripwire keeps. It holds nothing about clients.

import { join } from 'node:path';
import type { KnownServers } from '../../src/guard/tripwire.ts';
import { writeDurable } from '../durable-file.ts';
import { readRegularFile } from '../regular-file.ts';
import { words } from './warnings.ts';

const FILE = 'servers.json';

export class KnownServersFile {
  readonly #path: string;
  readonly #fault: (text: string | undefined) => void;
  #kept: KnownServers | undefined;

  /** `fault` hears what is wrong with the file, in words. */
  constructor(stateDir: string, fault: (text: string | undefined) => void) {
    this.#path = join(stateDir, FILE);
    this.#fault = fault;
  }

  /** What an earlier process knew; nothing where there was none. */
  read(): KnownServers {
    try {
      const value: unknown = JSON.parse(readRegularFile(this.#path));
      if (isKnownServers(value)) return value.servers;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    }
    this.#fault(
      `${this.#path} is damaged: whether a tunnel's name leads elsewhere than before the restart cannot be told.`,
    );
    return {};
  }

  /** Writes when it is another object than the last. What the disk refuses is tried again with the next. */
  keep(servers: KnownServers): void {
    if (servers === this.#kept) return;
    const isFirst = this.#kept === undefined;
    this.#kept = servers;
    if (isFirst && Object.keys(servers).length === 0) return;
    try {
      writeDurable(this.#path, `${JSON.stringify({ version: 1, servers })}\n`);
      this.#fault(undefined);
    } catch (error) {
      this.#kept = undefined;
      this.#fault(`${this.#path} cannot be written (${words(error)}).`);
    }
  }
}

function isKnownServers(value: unknown): value is { readonly servers: KnownServers } {
  if (typeof value !== 'object' || value === null || !('version' in value) || value.version !== 1)
    return false;
  if (!('servers' in value) || typeof value.servers !== 'object' || value.servers === null) return false;
  return Object.values(value.servers as Record<string, unknown>).every(
    (list) => Array.isArray(list) && list.every((text) => typeof text === 'string'),
  );
}
