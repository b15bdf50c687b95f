// Knows: how clients are rows. Must not know: how they are found out about.

import type { ClientView } from '../../src/api/past.ts';
import type { Privacy } from '../../src/guard/history/privacy.ts';
import { readJson } from '../../src/api/json.ts';
import type { Database, Statement } from './database.ts';
import { isoTime, textOf } from './incident-table.ts';

/**
 * Beyond these those go first that were seen for less than a minute, then the ones seen longest ago: whoever can make up MAC
 * addresses must not fill the disk, nor push out who is known.
 */
const CLIENTS_MOST = 1_024;
const PRUNE = `DELETE FROM clients WHERE id NOT IN
  (SELECT id FROM clients ORDER BY last - first >= 60000 DESC, last DESC LIMIT ${CLIENTS_MOST})`;
/** Rows written between two looks at how many there are. */
const PRUNE_EVERY = 512;

type Told = Omit<ClientView, 'id' | 'first' | 'last' | 'account'> & Partial<Pick<ClientView, 'account'>>;

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

  put({ id, first, last, ...identity }: ClientView, privacy: Privacy): void {
    this.#put.run(id, Date.parse(first), Date.parse(last), privacy, JSON.stringify(identity));
    this.#written += 1;
    if (this.#written % PRUNE_EVERY === 0) this.#prune.run();
  }

  /** Last seen first. */
  list(): ClientView[] {
    const rows = this.#database.prepare('SELECT * FROM clients ORDER BY last DESC LIMIT ?').all(CLIENTS_MOST);
    return rows.flatMap((row) => {
      const told = readJson(textOf(row['identity']));
      if (!isTold(told)) return [];
      // Rows of before 802.1X was read have no account.
      return [
        {
          ...told,
          account: told.account ?? null,
          id: textOf(row['id']),
          first: isoTime(row['first']),
          last: isoTime(row['last']),
        },
      ];
    });
  }

  clear(): void {
    this.#database.exec('DELETE FROM clients');
  }

  forgetBefore(wall: number): void {
    this.#database.prepare('DELETE FROM clients WHERE last < ?').run(wall);
    this.#prune.run();
  }
}

function isTold(value: unknown): value is Told {
  if (typeof value !== 'object' || value === null) return false;
  const { addresses, previousAddresses } = value as Partial<Told>;
  return Array.isArray(addresses) && Array.isArray(previousAddresses);
}
