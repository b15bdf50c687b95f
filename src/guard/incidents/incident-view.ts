// Knows: what an incident is, and how it is shown: the one way out of the book, for people, programs and disk. Must not know:
// how it came about.

import type { Kind } from '../../flow/kinds.ts';
import { OpenFrames } from '../account/account.ts';
import type { Rule, Severity } from '../../policy/verdict.ts';
import type { EvidenceFrame } from './evidence.ts';
import type { PastIncident } from '../history/past.ts';
import type { Privacy } from '../history/privacy.ts';
import type { IncidentView } from '../../api/status.ts';

export interface Incident {
  readonly id: string;
  readonly rule: Rule;
  readonly kind: Kind;
  severity: Severity;
  readonly client: string;
  /** The destination until a name is read: a connection opens before it says whom it wants. */
  exposure: string;
  readonly destination: string;
  why: string;
  attempted: number;
  escaped: number;
  blocked: number;
  /**
   * What a person would count of what escaped: questions asked, and visits to what it names. Undefined where it was written down by a
   * version that counted frames alone: what came before is not known then.
   */
  questions: number | undefined;
  visits: number | undefined;
  /** Part of `escaped` that no tap saw leave, but nothing stopped either (watch mode, tap lost it). */
  assumed: number;
  /** Part of `blocked` that the kernel's counters have not confirmed yet. */
  presumed: number;
  /** Monotonic milliseconds: when the newest of `assumed` and `presumed` came. */
  doubtUntil: number;
  /** Part of `attempted` that only the wan tap has told of, and when the newest of it came. */
  inferred: number;
  inferredUntil: number;
  /** Wall clock, milliseconds since the epoch. */
  first: number;
  last: number;
  acknowledged: boolean;
  breach: boolean;
  /** Ids of incidents that belong to the same story: a question and its visit (rule D), a network attack and its escape (rule T). */
  related: readonly string[];
  /** Rule D: every name that the visited address was an answer for; empty otherwise. */
  candidates: readonly string[];
  /** Its first frames; empty unless privacy is `full`. */
  readonly evidence: EvidenceFrame[];
  /** What it was written down under. */
  readonly privacy: Privacy;
  /** Client, kernel counter and destination of its newest frames. */
  place: string;
  /** Frames whose fate is not known yet. */
  readonly open: OpenFrames;
  /** Rule T: what the network did, in words of ours; each telling of it that differs, newest first and bounded; and how many came. */
  networkAttack?: string;
  variants?: readonly string[];
  variantCount?: number;
  /** Whose share of the room it takes: client (or `*` for all that have none), rule and kind. */
  share: string;
  /** Its frames are counted by that incident from now on. */
  foldedInto?: string;
}

/** An incident as it was written down. */
export function incidentOf({ incident, privacy, share, doubt }: PastIncident): Incident {
  const { related = [], candidates = [], questions, visits, ...kept } = incident;
  const [first, last] = [Date.parse(incident.first), Date.parse(incident.last)];
  const fates = {
    assumed: 0,
    presumed: 0,
    ...doubt,
    doubtUntil: -Infinity,
    inferred: 0,
    inferredUntil: -Infinity,
    place: '',
    open: new OpenFrames(),
  };
  const whose = share ?? shareOf(incident);
  return {
    ...kept,
    questions,
    visits,
    first,
    last,
    related,
    candidates,
    evidence: [],
    privacy,
    ...fates,
    share: whose,
  };
}

/** An incident as it is to be written down. What somebody has acknowledged comes back into no book, nor does its doubt. */
export function pastOf(incident: Incident): PastIncident {
  const { privacy, share, assumed, presumed, acknowledged } = incident;
  const doubt = acknowledged || assumed + presumed === 0 ? {} : { doubt: { assumed, presumed } };
  return { incident: viewOf(incident), privacy, share, ...doubt };
}

/** The share of an incident of a client that has one of its own. */
export function shareOf({ client, rule, kind }: Pick<Incident, 'client' | 'rule' | 'kind'>): string {
  return `${client} ${rule} ${kind}`;
}

export function viewOf(incident: Incident): IncidentView {
  return {
    id: incident.id,
    rule: incident.rule,
    kind: incident.kind,
    severity: incident.severity,
    client: incident.client,
    exposure: incident.exposure,
    destination: incident.destination,
    // What left came, though the tap of the other port may tell a moment later.
    attempted: incident.attempted + sum(incident.open.unpaired),
    escaped: incident.escaped,
    blocked: incident.blocked,
    ...(incident.questions === undefined ? {} : { questions: incident.questions }),
    ...(incident.visits === undefined ? {} : { visits: incident.visits }),
    first: new Date(incident.first).toISOString(),
    last: new Date(incident.last).toISOString(),
    why: incident.why,
    acknowledged: incident.acknowledged,
    breach: incident.breach,
    ...(incident.related.length === 0 ? {} : { related: incident.related }),
    ...(incident.candidates.length === 0 ? {} : { candidates: incident.candidates }),
    ...(incident.networkAttack === undefined ? {} : { networkAttack: incident.networkAttack }),
    ...(incident.variants === undefined ? {} : { variants: incident.variants }),
    ...(incident.variantCount === undefined ? {} : { variantCount: incident.variantCount }),
    ...(incident.foldedInto === undefined ? {} : { foldedInto: incident.foldedInto }),
  };
}

function sum(counts: ReadonlyMap<string, number>): number {
  let all = 0;
  for (const frames of counts.values()) all += frames;
  return all;
}
