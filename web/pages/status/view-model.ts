// Knows: what a status means for the eye: which light, which words, which figures. Must not know: HTML, HTTP, clocks.
// Unknown is blind, and green is shown only for what the status itself backs.

import type { IncidentView, Status } from '../../../src/api/status.ts';
import type { ApiFaultCode } from '../../../src/api/client.ts';
import { DOUBT_TEXTS, LOST_TEXTS, STATE_TEXTS, TEXTS } from '../../texts.ts';
import type { LightState, OUTCOME_TEXTS } from '../../texts.ts';

/** What the page knows: a status that is current, or why it has none and the last one it had. */
export type Knowledge =
  | { readonly known: true; readonly status: Status }
  | { readonly known: false; readonly fault: ApiFaultCode; readonly last: Status | undefined };

export interface LightView {
  readonly state: LightState;
  readonly word: string;
  readonly why: string;
  readonly next: string;
  /** ISO time since when; undefined when nobody can say. */
  readonly since: string | undefined;
}

/** How an incident ended, as the eye should take it. */
export type Outcome = keyof typeof OUTCOME_TEXTS;

/** Which light to show. A green that the status does not back up turns blind: the doubt is named. */
export function lightOf(knowledge: Knowledge): LightView {
  if (!knowledge.known) return blind(LOST_TEXTS[knowledge.fault]);
  const { status } = knowledge;
  const doubt = doubtOf(status);
  if (doubt !== undefined) return blind(DOUBT_TEXTS[doubt]);
  const state = status.state === 'clear' && status.lamp === 'amber' ? 'minor' : status.state;
  const { word, next } = STATE_TEXTS[state];
  const stopped = status.blockMode && status.state === 'leaking';
  return {
    state,
    word,
    why: status.why,
    since: status.since,
    next: stopped ? TEXTS.blockOnLeaking : next,
  };
}

/** The blind light with its own reason: when the page loses the box, or doubts it. */
export function blind(why: string): LightView {
  return { state: 'blind', ...STATE_TEXTS.blind, why, since: undefined };
}

/** Why a state that shows green must not be believed, or undefined. Errs toward doubt: what is not verified is blind. */
function doubtOf(status: Status): keyof typeof DOUBT_TEXTS | undefined {
  if (status.state !== 'clear' && status.state !== 'blocked') return undefined;
  const { taps, ruleset, counters } = status.health;
  const reading = (port: string): boolean => taps.some((tap) => tap.port === port && tap.state === 'up');
  if (!reading('lan') || !reading('wan') || taps.some((tap) => tap.state !== 'up')) return 'tap';
  if (!ruleset.verified) return 'ruleset';
  if (!counters.readable) return 'counters';
  return ['green', 'green-blip', 'amber'].includes(status.lamp) ? undefined : 'lamp';
}

/** The guard is blind after three seconds without a proof; the rest is the way from there to the reader. */
const PROVEN_MS = 5_000;

export interface ProofView {
  readonly isRecent: boolean;
  /** ISO time of the last proof; undefined when there was none. */
  readonly at: string | undefined;
  /** `last proven 2 s ago`, or that it is not. */
  readonly text: string;
  /** What was proven, or what failed; empty when nobody tries. */
  readonly detail: string;
}

/** When a forged leak last proved that a real one is seen and held. `now` is the box's time: proofs bear it too. */
export function proofOf({ proof }: Status['health'], now: string): ProofView {
  if (proof === undefined) return { isRecent: false, at: undefined, text: TEXTS.noProof, detail: '' };
  const { at, detail } = proof;
  if (at === null) return { isRecent: false, at: undefined, text: TEXTS.notProven, detail };
  const since = Math.max(0, Date.parse(now) - Date.parse(at));
  const text = TEXTS.lastProven.replace('{age}', ageText(since));
  return { isRecent: since <= PROVEN_MS, at, text, detail };
}

function ageText(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3_600)} h`;
}

export function outcomeOf(incident: IncidentView): Outcome {
  if (incident.breach) return 'breach';
  if (incident.escaped > 0) return incident.severity === 'amber' ? 'minor' : 'escaped';
  if (incident.rule === 'T') return 'warning';
  return incident.blocked > 0 ? 'blocked' : 'seen';
}

/** What the guard says, as a sentence of its own: `that is no tunnel` → `That is no tunnel.` */
export function sentence(words: string): string {
  const begun = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(begun) || begun === '' ? begun : `${begun}.`;
}

/** `1234567` → `1 234 567`, with no-break thin spaces. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** `2026-03-01T10:00:00.000Z` → `10:00:00 UTC`, with the day when it is another one than `today`. Other text stays as it is. */
export function clockTime(iso: string, now: string): string {
  const parts = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d+)?Z$/.exec(iso);
  if (parts?.[1] === undefined || parts[2] === undefined) return iso;
  return now.startsWith(parts[1]) ? `${parts[2]} UTC` : `${parts[1]} ${parts[2]} UTC`;
}

/** The kinds that were counted, most frames first, with their share of the largest in per cent. */
export function rankedKinds(
  counters: Status['counters'],
): readonly { readonly kind: string; readonly frames: number; readonly share: number }[] {
  const ranked = Object.entries(counters)
    .filter(([, frames]) => frames > 0)
    .sort(([, a], [, b]) => b - a);
  const most = ranked[0]?.[1] ?? 1;
  return ranked.map(([kind, frames]) => ({
    kind,
    frames,
    share: Math.max(1, Math.round((frames / most) * 100)),
  }));
}
