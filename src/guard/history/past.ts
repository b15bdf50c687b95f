// Knows: how incidents that were written down under one privacy look under another. Must not know: where they are kept.
// What is gone does not come back: a laxer privacy leaves the past as it is.

import { PRIVACIES } from './privacy.ts';
import type { Privacy, Veil } from './privacy.ts';
import type { Gap } from '../tunnels/gaps.ts';
import { STRANGERS } from '../incidents/quotas.ts';
import type { IncidentView } from '../../api/status.ts';

export interface PastIncident {
  readonly incident: IncidentView;
  /** What it was written under. */
  readonly privacy: Privacy;
  /** Whose share of the room it takes; its own client's when it is not said. */
  readonly share?: string;
  /** Of its frames, how many were called escaped or stopped in doubt: the kernel's counters had not confirmed it. */
  readonly doubt?: Doubt;
}

export interface Doubt {
  readonly assumed: number;
  readonly presumed: number;
}

/** A silence of a tunnel, and what it was written under. */
export interface PastGap {
  readonly gap: Gap;
  readonly privacy: Privacy;
}

/** An incident as the privacy in force shows it, whatever it was written under: what is gone stays gone. */
export function shown(
  { incident, privacy }: Pick<PastIncident, 'incident' | 'privacy'>,
  veil: Veil,
): IncidentView {
  return laxerThan(veil.privacy).includes(privacy) ? veiled(incident, veil) : incident;
}

/** A silence as `veil` shows it; what it names may have been seen under a laxer one. */
export function shownGap(gap: Gap, veil: Veil): Gap {
  if (veil.privacy === 'full') return gap;
  const escapes = gap.escapes.map((escape) => ({ ...escape, exposure: veil.exposure(escape.exposure) }));
  return { ...gap, escapes };
}

/** The silences as `veil` shows them: `minimal` keeps no such times. */
export function rewrittenGaps(past: readonly PastGap[], veil: Veil): PastGap[] {
  if (veil.privacy === 'minimal') return [];
  const laxer = laxerThan(veil.privacy);
  return past.map(({ gap, privacy }) => {
    if (!laxer.includes(privacy)) return { gap, privacy };
    return { gap: shownGap(gap, veil), privacy: veil.privacy };
  });
}

/** The privacies that tell more than this one. */
export function laxerThan(privacy: Privacy): readonly Privacy[] {
  return PRIVACIES.slice(0, PRIVACIES.indexOf(privacy));
}

/** The past as `veil` shows it; for `minimal`, what then looks the same becomes one count by rule, kind and hour. */
export function rewritten(past: readonly PastIncident[], veil: Veil): PastIncident[] {
  const laxer = laxerThan(veil.privacy);
  const shown = past.map((one) => {
    const { incident, privacy, share } = one;
    if (!laxer.includes(privacy)) return one;
    // A share of one client bears its name; it follows anew from what is left.
    const kept = share?.startsWith(`${STRANGERS} `) === true ? { share } : {};
    return { incident: veiled(incident, veil), privacy: veil.privacy, ...kept };
  });
  if (veil.privacy !== 'minimal') return shown;
  const counts = new Map<string, IncidentView>();
  for (const { incident } of shown) {
    // The incident that counts its frames is among them.
    if (incident.foldedInto !== undefined) continue;
    const { rule, kind, severity, first, acknowledged, breach } = incident;
    const key = [rule, kind, severity, first, acknowledged, breach].join(' ');
    const other = counts.get(key);
    counts.set(key, other === undefined ? incident : added(other, incident));
  }
  return [...counts.values()].map((incident) => ({ incident, privacy: veil.privacy }));
}

function added(one: IncidentView, other: IncidentView): IncidentView {
  return {
    ...one,
    attempted: one.attempted + other.attempted,
    escaped: one.escaped + other.escaped,
    blocked: one.blocked + other.blocked,
    ...counted('questions', one, other),
    ...counted('visits', one, other),
    last: one.last > other.last ? one.last : other.last,
  };
}

/** What only one of them knows is not known of both. */
function counted(what: 'questions' | 'visits', one: IncidentView, other: IncidentView): object {
  const [here, there] = [one[what], other[what]];
  return { [what]: here === undefined || there === undefined ? undefined : here + there };
}

function veiled(incident: IncidentView, veil: Veil): IncidentView {
  const { kind, rule, client, exposure, destination, why, candidates, related, variants, ...rest } = incident;
  const told = veil.incident(kind, rule, { client, exposure, destination, why });
  const time = (iso: string): string => new Date(veil.time(Date.parse(iso))).toISOString();
  const hides = veil.privacy === 'minimal';
  return {
    ...rest,
    kind,
    rule,
    ...told,
    first: time(rest.first),
    last: time(rest.last),
    ...(hides || related === undefined ? {} : { related }),
    ...(hides || candidates === undefined ? {} : { candidates: candidates.map((name) => veil.name(name)) }),
    ...(hides || variants === undefined ? {} : { variants: variants.map((text) => veil.exposure(text)) }),
  };
}
