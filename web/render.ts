// Knows: how knowledge becomes HTML: one region per part of the page, the same for every visitor. Must not know: HTTP, sockets, tokens' making.
// EJS escapes every value; what is put in raw is drawn here (glyphs) or was rendered here (regions).

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import ejs from 'ejs';

import { printable } from '../src/guard/status.ts';
import type { Fault, LedgerView, Status } from '../src/guard/status.ts';
import { GLYPHS } from './glyphs.ts';
import { OUTCOME_TEXTS, PROFILE_TEXTS, RULE_TEXTS, TEXTS, TUNNEL_STATE_TEXTS } from './texts.ts';
import type { LightState } from './texts.ts';
import { blind, clockTime, grouped, lightOf, outcomeOf, rankedKinds } from './view-model.ts';
import type { Knowledge, LightView } from './view-model.ts';

/** In the order of the page. Each is one element whose id is the region's name. */
export const REGIONS = ['light', 'controls', 'incidents', 'tunnels', 'health'] as const;
export type Region = (typeof REGIONS)[number];
export type Regions = Readonly<Record<Region, string>>;

export interface Notice {
  readonly message: string;
  readonly faults: readonly Fault[];
}

export interface PageParts {
  readonly knowledge: Knowledge;
  readonly regions: Regions;
  readonly token: string;
  readonly notice: Notice | undefined;
}

type View = (values: Readonly<Record<string, unknown>>) => string;

export class Renderer {
  readonly #views: Readonly<Record<Region | 'page' | 'error', View>>;
  readonly #assets: Readonly<Record<string, string>>;

  /** `folder` holds the views; `assets` maps a file of public/ to its address. Throws when a view is missing or broken. */
  constructor(folder: string, assets: Readonly<Record<string, string>>) {
    const view = (name: string): View => {
      const filename = join(folder, `${name}.ejs`);
      const draw = ejs.compile(readFileSync(filename, 'utf8'), { filename, strict: true, localsName: 'v' });
      return (values) => draw({ t: TEXTS, grouped, ...values });
    };
    this.#assets = assets;
    this.#views = {
      ...{ light: view('light'), controls: view('controls'), incidents: view('incidents') },
      ...{ tunnels: view('tunnels'), health: view('health'), page: view('page'), error: view('error') },
    };
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

  page({ knowledge, regions, token, notice }: PageParts): string {
    const light = lightOf(knowledge);
    return this.#views.page({
      ...{
        title: titleOf(light),
        state: light.state,
        assets: this.#assets,
        regions,
        token,
        notice: printable(notice),
      },
      lost: this.#light(blind(TEXTS.pageLost), undefined, '') + this.#views.controls(CONTROLS_UNKNOWN),
    });
  }

  error(statusCode: number, message: string): string {
    return this.#views.error({ statusCode, message, assets: this.#assets });
  }

  #light(light: LightView, ledger: LedgerView | undefined, now: string): string {
    return this.#views.light({
      ...{ light, title: titleOf(light), glyph: GLYPHS[light.state], ledger: figures(ledger) },
      clockTime: (iso: string) => clockTime(iso, now),
    });
  }
}

function titleOf(light: { readonly state: LightState; readonly word: string }): string {
  return `${light.word} · ${TEXTS.product}`;
}

function figures(ledger: LedgerView | undefined): {
  readonly known: boolean;
  readonly figures: readonly { readonly name: string; readonly text: string }[];
} {
  const names: readonly (keyof LedgerView)[] = ['escaped', 'blocked', 'attempted', 'unseen'];
  const shown = names.filter((name) => name !== 'unseen' || (ledger?.unseen ?? 0) > 0);
  return {
    known: ledger !== undefined,
    figures: shown.map((name) => ({ name, text: ledger === undefined ? '?' : grouped(ledger[name]) })),
  };
}

const CONTROLS_UNKNOWN = { on: undefined, passUntil: undefined };

function controlValues(knowledge: Knowledge): Readonly<Record<string, unknown>> {
  if (!knowledge.known) return CONTROLS_UNKNOWN;
  const { blockMode, passUntil } = knowledge.status;
  return { on: blockMode, passUntil: passUntil ?? undefined };
}

function incidentValues(status: Status | undefined): Readonly<Record<string, unknown>> {
  const incidents = (status?.incidents ?? []).map((incident) => {
    const outcome = outcomeOf(incident);
    const crossed = outcome === 'escaped' || outcome === 'breach' || outcome === 'minor';
    const frames = crossed ? incident.escaped : outcome === 'blocked' ? incident.blocked : incident.attempted;
    return { incident, outcome, frames };
  });
  // An empty list is no proof: only a guard that sees, and counted nothing, may say that nothing left.
  const proven =
    status !== undefined &&
    lightOf({ known: true, status }).state !== 'blind' &&
    status.state !== 'starting' &&
    status.ledger.escaped + status.ledger.unseen === 0;
  return {
    ...{ incidents, outcomes: OUTCOME_TEXTS, rules: RULE_TEXTS },
    none: proven ? TEXTS.none : TEXTS.noneKnown,
    unacknowledged: status?.unacknowledged ?? 0,
  };
}

function healthValues(status: Status | undefined): Readonly<Record<string, unknown>> {
  if (status === undefined) return { kinds: [], profile: '' };
  return { kinds: rankedKinds(status.counters), profile: PROFILE_TEXTS[status.profile] ?? status.profile };
}
