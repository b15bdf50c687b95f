// Knows: how silences of tunnels are rows. Must not know: how they are found out about.
// One that still lasts has no end; whoever finds such a row of an earlier process closes it.

import type { Gap } from '../../src/guard/tunnels/gaps.ts';
import { shownGap } from '../../src/guard/history/past.ts';
import type { PastGap } from '../../src/guard/history/past.ts';
import { PRIVACIES } from '../../src/guard/history/privacy.ts';
import type { Redaction } from '../../src/guard/history/privacy.ts';
import { readJson } from '../../src/api/json.ts';
import type { Database, SqlRow, Statement } from './database.ts';
import { textOf } from './incident-table.ts';

/** Beyond these the oldest go: who can cut the wire must not fill the disk. */
const GAPS_MOST = 2_000;

/** Silences of tunnels that are told at once. */
export const GAPS_TOLD = 200;

export class GapTable {
  readonly #database: Database;
  readonly #put: Statement;

  constructor(database: Database) {
    this.#database = database;
    this.#put = database.prepare('INSERT OR REPLACE INTO gaps VALUES (?, ?, ?, ?, ?)');
  }

  put({ gap, privacy }: PastGap): void {
    this.#put.run(gap.tunnel, gap.lastFrame.until, endOf(gap), privacy, JSON.stringify(gap));
  }

  /** Those that were at any time in [since, until), newest first. */
  select(since: number, until: number, limit: number, redaction?: Redaction): Gap[] {
    if (redaction?.privacy === 'minimal') return [];
    return this.#database
      .prepare(
        'SELECT * FROM gaps WHERE at < ? AND (until IS NULL OR until >= ?) ORDER BY at DESC, tunnel LIMIT ?',
      )
      .all(until, since, limit)
      .flatMap(pastOfRow)
      .map(({ gap }) => (redaction === undefined ? gap : shownGap(gap, redaction)));
  }

  all(): PastGap[] {
    return this.#database.prepare('SELECT * FROM gaps ORDER BY at').all().flatMap(pastOfRow);
  }

  /** Nobody watched from `wall` on: silences that lasted then are no longer known to last. */
  closeOpen(wall: number): void {
    for (const row of this.#database.prepare('SELECT * FROM gaps WHERE until IS NULL').all())
      for (const { gap, privacy } of pastOfRow(row)) {
        const unwatched = Math.max(wall, gap.lastFrame.until);
        this.put({ gap: { ...gap, unwatched }, privacy });
      }
  }

  clear(): void {
    this.#database.exec('DELETE FROM gaps');
  }

  forgetBefore(wall: number): void {
    this.#database.prepare('DELETE FROM gaps WHERE until < ?').run(wall);
    this.#database
      .prepare('DELETE FROM gaps WHERE rowid NOT IN (SELECT rowid FROM gaps ORDER BY at DESC LIMIT ?)')
      .run(GAPS_MOST);
  }
}

function endOf({ back, unwatched }: Gap): number | null {
  return back?.until ?? unwatched ?? null;
}

function pastOfRow(row: SqlRow): PastGap[] {
  const gap = readJson(textOf(row['told']));
  const privacy = PRIVACIES.find((known) => known === row['privacy']) ?? 'full';
  return isGap(gap) ? [{ gap, privacy }] : [];
}

/** A row that a hand has written must not bring down who reads it. */
function isGap(value: unknown): value is Gap {
  if (typeof value !== 'object' || value === null) return false;
  const { tunnel, lastFrame, escapes, unanswered, more } = value as Partial<Record<keyof Gap, unknown>>;
  const between = lastFrame as { after?: unknown; until?: unknown } | null | undefined;
  const numbers = [between?.after, between?.until, unanswered, more];
  return typeof tunnel === 'string' && Array.isArray(escapes) && numbers.every((n) => typeof n === 'number');
}
