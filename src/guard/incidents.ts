// Knows: how leak verdicts become incidents with a ledger of their own. Must not know: taps, kernel, disk.
// DESIGN section 1 (incident, attempted / escaped / blocked). Bounded: what does not fit is folded and counted, never dropped.

import { macText } from '../wire/address.ts';
import type { Kind } from '../flow/kinds.ts';
import type { Rule, Severity } from '../policy/verdict.ts';
import type { Observation } from './observation.ts';
import type { IncidentView } from './status.ts';

/** How long after the last attempt a frame may still show up on wan before it counts as stopped, in milliseconds. */
export const SETTLE_MS = 300;

export interface Incident {
  readonly id: string;
  readonly rule: Rule;
  readonly kind: Kind;
  readonly severity: Severity;
  readonly client: string;
  readonly exposure: string;
  readonly destination: string;
  readonly why: string;
  attempted: number;
  escaped: number;
  blocked: number;
  /** Part of `escaped` that no tap saw leave, but nothing stopped either (watch mode, tap lost it). */
  assumed: number;
  /** Wall clock, milliseconds since the epoch. */
  readonly first: number;
  last: number;
  acknowledged: boolean;
  breach: boolean;
  /** Monotonic milliseconds of the last attempt; what is later than SETTLE_MS behind now is settled. */
  lastAttempt: number;
  /** Monotonic milliseconds of the first attempt that is not settled yet. */
  pendingSince: number;
}

/** Clocks as the caller reads them: wall time for people, monotonic time for order. */
export interface Now {
  readonly wall: number;
  readonly monotonic: number;
}

export const FOLDED_EXPOSURE = '(many others)';

export class IncidentBook {
  readonly #limit: number;
  readonly #idPrefix: string;
  readonly #byId = new Map<string, Incident>();
  /** The incident that a further frame of the same key joins: open ones, and amber ones even when acknowledged. */
  readonly #open = new Map<string, Incident>();
  readonly #unsettled = new Set<Incident>();
  #sequence = 0;
  /** Frames that were folded into a common incident because the book was full. */
  folded = 0;
  /** Frames of all incidents, those included that have left the book. */
  readonly totals = { attempted: 0, escaped: 0, blocked: 0 };

  constructor(limit: number, idPrefix: string) {
    this.#limit = limit;
    this.#idPrefix = idPrefix;
  }

  /** Counts frames seen entering lan. */
  attempt(observation: Observation, now: Now): Incident {
    const incident = this.#incidentFor(observation, now);
    incident.attempted += observation.frames;
    this.totals.attempted += observation.frames;
    this.#touch(incident, now);
    return incident;
  }

  /** Counts frames seen leaving wan; `breach` says that the ruleset should have stopped them. */
  escape(observation: Observation, now: Now, breach: boolean): Incident {
    const incident = this.#incidentFor(observation, now);
    const alreadyAssumed = Math.min(incident.assumed, observation.frames);
    incident.assumed -= alreadyAssumed;
    incident.escaped += observation.frames - alreadyAssumed;
    this.totals.escaped += observation.frames - alreadyAssumed;
    this.#touch(incident, now);
    if (breach) incident.breach = true;
    return incident;
  }

  /**
   * Decides what became of attempts that did not show up on wan: stopped where block mode stood, escaped otherwise.
   * Doubt errs to escaped: a frame is called blocked only when the kernel dropped leaks since before the first attempt
   * (`enforcingSince`, monotonic milliseconds; undefined in watch mode or when the rules are not verified).
   */
  settle(now: Now, enforcingSince: number | undefined): Incident[] {
    const changed: Incident[] = [];
    for (const incident of this.#unsettled) {
      if (now.monotonic - incident.lastAttempt < SETTLE_MS) continue;
      this.#unsettled.delete(incident);
      const missing = incident.attempted - incident.escaped - incident.blocked;
      const enforced = enforcingSince !== undefined && incident.pendingSince >= enforcingSince;
      if (missing > 0 && !enforced) {
        incident.assumed += missing;
        incident.escaped += missing;
        this.totals.escaped += missing;
      } else {
        const blocked = Math.max(0, incident.blocked + missing);
        this.totals.blocked += blocked - incident.blocked;
        incident.blocked = blocked;
      }
      changed.push(incident);
    }
    return changed;
  }

  /** Marks one incident, or all; false when there is no such id. What comes after opens a new incident. */
  acknowledge(id: string): boolean {
    if (id === 'all') {
      for (const incident of this.#byId.values()) incident.acknowledged = true;
    } else {
      const incident = this.#byId.get(id);
      if (incident === undefined) return false;
      incident.acknowledged = true;
    }
    for (const [key, incident] of this.#open) {
      // An amber exposure that someone has seen and accepted must not turn the lamp amber again at each repetition.
      if (incident.acknowledged && (incident.severity === 'red' || incident.breach)) this.#open.delete(key);
    }
    return true;
  }

  get(id: string): Incident | undefined {
    return this.#byId.get(id);
  }

  /** Newest first by last frame. */
  newest(count: number): Incident[] {
    return this.all().slice(0, count);
  }

  all(): Incident[] {
    return [...this.#byId.values()].sort((a, b) => b.last - a.last || (a.id < b.id ? 1 : -1));
  }

  get size(): number {
    return this.#byId.size;
  }

  #incidentFor(observation: Observation, now: Now): Incident {
    const { verdict, facts } = observation;
    const rule = verdict.rule ?? 'E';
    const client = macText(observation.client);
    const exposure = observation.folded ? FOLDED_EXPOSURE : verdict.exposure;
    const key = `${client} ${facts.kind} ${rule} ${exposure}`;
    const open = this.#open.get(key);
    if (open !== undefined) return open;
    if (this.#byId.size >= this.#limit) this.#makeRoom();
    const full = this.#byId.size >= this.#limit;
    if (full && exposure !== FOLDED_EXPOSURE) {
      this.folded += observation.frames;
      return this.#incidentFor({ ...observation, folded: true }, now);
    }
    this.#sequence += 1;
    const incident: Incident = {
      id: `${this.#idPrefix}-${String(this.#sequence)}`,
      rule,
      kind: facts.kind,
      severity: verdict.severity ?? 'red',
      client,
      exposure,
      destination: observation.folded ? '' : verdict.destination,
      why: observation.folded ? `${verdict.reason} (and others like it)` : verdict.reason,
      attempted: 0,
      escaped: 0,
      blocked: 0,
      assumed: 0,
      first: now.wall,
      last: now.wall,
      acknowledged: false,
      breach: false,
      lastAttempt: now.monotonic,
      pendingSince: now.monotonic,
    };
    this.#byId.set(incident.id, incident);
    this.#open.set(key, incident);
    return incident;
  }

  #touch(incident: Incident, now: Now): void {
    incident.last = now.wall;
    incident.lastAttempt = now.monotonic;
    if (this.#unsettled.has(incident)) return;
    incident.pendingSince = now.monotonic;
    this.#unsettled.add(incident);
  }

  /** Acknowledged incidents are the only ones that may go: what nobody has seen stays. */
  #makeRoom(): void {
    for (const [id, incident] of this.#byId) {
      if (!incident.acknowledged) continue;
      this.#byId.delete(id);
      this.#unsettled.delete(incident);
      for (const [key, open] of this.#open) if (open === incident) this.#open.delete(key);
      return;
    }
  }
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
    attempted: incident.attempted,
    escaped: incident.escaped,
    blocked: incident.blocked,
    first: new Date(incident.first).toISOString(),
    last: new Date(incident.last).toISOString(),
    why: incident.why,
    acknowledged: incident.acknowledged,
    breach: incident.breach,
  };
}
