// Knows: how the first frames of incidents are rows. Must not know: what is in a frame. Only privacy `full` has any.

import type { EvidenceFrame } from '../../src/guard/incidents/evidence.ts';
import type { Database, Statement } from './database.ts';

/** Of all frames together; those of incidents that another counts go first, then the oldest. */
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

  /** Those of incidents that are gone. */
  forgetOf(incidents: readonly string[]): void {
    const gone = this.#database.prepare('DELETE FROM evidence WHERE incident = ?');
    for (const incident of incidents) gone.run(incident);
  }

  /** The oldest beyond the bound. Reads every row once: not for every write. */
  prune(): void {
    let bytes = Number(
      this.#database.prepare('SELECT total(length(bytes)) AS n FROM evidence').get()?.['n'] ?? 0,
    );
    const oldest = this.#database.prepare(
      `DELETE FROM evidence WHERE rowid IN (SELECT rowid FROM evidence ORDER BY
         incident IN (SELECT id FROM incidents WHERE folded <> '') DESC, rowid LIMIT 256) RETURNING length(bytes) AS n`,
    );
    while (bytes > BYTES_MOST) {
      const gone = oldest.all();
      if (gone.length === 0) return;
      bytes -= gone.reduce((sum, { n }) => sum + Number(n), 0);
    }
  }
}
