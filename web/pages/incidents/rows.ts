// Rows of incident lists, for all pages that have one.

import { RULE_TEXTS } from '../../../src/guard/incidents/rule-texts.ts';
import type { IncidentView } from '../../../src/api/status.ts';
import { outcomeOf } from '../../../src/api/shown.ts';
import { OUTCOME_TEXTS, TEXTS } from '../../texts.ts';
import type { Outcome } from '../../../src/api/words.ts';

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
  /** `frames got out`, to follow the number; alone where no frames are counted. */
  readonly words: string;
} {
  const outcome = outcomeOf(incident);
  const crossed = outcome === 'escaped' || outcome === 'breach' || outcome === 'minor';
  const frames = crossed ? incident.escaped : outcome === 'blocked' ? incident.blocked : incident.attempted;
  const unit = frames === 1 ? TEXTS.frame : TEXTS.frames;
  const isCounted = outcome !== 'warning' && outcome !== 'shown';
  const words = isCounted ? `${unit} ${OUTCOME_TEXTS[outcome]}` : OUTCOME_TEXTS[outcome];
  return { incident, outcome, frames: isCounted ? frames : 0, words };
}
