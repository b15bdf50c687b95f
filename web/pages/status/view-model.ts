// What a status means on the page: which light, which words, which figures. Unknown is shown as blind, and green only if the status itself
// confirms it.

import type { Status } from '../../../src/api/status.ts';
import type { ApiFaultCode } from '../../../src/api/client.ts';
import { DOUBT_TEXTS, LOST_TEXTS, STATE_TEXTS, TEXTS } from '../../texts.ts';
import type { LightState } from '../../texts.ts';

/** A current status; or why there is none, and the last one known. */
export type Knowledge =
  | { readonly known: true; readonly status: Status }
  | { readonly known: false; readonly fault: ApiFaultCode; readonly last: Status | undefined };

/** The light and its words. */
export interface LightView {
  readonly state: LightState;
  readonly word: string;
  readonly why: string;
  readonly next: string;
  /** ISO time of the last change; undefined if unknown. */
  readonly since: string | undefined;
}

/**
 * The light to show. A green state that the status does not confirm (both taps, the rules, the counters, the LED) becomes blind, with the
 * reason. Never throws.
 */
export function lightOf(knowledge: Knowledge): LightView {
  if (!knowledge.known) return blind(LOST_TEXTS[knowledge.fault]);
  const { status } = knowledge;
  const doubt = doubtOf(status);
  if (doubt !== undefined) return blind(DOUBT_TEXTS[doubt]);
  const state = lightStateOf(status);
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

/** States that show green only while the LED does. */
const AMBER: Partial<Record<LightState, LightState>> = { clear: 'minor', blocked: 'stopped' };

function lightStateOf({ state, lamp, tunnels }: Status): LightState {
  const isTrying = tunnels.some((tunnel) => tunnel.state === 'trying');
  if (state === 'idle' && isTrying) return 'trying';
  return lamp === 'amber' ? (AMBER[state] ?? state) : state;
}

/** The blind light with a given reason, a sentence: the page has lost the box, or doubts its state. Without a time: since when is not known. */
export function blind(why: string): LightView {
  return { state: 'blind', ...STATE_TEXTS.blind, why, since: undefined };
}

/** Why a state that would show green cannot be trusted; undefined if it can. Errs toward doubt. */
function doubtOf(status: Status): keyof typeof DOUBT_TEXTS | undefined {
  if (status.state !== 'clear' && status.state !== 'blocked') return undefined;
  const { taps, ruleset, counters } = status.health;
  const reading = (port: string): boolean => taps.some((tap) => tap.port === port && tap.state === 'up');
  if (!reading('lan') || !reading('wan') || taps.some((tap) => tap.state !== 'up')) return 'tap';
  if (!ruleset.verified) return 'ruleset';
  if (!counters.readable) return 'counters';
  return ['green', 'green-blip', 'amber'].includes(status.lamp) ? undefined : 'lamp';
}

/** The state is blind after three seconds without a proof; the rest is allowed for the way to the browser. */
const PROVEN_MS = 5_000;

/** The last proof in words. */
export interface ProofView {
  readonly isRecent: boolean;
  /** ISO time of the last proof; undefined if there was none. */
  readonly at: string | undefined;
  /** `last caught 2 s ago`, or that it was not caught. */
  readonly text: string;
  /** What was proven, or what failed; empty if the box sends no test leaks. */
  readonly detail: string;
}

/**
 * When a forged test leak last proved that a real one is seen and held (src/guard/canary). `now`: ISO time by the box's clock, as in
 * proofs; a proof from the future counts as just now.
 */
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

/** A message of the daemon as a sentence, with a capital and a full stop: `that is no tunnel` → `That is no tunnel.` '' stays ''. */
export function sentence(words: string): string {
  const begun = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(begun) || begun === '' ? begun : `${begun}.`;
}

/** A whole number of at least 0 in groups of three digits: `1234567` → `1 234 567`, with narrow no-break spaces (U+202F). */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/**
 * `2026-03-01T10:00:00.000Z` → `10:00:00 UTC`, with the date before it unless it is the day of `now` (ISO, UTC). Other text is returned
 * unchanged.
 */
export function clockTime(iso: string, now: string): string {
  const parts = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d+)?Z$/.exec(iso);
  if (parts?.[1] === undefined || parts[2] === undefined) return iso;
  return now.startsWith(parts[1]) ? `${parts[2]} UTC` : `${parts[1]} ${parts[2]} UTC`;
}

/**
 * The kinds with frames, most frames first, each with its percentage of the largest, a whole number of at least 1. Empty when nothing was
 * counted.
 */
export function rankedKinds(
  counters: Status['counters'],
): readonly { readonly kind: string; readonly frames: number; readonly share: number }[] {
  const ranked = Object.entries(counters)
    .filter(([, frames]) => frames > 0)
    .sort(([, a], [, b]) => b - a);
  const largest = ranked[0]?.[1] ?? 1;
  return ranked.map(([kind, frames]) => ({
    kind,
    frames,
    share: Math.max(1, Math.round((frames / largest) * 100)),
  }));
}
