// Renders HTML from status and parts. A page is divided into regions, the same for every visitor, that are updated one by one.
// EJS escapes every value; only what was drawn or rendered here is inserted unescaped.

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import ejs from 'ejs';

import { RULE_TEXTS } from '../src/guard/incidents/rule-texts.ts';
import { placeText, printable, serverText, TUNNEL_STATE_WORDS } from '../src/api/shown.ts';
import type { AllowedView, Status } from '../src/api/status.ts';
import { OUTCOMES } from '../src/api/words.ts';
import type { Outcome } from '../src/api/words.ts';
import type { Fault } from '../src/api/refusal.ts';
import { filled } from './pages/dossier/eve-words.ts';
import { GLYPHS } from './pages/status/glyphs.ts';
import {
  BUTTON_TEXT,
  EVE_TEXT,
  LED_PATTERNS,
  LIMIT_TEXTS,
  PROFILE_HEADS,
  PROFILE_HELP,
  PROFILE_NOTES,
  PROFILE_TABLE,
} from './pages/help/help-texts.ts';
import { PASSWORD_LENGTH } from './owner/password.ts';
import { PROFILE_ROWS } from './pages/help/profile-rows.ts';
import { leakSentence, worstOf } from './pages/status/leak-sentence.ts';
import { countedOf, pathOf, RULE_TITLES } from './pages/incidents/rows.ts';
import { DIRECT_TEXTS, OPEN_TEXTS, NAVIGATION, PROFILE_TEXTS, PUBLIC_TEXTS, TEXTS } from './texts.ts';
import type { LightState } from './texts.ts';
import { blind, clockTime, grouped, lightOf, proofOf } from './pages/status/view-model.ts';
import type { Knowledge, LightView } from './pages/status/view-model.ts';

/** Style sheets of the pages about the box. */
export const BOX_SHEETS: readonly string[] = [
  'page.css',
  'frame.css',
  'controls.css',
  'lists.css',
  'box.css',
];

/** The regions in the order of the page. Each is one element whose id is the name of the region. */
export const REGIONS = ['head', 'light', 'controls', 'incidents', 'allowed', 'tunnels', 'health'] as const;
/** Name of a region. */
export type Region = (typeof REGIONS)[number];
/** HTML of each region. */
export type Regions = Readonly<Record<Region, string>>;

/** What went wrong, in a box at the top of the page: a sentence, and what it is about. */
export interface Notice {
  readonly message: string;
  readonly faults: readonly Fault[];
}

/** Values for every page. */
export interface Around {
  /** The token for the forms of the page (Visitors.token). */
  readonly token: string;
  readonly notice: Notice | undefined;
}

/** What the status page shows. */
export interface PageParts extends Around {
  readonly regions: Regions;
  /** HTML of the timeline. Not a region, because each visitor chooses its time span. */
  readonly timeline: string;
}

/** What a visitor sees who is not logged in. */
export interface LoginParts extends Around {
  readonly knowledge: Knowledge;
  readonly isSetUp: boolean;
  /** The first visit must enter the box's one-time code. */
  readonly asksForCode: boolean;
}

/** A page around its body. `title` and `notice` are escaped; `body` is HTML. */
export interface PageLayout {
  readonly title: string;
  readonly body: string;
  readonly sheets: readonly string[];
  readonly notice: Notice | undefined;
  /** Path of this page in the navigation; undefined if the visitor gets no navigation. */
  readonly here?: string;
  /** Path under which `events` and `regions` keep the page current. */
  readonly feed?: string;
  /** Script in public/; default: page.js if there is a feed, otherwise times.js. */
  readonly script?: string;
  /** Reload the page without script. Not for pages with a form, which someone may be filling in. */
  readonly refresh?: boolean;
}

type View = (values: Readonly<Record<string, unknown>>) => string;

/** The views of the page. Methods throw only for a view or value that is missing: a fault of this program. */
export class Renderer {
  readonly #views: ReadonlyMap<string, View>;
  readonly #assets: Readonly<Record<string, string>>;

  /** Compiles all views below `folder`; `assets` maps a file of public/ to its URL path. Throws if a view cannot be compiled. */
  constructor(folder: string, assets: Readonly<Record<string, string>>) {
    const view = (file: string): View => {
      const filename = join(folder, file);
      const draw = ejs.compile(readFileSync(filename, 'utf8'), { filename, strict: true, localsName: 'v' });
      return (values) => draw({ t: TEXTS, grouped, ...values });
    };
    this.#assets = assets;
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.ejs'),
    );
    this.#views = new Map(files.map((file) => [basename(file, '.ejs'), view(file)]));
  }

  /**
   * Renders one view, given by its file name without `.ejs`, as HTML; what is in `values` is made printable by the caller and escaped by
   * the view. Throws if there is no such view.
   */
  draw(name: string, values: Readonly<Record<string, unknown>>): string {
    const view = this.#views.get(name);
    if (view === undefined) throw new Error(`there is no view ${name}`);
    return view(values);
  }

  /** Renders everything that changes while the page is open. `now`: ISO time; times of another day are shown with their date. */
  regions(heard: Knowledge, now: string): Regions {
    const knowledge = printable(heard);
    const status = knowledge.known ? knowledge.status : knowledge.last;
    const shared = { clockTime: (iso: string) => clockTime(iso, now), current: knowledge.known };
    const light = lightOf(knowledge);
    return {
      head: this.draw('head', { light }),
      light: this.#light(light, knowledge.known ? knowledge.status : undefined, now),
      controls: this.draw('controls', { ...shared, ...controlValues(knowledge) }),
      incidents: this.draw('incidents', { ...shared, ...incidentValues(status) }),
      allowed: this.draw('allowed', { ...shared, ...allowedValues(status?.allowed, shared.clockTime) }),
      tunnels: this.draw('tunnels', {
        ...shared,
        tunnels: status?.tunnels ?? [],
        meshes: status?.meshes ?? [],
        states: TUNNEL_STATE_WORDS,
        serverText,
      }),
      health: this.draw('health', { ...shared, status, ...healthValues(status, now) }),
    };
  }

  /** The light in the head of a page. */
  head(knowledge: Knowledge): string {
    return this.draw('head', { light: lightOf(printable(knowledge)) });
  }

  /** What a visitor sees without logging in: the state, without any name. `now`: ISO time. */
  publicRegions(knowledge: Knowledge, now: string): Partial<Regions> {
    const { state, word, since } = lightOf(knowledge);
    const light = { state, word, since, why: PUBLIC_TEXTS[state], next: '' };
    return { light: this.#light(light, undefined, now, { known: knowledge.known }) };
  }

  /** The status page as a whole document. */
  page({ regions, timeline, token, notice }: PageParts): string {
    const lost =
      this.#light(blind(TEXTS.pageLost), undefined, '') +
      this.draw('controls', { current: false, ...CONTROLS_UNKNOWN });
    return this.framed({
      title: `${TEXTS.status} · ${TEXTS.product}`,
      notice,
      feed: '',
      here: '/',
      sheets: ['page.css', 'frame.css', 'controls.css', 'light.css', 'lists.css', 'timeline.css'],
      body: this.draw('page', { regions, timeline, token, lost }),
    });
  }

  /** The login page, or that of the first visit, as a whole document. */
  login({ knowledge, token, notice, isSetUp, asksForCode }: LoginParts): string {
    const now = new Date().toISOString();
    const regions = this.publicRegions(knowledge, now);
    const lost = this.#light(blind(TEXTS.pageLost), undefined, now, { known: false });
    return this.framed({
      title: `${TEXTS.status} · ${TEXTS.product}`,
      notice,
      feed: '/light',
      sheets: ['page.css', 'frame.css', 'controls.css', 'light.css'],
      body: this.draw('login', {
        light: regions.light,
        token,
        isSetUp,
        asksForCode,
        lost,
        length: PASSWORD_LENGTH,
      }),
    });
  }

  /** The document in the light's iframe, on pages without script; `light` is HTML. */
  now(light: string): string {
    return this.draw('now', { light, assets: this.#assets });
  }

  /** The account page as a whole document. */
  account({ token, notice }: Around): string {
    return this.framed({
      title: `${TEXTS.account} · ${TEXTS.product}`,
      notice,
      here: '/settings',
      sheets: ['page.css', 'frame.css', 'controls.css'],
      body: this.draw('account', { token, length: PASSWORD_LENGTH, heading: true }),
    });
  }

  /** The help page as a whole document. */
  help(): string {
    const texts = {
      lamps: LED_PATTERNS,
      eve: EVE_TEXT,
      button: BUTTON_TEXT,
      limits: LIMIT_TEXTS,
      profiles: PROFILE_HELP,
      profileNotes: PROFILE_NOTES,
      table: PROFILE_TABLE,
      profileHeads: PROFILE_HEADS,
      profileRows: PROFILE_ROWS,
    };
    return this.framed({
      title: `${TEXTS.helpTitle} · ${TEXTS.product}`,
      notice: undefined,
      here: '/help',
      sheets: ['page.css', 'frame.css', 'lists.css', 'box.css'],
      body: this.draw('help', { ...texts, ruleTexts: Object.entries(RULE_TEXTS) }),
    });
  }

  /** The error page as a whole document, without navigation. */
  error(statusCode: number, message: string): string {
    return this.draw('error', { statusCode, message, assets: this.#assets });
  }

  /** A whole page around `frame.body`, with the navigation if there is `here`. */
  framed(frame: PageLayout): string {
    const { feed, here, refresh = false, notice, script, ...rest } = frame;
    return this.draw('frame', {
      ...rest,
      feed,
      here,
      refresh,
      notice: printable(notice),
      assets: this.#assets,
      now: new Date().toISOString(),
      clockTime,
      hasLight: feed !== undefined && script === undefined,
      script: script ?? (feed === undefined ? 'times.js' : 'page.js'),
      places: here === undefined ? [] : NAVIGATION,
      headLight: this.draw('head', { light: { state: 'starting', word: '…' } }),
      headLost: this.draw('head', { light: blind(TEXTS.pageLost) }),
    });
  }

  /** Without a status the figures are unknown. With `visitor` (not logged in) no figures are shown. */
  #light(light: LightView, status: Status | undefined, now: string, visitor?: { known: boolean }): string {
    return this.draw('light', {
      light,
      title: titleOf(light),
      glyph: GLYPHS[light.state],
      figures: visitor === undefined ? figures(status?.open) : undefined,
      note: status?.allowed === undefined ? TEXTS.openNote : TEXTS.openNoteDirect,
      known: visitor?.known ?? status !== undefined,
      leak: visitor === undefined ? leakOf(status) : undefined,
      clockTime: (iso: string) => clockTime(iso, now),
    });
  }
}

/** What the red light says of the worst leak, and what can be done about it from there. */
function leakOf(status: Status | undefined) {
  if (status?.state !== 'leaking' && status?.state !== 'breach') return undefined;
  const worst = worstOf(status.incidents);
  if (worst === undefined) return undefined;
  return {
    sentence: leakSentence(worst),
    path: pathOf(worst.id),
    canBlock: !status.blockMode,
    mayBeVpn: VPN_RULES.has(worst.rule),
  };
}

/** Rules of traffic that may be a tunnel that nobody has told the box of. */
const VPN_RULES: ReadonlySet<string> = new Set(['C', 'E', 'F']);

function titleOf(light: { readonly state: LightState; readonly word: string }): string {
  return `${light.word} · ${TEXTS.product}`;
}

/** Outcomes that the light shows even when there is none. */
const ALWAYS: readonly Outcome[] = ['escaped', 'blocked'];

function figures(
  open: Status['open'] | undefined,
): readonly { readonly name: Outcome; readonly word: string; readonly text: string }[] {
  return OUTCOMES.filter((name) => ALWAYS.includes(name) || (open?.[name] ?? 0) > 0).map((name) => ({
    name,
    word: OPEN_TEXTS[name],
    text: open === undefined ? '?' : grouped(open[name]),
  }));
}

const CONTROLS_UNKNOWN = { on: undefined, note: TEXTS.blockUnknown, passUntil: undefined, stopped: [] };

function controlValues(knowledge: Knowledge): Readonly<Record<string, unknown>> {
  if (!knowledge.known) return CONTROLS_UNKNOWN;
  const { blockMode, passUntil, passStopped = [] } = knowledge.status;
  const onNote = passUntil === null ? blockOnWords(knowledge.status) : TEXTS.blockOnPass;
  const note = blockMode ? onNote : TEXTS.blockOffNote;
  return { on: blockMode, note, passUntil: passUntil ?? undefined, stopped: passStopped };
}

/** The text beside the switch: what block mode stops in this profile. */
function blockOnWords({ profile, direct }: Status): string {
  if (profile === 'full-tunnel') return TEXTS.blockOnNote;
  if (profile !== 'split') return direct === 'none' ? TEXTS.blockOnNamed : TEXTS.blockOnOther;
  return direct === 'answered' ? TEXTS.blockOnAnswered : TEXTS.blockOnAny;
}

function incidentValues(status: Status | undefined): Readonly<Record<string, unknown>> {
  const incidents = (status?.incidents ?? []).map((incident) => ({
    ...countedOf(incident),
    path: pathOf(incident.id),
  }));
  // An empty list proves nothing: only a daemon that can see, and has counted nothing, may say that nothing left.
  const proven =
    status !== undefined &&
    lightOf({ known: true, status }).state !== 'blind' &&
    status.state !== 'starting' &&
    status.ledger.escaped + status.ledger.unseen === 0;
  return {
    incidents,
    rules: RULE_TITLES,
    none: proven ? (status.allowed === undefined ? TEXTS.none : TEXTS.noneButDirect) : TEXTS.noneKnown,
    unacknowledged: status?.unacknowledged ?? 0,
  };
}

function allowedValues(
  allowed: AllowedView | undefined,
  time: (iso: string) => string,
): Readonly<Record<string, unknown>> {
  if (allowed === undefined) return { allowed };
  const { since, connections, frames, rows, more } = allowed;
  const counted = { connections: grouped(connections), frames: grouped(frames), since: time(since) };
  return {
    allowed,
    more,
    total: filled(TEXTS.allowedTotal, counted),
    rows: rows.map((row) => ({ ...row, place: placeText(row) })),
    moreWords: filled(TEXTS.allowedMore, { count: grouped(more) }),
  };
}

function healthValues(status: Status | undefined, now: string): Readonly<Record<string, unknown>> {
  if (status === undefined) return { profile: '' };
  return {
    proof: proofOf(status.health, now),
    profile: profileWords(status),
  };
}

function profileWords({ profile, direct }: Status): string {
  const rest = direct === undefined ? undefined : DIRECT_TEXTS[direct];
  return `${PROFILE_TEXTS[profile] ?? profile}${rest === undefined ? '' : `, ${rest}`}`;
}
