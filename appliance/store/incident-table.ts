// Knows: how incidents are rows, and how a filter is a question in SQL. Must not know: when anything is written.
// A row holds what is shown, under the privacy it was written with; what only some incidents have is JSON in `more`.

import { isKind, isRule } from '../../src/guard/history.ts';
import type { IncidentFilter } from '../../src/guard/history.ts';
import type { PastIncident } from '../../src/guard/past.ts';
import { PRIVACIES } from '../../src/guard/privacy.ts';
import type { Privacy } from '../../src/guard/privacy.ts';
import { readJson } from '../../src/guard/status.ts';
import type { IncidentView } from '../../src/guard/status.ts';
import type { Database, SqlRow, SqlValue, Statement } from './database.ts';

const COLUMNS = [
  ...['id', 'first', 'last', 'client', 'rule', 'kind', 'severity', 'exposure', 'destination', 'why'],
  ...['attempted', 'escaped', 'blocked', 'acknowledged', 'breach', 'privacy', 'more'],
] as const;

export class IncidentTable {
  readonly #database: Database;
  readonly #put: Statement;

  constructor(database: Database) {
    this.#database = database;
    const updates = COLUMNS.slice(1).map((name) => `${name} = excluded.${name}`);
    this.#put = database.prepare(
      `INSERT INTO incidents (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})
       ON CONFLICT (id) DO UPDATE SET ${updates.join(', ')}`,
    );
  }

  put(incident: IncidentView, privacy: Privacy): void {
    const { id, first, last, acknowledged, breach, ...rest } = incident;
    const { client, rule, kind, severity, exposure, destination, why, attempted, escaped, blocked, ...more } =
      rest;
    this.#put.run(
      ...[id, Date.parse(first), Date.parse(last), client, rule, kind, severity, exposure, destination, why],
      ...[attempted, escaped, blocked, Number(acknowledged), Number(breach), privacy, JSON.stringify(more)],
    );
  }

  /** Newest first. */
  select(filter: IncidentFilter): IncidentView[] {
    return this.selectPast(filter).map(({ incident }) => incident);
  }

  /** As `select`, with the privacy that each was written under. */
  selectPast(filter: IncidentFilter): PastIncident[] {
    const { where, values } = conditions(filter);
    return this.#database
      .prepare(`SELECT * FROM incidents ${where} ORDER BY last DESC, id DESC LIMIT ?`)
      .all(...values, filter.limit)
      .flatMap(pastOfRow);
  }

  get(id: string): IncidentView | undefined {
    const row = this.#database.prepare('SELECT * FROM incidents WHERE id = ?').get(id);
    return row === undefined ? undefined : viewOfRow(row)[0];
  }

  /** Marks one, or all; how many were not marked before. */
  acknowledge(id: string): number {
    const one = id === 'all' ? '' : ' AND id = ?';
    const sql = `UPDATE incidents SET acknowledged = 1 WHERE acknowledged = 0${one}`;
    return this.#database.prepare(sql).run(...(id === 'all' ? [] : [id])).changes;
  }

  /** Incidents that were written under one of these. */
  writtenUnder(privacies: readonly Privacy[]): number {
    const count = this.#database.prepare('SELECT count(*) AS n FROM incidents WHERE privacy = ?');
    return privacies.reduce((sum, privacy) => sum + Number(count.get(privacy)?.['n'] ?? 0), 0);
  }

  /** Every incident with the privacy that it was written under. */
  *all(): Generator<PastIncident> {
    for (const row of this.#database.prepare('SELECT * FROM incidents').all()) yield* pastOfRow(row);
  }

  clear(): void {
    this.#database.exec('DELETE FROM incidents');
  }

  /** The oldest `most` of those before `wall`. What nobody has acknowledged stays, however old. The ids of what went. */
  forgetBefore(wall: number, most: number): string[] {
    const oldest = 'SELECT id FROM incidents WHERE acknowledged = 1 AND last < ? ORDER BY last LIMIT ?';
    return this.#forget(`id IN (${oldest})`, wall, most);
  }

  /** The `count` oldest that were acknowledged; their ids. */
  forgetOldest(count: number): string[] {
    const oldest = 'SELECT id FROM incidents WHERE acknowledged = 1 ORDER BY last LIMIT ?';
    return this.#forget(`id IN (${oldest})`, count);
  }

  #forget(where: string, ...values: readonly number[]): string[] {
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
  if (filter.escapedOnly === true) add('escaped > 0');
  if (filter.text !== undefined) {
    const needle = filter.text.toLowerCase();
    add(
      '(instr(lower(exposure), ?) OR instr(lower(destination), ?) OR instr(lower(why), ?))',
      ...[needle, needle, needle],
    );
  }
  return { where: parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, values };
}

function pastOfRow(row: SqlRow): PastIncident[] {
  const privacy = PRIVACIES.find((known) => known === row['privacy']) ?? 'full';
  return viewOfRow(row).map((incident) => ({ incident, privacy }));
}

/** None for a row that a hand has written: what is shown must have its shape. */
function viewOfRow(row: SqlRow): IncidentView[] {
  const [rule, kind, severity] = [textOf(row['rule']), textOf(row['kind']), textOf(row['severity'])];
  if (!isRule(rule) || !isKind(kind) || (severity !== 'red' && severity !== 'amber')) return [];
  const more = readJson(textOf(row['more']));
  return [
    {
      ...(typeof more === 'object' ? more : {}),
      ...{ id: textOf(row['id']), rule, kind, severity, client: textOf(row['client']) },
      ...{ exposure: textOf(row['exposure']), destination: textOf(row['destination']) },
      ...{ attempted: Number(row['attempted']), escaped: Number(row['escaped']) },
      ...{ blocked: Number(row['blocked']), first: isoTime(row['first']), last: isoTime(row['last']) },
      ...{ why: textOf(row['why']), acknowledged: row['acknowledged'] === 1, breach: row['breach'] === 1 },
    },
  ];
}

export function textOf(value: SqlValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

export function isoTime(value: SqlValue | undefined): string {
  const date = new Date(Number(value));
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
}
