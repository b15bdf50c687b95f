// Knows: how knowledge becomes HTML: one region per part of the page, the same for every visitor. Must not know: HTTP, sockets, tokens' making.
// EJS escapes every value; what is put in raw is drawn here (glyphs) or was rendered here (regions).

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import ejs from 'ejs';

import { RULE_TEXTS } from '../src/guard/rule-texts.ts';
import { printable } from '../src/guard/status.ts';
import type { Fault, IncidentView, LedgerView, Status } from '../src/guard/status.ts';
import { FILTER_CHOICES, INCIDENTS_MOST } from './filters.ts';
import { GLYPHS } from './glyphs.ts';
import { BUTTON_TEXT, LAMP_PATTERNS, LIMIT_TEXTS } from './help-texts.ts';
import { PASSWORD_LENGTH } from './password.ts';
import { OUTCOME_TEXTS, PLACES, PROFILE_TEXTS, PUBLIC_TEXTS, TEXTS, TUNNEL_STATE_TEXTS } from './texts.ts';
import type { LightState } from './texts.ts';
import { blind, clockTime, grouped, lightOf, outcomeOf, rankedKinds } from './view-model.ts';
import type { Knowledge, LightView, Outcome } from './view-model.ts';

/** In the order of the page. Each is one element whose id is the region's name. */
export const REGIONS = ['light', 'controls', 'incidents', 'tunnels', 'health'] as const;
export type Region = (typeof REGIONS)[number];
export type Regions = Readonly<Record<Region, string>>;

export interface Notice {
  readonly message: string;
  readonly faults: readonly Fault[];
}

/** What every page is given besides its own. */
interface Around {
  readonly token: string;
  readonly notice: Notice | undefined;
}

export interface PageParts extends Around {
  readonly knowledge: Knowledge;
  readonly regions: Regions;
}

export interface DoorParts extends Around {
  readonly knowledge: Knowledge;
  readonly isSetUp: boolean;
}

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

interface Frame {
  readonly title: string;
  readonly body: string;
  readonly sheets: readonly string[];
  readonly notice: Notice | undefined;
  /** Where this page is among the places; undefined for a visitor that has none. */
  readonly here?: string;
  readonly icon?: LightState;
  /** Where the page hears what is new: `events` and `regions` below this path. */
  readonly feed?: string;
  /** Without script the page loads itself anew. */
  readonly refresh?: boolean;
}

const VIEWS = [...REGIONS, 'frame', 'page', 'door', 'account', 'list', 'incident', 'help', 'error'] as const;
type ViewName = (typeof VIEWS)[number];

type View = (values: Readonly<Record<string, unknown>>) => string;

export class Renderer {
  readonly #views: Readonly<Record<ViewName, View>>;
  readonly #assets: Readonly<Record<string, string>>;

  /** `folder` holds the views; `assets` maps a file of public/ to its address. Throws when a view is missing or broken. */
  constructor(folder: string, assets: Readonly<Record<string, string>>) {
    const view = (name: string): View => {
      const filename = join(folder, `${name}.ejs`);
      const draw = ejs.compile(readFileSync(filename, 'utf8'), { filename, strict: true, localsName: 'v' });
      return (values) => draw({ t: TEXTS, grouped, ...values });
    };
    this.#assets = assets;
    this.#views = Object.fromEntries(VIEWS.map((name) => [name, view(name)])) as Record<ViewName, View>;
  }

  /** Everything that changes while the page is open. `now` is an ISO time: another day is shown with its date. */
  regions(heard: Knowledge, now: string): Regions {
    const knowledge = printable(heard);
    const views = this.#views;
    const status = knowledge.known ? knowledge.status : knowledge.last;
    const shared = { clockTime: (iso: string) => clockTime(iso, now), current: knowledge.known };
    return {
      light: this.#light(lightOf(knowledge), knowledge.known ? knowledge.status.ledger : undefined, now),
      controls: views.controls({ ...shared, ...controlValues(knowledge) }),
      incidents: views.incidents({ ...shared, ...incidentValues(status) }),
      tunnels: views.tunnels({ ...shared, tunnels: status?.tunnels ?? [], states: TUNNEL_STATE_TEXTS }),
      health: views.health({ ...shared, status, ...healthValues(status) }),
    };
  }

  /** What a visitor sees who is not logged in: the state, and no name. */
  publicRegions(knowledge: Knowledge, now: string): Partial<Regions> {
    const { state, word, since } = lightOf(knowledge);
    const light = { state, word, since, why: PUBLIC_TEXTS[state], next: '' };
    return { light: this.#light(light, undefined, now, { known: knowledge.known }) };
  }

  page({ knowledge, regions, token, notice }: PageParts): string {
    const light = lightOf(knowledge);
    const lost =
      this.#light(blind(TEXTS.pageLost), undefined, '') +
      this.#views.controls({ current: false, ...CONTROLS_UNKNOWN });
    return this.#frame({
      ...{ title: titleOf(light), icon: light.state, notice, feed: '', refresh: true, here: '/' },
      sheets: ['page.css', 'frame.css', 'controls.css', 'light.css', 'lists.css'],
      body: this.#views.page({ regions, token, lost }),
    });
  }

  door({ knowledge, token, notice, isSetUp }: DoorParts): string {
    const light = lightOf(knowledge);
    const now = new Date().toISOString();
    const regions = this.publicRegions(knowledge, now);
    const lost = this.#light(blind(TEXTS.pageLost), undefined, now, { known: false });
    return this.#frame({
      ...{ title: titleOf(light), icon: light.state, notice, feed: '/light' },
      sheets: ['page.css', 'frame.css', 'controls.css', 'light.css'],
      body: this.#views.door({ light: regions.light, token, isSetUp, lost, length: PASSWORD_LENGTH }),
    });
  }

  account({ token, notice }: Around): string {
    return this.#frame({
      ...{ title: `${TEXTS.account} · ${TEXTS.product}`, notice, here: '/account' },
      sheets: ['page.css', 'frame.css', 'controls.css'],
      body: this.#views.account({ token, length: PASSWORD_LENGTH }),
    });
  }

  incidents({ token, notice, incidents, chosen, search }: ListParts): string {
    const rows = incidents?.map((incident) => ({
      ...countedOf(printable(incident)),
      path: pathOf(incident.id),
    }));
    return this.#frame({
      ...{ title: `${TEXTS.incidentsTitle} · ${TEXTS.product}`, notice, here: '/incidents' },
      sheets: ['page.css', 'frame.css', 'controls.css', 'lists.css'],
      body: this.#views.list({
        ...{ incidents: rows, chosen, search, token, choices: FILTER_CHOICES, most: INCIDENTS_MOST },
        ...{ outcomes: OUTCOME_TEXTS, rules: RULE_TITLES, clockTime: clockNow },
      }),
    });
  }

  incident({ token, notice, incident: told }: IncidentParts): string {
    const incident = printable(told);
    const facts = [
      ...[[TEXTS.from, incident.client] as const, [TEXTS.toDestination, incident.destination] as const],
      ...[[TEXTS.kind, incident.kind] as const, [TEXTS.rule, incident.rule] as const],
      ...(['attempted', 'escaped', 'blocked'] as const).map(
        (name) => [TEXTS[name], grouped(incident[name])] as const,
      ),
    ];
    return this.#frame({
      ...{ title: `${incident.exposure} · ${TEXTS.product}`, notice, here: '/incidents' },
      sheets: ['page.css', 'frame.css', 'controls.css', 'lists.css'],
      body: this.#views.incident({
        ...{ ...countedOf(incident), facts, token, path: pathOf(told.id) },
        ...{ outcomes: OUTCOME_TEXTS, rule: RULE_TEXTS[incident.rule], clockTime: clockNow },
        candidates: incident.candidates ?? [],
        related: (incident.related ?? []).map((id) => ({ id, path: pathOf(id) })),
      }),
    });
  }

  help(): string {
    const texts = { lamps: LAMP_PATTERNS, button: BUTTON_TEXT, limits: LIMIT_TEXTS };
    return this.#frame({
      ...{ title: `${TEXTS.helpTitle} · ${TEXTS.product}`, notice: undefined, here: '/help' },
      sheets: ['page.css', 'frame.css', 'lists.css'],
      body: this.#views.help({ ...texts, ruleTexts: Object.entries(RULE_TEXTS) }),
    });
  }

  error(statusCode: number, message: string): string {
    return this.#views.error({ statusCode, message, assets: this.#assets });
  }

  #frame(frame: Frame): string {
    const { feed, here, icon = 'starting', refresh = false, notice, ...rest } = frame;
    return this.#views.frame({
      ...{ ...rest, feed, here, icon, refresh, notice: printable(notice), assets: this.#assets },
      script: feed === undefined ? 'times.js' : 'page.js',
      places: here === undefined ? [] : PLACES,
    });
  }

  /** Without a ledger its figures are unknown; a visitor who may not see them is shown none. */
  #light(
    light: LightView,
    ledger: LedgerView | undefined,
    now: string,
    visitor?: { known: boolean },
  ): string {
    return this.#views.light({
      ...{ light, title: titleOf(light), glyph: GLYPHS[light.state] },
      figures: visitor === undefined ? figures(ledger) : undefined,
      known: visitor?.known ?? ledger !== undefined,
      clockTime: (iso: string) => clockTime(iso, now),
    });
  }
}

function titleOf(light: { readonly state: LightState; readonly word: string }): string {
  return `${light.word} · ${TEXTS.product}`;
}

function figures(
  ledger: LedgerView | undefined,
): readonly { readonly name: string; readonly text: string }[] {
  const names: readonly (keyof LedgerView)[] = ['escaped', 'blocked', 'attempted', 'unseen'];
  return names
    .filter((name) => name !== 'unseen' || (ledger?.unseen ?? 0) > 0)
    .map((name) => ({ name, text: ledger === undefined ? '?' : grouped(ledger[name]) }));
}

const RULE_TITLES = Object.fromEntries(Object.entries(RULE_TEXTS).map(([rule, { title }]) => [rule, title]));

const CONTROLS_UNKNOWN = { on: undefined, passUntil: undefined };

function controlValues(knowledge: Knowledge): Readonly<Record<string, unknown>> {
  if (!knowledge.known) return CONTROLS_UNKNOWN;
  const { blockMode, passUntil } = knowledge.status;
  return { on: blockMode, passUntil: passUntil ?? undefined };
}

const clockNow = (iso: string): string => clockTime(iso, new Date().toISOString());

const pathOf = (id: string): string => `/incidents/${encodeURIComponent(id)}`;

/** An incident, what became of it, and the frames that say so. */
function countedOf(incident: IncidentView): {
  readonly incident: IncidentView;
  readonly outcome: Outcome;
  readonly frames: number;
} {
  const outcome = outcomeOf(incident);
  const crossed = outcome === 'escaped' || outcome === 'breach' || outcome === 'minor';
  const frames = crossed ? incident.escaped : outcome === 'blocked' ? incident.blocked : incident.attempted;
  return { incident, outcome, frames };
}

function incidentValues(status: Status | undefined): Readonly<Record<string, unknown>> {
  const incidents = (status?.incidents ?? []).map((incident) => ({
    ...countedOf(incident),
    path: pathOf(incident.id),
  }));
  // An empty list is no proof: only a guard that sees, and counted nothing, may say that nothing left.
  const proven =
    status !== undefined &&
    lightOf({ known: true, status }).state !== 'blind' &&
    status.state !== 'starting' &&
    status.ledger.escaped + status.ledger.unseen === 0;
  return {
    ...{ incidents, outcomes: OUTCOME_TEXTS, rules: RULE_TITLES },
    none: proven ? TEXTS.none : TEXTS.noneKnown,
    unacknowledged: status?.unacknowledged ?? 0,
  };
}

function healthValues(status: Status | undefined): Readonly<Record<string, unknown>> {
  if (status === undefined) return { kinds: [], profile: '' };
  return { kinds: rankedKinds(status.counters), profile: PROFILE_TEXTS[status.profile] ?? status.profile };
}
