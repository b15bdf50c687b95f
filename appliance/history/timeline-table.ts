// The history's tables of counts by minute and by hour, and of state changes. Counts are rolled up by the hour so that every zoom level is
// cheap: 30 days are 720 hours or 43,200 minutes at most. Times are wall-clock milliseconds.

import { TIMELINE_STATES, TIMELINE_TUNNELS } from '../../src/guard/history/timeline.ts';
import type { StateChange, TallyAt } from '../../src/guard/history/timeline.ts';
import type { TimelineState, TimelineTunnel } from '../../src/api/past.ts';
import type { Database, SqlRow, Statement } from './database.ts';
import { textOf } from './incident-table.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const COUNTS = 'red_escaped, red_blocked, amber_escaped, amber_blocked, unseen';
/** SQL for the index of a column's word in a list. */
const rank = (column: string, words: readonly string[]): string =>
  `CASE ${column} ${words.map((word, n) => `WHEN '${word}' THEN ${n}`).join(' ')} ELSE 0 END`;
/** Earlier versions had one word for `quiet` and `trying`. */
const TUNNEL = "replace(tunnel, 'stale', 'quiet')";
const CHANGES_BY_INTERVAL = `
  SELECT states.*, began, worst, worst_tunnel, blocks, opens, passes FROM states JOIN (
    SELECT max(at) AS ended, min(at) AS began, max(${rank('state', TIMELINE_STATES)}) AS worst,
      max(${rank(TUNNEL, TIMELINE_TUNNELS)}) AS worst_tunnel,
      max(block) AS blocks, min(block) AS opens, max(pass) AS passes
    FROM states WHERE at >= ? AND at < ? GROUP BY CAST((at - ?) / ? AS INTEGER)
  ) ON states.at = ended ORDER BY at`;

/** The tables of counts and of state changes. Methods throw SQLite's errors. */
export class TimelineTable {
  readonly #database: Database;
  readonly #addMinute: Statement;
  readonly #addHour: Statement;
  readonly #putState: Statement;

  constructor(database: Database) {
    this.#database = database;
    this.#addMinute = database.prepare(addSql('minutes'));
    this.#addHour = database.prepare(addSql('hours'));
    this.#putState = database.prepare('INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?, ?)');
  }

  /** Adds counts of the minute or, with `coarse`, only of the hour in which `at` is. */
  count({ at, ...tally }: TallyAt, coarse: boolean): void {
    const { redEscaped, redBlocked, amberEscaped, amberBlocked, unseen } = tally;
    const counts = [redEscaped, redBlocked, amberEscaped, amberBlocked, unseen];
    if (!coarse) this.#addMinute.run(at - (at % MINUTE_MS), ...counts);
    this.#addHour.run(at - (at % HOUR_MS), ...counts);
  }

  /** Adds a state change; it replaces one of the same millisecond. */
  change({ at, state, tunnel, blockMode, pass }: StateChange): void {
    this.#putState.run(at, state, tunnel, Number(blockMode), Number(pass));
  }

  /**
   * Counts in [from, to), summed by intervals of `width` milliseconds from `from` on; from minutes, if these were kept, where intervals are
   * shorter than an hour. `at` is the first counted minute or hour of its interval; intervals without counts are left out.
   */
  tallies(from: number, to: number, width: number): TallyAt[] {
    const hours = this.#read('hours', from, to, width);
    if (width >= HOUR_MS) return hours;
    const minutes = this.#read('minutes', from, to, width);
    const covered = new Set(minutes.map(({ at }) => at - (at % HOUR_MS)));
    return [...minutes, ...hours.filter(({ at }) => !covered.has(at))];
  }

  /**
   * State changes in [from, to), preceded by the one in effect at `from`. Several changes in one interval of `width` milliseconds become two:
   * the worst of everything that was true in it, and what was true at its end. SQLite does the grouping, as there may be very many rows.
   */
  changes(from: number, to: number, width: number): StateChange[] {
    const before = this.#database
      .prepare('SELECT * FROM states WHERE at < ? ORDER BY at DESC LIMIT 1')
      .all(from)
      .map(changeOf);
    const grouped = this.#database.prepare(CHANGES_BY_INTERVAL).all(from, to, from, width);
    return [...before, ...grouped.flatMap(changesOfInterval)];
  }

  /** The newest state change up to `now`; after the clock was set back there may be later ones. Undefined when there is none. */
  lastChange(now: number): StateChange | undefined {
    const sql = 'SELECT * FROM states WHERE at <= ? ORDER BY at DESC LIMIT 1';
    const row = this.#database.prepare(sql).get(now);
    return row === undefined ? undefined : changeOf(row);
  }

  /** Deletes the oldest `limit` rows before `wall` of each table; true when there may be more. */
  forgetBefore(wall: number, limit: number): boolean {
    const gone = ['minutes', 'hours', 'states'].map((table) => {
      const oldest = `SELECT at FROM ${table} WHERE at < ? ORDER BY at LIMIT ?`;
      return this.#database.prepare(`DELETE FROM ${table} WHERE at IN (${oldest})`).run(wall, limit).changes;
    });
    return gone.some((count) => count === limit);
  }

  /** Deletes the `count` oldest state changes; returns how many there were. */
  forgetOldest(count: number): number {
    const sql = 'DELETE FROM states WHERE at IN (SELECT at FROM states ORDER BY at LIMIT ?)';
    return this.#database.prepare(sql).run(count).changes;
  }

  /** Deletes everything that privacy `minimal` does not keep: only counts by the hour remain. */
  coarsen(): void {
    this.#database.exec('DELETE FROM minutes; DELETE FROM states');
  }

  #read(table: 'minutes' | 'hours', from: number, to: number, width: number): TallyAt[] {
    const sums = COUNTS.split(', ').map((name) => `sum(${name}) AS ${name}`);
    return this.#database
      .prepare(
        `SELECT min(at) AS at, ${sums.join(', ')} FROM ${table}
         WHERE at >= ? AND at < ? GROUP BY CAST((at - ?) / ? AS INTEGER)`,
      )
      .all(from, to, from, width)
      .map(tallyOf);
  }
}

/**
 * The range widened to whole minutes (UTC), or to whole hours if its intervals are at least an hour long or `hoursOnly` is set. [from, to)
 * in wall-clock milliseconds, never empty; `buckets` never more than there are minutes or hours.
 */
export function wholeRange(range: Range, hoursOnly = false): Range {
  const isFine = !hoursOnly && (range.to - range.from) / range.buckets < HOUR_MS;
  const unit = isFine ? MINUTE_MS : HOUR_MS;
  const from = Math.floor(range.from / unit) * unit;
  const to = Math.max(from + unit, Math.ceil(range.to / unit) * unit);
  return { from, to, buckets: Math.min(range.buckets, (to - from) / unit) };
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly buckets: number;
}

function addSql(table: string): string {
  const updates = COUNTS.split(', ').map((name) => `${name} = ${name} + excluded.${name}`);
  return `INSERT INTO ${table} (at, ${COUNTS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (at) DO UPDATE SET ${updates.join(', ')}`;
}

function tallyOf(row: SqlRow): TallyAt {
  return {
    at: Number(row['at']),
    redEscaped: Number(row['red_escaped']),
    redBlocked: Number(row['red_blocked']),
    amberEscaped: Number(row['amber_escaped']),
    amberBlocked: Number(row['amber_blocked']),
    unseen: Number(row['unseen']),
  };
}

function changeOf(row: SqlRow): StateChange {
  return {
    at: Number(row['at']),
    state: textOf(row['state']) as TimelineState,
    tunnel: textOf(row['tunnel']).replace('stale', 'quiet') as TimelineTunnel,
    blockMode: row['block'] === 1,
    pass: row['pass'] === 1,
  };
}

/** The worst that was true in an interval, from its first change on, and what was true at its end. */
function changesOfInterval(row: SqlRow): StateChange[] {
  const last = changeOf(row);
  const began = Number(row['began']);
  if (began === last.at) return [last];
  const isMixed = row['blocks'] !== row['opens'];
  return [
    {
      at: began,
      state: TIMELINE_STATES[Number(row['worst'])] ?? last.state,
      tunnel: TIMELINE_TUNNELS[Number(row['worst_tunnel'])] ?? last.tunnel,
      blockMode: isMixed ? !last.blockMode : last.blockMode,
      pass: row['passes'] === 1,
    },
    last,
  ];
}
