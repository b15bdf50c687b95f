// Keeps the addresses to which tunnels' host names have resolved (rule T), and the server addresses in use, across restarts and power cuts.
// A damaged file is overwritten, with a warning, for a change of address may have gone unnoticed. Its size is bounded: one entry per host name
// of the policy, with as many addresses as the tripwire keeps. It holds nothing about clients.

import { join } from 'node:path';
import type { UsedServer } from '../../../src/guard/answers/learner.ts';
import type { KnownServers } from '../../../src/guard/attacks/tripwire.ts';
import { writeDurable } from '../../os/durable-file.ts';
import { readRegularFile } from '../../os/regular-file.ts';
import { errorText } from '../warnings.ts';

const FILE = 'servers.json';

/** What is kept about tunnels' servers; addresses as text. */
export interface Servers {
  /** Addresses to which each host name has resolved. */
  readonly known: KnownServers;
  /** Addresses that tunnels are using. */
  readonly used: readonly UsedServer[];
}

const NONE: Servers = { known: {}, used: [] };

/** The file servers.json in the state directory. */
export class KnownServersFile {
  readonly #path: string;
  readonly #fault: (text: string | undefined) => void;
  #kept: string | undefined;

  /** `fault` is called with what is wrong with the file, as a sentence, or undefined when it can be written again. */
  constructor(stateDir: string, fault: (text: string | undefined) => void) {
    this.#path = join(stateDir, FILE);
    this.#fault = fault;
  }

  /** What an earlier process saved, addresses as text; empty when there is no file or it is damaged, which also goes to `fault`. Never throws. */
  read(): Servers {
    try {
      const value: unknown = JSON.parse(readRegularFile(this.#path));
      if (isRecord(value)) return { known: value.servers, used: value.used };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return NONE;
    }
    this.#fault(
      `${this.#path} is damaged: the box cannot tell whether a tunnel's name resolves to another address than before the restart.`,
    );
    return NONE;
  }

  /** Writes the file when something has changed. A failed write is tried again at the next call. Never throws. */
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
      this.#fault(`${this.#path} cannot be written (${errorText(error)}).`);
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
  const isUsed = (entry: unknown): boolean => {
    const { name, address } = (entry ?? {}) as Partial<Record<string, unknown>>;
    return typeof name === 'string' && typeof address === 'string';
  };
  const isList = (list: unknown): boolean =>
    Array.isArray(list) && list.every((text) => typeof text === 'string');
  return value.used.every(isUsed) && Object.values(value.servers as Record<string, unknown>).every(isList);
}
