// Knows: how leak verdicts become incidents with a ledger of their own. Must not know: taps, kernel, disk.
// Bounded: every client, rule and kind has its share of the room (quotas.ts). What does not fit is folded into one incident of its
// own group and counted there, never dropped; so the next different leak always has an incident with its name.

import { macText } from '../wire/address.ts';
import { EVIDENCE_FRAMES } from './evidence.ts';
import { incidentOf } from './incident-view.ts';
import type { Incident } from './incident-view.ts';
import type { Observation } from './observation.ts';
import { Openings } from './openings.ts';
import type { PastIncident } from './past.ts';
import { Veil } from './privacy.ts';
import type { Now } from './now.ts';
import { FairMap, Regulars, STRANGERS, Shares, fairPick } from './quotas.ts';

export type { Incident } from './incident-view.ts';

/** How long after the last attempt a frame may still show up on wan before it counts as stopped, in milliseconds. */
export const SETTLE_MS = 300;

/** Related incidents that one incident names, newest first. */
const RELATED_MOST = 16;

export const FOLDED_EXPOSURE = '(many others)';

/** Of a group that must give, the oldest that are compared for what matters least. */
const COMPARED = 32;

/** Texts of the network's that an incident of a trick lists, newest first (rule T). */
const VARIANTS = 16;

/** Something that the network did, and what tells it from the like (rule T). */
export interface Notice {
  /** What was done, in words of ours: things that share them share an incident. */
  readonly trick: string;
  /** The text that tells this one from the next, which the network may have chosen. */
  readonly variant: string;
}

export class IncidentBook {
  readonly #limit: number;
  readonly #idPrefix: string;
  readonly #byId = new Map<string, Incident>();
  /** The incident that a further frame of the same key joins: open ones, and amber ones even when acknowledged. */
  readonly #open = new Map<string, Incident>();
  readonly #unsettled = new Set<Incident>();
  /** Incidents with a name of their own, by client, rule and kind. */
  readonly #named = new Shares<Incident>();
  /** The same by rule and kind alone: who gives when no client has two of a kind. */
  readonly #classes = new Shares<Incident>();
  /** Incidents that others of one client were folded into, by rule and kind. Those of all clients stay: there is one of a kind. */
  readonly #commons = new Shares<Incident>();
  /** Red ones that were acknowledged: the first to go. */
  readonly #done = new Set<Incident>();
  readonly #keys = new Map<Incident, string>();
  /** Where frames belong whose like was folded before its fate was decided. */
  readonly #moved: FairMap<{ readonly into: string; readonly until: number }>;
  #changed = new Set<Incident>();
  /** Clients that have a share of their own. */
  readonly regulars = new Regulars<string>();
  #openings = new Openings<Incident>((incident) => this.#byId.has(incident.id));
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
    // A flood fills the book many times over before the other tap has told of it.
    this.#moved = new FairMap(16 * limit);
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
      if (!incident.acknowledged || (incident.severity !== 'red' && !incident.breach)) continue;
      this.#open.delete(key);
      this.#done.add(incident);
    }
    return true;
  }

  get(id: string): Incident | undefined {
    return this.#byId.get(id);
  }

  /** Notes what the network did to a client: nothing of the client's was attempted, so nothing is settled. */
  notice(observation: Observation, now: Now, notice?: Notice): Incident {
    const incident = this.#incidentFor(observation, now, notice);
    this.#seen(incident, now);
    return incident;
  }

  /** Incidents that were folded, and those that took them, since the last call: the last that is heard of the former. */
  takeFolded(): Incident[] {
    const changed = [...this.#changed];
    this.#changed = new Set();
    return changed;
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

  /** Newest first, and of each client, rule and kind some: what tells most in few lines. */
  digest(all: readonly Incident[], count: number): Incident[] {
    return fairPick(all, ({ share }) => share, count);
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

  #incidentFor(observation: Observation, now: Now, notice?: Notice): Incident {
    const { verdict, facts } = observation;
    const rule = verdict.rule ?? 'E';
    const first = this.veil.time(now.wall);
    const told = this.veil.incident(facts.kind, rule, {
      client: macText(observation.client),
      exposure: observation.folded ? FOLDED_EXPOSURE : verdict.exposure,
      destination: observation.folded ? '' : verdict.destination,
      why: observation.folded ? `${verdict.reason} (and others like it)` : verdict.reason,
    });
    const { exposure, destination, why } = told;
    if (observation.direction === 'up' && observation.client !== 0)
      this.regulars.seen(told.client, now.monotonic);
    const share = this.regulars.share(told.client);
    // What was folded before it came here has no name: of clients without a share it is one.
    const client = observation.folded && share === STRANGERS ? this.#everyone() : told.client;
    const key = this.#key({ client, kind: facts.kind, rule, exposure, first, trick: notice?.trick });
    const nameless = verdict.exposure === verdict.destination && !observation.folded && notice === undefined;
    const place = `${client} ${facts.kind} ${rule} ${destination}`;
    const open =
      this.#open.get(key) ??
      (nameless ? this.#openings.named(place) : this.#rename(place, key, { exposure, why }));
    // What was accepted as minor, or called so, must not hide what is not, nor another trick of the network's.
    const worse = verdict.severity === 'red' && open?.severity === 'amber';
    const isNews = notice !== undefined && open?.variants?.includes(this.#variant(notice)) === false;
    if (open !== undefined && !((worse || isNews) && open.acknowledged)) {
      if (worse) open.severity = 'red';
      if (isNews) this.#vary(open, notice);
      if (!nameless) this.#openings.noteNamed(place, open);
      this.#refresh(open);
      return open;
    }
    const taker = this.#takerOf(key, now);
    if (taker !== undefined) return taker;
    this.#makeRoom(now);
    const incident = this.#begin(
      {
        rule,
        kind: facts.kind,
        severity: verdict.severity ?? 'red',
        client,
        exposure,
        destination,
        why,
        first,
      },
      key,
      now,
    );
    if (notice !== undefined) {
      incident.trick = notice.trick;
      this.#vary(incident, notice);
    }
    if (observation.folded) this.#shareCommon(incident, share);
    else this.#putNamed(incident, `${share} ${rule} ${facts.kind}`);
    incident.share = this.#named.groupOf(incident) ?? this.#commons.groupOf(incident) ?? STRANGERS;
    if (nameless) this.#openings.noteNameless(place, key);
    else this.#openings.noteNamed(place, incident);
    return incident;
  }

  #begin(
    of: Pick<
      Incident,
      'rule' | 'kind' | 'severity' | 'client' | 'exposure' | 'destination' | 'why' | 'first'
    >,
    key: string,
    now: Now,
  ): Incident {
    this.#sequence += 1;
    // Field by field: under a flood a spread costs more than all the rest.
    const { rule, kind, severity, client, exposure, destination, why, first } = of;
    const incident: Incident = {
      id: `${this.#idPrefix}-${String(this.#sequence)}`,
      rule,
      kind,
      severity,
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
      share: STRANGERS,
      lastAttempt: now.monotonic,
      pendingSince: now.monotonic,
    };
    this.#byId.set(incident.id, incident);
    this.#open.set(key, incident);
    this.#keys.set(incident, key);
    return incident;
  }

  #variant({ variant }: Notice): string {
    return this.veil.exposure(variant);
  }

  #vary(incident: Incident, notice: Notice): void {
    incident.variants = [this.#variant(notice), ...(incident.variants ?? [])].slice(0, VARIANTS);
    incident.variantCount = (incident.variantCount ?? 0) + 1;
  }

  /** What was heard of last is the last to be folded. */
  #refresh(incident: Incident): void {
    for (const shares of [this.#named, this.#classes, this.#commons]) {
      const group = shares.groupOf(incident);
      if (group !== undefined) shares.put(incident, group);
    }
  }

  /** The incident that a connection opened becomes that of the name it then said. */
  #rename(place: string, key: string, said: Pick<Incident, 'exposure' | 'why'>): Incident | undefined {
    const opened = this.#openings.takeNameless(place) ?? '';
    const incident = this.#open.get(opened);
    if (incident === undefined) return undefined;
    this.#open.delete(opened);
    this.#open.set(key, incident);
    this.#keys.set(incident, key);
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
    if (!incident.acknowledged) {
      const key = this.#key(incident);
      this.#open.set(key, incident);
      this.#keys.set(incident, key);
    }
    const whose = incident.share.split(' ')[0] ?? STRANGERS;
    if (whose !== STRANGERS) this.regulars.seen(incident.client, now.monotonic);
    if (incident.exposure === FOLDED_EXPOSURE) this.#shareCommon(incident, whose);
    else this.#putNamed(incident, incident.share);
    const undecided = Math.max(0, attempted - escaped - stopped);
    incident[blocking ? 'blocked' : 'escaped'] += undecided;
    for (const what of ['attempted', 'escaped', 'blocked'] as const) this.totals[what] += incident[what];
  }

  /** Takes back incidents that were written down, newest first, in place of all that is in the book. */
  replace(past: readonly PastIncident[], blocking: boolean, now: Now): void {
    this.#byId.clear();
    this.#open.clear();
    this.#unsettled.clear();
    this.#named.clear();
    this.#classes.clear();
    this.#commons.clear();
    this.#done.clear();
    this.#keys.clear();
    this.#moved.clear();
    this.#changed.clear();
    this.#openings = new Openings<Incident>((incident) => this.#byId.has(incident.id));
    for (const incident of past.toReversed()) this.restore(incident, blocking, now);
  }

  #key(
    of: Pick<Incident, 'client' | 'kind' | 'rule' | 'exposure' | 'first'> & {
      readonly trick?: string | undefined;
    },
  ): string {
    if (of.exposure === FOLDED_EXPOSURE) return `${of.client} ${of.kind} ${of.rule} ${of.exposure}`;
    if (of.trick !== undefined) return `${of.client} ${of.kind} ${of.rule} (${of.trick})`;
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

  /** Until there is room, or nothing is left that can be folded further: one incident for each rule and kind. */
  #makeRoom(now: Now): void {
    while (this.#byId.size >= this.#limit && this.#give(now));
  }

  /** What was acknowledged goes; what nobody has seen is folded, out of the group that holds most. False when none is left. */
  #give(now: Now): boolean {
    for (const incident of this.#done) {
      this.#done.delete(incident);
      // A frame that crossed since has opened it again; one whose fate is open goes with its group.
      if (!incident.acknowledged || this.#unsettled.has(incident)) continue;
      this.#remove(incident);
      return true;
    }
    const group = this.#named.largest();
    const most = group === undefined ? 0 : this.#named.sizeOf(group);
    const common = this.#commons.giver();
    if (most <= 1 && common !== undefined) {
      this.#fold(common, this.#commonOf(common, STRANGERS, now));
      return true;
    }
    const [from, of] = most > 1 ? [this.#named, group] : [this.#classes, this.#classes.largest()];
    const incident = leastOf(of === undefined ? [] : from.membersOf(of));
    if (group === undefined || incident === undefined) return false;
    if (incident.acknowledged && !this.#unsettled.has(incident)) this.#remove(incident);
    else {
      const whose = group.split(' ')[0] ?? STRANGERS;
      this.#fold(incident, this.#commonOf(incident, most > 1 ? whose : STRANGERS, now));
    }
    return true;
  }

  #putNamed(incident: Incident, share: string): void {
    this.#named.put(incident, share);
    this.#classes.put(incident, `${incident.rule} ${incident.kind}`);
  }

  /** The incident that such as this are folded into: one of its client's, or of all clients'. */
  #commonOf(incident: Incident, whose: string, now: Now): Incident {
    const { rule, kind, severity, first } = incident;
    const client = whose === STRANGERS ? this.#everyone() : incident.client;
    const exposure = FOLDED_EXPOSURE;
    const key = this.#key({ client, kind, rule, exposure, first });
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const others = ' (and others like it)';
    const why = incident.why.endsWith(others) ? incident.why : `${incident.why}${others}`;
    const common = this.#begin(
      { rule, kind, severity, client, exposure, destination: '', why, first },
      key,
      now,
    );
    // It is as new as what it takes.
    common.acknowledged = incident.acknowledged;
    this.#shareCommon(common, whose);
    return common;
  }

  #shareCommon(common: Incident, whose: string): void {
    const group = `${common.rule} ${common.kind}`;
    common.share = `${whose} ${group}`;
    if (whose !== STRANGERS) this.#commons.put(common, group);
  }

  /** The one place where an incident goes into another: all that was counted and is still open goes along. */
  #fold(from: Incident, into: Incident): void {
    this.folded += Math.max(from.attempted, from.escaped + from.blocked);
    for (const what of ['attempted', 'escaped', 'blocked', 'assumed'] as const) into[what] += from[what];
    into.first = Math.min(into.first, from.first);
    into.last = Math.max(into.last, from.last);
    if (from.severity === 'red') into.severity = 'red';
    into.breach ||= from.breach;
    into.acknowledged &&= from.acknowledged;
    if (this.#unsettled.delete(from)) {
      const [since, last] = this.#unsettled.has(into)
        ? [into.pendingSince, into.lastAttempt]
        : [from.pendingSince, from.lastAttempt];
      into.pendingSince = Math.min(since, from.pendingSince);
      into.lastAttempt = Math.max(last, from.lastAttempt);
      this.#unsettled.add(into);
      const key = this.#keys.get(from);
      // What the other tap has still to say of these frames is about them, and no new leak.
      if (key !== undefined)
        this.#moved.set(key, { into: into.id, until: from.lastAttempt + SETTLE_MS }, from.share);
    }
    from.foldedInto = into.id;
    this.#remove(from);
    this.#changed.add(from).add(into);
  }

  #takerOf(key: string, now: Now): Incident | undefined {
    const moved = this.#moved.get(key);
    return moved === undefined || now.monotonic >= moved.until ? undefined : this.#byId.get(moved.into);
  }

  #remove(incident: Incident): void {
    this.#byId.delete(incident.id);
    this.#unsettled.delete(incident);
    this.#named.delete(incident);
    this.#classes.delete(incident);
    this.#commons.delete(incident);
    this.#done.delete(incident);
    const key = this.#keys.get(incident);
    this.#keys.delete(incident);
    if (key !== undefined && this.#open.get(key) === incident) this.#open.delete(key);
  }

  /** Whom an incident names that is about more than one client. */
  #everyone(): string {
    return this.veil.privacy === 'minimal' ? '' : NOBODY;
  }
}

const NOBODY = macText(0);

/** Which of a group's oldest matters least: seen by someone, then minor, then stopped. */
function leastOf(members: Iterable<Incident>): Incident | undefined {
  let least: Incident | undefined;
  let compared = 0;
  for (const incident of members) {
    if (least === undefined || weight(incident) < weight(least)) least = incident;
    compared += 1;
    if (compared >= COMPARED) break;
  }
  return least;
}

function weight({ acknowledged, severity, breach, escaped }: Incident): number {
  if (acknowledged) return 0;
  return 1 + Number(escaped > 0) + 2 * Number(severity === 'red') + 4 * Number(breach);
}
