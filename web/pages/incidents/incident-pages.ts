// Renders the incident list and single incidents. EJS escapes every value; `printable` removes characters that move or hide other text.

import { RULE_TEXTS } from '../../../src/guard/incidents/rule-texts.ts';
import type { System } from '../../../src/guard/incidents/rule-texts.ts';
import { printable } from '../../../src/api/shown.ts';
import type { IncidentView } from '../../../src/api/status.ts';
import type { FramesAnswer } from '../../../src/api/past.ts';
import { TUNNEL_PROTOCOLS } from '../../../src/api/words.ts';
import { filled } from '../dossier/eve-words.ts';
import { fieldOf, FILTER_CHOICES, INCIDENTS_MOST } from './filters.ts';
import { framesRegion } from '../frames/frame-pages.ts';
import type { Around, Renderer } from '../../render.ts';
import { countedOf, pathOf, RULE_TITLES } from './rows.ts';
import { TEXTS } from '../../texts.ts';
import { clockTime, grouped } from '../status/view-model.ts';

/** What the list shows. */
export interface FoundParts {
  /** Undefined if the daemon gave no answer. */
  readonly incidents: readonly IncidentView[] | undefined;
  /** The filter, as `chosenIn` gives it. */
  readonly chosen: Readonly<Record<string, string>>;
  /** Number of unacknowledged incidents, found or not; 0 if unknown, so that nothing is acknowledged unseen. */
  readonly unacknowledged: number;
}

/** What the page of the list shows. */
export interface ListParts extends Around, FoundParts {
  /** Query of the URL with its question mark, or '', for forms that return to this page. */
  readonly search: string;
}

/** What the page of one incident shows. */
export interface IncidentParts extends Around {
  readonly incident: IncidentView;
  /** Undefined if the daemon gave no answer. */
  readonly frames: FramesAnswer | undefined;
  /** The system that the device seems to run; undefined if not known. */
  readonly system: System | undefined;
}

/** Most suggestions for the client field. */
const CLIENTS_MOST = 20;

const SHEETS = ['page.css', 'frame.css', 'controls.css', 'lists.css'];

const clockNow = (iso: string): string => clockTime(iso, new Date().toISOString());

/**
 * The incidents that match the filter, newest first as the daemon sent them, as HTML: the part of the page that is refreshed while it is
 * open. Texts from the wire are made printable and escaped.
 */
export function foundRegion(renderer: Renderer, { incidents, chosen, unacknowledged }: FoundParts): string {
  const rows = incidents?.map((incident) => ({
    ...countedOf(printable(incident)),
    path: pathOf(incident.id),
  }));
  return renderer.draw('found', {
    incidents: rows,
    chosen,
    limit: INCIDENTS_MOST,
    clockTime: clockNow,
    rules: RULE_TITLES,
    isFiltered: Object.keys(chosen).length > 0,
    unacknowledged,
  });
}

/** The list with its filter form, as a whole document. Suggests at most CLIENTS_MOST devices, those of the incidents shown. */
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

/**
 * One incident as a whole document: what happened, what Eve gets from it, what to do, with the remedy for the device's own system first.
 * Texts from the wire are made printable and escaped.
 */
export function incidentPage(
  renderer: Renderer,
  { token, notice, frames, system, incident: raw }: IncidentParts,
): string {
  const incident = printable(raw);
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
      capturedFrames: framesRegion(renderer, frames),
      ...countedOf(incident),
      facts,
      token,
      path: pathOf(raw.id),
      isVpn: incident.rule === 'E' && TUNNEL_PROTOCOLS.some((protocol) => protocol === incident.kind),
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

/** The remedy for the device's own system, if known, and those for the other systems. */
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
