// The filters of the incident list, and the API query they result in.

import { KINDS } from '../../../src/api/words.ts';
import { RULE_TEXTS } from '../../../src/guard/incidents/rule-texts.ts';
import { PERIOD_TEXTS } from '../dossier/texts-dossier.ts';
import { TEXTS } from '../../texts.ts';

/** Most incidents requested and shown. */
export const INCIDENTS_MOST = 200;

const PERIODS: Readonly<Record<string, number>> = { hour: 3_600_000, day: 86_400_000, week: 604_800_000 };

interface Choice {
  readonly name: string;
  readonly word: string;
  readonly options: readonly (readonly [value: string, text: string])[];
}

const same = (...values: readonly string[]) => values.map((value) => [value, value] as const);

/** The fields of the form with a fixed choice, in its order. */
export const FILTER_CHOICES: readonly Choice[] = [
  {
    name: 'rule',
    word: TEXTS.rule,
    options: Object.entries(RULE_TEXTS).map(([rule, { title }]) => [rule, `${rule} · ${title}`]),
  },
  { name: 'kind', word: TEXTS.kind, options: same(...KINDS) },
  { name: 'severity', word: TEXTS.severity, options: same('red', 'amber') },
  {
    name: 'period',
    word: TEXTS.period,
    options: PERIOD_TEXTS.filter(([value]) => Object.hasOwn(PERIODS, value)),
  },
  {
    name: 'acknowledged',
    word: TEXTS.acknowledgement,
    options: [
      ['false', TEXTS.no],
      ['true', TEXTS.yes],
    ],
  },
];

const FIELDS = [
  ...(['text', 'client', 'rule', 'kind', 'severity', 'acknowledged', 'period'] as const),
  ...(['since', 'until'] as const),
];

/**
 * What the form selected, trimmed, at most 300 characters each, by field name; empty fields and unknown names are left out. Values are not
 * checked.
 */
export function chosenIn(query: URLSearchParams): Readonly<Record<string, string>> {
  const given = FIELDS.map((name) => [name, (query.get(name) ?? '').trim().slice(0, 300)] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== ''));
}

/**
 * The query for the API; the daemon checks it. `now`: wall clock, milliseconds. A period is counted back from now; `since` and `until` are
 * values of `datetime-local` fields, taken as UTC. `since` takes precedence over the period.
 */
export function queryOf(chosen: Readonly<Record<string, string>>, now: number): URLSearchParams {
  const { period = '', since, until, ...filters } = chosen;
  const query = new URLSearchParams({ ...filters, limit: String(INCIDENTS_MOST) });
  const span = Object.hasOwn(PERIODS, period) ? PERIODS[period] : undefined;
  if (since !== undefined) query.set('since', momentOf(since));
  else if (span !== undefined) query.set('since', String(now - span));
  if (until !== undefined) query.set('until', momentOf(until));
  return query;
}

/** The value for a `datetime-local` field (WHATWG HTML): `2026-03-01T10:05` from an ISO time; '' for anything else. */
export function fieldOf(moment: string | undefined): string {
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.exec(moment ?? '')?.[0] ?? '';
}

/** Adds the time zone, so that it is not read as local time. */
function momentOf(moment: string): string {
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?$/.test(moment) ? `${moment}Z` : moment;
}
