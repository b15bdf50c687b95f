// How incidents recorded under one privacy setting look under another. What was redacted stays redacted: a laxer setting leaves the past
// as it is.

import { PRIVACIES } from './privacy.ts';
import type { Privacy, Redaction } from './privacy.ts';
import type { Gap } from '../tunnels/gaps.ts';
import { STRANGERS } from '../incidents/quotas.ts';
import type { IncidentView } from '../../api/status.ts';

/** An incident in its stored form. */
export interface PastIncident {
  readonly incident: IncidentView;
  /** The privacy setting that it was recorded under. */
  readonly privacy: Privacy;
  /** Whose share of the room it takes; absent: its client's. */
  readonly share?: string;
  /** How many of its frames were only assumed to have escaped or been stopped: the kernel's counters had not confirmed it. */
  readonly doubt?: Doubt;
}

/** Frames of an incident: `assumed` to have escaped, `presumed` to have been stopped. */
export interface Doubt {
  readonly assumed: number;
  readonly presumed: number;
}

/** A tunnel's gap, and the privacy setting that it was recorded under. */
export interface PastGap {
  readonly gap: Gap;
  readonly privacy: Privacy;
}

/** An incident as `redaction` shows it, whatever setting it was recorded under; the same object where nothing changes. */
export function redactedIncident(
  { incident, privacy }: Pick<PastIncident, 'incident' | 'privacy'>,
  redaction: Redaction,
): IncidentView {
  return laxerThan(redaction.privacy).includes(privacy) ? veiled(incident, redaction) : incident;
}

/** A gap as `redaction` shows it; its exposures may have been recorded under a laxer setting. */
export function redactedGap(gap: Gap, redaction: Redaction): Gap {
  if (redaction.privacy === 'full') return gap;
  const escapes = gap.escapes.map((escape) => ({ ...escape, exposure: redaction.exposure(escape.exposure) }));
  return { ...gap, escapes };
}

/** The gaps as `redaction` keeps them; none for `minimal`, which keeps no such times. */
export function rewrittenGaps(past: readonly PastGap[], redaction: Redaction): PastGap[] {
  if (redaction.privacy === 'minimal') return [];
  const laxer = laxerThan(redaction.privacy);
  return past.map(({ gap, privacy }) => {
    if (!laxer.includes(privacy)) return { gap, privacy };
    return { gap: redactedGap(gap, redaction), privacy: redaction.privacy };
  });
}

/** The privacy settings that show more than this one, the laxest first. */
export function laxerThan(privacy: Privacy): readonly Privacy[] {
  return PRIVACIES.slice(0, PRIVACIES.indexOf(privacy));
}

/** The incidents as `redaction` keeps them; for `minimal`, those that then look the same become one count by rule, kind and hour. */
export function rewritten(past: readonly PastIncident[], redaction: Redaction): PastIncident[] {
  const laxer = laxerThan(redaction.privacy);
  const shown = past.map((unchanged) => {
    const { incident, privacy, share } = unchanged;
    if (!laxer.includes(privacy)) return unchanged;
    // A client's share contains its address, so it is derived again from the redacted incident.
    const kept = share?.startsWith(`${STRANGERS} `) === true ? { share } : {};
    return { incident: veiled(incident, redaction), privacy: redaction.privacy, ...kept };
  });
  if (redaction.privacy !== 'minimal') return shown;
  const counts = new Map<string, IncidentView>();
  for (const { incident } of shown) {
    // Its frames are counted by another of these incidents.
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

/** The sum; undefined unless both are known. */
function counted(what: 'questions' | 'visits', one: IncidentView, other: IncidentView): object {
  const [here, there] = [one[what], other[what]];
  return { [what]: here === undefined || there === undefined ? undefined : here + there };
}

function veiled(incident: IncidentView, redaction: Redaction): IncidentView {
  const { kind, rule, client, exposure, destination, why, candidates, related, variants, ...rest } = incident;
  const redacted = redaction.incident(kind, rule, { client, exposure, destination, why });
  const time = (iso: string): string => new Date(redaction.time(Date.parse(iso))).toISOString();
  const hides = redaction.privacy === 'minimal';
  return {
    ...rest,
    kind,
    rule,
    ...redacted,
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
