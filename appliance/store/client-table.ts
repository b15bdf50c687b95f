// Knows: how clients are rows. Must not know: how they are found out about.

import type { ClientView } from '../../src/guard/clients.ts';
import type { Privacy } from '../../src/guard/privacy.ts';
import { readJson } from '../../src/guard/status.ts';
import type { Database, Statement } from './database.ts';
import { isoTime, textOf } from './incident-table.ts';

/** Beyond these the ones seen longest ago go: whoever can make up MAC addresses must not fill the disk. */
const CLIENTS_MOST = 1_024;

type Told = Omit<ClientView, 'id' | 'first' | 'last'>;

export class ClientTable {
  readonly #database: Database;
  readonly #put: Statement;

  constructor(database: Database) {
    this.#database = database;
    this.#put = database.prepare(
      `INSERT INTO clients (id, first, last, privacy, identity) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
       last = excluded.last, privacy = excluded.privacy, identity = excluded.identity`,
    );
  }

  put({ id, first, last, ...identity }: ClientView, privacy: Privacy): void {
    this.#put.run(id, Date.parse(first), Date.parse(last), privacy, JSON.stringify(identity));
  }

  /** Last seen first. */
  list(): ClientView[] {
    const rows = this.#database.prepare('SELECT * FROM clients ORDER BY last DESC LIMIT ?').all(CLIENTS_MOST);
    return rows.flatMap((row) => {
      const told = readJson(textOf(row['identity']));
      if (!isTold(told)) return [];
      return [{ ...told, id: textOf(row['id']), first: isoTime(row['first']), last: isoTime(row['last']) }];
    });
  }

  clear(): void {
    this.#database.exec('DELETE FROM clients');
  }

  forgetBefore(wall: number): void {
    this.#database.prepare('DELETE FROM clients WHERE last < ?').run(wall);
    this.#database
      .prepare('DELETE FROM clients WHERE id NOT IN (SELECT id FROM clients ORDER BY last DESC LIMIT ?)')
      .run(CLIENTS_MOST);
  }
}

function isTold(value: unknown): value is Told {
  if (typeof value !== 'object' || value === null) return false;
  const { addresses, previousAddresses } = value as Partial<Told>;
  return Array.isArray(addresses) && Array.isArray(previousAddresses);
}
