// Rows of incident lists, for all pages that have one.

import { RULE_TEXTS } from '../../../src/guard/incidents/rule-texts.ts';
import type { IncidentView } from '../../../src/api/status.ts';
import { outcomeOf } from '../status/view-model.ts';
import type { Outcome } from '../status/view-model.ts';

/** Title of each rule, by its letter. */
export const RULE_TITLES = Object.fromEntries(
  Object.entries(RULE_TEXTS).map(([rule, { title }]) => [rule, title]),
);

/** The URL path of an incident's page. */
export const pathOf = (id: string): string => `/incidents/${encodeURIComponent(id)}`;

/** An incident with its outcome and the number of frames that the outcome refers to: those that got out, were stopped, or else were attempted. */
export function countedOf(incident: IncidentView): {
  readonly incident: IncidentView;
  readonly outcome: Outcome;
  readonly frames: number;
} {
  const outcome = outcomeOf(incident);
  const crossed = outcome === 'escaped' || outcome === 'breach' || outcome === 'minor';
  const frames = crossed ? incident.escaped : outcome === 'blocked' ? incident.blocked : incident.attempted;
  return { incident, outcome, frames };
}
