// Knows: what incidents can be filtered by, and what a choice asks of the local API. Must not know: HTML, HTTP.

import { RULE_TEXTS } from '../src/guard/rule-texts.ts';
import { TEXTS } from './texts.ts';

/** So many are asked for and shown at most. */
export const INCIDENTS_MOST = 200;

interface Choice {
  readonly name: string;
  readonly word: string;
  readonly options: readonly (readonly [value: string, text: string])[];
}

const same = (...values: readonly string[]) => values.map((value) => [value, value] as const);

/** Kinds in the order of how often one looks for them; the API knows more. */
const KINDS = [
  ...['dns', 'doh', 'dot', 'doq', 'dnscrypt', 'mdns', 'llmnr', 'nbns', 'ssdp', 'http', 'tls', 'quic', 'stun'],
  ...[
    'ntp',
    'icmp',
    'tcp',
    'udp',
    'wireguard',
    'openvpn',
    'ipsec',
    'other-ip',
    'fragment',
    'l2-other',
    'malformed',
  ],
];

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
    options: [
      ['hour', 'last hour'],
      ['day', 'last day'],
      ['week', 'last week'],
    ],
  },
  {
    name: 'acknowledged',
    word: TEXTS.acknowledgement,
    options: [
      ['false', 'no'],
      ['true', 'yes'],
    ],
  },
];

const PERIODS: Readonly<Record<string, number>> = { hour: 3_600_000, day: 86_400_000, week: 604_800_000 };
const FIELDS = ['text', 'client', 'rule', 'kind', 'severity', 'acknowledged', 'period'] as const;

/** What the form chose; empty fields choose nothing. */
export function chosenIn(query: URLSearchParams): Readonly<Record<string, string>> {
  const given = FIELDS.map((name) => [name, (query.get(name) ?? '').trim().slice(0, 300)] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== ''));
}

/** The API's own query. `now`: wall clock, milliseconds. */
export function queryOf(chosen: Readonly<Record<string, string>>, now: number): URLSearchParams {
  const { period = '', ...filters } = chosen;
  const query = new URLSearchParams({ ...filters, limit: String(INCIDENTS_MOST) });
  const span = Object.hasOwn(PERIODS, period) ? PERIODS[period] : undefined;
  if (span !== undefined) query.set('since', String(now - span));
  return query;
}
