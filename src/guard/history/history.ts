// Queries of the history, and which incidents they select. When the disk fails, the same filter selects from the incidents in memory
// (README.md, guarantee 6).

import { KINDS } from '../../flow/kinds.ts';
import type { Kind } from '../../flow/kinds.ts';
import { RULES } from '../../policy/verdict.ts';
import type { Rule, Severity } from '../../policy/verdict.ts';
import type { IncidentView } from '../../api/status.ts';

/** All given fields must match. Times are wall-clock milliseconds: incidents with frames at any time in [since, until). */
export interface IncidentFilter {
  /** The client's id as incidents have it. */
  readonly client?: string;
  readonly rule?: Rule;
  readonly kind?: Kind;
  readonly severity?: Severity;
  readonly since?: number;
  readonly until?: number;
  /** Searched for in exposure, destination and reason, ignoring case. */
  readonly text?: string;
  readonly acknowledged?: boolean;
  readonly escapedOnly?: boolean;
  /** Most incidents returned. If there are more, some of every client, rule and kind, so that a flood of one does not hide the others. */
  readonly limit: number;
}

/** Whether a text is the letter of a rule. */
export function isRule(text: string): text is Rule {
  return (RULES as readonly string[]).includes(text);
}

/** Whether a text is the name of a kind, such as `igmp-mld`. */
export function isKind(text: string): text is Kind {
  return (KINDS as readonly string[]).includes(text);
}

/** Whether an incident matches the filter; applying `limit` is up to the caller. */
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
