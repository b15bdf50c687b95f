// Knows: how incidents become HTML: rows of the list, and one told in words. Must not know: HTTP, sockets.
// EJS escapes every value; `printable` takes away what moves or hides other text.

import { RULE_TEXTS } from '../src/guard/rule-texts.ts';
import { printable } from '../src/guard/status.ts';
import type { IncidentView } from '../src/guard/status.ts';
import { FILTER_CHOICES, INCIDENTS_MOST } from './filters.ts';
import type { Around, Renderer } from './render.ts';
import { countedOf, pathOf, RULE_TITLES } from './rows.ts';
import { OUTCOME_TEXTS, TEXTS } from './texts.ts';
import { clockTime, grouped } from './view-model.ts';

export interface ListParts extends Around {
  /** Undefined: nobody can say. */
  readonly incidents: readonly IncidentView[] | undefined;
  readonly chosen: Readonly<Record<string, string>>;
  /** The address's query, for forms that come back here. */
  readonly search: string;
}

export interface IncidentParts extends Around {
  readonly incident: IncidentView;
}

const SHEETS = ['page.css', 'frame.css', 'controls.css', 'lists.css'];

const clockNow = (iso: string): string => clockTime(iso, new Date().toISOString());

/** The list, with the filter that found it. */
export function listPage(
  renderer: Renderer,
  { token, notice, incidents, chosen, search }: ListParts,
): string {
  const rows = incidents?.map((incident) => ({
    ...countedOf(printable(incident)),
    path: pathOf(incident.id),
  }));
  return renderer.framed({
    ...{ title: `${TEXTS.incidentsTitle} · ${TEXTS.product}`, notice, here: '/incidents', sheets: SHEETS },
    body: renderer.draw('list', {
      ...{ incidents: rows, chosen, search, token, choices: FILTER_CHOICES, most: INCIDENTS_MOST },
      ...{ outcomes: OUTCOME_TEXTS, rules: RULE_TITLES, clockTime: clockNow },
    }),
  });
}

/** One incident: what happened, what Eve has, what to do. */
export function incidentPage(renderer: Renderer, { token, notice, incident: told }: IncidentParts): string {
  const incident = printable(told);
  const facts = [
    ...[[TEXTS.from, incident.client] as const, [TEXTS.toDestination, incident.destination] as const],
    ...[[TEXTS.kind, incident.kind] as const, [TEXTS.rule, incident.rule] as const],
    ...(['attempted', 'escaped', 'blocked'] as const).map(
      (name) => [TEXTS[name], grouped(incident[name])] as const,
    ),
  ];
  return renderer.framed({
    ...{ title: `${incident.exposure} · ${TEXTS.product}`, notice, here: '/incidents', sheets: SHEETS },
    body: renderer.draw('incident', {
      ...{ ...countedOf(incident), facts, token, path: pathOf(told.id) },
      ...{ outcomes: OUTCOME_TEXTS, rule: RULE_TEXTS[incident.rule], clockTime: clockNow },
      candidates: incident.candidates ?? [],
      related: (incident.related ?? []).map((id) => ({ id, path: pathOf(id) })),
    }),
  });
}
