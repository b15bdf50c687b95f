// The incident book: turns leak verdicts into incidents and decides what became of each frame. It is bounded: every client, rule and kind
// has its share of the room (quotas.ts). Incidents that do not fit are folded into a common incident of their group and counted there,
// never dropped, so that the next different leak always gets an incident with its name.

import { Protocol } from '../../wire/ip/ip.ts';
import { counterOf } from '../../policy/compile/counted.ts';
import { macText } from '../../wire/ip/address.ts';
import {
  DEADLINE_MS,
  NAMELESS_SKEW_MS,
  OpenFrames,
  SKEW_MS,
  fateOf,
  passesAsTunnel,
} from '../account/account.ts';
import type { Fate, Sight, Slice } from '../account/account.ts';
import { isLeakUp } from '../account/counters.ts';
import { EVIDENCE_FRAMES } from './evidence.ts';
import { AssumedFates } from '../account/given-up.ts';
import { Harmless, placeOf } from '../account/harmless.ts';
import { incidentOf } from './incident-view.ts';
import type { Incident } from './incident-view.ts';
import type { Observation } from '../observation.ts';
import { Openings } from '../account/openings.ts';
import type { PastIncident } from '../history/past.ts';
import { Redaction } from '../history/privacy.ts';
import type { Now } from '../now.ts';
import { FairMap, Regulars, STRANGERS, Shares, fairPick } from './quotas.ts';

export type { Incident } from './incident-view.ts';

/** Stands for the counter of any leak where corrections move frames between escaped and stopped. */
const LEAK = 'up_leak_';

/** Most related incidents that an incident lists, newest first. */
const RELATED_MOST = 16;

/** The exposure of an incident that others were folded into. */
export const FOLDED_EXPOSURE = '(many others)';
/** The exposure of frames that the kernel counted and no tap saw. */
export const UNSEEN_EXPOSURE = '(not looked at)';

/** Of frames that no tap saw: how many left, and how many of those are only assumed to have left. */
export interface UnseenFate {
  readonly escaped: number;
  readonly assumed: number;
}

/** Most slices of escapes that one round of settling explains; the next round comes a tenth of a second later. */
const EXPLAINED_MOST = 4_096;

/** The incident's field for frames whose fate was only assumed. */
const DOUBT_OF = { escaped: 'assumed', blocked: 'presumed' } as const;

const NO_DOUBTS = { assumed: 0, presumed: 0, until: -Infinity };

/** How many of a group's oldest incidents are compared to find the least important one. */
const COMPARED = 32;

/** The `networkAttack` text of rule B for a protected name that an answer showed. */
export const SHOWN_IN_ANSWER = 'a name in an answer';
/** Most variants that an incident of a network attack lists, newest first (rule T). */
const VARIANTS = 16;

/** A network attack (rule T) as the book takes it. */
export interface Notice {
  /** Its kind, a fixed text: attacks of one kind share an incident. */
  readonly networkAttack: string;
  /** The text that distinguishes it from others of the kind; the network may have chosen it. */
  readonly variant: string;
}

type Description = Pick<
  Incident,
  'rule' | 'kind' | 'severity' | 'client' | 'exposure' | 'destination' | 'why' | 'first'
>;

interface Keyed extends Description {
  /** Whose share of the room it takes. */
  readonly share: string;
  readonly key: string;
}

/** All incidents of the running guard, at most `limit`. Counts are frames; moments monotonic milliseconds unless said otherwise. */
export class IncidentBook {
  readonly #limit: number;
  readonly #idPrefix: string;
  readonly #byId = new Map<string, Incident>();
  /** By key, the incident that further frames join: open ones, and amber ones even when acknowledged. */
  readonly #open = new Map<string, Incident>();
  readonly #unsettled = new Set<Incident>();
  /** Incidents with open frames by client, kernel counter and destination, which both taps read alike. */
  readonly #places = new Map<string, Set<Incident>>();
  /** Incidents with open frames that a tap reported without their names, by kernel counter: the other tap may have reported the names. */
  readonly #nameless = new Map<string, Set<Incident>>();
  readonly #givenUp = new AssumedFates<Incident>();
  /** Cache of `#waitingIn` for this round of settling. */
  readonly #waiting = new Map<ReadonlySet<Incident>, readonly Incident[]>();
  readonly #harmless = new Harmless();
  readonly #letOut = new Harmless();
  /** Incidents with their own name, by client, rule and kind. */
  readonly #named = new Shares<Incident>();
  /** The same by rule and kind only: these make room when no client has two of a kind. */
  readonly #classes = new Shares<Incident>();
  /** Common incidents of one client, which others were folded into, by rule and kind. Those of all clients stay: there is one per rule and kind. */
  readonly #commons = new Shares<Incident>();
  /** Acknowledged red ones: the first to go. */
  readonly #done = new Set<Incident>();
  readonly #keys = new Map<Incident, string>();
  /** Incidents of an earlier process with frames whose fate it had not decided or confirmed. */
  readonly #inherited = new Set<Incident>();
  /** By key, the incident that further frames belong to because theirs was folded before its frames were decided. */
  readonly #moved: FairMap<{ readonly into: string; readonly until: number }>;
  #changed = new Set<Incident>();
  /** Clients that have their own share, by MAC address as it is recorded. */
  readonly regulars = new Regulars<string>();
  #openings = new Openings<Incident>((incident) => this.#byId.has(incident.id));
  #sequence = 0;
  readonly #doubts = { ...NO_DOUBTS };
  /** Frames that were folded into a common incident because the book was full. */
  folded = 0;
  /** Frames of all incidents, including those that have left the book. */
  readonly totals = { attempted: 0, escaped: 0, blocked: 0 };
  /** The same by severity at the time of counting. */
  readonly bySeverity = { red: { escaped: 0, blocked: 0 }, amber: { escaped: 0, blocked: 0 } };
  /** The book's frames that the kernel counts as leaks: attempts by counter, and below it those that left. */
  readonly attemptedBy = new Map<string, number>();
  /** The book's frames that the kernel counts as leaks that left. */
  leaksOut = 0;
  /** Frames that no tap saw. */
  unseenFrames = 0;
  /** Frames that wan saw leave and lan did not see come in; the reader removes them. */
  readonly inferred: Slice[] = [];
  /** Applies to everything recorded from now on; `full` needs no hash. */
  redaction = new Redaction('full', (text) => text);

  /** `idPrefix` makes ids unique across restarts: `PREFIX-1`, `PREFIX-2`. */
  constructor(limit: number, idPrefix: string) {
    this.#limit = limit;
    this.#idPrefix = idPrefix;
    // A flood fills the book many times over before the other tap reports it.
    this.#moved = new FairMap(16 * limit);
  }

  /** Counts frames that the lan tap saw coming in; returns their incident. */
  attempt(observation: Observation, now: Now): Incident {
    const incident = this.#incidentFor(observation, now);
    const late = observation.first <= incident.inferredUntil + SKEW_MS;
    const known = late ? Math.min(incident.inferred, observation.frames) : 0;
    if (known > 0) this.#infer(incident, observation, -known);
    const frames = observation.frames - known;
    this.#attempted(incident, observation.counter, frames);
    if (frames > 0) this.#touch(incident, observation).attempt({ ...observation, frames });
    this.#seen(incident, now);
    this.#keepFrame(incident, 'lan', observation, now);
    return incident;
  }

  /** Counts frames that the wan tap saw leaving; returns their incident. `breach`: the ruleset should have stopped them. */
  escape(observation: Observation, now: Now, breach: boolean): Incident {
    const incident = this.#incidentFor(observation, now);
    // Reported late: frames from the time of those already assumed to have escaped are those frames.
    const late = observation.first <= incident.doubtUntil + SKEW_MS;
    const known = late ? Math.min(incident.assumed, observation.frames) : 0;
    this.#doubt(incident, 'assumed', -known);
    this.#tookGivenUp(incident, { ...observation, frames: known }, 'escaped');
    const frames = observation.frames - known;
    if (frames > 0) {
      this.#count(incident, 'escaped', frames, observation.counter);
      this.#touch(incident, observation).escape({ ...observation, frames });
    }
    addOccasions(incident, observation);
    this.#seen(incident, now);
    this.#keepFrame(incident, 'wan', observation, now);
    if (breach) {
      incident.breach = true;
      incident.acknowledged = false;
    }
    return incident;
  }

  /**
   * Counts connections that showed no name (`frames` of them) as visits to the address. Their frames are counted already; if that was under
   * the name that another connection to the address had shown, the frames that opened them are moved from there. Frames that were reported
   * differently from their verdict (a tunnel's first packet) are not visits. Returns what changed, the visited incident last.
   */
  visited(observation: Observation, now: Now): readonly Incident[] {
    const described = this.#describe(observation, now);
    const { key, destination, severity } = described;
    const isThere = (other: Incident): boolean =>
      other.destination === destination && other.severity === severity && other.networkAttack === undefined;
    const own =
      this.#open.get(key) ?? this.#lastOf(described, ({ exposure }) => exposure === described.exposure);
    if (own !== undefined) {
      addOccasions(own, { visits: observation.frames });
      return [own];
    }
    this.#makeRoom(now);
    const named = this.#lastOf(described, isThere);
    const frames = Math.min(observation.frames, named?.escaped ?? 0, named?.attempted ?? 0);
    if (named === undefined || frames === 0 || observation.folded) return [];
    const incident = this.#begin(described, key);
    this.#share(incident, described.share, false);
    for (const [side, sign] of [
      [named, -1],
      [incident, 1],
    ] as const) {
      this.#attempted(side, observation.counter, sign * frames);
      this.#count(side, 'escaped', sign * frames, observation.counter);
    }
    addOccasions(incident, { visits: observation.frames });
    incident.acknowledged = named.acknowledged;
    if (named.acknowledged && severity === 'red') {
      this.#open.delete(key);
      this.#done.add(incident);
    }
    return [named, incident];
  }

  /** The newest incident of the same client, kind and rule that `isIt` accepts. */
  #lastOf(
    { client, kind, rule }: Pick<Incident, 'client' | 'kind' | 'rule'>,
    isIt: (incident: Incident) => boolean,
  ): Incident | undefined {
    let last: Incident | undefined;
    for (const incident of this.#byId.values())
      if (incident.kind === kind && incident.rule === rule && incident.client === client && isIt(incident))
        last = incident;
    return last;
  }

  /** Notes frames that one tap does not call a leak and the rules let through: if the other tap calls them a leak, they are found here. */
  harmless(port: 'lan' | 'wan', observation: Observation): void {
    this.#harmless.take(port, observation);
  }

  /**
   * Notes frames that left as the tunnel's by rules that the kernel had before the taps: the lan tap's report of the same frames was not a
   * leak. They are matched by incident, so that other frames to the same place at the same moment are not taken for them.
   */
  letOut(observation: Observation, now: Now): void {
    this.#letOut.take('wan', observation, this.#describe(observation, now).key);
  }

  /** Decides what became of each frame, within half a second of its arrival if both taps keep up. Returns the incidents that changed. */
  settle(sight: Sight): Incident[] {
    const changed = new Set<Incident>();
    this.#harmless.settle(sight.now);
    this.#letOut.settle(sight.now);
    const nameless = new Set<Incident>();
    for (const here of this.#nameless.values()) for (const incident of here) nameless.add(incident);
    const named =
      nameless.size === 0 ? this.#unsettled : [...this.#unsettled].filter((one) => !nameless.has(one));
    for (const incident of named) incident.open.pair();
    this.#waiting.clear();
    let left = EXPLAINED_MOST;
    for (const incident of named) {
      if (left === 0) break;
      const due = incident.open.takeEscapes(sight, left);
      left -= due.length;
      for (const slice of due) this.#explain(incident, slice, changed);
    }
    for (const incident of named) {
      for (const slice of incident.open.takeAttempts(sight)) this.#end(incident, slice, sight, changed);
    }
    for (const incident of nameless) {
      const { attempts, escapes } = incident.open.takeNameless(sight);
      for (const slice of escapes) this.#explain(incident, slice, changed);
      for (const slice of attempts) this.#end(incident, slice, sight, changed);
    }
    this.#givenUp.settle(sight, NAMELESS_SKEW_MS);
    for (const incident of this.#unsettled) if (incident.open.empty) this.#close(incident);
    return [...changed];
  }

  /** Decides attempts for which no frame left under the same incident. */
  #end(incident: Incident, slice: Slice, sight: Sight, changed: Set<Incident>): void {
    const { counter, last } = slice;
    changed.add(incident);
    for (const other of this.#nameless.get(counter) ?? []) {
      if (other === incident || slice.frames === 0) continue;
      const left = other.open.takeEscapesNear(slice, slice.frames);
      slice.frames -= left;
      if (left > 0) this.#meet(incident, other, counter, left, changed);
    }
    const letOut = slice.frames === 0 ? 0 : this.#letOut.takeLeft(this.#keys.get(incident) ?? '', slice);
    slice.frames -= letOut;
    this.#attempted(incident, counter, -letOut);
    if (letOut > 0) this.#emptied(incident);
    const harmless =
      slice.frames === 0 || !slice.crosses ? 0 : this.#harmless.takeLeft(incident.place, slice);
    slice.frames -= harmless;
    this.#count(incident, 'escaped', harmless, counter);
    if (slice.frames === 0) return;
    const fate = fateOf(slice, sight);
    if (fate === 'blocked' && passesAsTunnel(slice)) {
      this.#count(incident, 'escaped', slice.frames, counter);
      return;
    }
    incident.doubtUntil = Math.max(incident.doubtUntil, last);
    this.#doubt(incident, DOUBT_OF[fate], slice.frames);
    this.#count(incident, fate, slice.frames, counter);
    if (sight.wanRead < last + SKEW_MS) this.#givenUp.add(incident, slice, fate);
  }

  /**
   * An attempt of `came` is the escape that was reported under `left`. Both are counted under `came`, which has the name, unless that
   * incident is acknowledged or amber and the other is not: then under `left`.
   */
  #meet(came: Incident, left: Incident, counter: string, frames: number, changed: Set<Incident>): void {
    if (came.port !== left.port) [came.port, left.port] = ['', ''];
    const isQuieter =
      (came.acknowledged && !left.acknowledged) || (came.severity !== 'red' && left.severity === 'red');
    if (isQuieter) {
      this.#moveAttempts(came, left, counter, frames);
      this.#emptied(came);
    } else {
      this.#count(left, 'escaped', -frames, counter);
      this.#count(came, 'escaped', frames, counter);
      if (left.breach) Object.assign(came, { breach: true, acknowledged: false });
    }
    changed.add(came).add(left);
  }

  /** Arrival of the oldest attempt whose fate is not known; Infinity when there is none. */
  get attemptsSince(): number {
    let since = Infinity;
    for (const { open } of this.#unsettled) since = Math.min(since, open.attemptsSince);
    return since;
  }

  /** Arrival of the oldest frame whose fate is not known, or which has left and has no attempt yet; Infinity when there is none. */
  get openSince(): number {
    let since = Infinity;
    for (const { open } of this.#unsettled) since = Math.min(since, open.since);
    return since;
  }

  /** The totals, with those of the restored incidents; frames that left count as attempted although the lan tap may report them later. */
  get ledger(): { readonly attempted: number; readonly escaped: number; readonly blocked: number } {
    let { attempted } = this.totals;
    for (const frames of this.unpairedEscapes().values()) attempted += frames;
    return { ...this.totals, attempted };
  }

  /** Frames that left and have no attempt yet, by counter. */
  unpairedEscapes(): Map<string, number> {
    const sums = new Map<string, number>();
    for (const { open } of this.#unsettled)
      for (const [counter, frames] of open.unpaired) sums.set(counter, (sums.get(counter) ?? 0) + frames);
    return sums;
  }

  /**
   * Explains frames that left by wan and that the lan tap has not reported under this incident: it reported them under another one with the
   * same kernel counter, or they were called stopped too soon, or it did not see them.
   */
  #explain(incident: Incident, slice: Slice, changed: Set<Incident>): void {
    let { frames } = slice;
    changed.add(incident);
    const take = (other: Incident, skew: number): void => {
      const paired = other === incident ? 0 : other.open.takeAttemptsNear(slice, frames, skew);
      if (paired === 0) return;
      frames -= paired;
      this.#moveAttempts(other, incident, slice.counter, paired);
      changed.add(other);
    };
    for (const other of this.#waitingIn(this.#nameless.get(slice.counter))) take(other, NAMELESS_SKEW_MS);
    for (const other of this.#waitingIn(this.#places.get(incident.place)))
      take(other, skewBetween(incident, other));
    const harmless = frames === 0 ? 0 : this.#harmless.takeCome(incident.place, slice, frames);
    frames -= harmless;
    this.#attempted(incident, slice.counter, harmless);
    const late = slice.first <= incident.doubtUntil + SKEW_MS;
    const presumed = late ? Math.min(frames, incident.presumed) : 0;
    this.#doubt(incident, 'presumed', -presumed);
    this.#count(incident, 'blocked', -presumed, slice.counter);
    this.#tookGivenUp(incident, { ...slice, frames: presumed }, 'blocked');
    const missed = { ...slice, frames: frames - presumed };
    missed.frames -= this.#foundGivenUp(incident, missed, changed);
    if (missed.frames === 0) return;
    this.#attempted(incident, slice.counter, missed.frames);
    this.#infer(incident, slice, missed.frames);
  }

  /** Those of these incidents that had open attempts when this round of settling began. */
  #waitingIn(incidents: ReadonlySet<Incident> | undefined): readonly Incident[] {
    if (incidents === undefined) return [];
    let waiting = this.#waiting.get(incidents);
    if (waiting === undefined) {
      waiting = [...incidents].filter(({ open }) => open.attemptsSince < Infinity);
      this.#waiting.set(incidents, waiting);
    }
    return waiting;
  }

  /**
   * Acknowledges an incident that has no frames left, unless it is a breach. It stays because it was reported. Further frames begin a new
   * incident, because no person has acknowledged anything.
   */
  #emptied(incident: Incident): void {
    if (incident.breach || incident.attempted + incident.escaped + incident.blocked > 0) return;
    incident.acknowledged = true;
    const key = this.#keys.get(incident);
    if (key !== undefined && this.#open.get(key) === incident) this.#open.delete(key);
    this.#done.add(incident);
  }

  /** Forgets given-up frames of this incident that were reported under it after all. */
  #tookGivenUp(incident: Incident, slice: Slice, fate: Fate): void {
    const skewOf = (other: Incident): number | undefined => (other === incident ? Infinity : undefined);
    this.#givenUp.find(slice, skewOf, (_, was, limit) => (was === fate ? limit : 0));
  }

  /** How many of these frames, which left, the lan tap reported under another incident that has given them a fate. The one with a name keeps them. */
  #foundGivenUp(incident: Incident, slice: Slice, changed: Set<Incident>): number {
    let found = 0;
    const skewOf = (other: Incident): number | undefined => {
      if (other === incident) return undefined;
      const skew = skewBetween(incident, other);
      return skew > SKEW_MS || other.place === incident.place ? skew : undefined;
    };
    this.#givenUp.find(slice, skewOf, (other, fate, limit) => {
      // Frames that the kernel's counters have confirmed or corrected since are no longer in doubt.
      const frames = Math.min(limit, other[DOUBT_OF[fate]], other[fate]);
      if (frames === 0) return 0;
      this.#doubt(other, DOUBT_OF[fate], -frames);
      this.#count(other, fate, -frames, slice.counter);
      if (incident.exposure === FOLDED_EXPOSURE) {
        this.#meet(other, incident, slice.counter, frames, changed);
      } else {
        this.#moveAttempts(other, incident, slice.counter, frames);
        this.#emptied(other);
      }
      found += frames;
      changed.add(other);
      return frames;
    });
    return found;
  }

  /** Infers that frames came in because they left; undone if the lan tap reports them late. */
  #infer(incident: Incident, { first, last, counter, crosses }: Omit<Slice, 'frames'>, frames: number): void {
    incident.inferred += frames;
    incident.inferredUntil = Math.max(incident.inferredUntil, last);
    this.inferred.push({ first, last, counter, crosses, frames });
  }

  /** Records frames that the kernel counted and no tap saw; returns their incident. */
  unseen(observation: Observation, { escaped, assumed }: UnseenFate, now: Now): Incident {
    const incident = this.#incidentFor(observation, now);
    const { frames, counter } = observation;
    this.unseenFrames += frames;
    this.#attempted(incident, counter, frames);
    this.#count(incident, 'escaped', escaped, counter);
    this.#count(incident, 'blocked', frames - escaped, counter);
    incident.doubtUntil = observation.last;
    this.#doubt(incident, 'assumed', assumed);
    this.#doubt(incident, 'presumed', frames - escaped);
    this.#seen(incident, now);
    // Minor frames that no tap saw are recorded, but there is nothing for a person to do.
    if (incident.severity === 'amber') incident.acknowledged = true;
    return incident;
  }

  /** Removes frames from an `unseen` incident because a tap reported them after all, under another one. Returns the incident that changed. */
  takeBack(unseen: Incident, frames: number, counter: string): Incident | undefined {
    if (frames === 0) return undefined;
    let incident = unseen;
    for (let next = unseen.foldedInto; next !== undefined; next = incident.foldedInto)
      incident = this.#byId.get(next) ?? incident;
    this.unseenFrames -= frames;
    this.#attempted(incident, counter, -frames);
    const stopped = Math.min(frames, incident.blocked);
    this.#count(incident, 'blocked', -stopped, counter);
    this.#count(incident, 'escaped', stopped - frames, counter);
    this.#doubt(incident, 'presumed', -Math.min(stopped, incident.presumed));
    this.#doubt(incident, 'assumed', -Math.min(frames - stopped, incident.assumed));
    return incident;
  }

  /**
   * Removes frames of this counter that are in the book twice: once as seen leaving by wan when no attempt had come in time, and once as
   * reported by lan later, without a partner and so counted as stopped. The latter are removed. `left`: how many were not found.
   */
  removeDuplicates(
    counter: string,
    frames: number,
  ): { readonly changed: readonly Incident[]; readonly left: number } {
    const kind = counterOf(counter)?.kind;
    const changed = new Set<Incident>();
    let left = frames;
    // Frames whose fate is not confirmed are more likely to be the duplicates.
    for (const field of ['presumed', 'blocked'] as const) {
      for (const incident of left === 0 ? [] : this.all()) {
        if (incident.kind !== kind) continue;
        const part = Math.min(left, incident[field], incident.blocked);
        if (part <= 0) continue;
        left -= part;
        this.#attempted(incident, counter, -part);
        this.#count(incident, 'blocked', -part, counter);
        this.#doubt(incident, 'presumed', -Math.min(part, incident.presumed));
        changed.add(incident);
      }
    }
    return { changed: [...changed], left };
  }

  /** Changes so many assumed escapes to stopped: by its counters, read at `at`, the kernel let fewer frames out. Returns what changed. */
  correctAssumed(frames: number, at: number): Incident[] {
    return this.#correct(frames, at, 'assumed', 'escaped', 'blocked');
  }

  /**
   * Changes so many presumably stopped frames to escaped: by its counters, read at `at`, the kernel let more frames out. `breach`: it
   * should have let none out. Returns what changed.
   */
  correctPresumed(frames: number, at: number, breach: boolean): Incident[] {
    const changed = this.#correct(frames, at, 'presumed', 'blocked', 'escaped');
    // Without a breach an acknowledgement still holds: nothing was to be stopped, so the person accepted that the frames may have left.
    if (breach) for (const incident of changed) Object.assign(incident, { breach, acknowledged: false });
    return changed;
  }

  #correct(
    frames: number,
    at: number,
    doubt: 'assumed' | 'presumed',
    from: 'escaped' | 'blocked',
    to: 'escaped' | 'blocked',
  ): Incident[] {
    const changed: Incident[] = [];
    let left = frames;
    if (left <= 0) return changed;
    // Frames that came after the reading are not in it, so they are corrected last.
    const order = this.all().sort((a, b) => Number(a.doubtUntil > at) - Number(b.doubtUntil > at));
    for (const incident of order) {
      const part = Math.min(left, incident[doubt]);
      if (part <= 0) continue;
      this.#doubt(incident, doubt, -part);
      left -= part;
      this.#count(incident, from, -part, LEAK);
      this.#count(incident, to, part, LEAK);
      changed.push(incident);
    }
    return changed;
  }

  /**
   * Frames whose fate the kernel's counters have not confirmed, and when the newest of them came. A running sum: it is read several times
   * per round, and the book may be full.
   */
  get doubts(): { readonly assumed: number; readonly presumed: number; readonly until: number } {
    return this.#doubts;
  }

  /** Assumed escapes that are stored as such (`pastOf`). */
  get keptDoubt(): number {
    if (this.#doubts.assumed === 0) return 0;
    let stored = 0;
    for (const { acknowledged, assumed } of this.#byId.values()) if (!acknowledged) stored += assumed;
    return stored;
  }

  /**
   * Confirms all assumed fates: the kernel's counters agree. Returns the incidents to be stored again, so that the doubt does not come back
   * with the next process.
   */
  confirm(): Incident[] {
    const confirmed = new Set(this.#inherited);
    this.#inherited.clear();
    if (this.#doubts.assumed + this.#doubts.presumed === 0) return [...confirmed];
    for (const incident of this.#byId.values()) {
      if (incident.assumed + incident.presumed === 0) continue;
      [incident.assumed, incident.presumed] = [0, 0];
      confirmed.add(incident);
    }
    Object.assign(this.#doubts, NO_DOUBTS);
    this.#givenUp.clear();
    return [...confirmed];
  }

  #doubt(incident: Incident, what: 'assumed' | 'presumed', frames: number): void {
    incident[what] += frames;
    this.#doubts[what] += frames;
    if (frames > 0) this.#doubts.until = Math.max(this.#doubts.until, incident.doubtUntil);
  }

  /** Acknowledges one incident, or `all`; false when there is no such id. Further red frames open a new incident. */
  acknowledge(id: string): boolean {
    for (const incident of id === 'all' ? this.#byId.values() : [this.#byId.get(id)]) {
      if (incident === undefined) return false;
      incident.acknowledged = true;
    }
    for (const [key, incident] of this.#open) {
      // An amber exposure that a person has acknowledged must not turn the LED amber again each time it repeats.
      if (!incident.acknowledged || (incident.severity !== 'red' && !incident.breach)) continue;
      this.#open.delete(key);
      this.#done.add(incident);
    }
    return true;
  }

  /** The incident with this id; undefined when it is not in the book (any more). */
  get(id: string): Incident | undefined {
    return this.#byId.get(id);
  }

  /** Records a protected name that an answer showed in the clear; the client sent nothing with that name. */
  recordShownName(observation: Observation, now: Now): Incident {
    const incident = this.#incidentFor(observation, now, undefined, ' shown');
    this.#seen(incident, now);
    incident.networkAttack ??= SHOWN_IN_ANSWER;
    return incident;
  }

  /** Records what the network did to a client; returns the incident. The client sent nothing, so there is no fate to decide. */
  notice(observation: Observation, now: Now, notice?: Notice): Incident {
    const incident = this.#incidentFor(observation, now, notice);
    this.#seen(incident, now);
    return incident;
  }

  /** Incidents that were folded since the last call, which are not reported again, and those they were folded into. */
  takeFolded(): Incident[] {
    const changed = [...this.#changed];
    this.#changed = new Set();
    return changed;
  }

  /** Relates an incident to others that belong to the same story; ids that have left the book are skipped. Returns what changed. */
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

  /** Turns an amber warning red because something escaped as a result. Undefined when it has left the book or was red already. */
  escalate(id: string): Incident | undefined {
    const incident = this.#byId.get(id);
    if (incident?.severity !== 'amber') return undefined;
    incident.severity = 'red';
    return incident;
  }

  /** At most `count` of `all`, newest first, with some of each client, rule and kind. */
  digest(all: readonly Incident[], count: number): Incident[] {
    return fairPick(all, ({ share }) => share, count);
  }

  /** All incidents in the book, newest first by last frame. */
  all(): Incident[] {
    return [...this.#byId.values()].sort((a, b) => b.last - a.last || (a.id < b.id ? 1 : -1));
  }

  /** The redacted description of an observation, and the key of its incident. */
  #describe({ verdict, packet, folded, ...of }: Observation, now: Now, networkAttack?: string): Keyed {
    const rule = verdict.rule ?? 'E';
    const first = this.redaction.time(now.wall);
    const redacted = this.redaction.incident(packet.kind, rule, {
      client: macText(of.client),
      exposure: folded ? FOLDED_EXPOSURE : verdict.exposure,
      destination: folded ? '' : verdict.destination,
      why: folded ? `${verdict.reason} (and others like it)` : verdict.reason,
    });
    const { exposure, destination, why } = redacted;
    if (of.direction === 'up' && of.client !== 0) this.regulars.seen(redacted.client, now.monotonic);
    const share = this.regulars.share(redacted.client);
    // Observations that the tap folded have no name; those of clients without a share become one incident.
    const client = folded && share === STRANGERS ? this.#everyone() : redacted.client;
    const { kind } = packet;
    const key = this.#key({ client, kind, rule, exposure, first, networkAttack });
    const severity = verdict.severity ?? 'red';
    return { rule, kind, severity, client, exposure, destination, why, first, share, key };
  }

  /** The incident that an observation belongs to, begun if necessary. `sort`: appended to its share, so that other sorts do not push it out. */
  #incidentFor(observation: Observation, now: Now, notice?: Notice, sort = ''): Incident {
    const { verdict, folded } = observation;
    const described = this.#describe(observation, now, notice?.networkAttack);
    const { client, kind, rule, exposure, destination, why, share, key } = described;
    const nameless = verdict.exposure === verdict.destination && !folded && notice === undefined;
    const place = `${client} ${kind} ${rule} ${destination}`;
    const open =
      this.#open.get(key) ??
      (nameless ? this.#openings.named(place) : this.#rename(place, key, { exposure, why }));
    // An incident that is amber, or acknowledged as amber, must not hide a red frame or another variant of a network attack.
    const worse = verdict.severity === 'red' && open?.severity === 'amber';
    const isNews = notice !== undefined && open?.variants?.includes(this.#variant(notice)) === false;
    if (open !== undefined && !((worse || isNews) && open.acknowledged)) {
      if (worse) open.severity = 'red';
      if (isNews) this.#vary(open, notice);
      if (!nameless) this.#openings.noteNamed(place, open);
      if (open.port !== '' && open.port !== portOf(observation)) open.port = '';
      this.#refresh(open);
      return open;
    }
    const taker = this.#takerOf(key, now);
    if (taker !== undefined) return taker;
    this.#makeRoom(now);
    const incident = this.#begin(described, key);
    incident.port = portOf(observation);
    if (notice !== undefined) {
      incident.networkAttack = notice.networkAttack;
      this.#vary(incident, notice);
    }
    this.#share(incident, share, folded, sort);
    if (nameless) this.#openings.noteNameless(place, key);
    else this.#openings.noteNamed(place, incident);
    return incident;
  }

  #share(incident: Incident, share: string, folded: boolean, sort = ''): void {
    if (folded) this.#shareCommon(incident, share);
    else this.#putNamed(incident, `${share} ${incident.rule} ${incident.kind}${sort}`);
    incident.share = this.#named.groupOf(incident) ?? this.#commons.groupOf(incident) ?? STRANGERS;
  }

  #begin(of: Description, key: string): Incident {
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
      questions: 0,
      visits: 0,
      assumed: 0,
      presumed: 0,
      doubtUntil: -Infinity,
      inferred: 0,
      inferredUntil: -Infinity,
      first,
      last: first,
      acknowledged: false,
      breach: false,
      related: [],
      candidates: [],
      evidence: [],
      privacy: this.redaction.privacy,
      place: '',
      port: '',
      open: new OpenFrames(),
      share: STRANGERS,
    };
    this.#byId.set(incident.id, incident);
    this.#open.set(key, incident);
    this.#keys.set(incident, key);
    return incident;
  }

  #variant({ variant }: Notice): string {
    return this.redaction.exposure(variant);
  }

  #vary(incident: Incident, notice: Notice): void {
    incident.variants = [this.#variant(notice), ...(incident.variants ?? [])].slice(0, VARIANTS);
    incident.variantCount = (incident.variantCount ?? 0) + 1;
  }

  /** Makes the incident the newest of its groups, so the last to be folded. */
  #refresh(incident: Incident): void {
    for (const shares of [this.#named, this.#classes, this.#commons]) {
      const group = shares.groupOf(incident);
      if (group !== undefined) shares.put(incident, group);
    }
  }

  /** The incident that a connection opened without a name becomes the incident of the name that it then showed. */
  #rename(place: string, key: string, named: Pick<Incident, 'exposure' | 'why'>): Incident | undefined {
    const opened = this.#openings.takeNameless(place) ?? '';
    const incident = this.#open.get(opened);
    // Acknowledging an incident without a name does not acknowledge the name.
    if (incident === undefined || incident.acknowledged) return undefined;
    this.#open.delete(opened);
    this.#open.set(key, incident);
    this.#keys.set(incident, key);
    return Object.assign(incident, named);
  }

  /**
   * Restores an incident that an earlier process stored. Frames whose fate that process had not decided were stopped if block mode was on
   * then (`blocking`), and count as escaped otherwise.
   */
  restore(past: PastIncident, blocking: boolean, now: Now): void {
    const incident = incidentOf(past);
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
    const { assumed, presumed } = incident;
    this.#doubts.assumed += assumed;
    this.#doubts.presumed += presumed;
    this.leaksOut += assumed;
    const undecided = Math.max(0, attempted - escaped - stopped);
    incident[blocking ? 'blocked' : 'escaped'] += undecided;
    this.#doubt(incident, blocking ? 'presumed' : 'assumed', undecided);
    if (!blocking) this.leaksOut += undecided;
    if (incident.exposure === UNSEEN_EXPOSURE) this.unseenFrames += attempted;
    for (const what of ['attempted', 'escaped', 'blocked'] as const) this.totals[what] += incident[what];
    if (undecided + assumed + presumed > 0) this.#inherited.add(incident);
  }

  /** Replaces the book's content with stored incidents, which come newest first. */
  replace(past: readonly PastIncident[], blocking: boolean, now: Now): void {
    this.#inherited.clear();
    this.#byId.clear();
    this.#open.clear();
    this.#unsettled.clear();
    this.#places.clear();
    this.#nameless.clear();
    this.#givenUp.clear();
    this.#named.clear();
    this.#classes.clear();
    this.#commons.clear();
    this.#done.clear();
    this.#keys.clear();
    this.#moved.clear();
    this.#harmless.clear();
    this.#letOut.clear();
    this.#changed.clear();
    this.#openings = new Openings<Incident>((incident) => this.#byId.has(incident.id));
    Object.assign(this.#doubts, NO_DOUBTS);
    for (const incident of past.toReversed()) this.restore(incident, blocking, now);
  }

  #key(
    of: Pick<Incident, 'client' | 'kind' | 'rule' | 'exposure' | 'first'> & {
      readonly networkAttack?: string | undefined;
    },
  ): string {
    if (of.exposure === FOLDED_EXPOSURE) return `${of.client} ${of.kind} ${of.rule} ${of.exposure}`;
    if (of.networkAttack !== undefined && of.rule === 'T')
      return `${of.client} ${of.kind} ${of.rule} (${of.networkAttack})`;
    // Privacy `minimal` keeps counts by the hour: another hour is another incident.
    const hour = this.redaction.privacy === 'minimal' ? ` ${String(this.redaction.time(of.first))}` : '';
    return `${of.client} ${of.kind} ${of.rule} ${of.exposure}${hour}`;
  }

  #count(incident: Incident, what: 'escaped' | 'blocked', frames: number, counter: string): void {
    incident[what] += frames;
    this.totals[what] += frames;
    this.bySeverity[incident.severity][what] += frames;
    if (what === 'escaped' && isLeakUp(counter)) this.leaksOut += frames;
  }

  #attempted(incident: Incident, counter: string, frames: number): void {
    incident.attempted += frames;
    this.totals.attempted += frames;
    if (isLeakUp(counter)) this.attemptedBy.set(counter, (this.attemptedBy.get(counter) ?? 0) + frames);
  }

  #moveAttempts(from: Incident, to: Incident, counter: string, frames: number): void {
    this.#attempted(from, counter, -frames);
    this.#attempted(to, counter, frames);
  }

  #keepFrame(incident: Incident, port: 'lan' | 'wan', { frame, packet }: Observation, { wall }: Now): void {
    if (frame === undefined || this.redaction.privacy !== 'full') return;
    if (incident.evidence.length < EVIDENCE_FRAMES)
      incident.evidence.push({ port, wall, length: packet.length, bytes: frame });
  }

  /** Updates the time of the last frame; a clock that was set back must not end an incident before it began. */
  #seen(incident: Incident, now: Now): void {
    incident.last = Math.max(incident.first, this.redaction.time(now.wall));
  }

  #touch(incident: Incident, observation: Observation): OpenFrames {
    const { counter, folded } = observation;
    const place = placeOf(observation);
    if (incident.place !== place) this.#leavePlace(incident);
    incident.place = place;
    this.#unsettled.add(incident);
    join(this.#places, place, incident);
    if (folded) join(this.#nameless, counter, incident);
    return incident.open;
  }

  #close(incident: Incident): void {
    this.#unsettled.delete(incident);
    this.#leavePlace(incident);
    for (const counter of this.#nameless.keys()) leave(this.#nameless, counter, incident);
  }

  #leavePlace(incident: Incident): void {
    leave(this.#places, incident.place, incident);
  }

  /** Makes room for one incident, unless only one incident per rule and kind is left. */
  #makeRoom(now: Now): void {
    while (this.#byId.size >= this.#limit && this.#give(now));
  }

  /** Removes an acknowledged incident, or else folds one of the largest group. False when there is none. */
  #give(now: Now): boolean {
    for (const incident of this.#done) {
      this.#done.delete(incident);
      // A breach since then has reopened it; one with undecided frames goes with its group.
      if (!incident.acknowledged || this.#unsettled.has(incident)) continue;
      this.#remove(incident);
      return true;
    }
    const group = this.#named.largest();
    const most = group === undefined ? 0 : this.#named.sizeOf(group);
    const common = this.#commons.giver();
    if (most <= 1 && common !== undefined) {
      this.#fold(common, this.#commonOf(common, STRANGERS), now);
      return true;
    }
    const [from, of] = most > 1 ? [this.#named, group] : [this.#classes, this.#classes.largest()];
    const incident = leastOf(of === undefined ? [] : from.membersOf(of));
    if (group === undefined || incident === undefined) return false;
    if (incident.acknowledged && !this.#unsettled.has(incident)) this.#remove(incident);
    else {
      const whose = group.split(' ')[0] ?? STRANGERS;
      this.#fold(incident, this.#commonOf(incident, most > 1 ? whose : STRANGERS), now);
    }
    return true;
  }

  #putNamed(incident: Incident, share: string): void {
    this.#named.put(incident, share);
    this.#classes.put(incident, `${incident.rule} ${incident.kind}`);
  }

  /** The common incident that this one is to be folded into: its client's, or that of all clients. */
  #commonOf(incident: Incident, whose: string): Incident {
    const { rule, kind, severity, first } = incident;
    const client = whose === STRANGERS ? this.#everyone() : incident.client;
    const exposure = FOLDED_EXPOSURE;
    const key = this.#key({ client, kind, rule, exposure, first });
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const others = ' (and others like it)';
    const why = incident.why.endsWith(others) ? incident.why : `${incident.why}${others}`;
    const common = this.#begin({ rule, kind, severity, client, exposure, destination: '', why, first }, key);
    // Acknowledged if the incident that it takes is.
    common.acknowledged = incident.acknowledged;
    this.#shareCommon(common, whose);
    return common;
  }

  #shareCommon(common: Incident, whose: string): void {
    const group = `${common.rule} ${common.kind}`;
    common.share = `${whose} ${group}`;
    if (whose !== STRANGERS) this.#commons.put(common, group);
  }

  /** Folds an incident into another, with all its counts and open frames. Nothing else folds incidents. */
  #fold(from: Incident, into: Incident, now: Now): void {
    this.folded += Math.max(from.attempted, from.escaped + from.blocked);
    for (const what of COUNTED) into[what] += from[what];
    addOccasions(into, { questions: from.questions ?? 0, visits: from.visits ?? 0 });
    this.#doubts.assumed += from.assumed;
    this.#doubts.presumed += from.presumed;
    into.doubtUntil = Math.max(into.doubtUntil, from.doubtUntil);
    into.inferredUntil = Math.max(into.inferredUntil, from.inferredUntil);
    into.first = Math.min(into.first, from.first);
    into.last = Math.max(into.last, from.last);
    if (from.severity === 'red') into.severity = 'red';
    into.breach ||= from.breach;
    into.acknowledged &&= from.acknowledged;
    if (this.#unsettled.has(from)) {
      into.open.join(from.open);
      this.#unsettled.add(into);
      for (const [counter, here] of this.#nameless) if (here.has(from)) join(this.#nameless, counter, into);
      const key = this.#keys.get(from);
      // What the other tap still reports about these frames is not a new leak.
      const until = now.monotonic + DEADLINE_MS;
      if (key !== undefined) this.#moved.set(key, { into: into.id, until }, from.share);
    }
    this.#givenUp.move(from, into);
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
    this.#doubts.assumed -= incident.assumed;
    this.#doubts.presumed -= incident.presumed;
    this.#givenUp.forget(incident);
    this.#close(incident);
    this.#named.delete(incident);
    this.#classes.delete(incident);
    this.#commons.delete(incident);
    this.#done.delete(incident);
    this.#inherited.delete(incident);
    const key = this.#keys.get(incident);
    this.#keys.delete(incident);
    if (key !== undefined && this.#open.get(key) === incident) this.#open.delete(key);
  }

  /** The client of an incident of several clients. */
  #everyone(): string {
    return this.redaction.privacy === 'minimal' ? '' : NOBODY;
  }
}

/** Adds questions and visits, unless the incident's earlier ones are not known. */
function addOccasions(
  incident: Incident,
  { questions = 0, visits = 0 }: Pick<Observation, 'questions' | 'visits'>,
): void {
  if (incident.questions !== undefined) incident.questions += questions;
  if (incident.visits !== undefined) incident.visits += visits;
}

function join(sets: Map<string, Set<Incident>>, key: string, incident: Incident): void {
  const here = sets.get(key);
  if (here === undefined) sets.set(key, new Set([incident]));
  else here.add(incident);
}

function leave(sets: Map<string, Set<Incident>>, key: string, incident: Incident): void {
  const here = sets.get(key);
  here?.delete(incident);
  if (here?.size === 0) sets.delete(key);
}

const NOBODY = macText(0);
/** The incident's fields that count frames. */
const COUNTED = ['attempted', 'escaped', 'blocked', 'assumed', 'presumed', 'inferred'] as const;

/** The least important of a group's oldest incidents: acknowledged before amber before stopped ones. */
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

/** How far apart frames of the incidents may be reported and still be the same, milliseconds: where names were lost, exact times were too. */
function skewBetween(...incidents: readonly Incident[]): number {
  return incidents.some(({ exposure }) => exposure === FOLDED_EXPOSURE) ? NAMELESS_SKEW_MS : SKEW_MS;
}

/** Where the observation's frames went, `udp 51820`; '' for folded ones and where there is no port. */
function portOf({ packet, folded, direction }: Observation): string {
  if (folded || direction !== 'up' || packet.destinationPort < 0) return '';
  const transport = packet.protocol === Protocol.TCP ? 'tcp' : packet.protocol === Protocol.UDP ? 'udp' : '';
  return transport === '' ? '' : `${transport} ${String(packet.destinationPort)}`;
}
