// The history's table of tunnel gaps. A gap that still lasts has no end; the next process closes such rows (`closeOpen`).

import type { Gap } from '../../src/guard/tunnels/gaps.ts';
import { redactedGap } from '../../src/guard/history/past.ts';
import type { PastGap } from '../../src/guard/history/past.ts';
import { PRIVACIES } from '../../src/guard/history/privacy.ts';
import type { Redaction } from '../../src/guard/history/privacy.ts';
import { readJson } from '../../src/api/json.ts';
import type { Database, SqlRow, Statement } from './database.ts';
import { textOf } from './incident-table.ts';

/** Most rows; the oldest are dropped, so that someone who interrupts the wire cannot fill the disk. */
const GAPS_MOST = 2_000;

/** Most gaps in one answer. */
export const GAPS_TOLD = 200;

/** The table of tunnel gaps, at most GAPS_MOST. Methods throw SQLite's errors. Times are wall-clock milliseconds. */
export class GapTable {
  readonly #database: Database;
  readonly #put: Statement;

  constructor(database: Database) {
    this.#database = database;
    this.#put = database.prepare('INSERT OR REPLACE INTO gaps VALUES (?, ?, ?, ?, ?)');
  }

  /** Adds a gap, or replaces the one of the same tunnel and the same last frame. */
  put({ gap, privacy }: PastGap): void {
    this.#put.run(gap.tunnel, gap.lastFrame.until, endOf(gap), privacy, JSON.stringify(gap));
  }

  /**
   * At most `limit` gaps that overlap [since, until), newest first, as `redaction` shows them; none under `minimal`. Without it as they
   * were recorded.
   */
  select(since: number, until: number, limit: number, redaction?: Redaction): Gap[] {
    if (redaction?.privacy === 'minimal') return [];
    return this.#database
      .prepare(
        'SELECT * FROM gaps WHERE at < ? AND (until IS NULL OR until >= ?) ORDER BY at DESC, tunnel LIMIT ?',
      )
      .all(until, since, limit)
      .flatMap(pastOfRow)
      .map(({ gap }) => (redaction === undefined ? gap : redactedGap(gap, redaction)));
  }

  /** Every gap as recorded, oldest first. */
  all(): PastGap[] {
    return this.#database.prepare('SELECT * FROM gaps ORDER BY at').all().flatMap(pastOfRow);
  }

  /** Marks gaps without an end as unwatched since `wall`: whether they lasted longer is not known. */
  closeOpen(wall: number): void {
    for (const row of this.#database.prepare('SELECT * FROM gaps WHERE until IS NULL').all())
      for (const { gap, privacy } of pastOfRow(row)) {
        const unwatched = Math.max(wall, gap.lastFrame.until);
        this.put({ gap: { ...gap, unwatched }, privacy });
      }
  }

  /** Deletes all gaps. */
  clear(): void {
    this.#database.exec('DELETE FROM gaps');
  }

  /** Deletes gaps that ended before `wall`, and the oldest of too many. */
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

/** Rows may have been edited by hand: a malformed one is skipped. */
function isGap(value: unknown): value is Gap {
  if (typeof value !== 'object' || value === null) return false;
  const { tunnel, lastFrame, escapes, unanswered, more } = value as Partial<Record<keyof Gap, unknown>>;
  const between = lastFrame as { after?: unknown; until?: unknown } | null | undefined;
  const numbers = [between?.after, between?.until, unanswered, more];
  return typeof tunnel === 'string' && Array.isArray(escapes) && numbers.every((n) => typeof n === 'number');
}
