// Knows: how incidents become HTML: rows of the list, and one told in words. Must not know: HTTP, sockets.
// EJS escapes every value; `printable` takes away what moves or hides other text.

import { RULE_TEXTS } from '../../../src/guard/incidents/rule-texts.ts';
import type { System } from '../../../src/guard/incidents/rule-texts.ts';
import { printable } from '../../../src/api/shown.ts';
import type { IncidentView } from '../../../src/api/status.ts';
import type { FramesAnswer } from '../../../src/api/past.ts';
import { filled } from '../dossier/eve-words.ts';
import { fieldOf, FILTER_CHOICES, INCIDENTS_MOST } from './filters.ts';
import { framesRegion } from '../frames/frame-pages.ts';
import type { Around, Renderer } from '../../render.ts';
import { countedOf, pathOf, RULE_TITLES } from './rows.ts';
import { OUTCOME_TEXTS, TEXTS } from '../../texts.ts';
import { clockTime, grouped } from '../status/view-model.ts';

export interface FoundParts {
  /** Undefined: nobody can say. */
  readonly incidents: readonly IncidentView[] | undefined;
  readonly chosen: Readonly<Record<string, string>>;
  /** Of all incidents, found or not; 0 when nobody can say, and then none of them is acknowledged unseen. */
  readonly unacknowledged: number;
}

export interface ListParts extends Around, FoundParts {
  /** The address's query, for forms that come back here. */
  readonly search: string;
}

export interface IncidentParts extends Around {
  readonly incident: IncidentView;
  /** Undefined: nobody can say. */
  readonly frames: FramesAnswer | undefined;
  /** What its device seems to run; undefined when that is not known. */
  readonly system: System | undefined;
}

/** Offered where a client is filled in. */
const CLIENTS_MOST = 20;

const SHEETS = ['page.css', 'frame.css', 'controls.css', 'lists.css'];

const clockNow = (iso: string): string => clockTime(iso, new Date().toISOString());

/** What the filter found: the part of the list that an open page refreshes. */
export function foundRegion(renderer: Renderer, { incidents, chosen, unacknowledged }: FoundParts): string {
  const rows = incidents?.map((incident) => ({
    ...countedOf(printable(incident)),
    path: pathOf(incident.id),
  }));
  return renderer.draw('found', {
    incidents: rows,
    chosen,
    most: INCIDENTS_MOST,
    clockTime: clockNow,
    outcomes: OUTCOME_TEXTS,
    rules: RULE_TITLES,
    isFiltered: Object.keys(chosen).length > 0,
    unacknowledged,
  });
}

/** The list, with the filter that found it. */
export function listPage(
  renderer: Renderer,
  { token, notice, incidents, chosen, unacknowledged, search }: ListParts,
): string {
  const clients = new Set(incidents?.map(({ client }) => printable(client)));
  return renderer.framed({
    title: `${TEXTS.incidentsTitle} · ${TEXTS.product}`,
    notice,
    here: '/incidents',
    sheets: SHEETS,
    feed: '/incidents',
    script: 'list.js',
    body: renderer.draw('list', {
      chosen,
      search,
      token,
      choices: FILTER_CHOICES,
      clients: [...clients].slice(0, CLIENTS_MOST),
      since: fieldOf(chosen['since']),
      until: fieldOf(chosen['until']),
      found: foundRegion(renderer, { incidents, chosen, unacknowledged }),
    }),
  });
}

/** One incident: what happened, what Eve has, what to do. */
export function incidentPage(
  renderer: Renderer,
  { token, notice, frames, system, incident: told }: IncidentParts,
): string {
  const incident = printable(told);
  const facts = [
    [TEXTS.from, incident.client] as const,
    [TEXTS.toDestination, incident.destination] as const,
    [TEXTS.kind, incident.kind] as const,
    [TEXTS.rule, incident.rule] as const,
    ...(['attempted', 'escaped', 'blocked'] as const).map(
      (name) => [TEXTS[name], grouped(incident[name])] as const,
    ),
  ];
  return renderer.framed({
    title: `${incident.exposure} · ${TEXTS.product}`,
    notice,
    here: '/incidents',
    sheets: [...SHEETS, 'frames.css'],
    script: 'frames.js',
    body: renderer.draw('incident', {
      told: framesRegion(renderer, frames),
      ...countedOf(incident),
      facts,
      token,
      path: pathOf(told.id),
      outcomes: OUTCOME_TEXTS,
      rule: RULE_TEXTS[incident.rule],
      clockTime: clockNow,
      ...remediesFor(system, RULE_TEXTS[incident.rule].systems),
      candidates: incident.candidates ?? [],
      variants: incident.variants ?? [],
      variantCount: incident.variantCount ?? 0,
      related: (incident.related ?? []).map((id) => ({ id, path: pathOf(id) })),
    }),
  });
}

/** What to do on the device's own system, and apart from it on every other; on all of them where it is not known. */
function remediesFor(
  system: System | undefined,
  systems: Readonly<Record<System, string>>,
): {
  readonly own: { readonly words: string; readonly remedy: string } | undefined;
  readonly systems: readonly (readonly [name: string, remedy: string])[];
} {
  const others = Object.entries(systems).filter(([name]) => name !== system);
  const own =
    system === undefined
      ? undefined
      : { words: filled(TEXTS.seemsToRun, { system }), remedy: systems[system] };
  return { own, systems: others };
}
