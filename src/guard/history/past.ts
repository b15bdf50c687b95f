// Knows: how incidents that were written down under one privacy look under another. Must not know: where they are kept.
// What is gone does not come back: a laxer privacy leaves the past as it is.

import { PRIVACIES } from './privacy.ts';
import type { Privacy, Redaction } from './privacy.ts';
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
  redaction: Redaction,
): IncidentView {
  return laxerThan(redaction.privacy).includes(privacy) ? veiled(incident, redaction) : incident;
}

/** A silence as `redaction` shows it; what it names may have been seen under a laxer one. */
export function shownGap(gap: Gap, redaction: Redaction): Gap {
  if (redaction.privacy === 'full') return gap;
  const escapes = gap.escapes.map((escape) => ({ ...escape, exposure: redaction.exposure(escape.exposure) }));
  return { ...gap, escapes };
}

/** The silences as `redaction` shows them: `minimal` keeps no such times. */
export function rewrittenGaps(past: readonly PastGap[], redaction: Redaction): PastGap[] {
  if (redaction.privacy === 'minimal') return [];
  const laxer = laxerThan(redaction.privacy);
  return past.map(({ gap, privacy }) => {
    if (!laxer.includes(privacy)) return { gap, privacy };
    return { gap: shownGap(gap, redaction), privacy: redaction.privacy };
  });
}

/** The privacies that tell more than this one. */
export function laxerThan(privacy: Privacy): readonly Privacy[] {
  return PRIVACIES.slice(0, PRIVACIES.indexOf(privacy));
}

/** The past as `redaction` shows it; for `minimal`, what then looks the same becomes one count by rule, kind and hour. */
export function rewritten(past: readonly PastIncident[], redaction: Redaction): PastIncident[] {
  const laxer = laxerThan(redaction.privacy);
  const shown = past.map((one) => {
    const { incident, privacy, share } = one;
    if (!laxer.includes(privacy)) return one;
    // A share of one client bears its name; it follows anew from what is left.
    const kept = share?.startsWith(`${STRANGERS} `) === true ? { share } : {};
    return { incident: veiled(incident, redaction), privacy: redaction.privacy, ...kept };
  });
  if (redaction.privacy !== 'minimal') return shown;
  const counts = new Map<string, IncidentView>();
  for (const { incident } of shown) {
    // The incident that counts its frames is among them.
    if (incident.foldedInto !== undefined) continue;
    const { rule, kind, severity, first, acknowledged, breach } = incident;
    const key = [rule, kind, severity, first, acknowledged, breach].join(' ');
    const other = counts.get(key);
    counts.set(key, other === undefined ? incident : added(other, incident));
  }
  return [...counts.values()].map((incident) => ({ incident, privacy: redaction.privacy }));
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

function veiled(incident: IncidentView, redaction: Redaction): IncidentView {
  const { kind, rule, client, exposure, destination, why, candidates, related, variants, ...rest } = incident;
  const told = redaction.incident(kind, rule, { client, exposure, destination, why });
  const time = (iso: string): string => new Date(redaction.time(Date.parse(iso))).toISOString();
  const hides = redaction.privacy === 'minimal';
  return {
    ...rest,
    kind,
    rule,
    ...told,
    first: time(rest.first),
    last: time(rest.last),
    ...(hides || related === undefined ? {} : { related }),
    ...(hides || candidates === undefined
      ? {}
      : { candidates: candidates.map((name) => redaction.name(name)) }),
    ...(hides || variants === undefined
      ? {}
      : { variants: variants.map((text) => redaction.exposure(text)) }),
  };
}
