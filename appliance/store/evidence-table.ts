// Knows: how the first frames of incidents are rows. Must not know: what is in a frame. Only privacy `full` has any.

import type { EvidenceFrame } from '../../src/guard/evidence.ts';
import type { Database, Statement } from './database.ts';

/** Of all frames together; the oldest go first. */
const BYTES_MOST = 16 * 1024 * 1024;

export class EvidenceTable {
  readonly #database: Database;
  readonly #put: Statement;

  constructor(database: Database) {
    this.#database = database;
    this.#put = database.prepare('INSERT OR IGNORE INTO evidence VALUES (?, ?, ?, ?, ?, ?)');
  }

  put(incident: string, number: number, frame: EvidenceFrame): void {
    this.#put.run(incident, number, frame.port, frame.wall, frame.length, frame.bytes);
  }

  /** In the order in which they were seen; empty when there is none. */
  of(incident: string): EvidenceFrame[] {
    const rows = this.#database
      .prepare('SELECT * FROM evidence WHERE incident = ? ORDER BY number')
      .all(incident);
    return rows.map(({ port, at, length, bytes }) => ({
      port: port === 'wan' ? 'wan' : 'lan',
      wall: Number(at),
      length: Number(length),
      bytes: bytes instanceof Uint8Array ? bytes : new Uint8Array(0),
    }));
  }

  clear(): void {
    this.#database.exec('DELETE FROM evidence');
  }

  /** Frames of incidents that are gone, and the oldest beyond the bound. */
  prune(): void {
    this.#database.exec('DELETE FROM evidence WHERE incident NOT IN (SELECT id FROM incidents)');
    const sum = this.#database.prepare('SELECT total(length(bytes)) AS n FROM evidence');
    const oldest = this.#database.prepare(
      'DELETE FROM evidence WHERE rowid IN (SELECT rowid FROM evidence ORDER BY at LIMIT 256)',
    );
    while (Number(sum.get()?.['n'] ?? 0) > BYTES_MOST && oldest.run().changes > 0);
  }
}
