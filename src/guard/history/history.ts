// Knows: what is asked of the history, and what a question selects. Must not know: where the history is kept.
// The same filter answers from the book in memory when the disk cannot: README.md, guarantee 6.

import { KINDS } from '../../flow/kinds.ts';
import type { Kind } from '../../flow/kinds.ts';
import { RULES } from '../../policy/verdict.ts';
import type { Rule, Severity } from '../../policy/verdict.ts';
import type { IncidentView } from '../../api/status.ts';

/** Every field narrows; absent ones do not. Times are wall-clock milliseconds: what was seen at any time in [since, until). */
export interface IncidentFilter {
  readonly client?: string;
  readonly rule?: Rule;
  readonly kind?: Kind;
  readonly severity?: Severity;
  readonly since?: number;
  readonly until?: number;
  /** Found in exposure, destination or reason, whatever the case. */
  readonly text?: string;
  readonly acknowledged?: boolean;
  readonly escapedOnly?: boolean;
  /** When there are more, of every client, rule and kind some, so that a flood of one hides no other. */
  readonly limit: number;
}

export function isRule(text: string): text is Rule {
  return (RULES as readonly string[]).includes(text);
}

export function isKind(text: string): text is Kind {
  return (KINDS as readonly string[]).includes(text);
}

/** Whether the incident is one that the filter asks for; `limit` is the caller's. */
export function selects(filter: IncidentFilter, incident: IncidentView): boolean {
  const { since = -Infinity, until = Infinity, text } = filter;
  const last = Date.parse(incident.last);
  const needle = text?.toLowerCase();
  return (
    (filter.client === undefined || filter.client === incident.client) &&
    (filter.rule === undefined || filter.rule === incident.rule) &&
    (filter.kind === undefined || filter.kind === incident.kind) &&
    (filter.severity === undefined || filter.severity === incident.severity) &&
    (filter.acknowledged === undefined || filter.acknowledged === incident.acknowledged) &&
    (filter.escapedOnly !== true || incident.escaped > 0) &&
    last >= since &&
    Date.parse(incident.first) < until &&
    (needle === undefined ||
      [incident.exposure, incident.destination, incident.why].some((field) =>
        field.toLowerCase().includes(needle),
      ))
  );
}
