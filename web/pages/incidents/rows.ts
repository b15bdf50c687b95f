// Knows: what a row of an incident list is made of, wherever the list stands. Must not know: HTML, HTTP.

import { RULE_TEXTS } from '../../../src/guard/incidents/rule-texts.ts';
import type { IncidentView } from '../../../src/api/status.ts';
import { outcomeOf } from '../status/view-model.ts';
import type { Outcome } from '../status/view-model.ts';

export const RULE_TITLES = Object.fromEntries(
  Object.entries(RULE_TEXTS).map(([rule, { title }]) => [rule, title]),
);

export const pathOf = (id: string): string => `/incidents/${encodeURIComponent(id)}`;

/** An incident, what became of it, and the frames that say so. */
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
