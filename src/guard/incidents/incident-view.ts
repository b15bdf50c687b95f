// What an incident is, and its view: the only form in which incidents leave the book, for people, programs and the disk.

import type { Kind } from '../../flow/kinds.ts';
import { OpenFrames } from '../account/account.ts';
import type { Rule, Severity } from '../../policy/verdict.ts';
import type { EvidenceFrame } from './evidence.ts';
import type { PastIncident } from '../history/past.ts';
import type { Privacy } from '../history/privacy.ts';
import type { IncidentView } from '../../api/status.ts';

/** An incident in the book; equal leaks of one client are one incident. Counts are frames. */
export interface Incident {
  /** Unique across restarts. */
  readonly id: string;
  readonly rule: Rule;
  readonly kind: Kind;
  severity: Severity;
  /** MAC address, lower case with colons, redacted. */
  readonly client: string;
  /** The name that leaked. Until one is read, the destination: a connection opens before it shows the name. */
  exposure: string;
  /** Without port, redacted; '' for an incident that others were folded into. */
  readonly destination: string;
  /** The reason of its latest verdict with a name, redacted. */
  why: string;
  /** Frames that came in by lan; below it those of them that left by wan, and those that were stopped. */
  attempted: number;
  escaped: number;
  blocked: number;
  /**
   * What escaped, as a person would count it: questions asked, and visits to the exposed name or address. Undefined if the incident was
   * stored by a version that counted only frames, because earlier ones are not known.
   */
  questions: number | undefined;
  visits: number | undefined;
  /** Part of `escaped` that no tap saw leave and nothing stopped either (watch mode, frames lost by a tap). */
  assumed: number;
  /** Part of `blocked` that the kernel's counters have not confirmed yet. */
  presumed: number;
  /** When the newest frame of `assumed` and `presumed` came, monotonic milliseconds. */
  doubtUntil: number;
  /** Part of `attempted` that only the wan tap has reported, and when the newest of it came, monotonic milliseconds. */
  inferred: number;
  inferredUntil: number;
  /** Wall clock, milliseconds since the epoch. */
  first: number;
  last: number;
  acknowledged: boolean;
  /** Some of it left although the rules in force should have stopped it. */
  breach: boolean;
  /** Ids of incidents that belong to the same story: a question and its visit (rule D), a network attack and its escape (rule T). */
  related: readonly string[];
  /** Rule D: every name that was answered with the visited address; empty otherwise. */
  candidates: readonly string[];
  /** Its captured frames; empty unless privacy is `full`. */
  readonly evidence: EvidenceFrame[];
  /** The privacy setting that it was recorded under. */
  readonly privacy: Privacy;
  /** Client, kernel counter and destination of its newest frames. */
  place: string;
  /** Where its frames went, `udp 51820`; '' if they went to several ports, or if that is not known. */
  port: string;
  /** Frames whose fate is not known yet. */
  readonly open: OpenFrames;
  /** Rule T: the kind of network attack (a fixed text); its different variants, newest first and bounded; and how many variants came. */
  networkAttack?: string;
  variants?: readonly string[];
  variantCount?: number;
  /** Whose share of the room it takes: client (`*` for clients without a share), rule and kind. */
  share: string;
  /** Id of the incident that counts its frames from now on. */
  foldedInto?: string;
}

/** The incident that a stored one stands for, without captured frames and open frames. */
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
    port: '',
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

/** An incident in its stored form. Acknowledged ones do not return to the book after a restart, so their assumed fates are not stored. */
export function pastOf(incident: Incident): PastIncident {
  const { privacy, share, assumed, presumed, acknowledged } = incident;
  const doubt = acknowledged || assumed + presumed === 0 ? {} : { doubt: { assumed, presumed } };
  return { incident: viewOf(incident), privacy, share, ...doubt };
}

/** The share of an incident whose client has a share of its own: `client rule kind`. */
export function shareOf({ client, rule, kind }: Pick<Incident, 'client' | 'rule' | 'kind'>): string {
  return `${client} ${rule} ${kind}`;
}

/** An incident as it is shown; times are ISO 8601 in UTC. Frames that left and have no attempt yet count as attempted. */
export function viewOf(incident: Incident): IncidentView {
  return {
    id: incident.id,
    rule: incident.rule,
    kind: incident.kind,
    severity: incident.severity,
    client: incident.client,
    exposure: incident.exposure,
    destination: incident.destination,
    // Frames that left also came in, although the lan tap may report them a moment later.
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
