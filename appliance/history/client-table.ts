// The history's table of clients.

import type { ClientView } from '../../src/api/past.ts';
import type { Privacy } from '../../src/guard/history/privacy.ts';
import { readJson } from '../../src/api/json.ts';
import type { Database, Statement } from './database.ts';
import { isoTime, textOf } from './incident-table.ts';

/**
 * Most rows. Clients that were seen for less than a minute go first, then those last seen longest ago: a machine that makes up MAC
 * addresses must neither fill the disk nor push out known clients.
 */
const CLIENTS_MOST = 1_024;
const PRUNE = `DELETE FROM clients WHERE id NOT IN
  (SELECT id FROM clients ORDER BY last - first >= 60000 DESC, last DESC LIMIT ${CLIENTS_MOST})`;
/** Rows written between two checks of their number. */
const PRUNE_EVERY = 512;

type StoredIdentity = Omit<ClientView, 'id' | 'first' | 'last' | 'account'> &
  Partial<Pick<ClientView, 'account'>>;

/** The table of clients, about CLIENTS_MOST at most. Methods throw SQLite's errors. */
export class ClientTable {
  readonly #database: Database;
  readonly #put: Statement;
  readonly #prune: Statement;
  #written = 0;

  constructor(database: Database) {
    this.#database = database;
    this.#put = database.prepare(
      `INSERT INTO clients (id, first, last, privacy, identity) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
       last = excluded.last, privacy = excluded.privacy, identity = excluded.identity`,
    );
    this.#prune = database.prepare(PRUNE);
  }

  /** Adds a client or updates it, except for the time at which it was first seen. `privacy`: the setting under which it was recorded. */
  put({ id, first, last, ...identity }: ClientView, privacy: Privacy): void {
    this.#put.run(id, Date.parse(first), Date.parse(last), privacy, JSON.stringify(identity));
    this.#written += 1;
    if (this.#written % PRUNE_EVERY === 0) this.#prune.run();
  }

  /** All clients, last seen first; rows that are malformed are left out. */
  list(): ClientView[] {
    const rows = this.#database.prepare('SELECT * FROM clients ORDER BY last DESC LIMIT ?').all(CLIENTS_MOST);
    return rows.flatMap((row) => {
      const identity = readJson(textOf(row['identity']));
      if (!isIdentity(identity)) return [];
      // Rows of versions that did not read 802.1X have no account.
      return [
        {
          ...identity,
          account: identity.account ?? null,
          id: textOf(row['id']),
          first: isoTime(row['first']),
          last: isoTime(row['last']),
        },
      ];
    });
  }

  /** Deletes all clients. */
  clear(): void {
    this.#database.exec('DELETE FROM clients');
  }

  /** Deletes clients last seen before `wall` (wall clock, milliseconds), and those beyond the limit. */
  forgetBefore(wall: number): void {
    this.#database.prepare('DELETE FROM clients WHERE last < ?').run(wall);
    this.#prune.run();
  }
}

function isIdentity(value: unknown): value is StoredIdentity {
  if (typeof value !== 'object' || value === null) return false;
  const { addresses, previousAddresses } = value as Partial<StoredIdentity>;
  return Array.isArray(addresses) && Array.isArray(previousAddresses);
}
