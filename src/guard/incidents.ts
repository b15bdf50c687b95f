// Knows: how leak verdicts become incidents with a ledger of their own. Must not know: taps, kernel, disk.
// DESIGN section 1 (incident, attempted / escaped / blocked). Bounded: what does not fit is folded and counted, never dropped.

import { macText } from '../wire/address.ts';
import { EVIDENCE_FRAMES } from './evidence.ts';
import { incidentOf } from './incident-view.ts';
import type { Incident } from './incident-view.ts';
import type { Observation } from './observation.ts';
import { Openings } from './openings.ts';
import type { PastIncident } from './past.ts';
import { Veil } from './privacy.ts';
import type { Now } from './now.ts';

export type { Incident } from './incident-view.ts';

/** How long after the last attempt a frame may still show up on wan before it counts as stopped, in milliseconds. */
export const SETTLE_MS = 300;

/** Related incidents that one incident names, newest first. */
const RELATED_MOST = 16;

export const FOLDED_EXPOSURE = '(many others)';

export class IncidentBook {
  readonly #limit: number;
  readonly #idPrefix: string;
  readonly #byId = new Map<string, Incident>();
  /** The incident that a further frame of the same key joins: open ones, and amber ones even when acknowledged. */
  readonly #open = new Map<string, Incident>();
  readonly #unsettled = new Set<Incident>();
  #openings = new Openings<Incident>();
  #sequence = 0;
  /** Frames that were folded into a common incident because the book was full. */
  folded = 0;
  /** Frames of all incidents, those included that have left the book. */
  readonly totals = { attempted: 0, escaped: 0, blocked: 0 };
  /** Of those, by severity at the time of counting. */
  readonly bySeverity = { red: { escaped: 0, blocked: 0 }, amber: { escaped: 0, blocked: 0 } };
  /** Falls on what is written down from now on; `full` needs no hash. */
  veil = new Veil('full', (text) => text);

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
    this.#keepFrame(incident, 'lan', observation, now);
    return incident;
  }

  /** Counts frames seen leaving wan; `breach` says that the ruleset should have stopped them. */
  escape(observation: Observation, now: Now, breach: boolean): Incident {
    const incident = this.#incidentFor(observation, now);
    const alreadyAssumed = Math.min(incident.assumed, observation.frames);
    incident.assumed -= alreadyAssumed;
    this.#count(incident, 'escaped', observation.frames - alreadyAssumed);
    this.#touch(incident, now);
    this.#keepFrame(incident, 'wan', observation, now);
    if (breach) {
      incident.breach = true;
      incident.acknowledged = false;
    }
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
        this.#count(incident, 'escaped', missing);
      } else {
        this.#count(incident, 'blocked', Math.max(-incident.blocked, missing));
      }
      changed.push(incident);
    }
    return changed;
  }

  /** Marks one incident, or all; false when there is no such id. What comes after opens a new incident. */
  acknowledge(id: string): boolean {
    for (const incident of id === 'all' ? this.#byId.values() : [this.#byId.get(id)]) {
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

  /** Notes what the network did to a client: nothing of the client's was attempted, so nothing is settled. */
  notice(observation: Observation, now: Now): Incident {
    const incident = this.#incidentFor(observation, now);
    this.#seen(incident, now);
    return incident;
  }

  /** Joins incidents that tell one story; those that have left the book are passed over. Returns what changed. */
  relate(incident: Incident, ids: readonly string[]): Incident[] {
    const changed = new Set<Incident>();
    for (const id of ids) {
      const other = this.#byId.get(id);
      if (other === undefined || other === incident) continue;
      for (const [one, another] of [
        [incident, other],
        [other, incident],
      ] as const) {
        if (one.related.includes(another.id)) continue;
        one.related = [another.id, ...one.related].slice(0, RELATED_MOST);
        changed.add(one);
      }
    }
    return [...changed];
  }

  /** Something followed from it: a warning becomes a leak. Undefined when it has left the book, or was red already. */
  escalate(id: string): Incident | undefined {
    const incident = this.#byId.get(id);
    if (incident?.severity !== 'amber') return undefined;
    incident.severity = 'red';
    return incident;
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
    const first = this.veil.time(now.wall);
    const { client, exposure, destination, why } = this.veil.incident(facts.kind, rule, {
      client: macText(observation.client),
      exposure: observation.folded ? FOLDED_EXPOSURE : verdict.exposure,
      destination: observation.folded ? '' : verdict.destination,
      why: observation.folded ? `${verdict.reason} (and others like it)` : verdict.reason,
    });
    const key = this.#key({ client, kind: facts.kind, rule, exposure, first });
    const nameless = verdict.exposure === verdict.destination && !observation.folded;
    const place = `${client} ${facts.kind} ${rule} ${destination}`;
    const open =
      this.#open.get(key) ??
      (nameless ? this.#openings.named(place) : this.#rename(place, key, { exposure, why }));
    // What was accepted as minor, or called so, must not hide what is not.
    const worse = verdict.severity === 'red' && open?.severity === 'amber';
    if (open !== undefined && !(worse && open.acknowledged)) {
      if (worse) open.severity = 'red';
      if (!nameless) this.#openings.noteNamed(place, open);
      return open;
    }
    if (this.#byId.size >= this.#limit) this.#makeRoom();
    const full = this.#byId.size >= this.#limit;
    if (full && observation.client !== 0) {
      this.folded += observation.frames;
      return this.#incidentFor({ ...observation, folded: true, client: 0 }, now);
    }
    this.#sequence += 1;
    const incident: Incident = {
      id: `${this.#idPrefix}-${String(this.#sequence)}`,
      rule,
      kind: facts.kind,
      severity: verdict.severity ?? 'red',
      client,
      exposure,
      destination,
      why,
      attempted: 0,
      escaped: 0,
      blocked: 0,
      assumed: 0,
      first,
      last: first,
      acknowledged: false,
      breach: false,
      related: [],
      candidates: [],
      evidence: [],
      privacy: this.veil.privacy,
      lastAttempt: now.monotonic,
      pendingSince: now.monotonic,
    };
    this.#byId.set(incident.id, incident);
    this.#open.set(key, incident);
    if (nameless) this.#openings.noteNameless(place, key);
    else this.#openings.noteNamed(place, incident);
    return incident;
  }

  /** The incident that a connection opened becomes that of the name it then said. */
  #rename(place: string, key: string, said: Pick<Incident, 'exposure' | 'why'>): Incident | undefined {
    const opened = this.#openings.takeNameless(place) ?? '';
    const incident = this.#open.get(opened);
    if (incident === undefined) return undefined;
    this.#open.delete(opened);
    this.#open.set(key, incident);
    return Object.assign(incident, said);
  }

  /**
   * Takes back an incident that an earlier process wrote down, as it was written. Frames whose fate it had not decided yet
   * were stopped if block mode held then (`blocking`), and count as escaped otherwise.
   */
  restore(past: PastIncident, blocking: boolean, now: Now): void {
    const incident = incidentOf(past, now.monotonic);
    const { attempted, escaped, blocked: stopped } = incident;
    this.#byId.set(incident.id, incident);
    if (!incident.acknowledged) this.#open.set(this.#key(incident), incident);
    const undecided = Math.max(0, attempted - escaped - stopped);
    incident[blocking ? 'blocked' : 'escaped'] += undecided;
    for (const what of ['attempted', 'escaped', 'blocked'] as const) this.totals[what] += incident[what];
  }

  /** Takes back incidents that were written down, newest first, in place of all that is in the book. */
  replace(past: readonly PastIncident[], blocking: boolean, now: Now): void {
    this.#byId.clear();
    this.#open.clear();
    this.#unsettled.clear();
    this.#openings = new Openings<Incident>();
    for (const incident of past.toReversed()) this.restore(incident, blocking, now);
  }

  #key(of: Pick<Incident, 'client' | 'kind' | 'rule' | 'exposure' | 'first'>): string {
    // Minimal keeps counts by hour: what comes in another hour is another count.
    const hour = this.veil.privacy === 'minimal' ? ` ${String(this.veil.time(of.first))}` : '';
    return `${of.client} ${of.kind} ${of.rule} ${of.exposure}${hour}`;
  }

  #count(incident: Incident, what: 'escaped' | 'blocked', frames: number): void {
    incident[what] += frames;
    this.totals[what] += frames;
    this.bySeverity[incident.severity][what] += frames;
  }

  #keepFrame(incident: Incident, port: 'lan' | 'wan', { frame, facts }: Observation, { wall }: Now): void {
    if (frame === undefined || this.veil.privacy !== 'full') return;
    if (incident.evidence.length < EVIDENCE_FRAMES)
      incident.evidence.push({ port, wall, length: facts.length, bytes: frame });
  }

  /** A clock that was set back must not end an incident before it began. */
  #seen(incident: Incident, now: Now): void {
    incident.last = Math.max(incident.first, this.veil.time(now.wall));
  }

  #touch(incident: Incident, now: Now): void {
    this.#seen(incident, now);
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
      this.#openings.forget(incident);
      return;
    }
  }
}
