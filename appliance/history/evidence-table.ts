// The history's table of captured frames. Only privacy `full` has any.

import type { EvidenceFrame } from '../../src/guard/incidents/evidence.ts';
import type { Database, Statement } from './database.ts';

/** Most bytes of all frames together. Frames of folded incidents go first, then the oldest. */
const BYTES_MOST = 16 * 1024 * 1024;

/** The table of captured frames, together at most BYTES_MOST once pruned. Methods throw SQLite's errors. */
export class EvidenceTable {
  readonly #database: Database;
  readonly #put: Statement;

  constructor(database: Database) {
    this.#database = database;
    this.#put = database.prepare('INSERT OR IGNORE INTO evidence VALUES (?, ?, ?, ?, ?, ?)');
  }

  /** Adds an incident's frame; `number` counts an incident's frames from 0. One that is there already stays as it is. */
  put(incident: string, number: number, frame: EvidenceFrame): void {
    this.#put.run(incident, number, frame.port, frame.wall, frame.length, frame.bytes);
  }

  /** An incident's frames, in the order in which they were seen; empty when there are none. */
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

  /** Deletes all frames. */
  clear(): void {
    this.#database.exec('DELETE FROM evidence');
  }

  /** Deletes the frames of these incidents. */
  forgetOf(incidents: readonly string[]): void {
    const gone = this.#database.prepare('DELETE FROM evidence WHERE incident = ?');
    for (const incident of incidents) gone.run(incident);
  }

  /** Deletes frames beyond the limit. Reads every row, so do not call it for every write. */
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
