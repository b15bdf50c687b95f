// Knows: how the addresses that tunnels' names have led to, and those in use, outlive the daemon and the box's power. Must not know:
// what a changed one means (rule T), how long one in use counts.
// Which way doubt errs: a file that is damaged is set aside by being written anew, and said, for a change may have gone unnoticed.
// Bounded: as many names as the policy has, so many addresses each as the tripwire keeps. It holds nothing about clients.

import { join } from 'node:path';
import type { UsedServer } from '../../../src/guard/answers/learner.ts';
import type { KnownServers } from '../../../src/guard/attacks/tripwire.ts';
import { writeDurable } from '../../os/durable-file.ts';
import { readRegularFile } from '../../os/regular-file.ts';
import { words } from '../warnings.ts';

const FILE = 'servers.json';

export interface Servers {
  /** All that names have led to, by name. */
  readonly known: KnownServers;
  readonly used: readonly UsedServer[];
}

const NONE: Servers = { known: {}, used: [] };

export class KnownServersFile {
  readonly #path: string;
  readonly #fault: (text: string | undefined) => void;
  #kept: string | undefined;

  /** `fault` hears what is wrong with the file, in words. */
  constructor(stateDir: string, fault: (text: string | undefined) => void) {
    this.#path = join(stateDir, FILE);
    this.#fault = fault;
  }

  /** What an earlier process knew; nothing where there was none. */
  read(): Servers {
    try {
      const value: unknown = JSON.parse(readRegularFile(this.#path));
      if (isRecord(value)) return { known: value.servers, used: value.used };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return NONE;
    }
    this.#fault(
      `${this.#path} is damaged: whether a tunnel's name leads elsewhere than before the restart cannot be told.`,
    );
    return NONE;
  }

  /** Writes when something is different from the last time. What the disk refuses is tried again with the next. */
  keep({ known, used }: Servers): void {
    const text = `${JSON.stringify({ version: 1, servers: known, used })}\n`;
    if (text === this.#kept) return;
    const isFirst = this.#kept === undefined;
    this.#kept = text;
    if (isFirst && Object.keys(known).length + used.length === 0) return;
    try {
      writeDurable(this.#path, text);
      this.#fault(undefined);
    } catch (error) {
      this.#kept = undefined;
      this.#fault(`${this.#path} cannot be written (${words(error)}).`);
    }
  }
}

function isRecord(
  value: unknown,
): value is { readonly servers: KnownServers; readonly used: readonly UsedServer[] } {
  if (typeof value !== 'object' || value === null || !('version' in value) || value.version !== 1)
    return false;
  if (!('servers' in value) || typeof value.servers !== 'object' || value.servers === null) return false;
  if (!('used' in value) || !Array.isArray(value.used)) return false;
  const isUsed = (one: unknown): boolean => {
    const { name, address } = (one ?? {}) as Partial<Record<string, unknown>>;
    return typeof name === 'string' && typeof address === 'string';
  };
  const isList = (list: unknown): boolean =>
    Array.isArray(list) && list.every((text) => typeof text === 'string');
  return value.used.every(isUsed) && Object.values(value.servers as Record<string, unknown>).every(isList);
}
