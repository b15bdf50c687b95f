// The history's table of incidents, and filters as SQL. A row holds what is shown, under the privacy setting it was recorded with; fields
// that only some incidents have are JSON in `more`. `share` is whose room the incident takes, `folded` the id of the incident that counts
// its frames now ('' for none): such a row only keeps the name, as long as there is room.

import { isKind, isRule, selects } from '../../src/guard/history/history.ts';
import { shareOf } from '../../src/guard/incidents/incident-view.ts';
import type { IncidentFilter } from '../../src/guard/history/history.ts';
import { laxerThan, redactedIncident } from '../../src/guard/history/past.ts';
import type { Doubt, PastIncident } from '../../src/guard/history/past.ts';
import { PRIVACIES } from '../../src/guard/history/privacy.ts';
import type { Privacy, Redaction } from '../../src/guard/history/privacy.ts';
import { fairPick } from '../../src/guard/incidents/quotas.ts';
import { readJson } from '../../src/api/json.ts';
import type { IncidentView } from '../../src/api/status.ts';
import type { Database, SqlRow, SqlValue, Statement } from './database.ts';

const COLUMNS = [
  'id',
  'first',
  'last',
  'client',
  'rule',
  'kind',
  'severity',
  'exposure',
  'destination',
  'why',
  'attempted',
  'escaped',
  'blocked',
  'acknowledged',
  'breach',
  'privacy',
  'more',
  'share',
  'folded',
] as const;
/** Rows that may be deleted: acknowledged ones, and those that another incident counts. Must be spelled exactly as in the index. */
const MAY_GO = "acknowledged = 1 OR folded <> ''";

/** A limit that is never reached. */
const ALL = 1_000_000_000;

/** The table of incidents. Times in filters are wall-clock milliseconds. Methods throw SQLite's errors. */
export class IncidentTable {
  readonly #database: Database;
  readonly #put: Statement;
  readonly #moveOn: Statement;

  constructor(database: Database) {
    this.#database = database;
    const updates = COLUMNS.slice(1).map((name) => `${name} = excluded.${name}`);
    this.#put = database.prepare(
      `INSERT INTO incidents (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})
       ON CONFLICT (id) DO UPDATE SET ${updates.join(', ')}`,
    );
    // The second condition makes SQLite use the partial index, which contains only such rows (SQLite, partial indexes, section 2).
    this.#moveOn = database.prepare("UPDATE incidents SET folded = ? WHERE folded = ? AND folded <> ''");
  }

  /** Adds an incident or replaces the one with its id. */
  put({ incident, privacy, share, doubt }: PastIncident): void {
    const { id, first, last, acknowledged, breach, foldedInto = '', ...rest } = incident;
    const { client, rule, kind, severity, exposure, destination, why, attempted, escaped, blocked, ...more } =
      rest;
    // Incidents that were folded into it move along.
    if (foldedInto !== '') this.#moveOn.run(foldedInto, id);
    this.#put.run(
      id,
      Date.parse(first),
      Date.parse(last),
      client,
      rule,
      kind,
      severity,
      exposure,
      destination,
      why,
      attempted,
      escaped,
      blocked,
      Number(acknowledged),
      Number(breach),
      privacy,
      JSON.stringify(doubt === undefined ? more : { ...more, doubt }),
      share ?? shareOf(incident),
      foldedInto,
    );
  }

  /**
   * Incidents that match the filter, newest first. If there are more than the limit, each share contributes equally many of its newest, or
   * all it has. They are shown as `redaction` allows, and what it hides cannot be searched for either.
   */
  select(filter: IncidentFilter, redaction?: Redaction): IncidentView[] {
    const hides = redaction !== undefined && this.writtenUnder(laxerThan(redaction.privacy)) > 0;
    if (!hides) return this.selectPast(filter).map(({ incident }) => incident);
    const { text, client, limit, ...rest } = filter;
    if (text === undefined && client === undefined)
      return this.selectPast(filter).map((past) => redactedIncident(past, redaction));
    const all = this.selectPast({ ...rest, limit: ALL }).map((past) => ({
      ...past,
      incident: redactedIncident(past, redaction),
    }));
    const found = all.filter(({ incident }) => selects(filter, incident));
    return fairPick(found, ({ incident, share }) => share ?? shareOf(incident), limit).map(
      ({ incident }) => incident,
    );
  }

  /** Like `select`, but as recorded, with the privacy setting of each. */
  selectPast(filter: IncidentFilter): PastIncident[] {
    const { where, values } = conditions(filter);
    const newest = this.#database
      .prepare(`SELECT * FROM incidents ${where} ORDER BY last DESC, id DESC LIMIT ?`)
      .all(...values, filter.limit + 1);
    return (newest.length <= filter.limit ? newest : this.#fairly(filter)).flatMap(pastOfRow);
  }

  #fairly(filter: IncidentFilter): SqlRow[] {
    const { where, values } = conditions(filter);
    // If there are more shares than the limit, those with the newest frames contribute one incident each.
    const shares = this.#database
      .prepare(
        `SELECT share, count(*) AS n FROM incidents ${where} GROUP BY share ORDER BY max(last) DESC LIMIT ?`,
      )
      .all(...values, filter.limit)
      .map(({ share, n }) => ({ share: textOf(share), n: Number(n) }))
      .sort((a, b) => a.n - b.n);
    const some = this.#database.prepare(
      `SELECT * FROM incidents ${where === '' ? 'WHERE' : `${where} AND`} share = ? ORDER BY last DESC, id DESC LIMIT ?`,
    );
    let left = filter.limit;
    const found = shares.flatMap(({ share, n }, index) => {
      const taken = Math.min(n, Math.floor(left / (shares.length - index)));
      left -= taken;
      return some.all(...values, share, taken);
    });
    return found.sort(
      (a, b) => Number(b['last']) - Number(a['last']) || (textOf(a['id']) < textOf(b['id']) ? 1 : -1),
    );
  }

  /** An incident by its id, as `redaction` shows it, or as recorded without it; undefined when there is none. */
  get(id: string, redaction?: Redaction): IncidentView | undefined {
    const row = this.#database.prepare('SELECT * FROM incidents WHERE id = ?').get(id);
    const [past] = row === undefined ? [] : pastOfRow(row);
    return past === undefined || redaction === undefined ? past?.incident : redactedIncident(past, redaction);
  }

  /** Acknowledges an incident with those folded into it, or `all`; returns how many were not acknowledged before: 0 for an unknown id. */
  acknowledge(id: string): number {
    const one = id === 'all' ? '' : " AND (id = ? OR (folded = ? AND folded <> ''))";
    const sql = `UPDATE incidents SET acknowledged = 1 WHERE acknowledged = 0${one}`;
    return this.#database.prepare(sql).run(...(id === 'all' ? [] : [id, id])).changes;
  }

  /** Number of incidents recorded under one of these settings. */
  writtenUnder(privacies: readonly Privacy[]): number {
    const count = this.#database.prepare('SELECT count(*) AS n FROM incidents WHERE privacy = ?');
    return privacies.reduce((sum, privacy) => sum + Number(count.get(privacy)?.['n'] ?? 0), 0);
  }

  /** Every incident as recorded, in no particular order. */
  *all(): Generator<PastIncident> {
    for (const row of this.#database.prepare('SELECT * FROM incidents').all()) yield* pastOfRow(row);
  }

  /** Deletes all incidents. */
  clear(): void {
    this.#database.exec('DELETE FROM incidents');
  }

  /** Deletes the oldest `limit` acknowledged incidents before `wall` (wall clock, milliseconds); returns their ids. */
  forgetBefore(wall: number, limit: number): string[] {
    const oldest = 'SELECT id FROM incidents WHERE acknowledged = 1 AND last < ? ORDER BY last LIMIT ?';
    return this.#forget(`id IN (${oldest})`, wall, limit);
  }

  /** Deletes the `count` oldest rows that may go of the largest share, so that a flood pushes out only its own past; returns their ids. */
  forgetOldest(count: number): string[] {
    const largest = `SELECT share FROM incidents WHERE ${MAY_GO} GROUP BY share ORDER BY count(*) DESC LIMIT 1`;
    const share = textOf(this.#database.prepare(largest).get()?.['share']);
    const oldest = `SELECT id FROM incidents WHERE (${MAY_GO}) AND share = ? ORDER BY last LIMIT ?`;
    return this.#forget(`id IN (${oldest})`, share, count);
  }

  #forget(where: string, ...values: readonly SqlValue[]): string[] {
    const gone = this.#database.prepare(`DELETE FROM incidents WHERE ${where} RETURNING id`).all(...values);
    return gone.map(({ id }) => textOf(id));
  }
}

function conditions(filter: IncidentFilter): { where: string; values: SqlValue[] } {
  const parts: string[] = [];
  const values: SqlValue[] = [];
  const add = (sql: string, ...given: readonly SqlValue[]): void => {
    parts.push(sql);
    values.push(...given);
  };
  for (const name of ['client', 'rule', 'kind', 'severity'] as const) {
    const value = filter[name];
    if (value !== undefined) add(`${name} = ?`, value);
  }
  if (filter.since !== undefined) add('last >= ?', filter.since);
  if (filter.until !== undefined) add('first < ?', filter.until);
  if (filter.acknowledged !== undefined) add('acknowledged = ?', Number(filter.acknowledged));
  // A folded incident is acknowledged with the one that counts its frames.
  if (filter.acknowledged === false) add("folded = ''");
  if (filter.escapedOnly === true) add('escaped > 0');
  if (filter.text !== undefined) {
    const needle = filter.text.toLowerCase();
    add(
      '(instr(lower(exposure), ?) OR instr(lower(destination), ?) OR instr(lower(why), ?))',
      needle,
      needle,
      needle,
    );
  }
  return { where: parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, values };
}

function pastOfRow(row: SqlRow): PastIncident[] {
  const privacy = PRIVACIES.find((known) => known === row['privacy']) ?? 'full';
  const share = textOf(row['share']);
  const doubt = doubtOf(row);
  return viewOfRow(row).map((incident) => ({
    incident,
    privacy,
    ...(share === '' ? {} : { share }),
    ...(doubt === undefined ? {} : { doubt }),
  }));
}

/** The assumed fates in a row, limited to its frames: the row may have been edited by hand. */
function doubtOf(row: SqlRow): Doubt | undefined {
  const more = readJson(textOf(row['more']));
  const doubt = (more as { readonly doubt?: Partial<Record<keyof Doubt, unknown>> } | null)?.doubt;
  if (typeof doubt !== 'object') return undefined;
  const within = (value: unknown, limit: SqlValue | undefined): number =>
    Number.isSafeInteger(value) ? Math.max(0, Math.min(Number(value), Number(limit))) : 0;
  return {
    assumed: within(doubt.assumed, row['escaped']),
    presumed: within(doubt.presumed, row['blocked']),
  };
}

/** The incident in a row; none if the row was edited by hand and is malformed. */
function viewOfRow(row: SqlRow): IncidentView[] {
  const [rule, kind, severity] = [textOf(row['rule']), textOf(row['kind']), textOf(row['severity'])];
  if (!isRule(rule) || !isKind(kind) || (severity !== 'red' && severity !== 'amber')) return [];
  const { questions, visits, ...more } = {
    ...(readJson(textOf(row['more'])) as Partial<Record<'doubt' | 'questions' | 'visits', unknown>>),
  };
  delete more.doubt;
  const foldedInto = textOf(row['folded']);
  return [
    {
      ...more,
      // Rows of earlier versions have neither.
      ...(isCount(questions) ? { questions } : {}),
      ...(isCount(visits) ? { visits } : {}),
      id: textOf(row['id']),
      rule,
      kind,
      severity,
      client: textOf(row['client']),
      exposure: textOf(row['exposure']),
      destination: textOf(row['destination']),
      attempted: Number(row['attempted']),
      escaped: Number(row['escaped']),
      blocked: Number(row['blocked']),
      first: isoTime(row['first']),
      last: isoTime(row['last']),
      why: textOf(row['why']),
      acknowledged: row['acknowledged'] === 1,
      breach: row['breach'] === 1,
      ...(foldedInto === '' ? {} : { foldedInto }),
    },
  ];
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** The text in a column; '' for anything else: numbers, blobs, NULL and a column that is not there. Never throws. */
export function textOf(value: SqlValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** The time in a column (milliseconds since the epoch) as ISO 8601 in UTC; the epoch for anything else. Never throws. */
export function isoTime(value: SqlValue | undefined): string {
  const date = new Date(Number(value));
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
}
