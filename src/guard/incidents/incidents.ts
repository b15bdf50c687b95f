// Knows: how leak verdicts become incidents with a ledger of their own. Must not know: taps, kernel, disk.
// Bounded: every client, rule and kind has its share of the room (quotas.ts). What does not fit is folded into one incident of its
// own group and counted there, never dropped; so the next different leak always has an incident with its name.

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
import { GivenUp } from '../account/given-up.ts';
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

/** Any leak's counter: corrections move frames of leaks between escaped and stopped. */
const LEAK = 'up_leak_';

/** Related incidents that one incident names, newest first. */
const RELATED_MOST = 16;

export const FOLDED_EXPOSURE = '(many others)';
/** Frames that the kernel counted and no program looked at. */
export const UNSEEN_EXPOSURE = '(not looked at)';

/** Of frames that nobody looked at: how many left, and how many of those only because nothing says otherwise. */
export interface UnseenFate {
  readonly escaped: number;
  readonly assumed: number;
}

/** Slices of escapes that one round of settling explains; the next has its turn a tenth of a second later. */
const EXPLAINED_MOST = 4_096;

/** What an incident has of frames whose fate was given in doubt. */
const DOUBT_OF = { escaped: 'assumed', blocked: 'presumed' } as const;

const NO_DOUBTS = { assumed: 0, presumed: 0, until: -Infinity };

/** Of a group that must give, the oldest that are compared for what matters least. */
const COMPARED = 32;

/** What is to be read in what the network says, by rule B. */
export const SHOWN_IN_ANSWER = 'a name in an answer';
/** Texts of the network's that an incident of a network attack lists, newest first (rule T). */
const VARIANTS = 16;

/** Something that the network did, and what tells it from the like (rule T). */
export interface Notice {
  /** What was done, in words of ours: things that share them share an incident. */
  readonly networkAttack: string;
  /** The text that tells this one from the next, which the network may have chosen. */
  readonly variant: string;
}

type Told = Pick<
  Incident,
  'rule' | 'kind' | 'severity' | 'client' | 'exposure' | 'destination' | 'why' | 'first'
>;

interface Telling extends Told {
  /** Whose share of the room it takes. */
  readonly share: string;
  readonly key: string;
}

export class IncidentBook {
  readonly #limit: number;
  readonly #idPrefix: string;
  readonly #byId = new Map<string, Incident>();
  /** The incident that a further frame of the same key joins: open ones, and amber ones even when acknowledged. */
  readonly #open = new Map<string, Incident>();
  readonly #unsettled = new Set<Incident>();
  /** Incidents with open frames by client, kernel counter and destination, which both taps read alike. */
  readonly #places = new Map<string, Set<Incident>>();
  /** Incidents with open frames that a tap told without their names, by kernel counter: the other tap may have told the names. */
  readonly #nameless = new Map<string, Set<Incident>>();
  readonly #givenUp = new GivenUp<Incident>();
  /** Those with open attempts, of the sets that were asked about in this round of settling. */
  readonly #waiting = new Map<ReadonlySet<Incident>, readonly Incident[]>();
  readonly #harmless = new Harmless();
  readonly #letOut = new Harmless();
  /** Incidents with a name of their own, by client, rule and kind. */
  readonly #named = new Shares<Incident>();
  /** The same by rule and kind alone: who gives when no client has two of a kind. */
  readonly #classes = new Shares<Incident>();
  /** Incidents that others of one client were folded into, by rule and kind. Those of all clients stay: there is one of a kind. */
  readonly #commons = new Shares<Incident>();
  /** Red ones that were acknowledged: the first to go. */
  readonly #done = new Set<Incident>();
  readonly #keys = new Map<Incident, string>();
  /** Those that an earlier process had left frames in without a fate. */
  readonly #inherited = new Set<Incident>();
  /** Where frames belong whose like was folded before its fate was decided. */
  readonly #moved: FairMap<{ readonly into: string; readonly until: number }>;
  #changed = new Set<Incident>();
  /** Clients that have a share of their own. */
  readonly regulars = new Regulars<string>();
  #openings = new Openings<Incident>((incident) => this.#byId.has(incident.id));
  #sequence = 0;
  readonly #doubts = { ...NO_DOUBTS };
  /** Frames that were folded into a common incident because the book was full. */
  folded = 0;
  /** Frames of all incidents, those included that have left the book. */
  readonly totals = { attempted: 0, escaped: 0, blocked: 0 };
  /** Of those, by severity at the time of counting. */
  readonly bySeverity = { red: { escaped: 0, blocked: 0 }, amber: { escaped: 0, blocked: 0 } };
  /** What the book holds of frames that the kernel counts as leaks: attempts by counter, and those that left. */
  readonly attemptedBy = new Map<string, number>();
  leaksOut = 0;
  /** Frames that no program looked at. */
  unlooked = 0;
  /** Frames that wan saw leave and lan did not see come; whoever reads them takes them out. */
  readonly inferred: Slice[] = [];
  /** Falls on what is written down from now on; `full` needs no hash. */
  redaction = new Redaction('full', (text) => text);

  constructor(limit: number, idPrefix: string) {
    this.#limit = limit;
    this.#idPrefix = idPrefix;
    // A flood fills the book many times over before the other tap has told of it.
    this.#moved = new FairMap(16 * limit);
  }

  /** Counts frames seen entering lan. */
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

  /** Counts frames seen leaving wan; `breach` says that the ruleset should have stopped them. */
  escape(observation: Observation, now: Now, breach: boolean): Incident {
    const incident = this.#incidentFor(observation, now);
    // Told late: what is told with the time of frames that were given up on is those frames.
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
   * Counts connections that have shown no name, as many as `frames`: visits to the address. Their frames are counted already; where these
   * went to the name that another connection to there had shown, what opened them is taken out of that. What was told otherwise than it
   * was judged (a tunnel's own first packet) is no visit. Returns what changed, last what was
   * visited.
   */
  visited(observation: Observation, now: Now): readonly Incident[] {
    const telling = this.#telling(observation, now);
    const { key, destination, severity } = telling;
    const isThere = (one: Incident): boolean =>
      one.destination === destination && one.severity === severity && one.networkAttack === undefined;
    const own = this.#open.get(key) ?? this.#lastOf(telling, ({ exposure }) => exposure === telling.exposure);
    if (own !== undefined) {
      addOccasions(own, { visits: observation.frames });
      return [own];
    }
    this.#makeRoom(now);
    const named = this.#lastOf(telling, isThere);
    const frames = Math.min(observation.frames, named?.escaped ?? 0, named?.attempted ?? 0);
    if (named === undefined || frames === 0 || observation.folded) return [];
    const incident = this.#begin(telling, key);
    this.#share(incident, telling.share, false);
    for (const [one, sign] of [
      [named, -1],
      [incident, 1],
    ] as const) {
      this.#attempted(one, observation.counter, sign * frames);
      this.#count(one, 'escaped', sign * frames, observation.counter);
    }
    addOccasions(incident, { visits: observation.frames });
    incident.acknowledged = named.acknowledged;
    if (named.acknowledged && severity === 'red') {
      this.#open.delete(key);
      this.#done.add(incident);
    }
    return [named, incident];
  }

  /** The newest that is like this one. */
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

  /** Notes frames that one tap calls no leak and the rules let through: the other may know better, and then they are the same. */
  harmless(port: 'lan' | 'wan', observation: Observation): void {
    this.#harmless.take(port, observation);
  }

  /**
   * Notes frames that left as the tunnel's by rules that the kernel had before the taps: what lan has told of the same frames was no leak.
   * What it has told of others to the same place, in the same moment, is another incident's.
   */
  letOut(observation: Observation, now: Now): void {
    this.#letOut.take('wan', observation, this.#telling(observation, now).key);
  }

  /** Decides, within half a second of its arrival, what became of each frame. Returns the incidents that changed. */
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

  /** Nothing of this incident's own left by wan for these frames. */
  #end(incident: Incident, slice: Slice, sight: Sight, changed: Set<Incident>): void {
    const { counter, last } = slice;
    changed.add(incident);
    for (const other of this.#nameless.get(counter) ?? []) {
      if (other === incident || slice.frames === 0) continue;
      const left = other.open.takeEscapesNear(slice, slice.frames);
      slice.frames -= left;
      if (left > 0) this.#meet(incident, other, counter, left, changed);
    }
    const letOut = slice.frames === 0 ? 0 : this.#letOut.left(this.#keys.get(incident) ?? '', slice);
    slice.frames -= letOut;
    this.#attempted(incident, counter, -letOut);
    if (letOut > 0) this.#emptied(incident);
    const harmless = slice.frames === 0 || !slice.crosses ? 0 : this.#harmless.left(incident.place, slice);
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
   * An attempt of the one is the escape that was told of under the other. The name keeps both, unless it would be quieter about the
   * escape than what told of it.
   */
  #meet(came: Incident, left: Incident, counter: string, frames: number, changed: Set<Incident>): void {
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

  /** Since when the oldest attempt without a known fate waits, monotonic milliseconds; Infinity when none does. */
  get attemptsSince(): number {
    let since = Infinity;
    for (const { open } of this.#unsettled) since = Math.min(since, open.attemptsSince);
    return since;
  }

  /** The same of frames that have left, too. */
  get openSince(): number {
    let since = Infinity;
    for (const { open } of this.#unsettled) since = Math.min(since, open.since);
    return since;
  }

  /** The totals; what left came, though the tap of the other port may tell later. */
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
   * Frames left by wan that lan has not told of under this incident: lan has told of them under another that reads the same
   * to the kernel, or they were called stopped too soon, or the lan tap did not see them.
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
    const harmless = frames === 0 ? 0 : this.#harmless.came(incident.place, slice, frames);
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

  /** Of these incidents those that had open attempts when this round of settling began. */
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
   * Where nothing is left that a person has to look at: it was told of, so it stays. What comes next is another's, for nobody has
   * accepted anything; nor a breach, whatever became of its frames.
   */
  #emptied(incident: Incident): void {
    if (incident.breach || incident.attempted + incident.escaped + incident.blocked > 0) return;
    incident.acknowledged = true;
    const key = this.#keys.get(incident);
    if (key !== undefined && this.#open.get(key) === incident) this.#open.delete(key);
    this.#done.add(incident);
  }

  /** These have been found under their own name. */
  #tookGivenUp(incident: Incident, slice: Slice, fate: Fate): void {
    const skewOf = (other: Incident): number | undefined => (other === incident ? Infinity : undefined);
    this.#givenUp.find(slice, skewOf, (_, was, most) => (was === fate ? most : 0));
  }

  /** Of frames that have left, how many lan has told of under another incident, which have their fate already. One with a name keeps them. */
  #foundGivenUp(incident: Incident, slice: Slice, changed: Set<Incident>): number {
    let found = 0;
    const skewOf = (other: Incident): number | undefined => {
      if (other === incident) return undefined;
      const skew = skewBetween(incident, other);
      return skew > SKEW_MS || other.place === incident.place ? skew : undefined;
    };
    this.#givenUp.find(slice, skewOf, (other, fate, most) => {
      // Of what the kernel's counters have confirmed or put right since, nothing is in doubt any more.
      const frames = Math.min(most, other[DOUBT_OF[fate]], other[fate]);
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

  /** They left, so they came; a lan tap that tells them late takes that back. */
  #infer(incident: Incident, { first, last, counter, crosses }: Omit<Slice, 'frames'>, frames: number): void {
    incident.inferred += frames;
    incident.inferredUntil = Math.max(incident.inferredUntil, last);
    this.inferred.push({ first, last, counter, crosses, frames });
  }

  /** Frames that no program looked at: what the kernel counted more than the taps. */
  unseen(observation: Observation, { escaped, assumed }: UnseenFate, now: Now): Incident {
    const incident = this.#incidentFor(observation, now);
    const { frames, counter } = observation;
    this.unlooked += frames;
    this.#attempted(incident, counter, frames);
    this.#count(incident, 'escaped', escaped, counter);
    this.#count(incident, 'blocked', frames - escaped, counter);
    incident.doubtUntil = observation.last;
    this.#doubt(incident, 'assumed', assumed);
    this.#doubt(incident, 'presumed', frames - escaped);
    this.#seen(incident, now);
    // What is minor and was seen by nobody is on record; it asks nothing of a person.
    if (incident.severity === 'amber') incident.acknowledged = true;
    return incident;
  }

  /** Somebody had looked at some of them after all: they are in an incident of their own. Returns what changed. */
  takeBack(told: Incident, frames: number, counter: string): Incident | undefined {
    if (frames === 0) return undefined;
    let incident = told;
    for (let next = told.foldedInto; next !== undefined; next = incident.foldedInto)
      incident = this.#byId.get(next) ?? incident;
    this.unlooked -= frames;
    this.#attempted(incident, counter, -frames);
    const stopped = Math.min(frames, incident.blocked);
    this.#count(incident, 'blocked', -stopped, counter);
    this.#count(incident, 'escaped', stopped - frames, counter);
    this.#doubt(incident, 'presumed', -Math.min(stopped, incident.presumed));
    this.#doubt(incident, 'assumed', -Math.min(frames - stopped, incident.assumed));
    return incident;
  }

  /**
   * As many frames of this counter are here twice: once with those that wan saw leave, for which no attempt had come in time, and once as
   * lan has told of them since, with no partner left. The latter were called stopped. `left`: so many were not found.
   */
  removeDuplicates(
    counter: string,
    frames: number,
  ): { readonly changed: readonly Incident[]; readonly left: number } {
    const kind = counterOf(counter)?.kind;
    const changed = new Set<Incident>();
    let left = frames;
    // What nothing has confirmed yet is more likely to be it than what was.
    for (const mostOf of ['presumed', 'blocked'] as const) {
      for (const incident of left === 0 ? [] : this.all()) {
        if (incident.kind !== kind) continue;
        const part = Math.min(left, incident[mostOf], incident.blocked);
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

  /** The kernel, as read at `at`, let fewer frames out than were called escaped without anyone having seen them leave. */
  unassume(frames: number, at: number): Incident[] {
    return this.#correct(frames, at, 'assumed', 'escaped', 'blocked');
  }

  /** The kernel let more out than that: of those that were called stopped. `breach`: it was to let none out. */
  unpresume(frames: number, at: number, breach: boolean): Incident[] {
    const changed = this.#correct(frames, at, 'presumed', 'blocked', 'escaped');
    // Where nothing was to be stopped, who has accepted it has accepted that it may have left.
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
    // What came after the reading cannot be what it counted.
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
   * Frames whose fate the kernel's counters have not confirmed, and when the newest of them came: kept while they are counted,
   * for it is asked several times at each look and the book may be full.
   */
  get doubts(): { readonly assumed: number; readonly presumed: number; readonly until: number } {
    return this.#doubts;
  }

  /** Frames that are called escaped in doubt and are written down so (`pastOf`). */
  get keptDoubt(): number {
    if (this.#doubts.assumed === 0) return 0;
    let kept = 0;
    for (const { acknowledged, assumed } of this.#byId.values()) if (!acknowledged) kept += assumed;
    return kept;
  }

  /**
   * The kernel's counters agree with what was said in doubt. Returns what is to be written again: a doubt that is over must not come
   * back with the next process.
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

  /** Marks one incident, or all; false when there is no such id. What comes after opens a new incident. */
  acknowledge(id: string): boolean {
    for (const incident of id === 'all' ? this.#byId.values() : [this.#byId.get(id)]) {
      if (incident === undefined) return false;
      incident.acknowledged = true;
    }
    for (const [key, incident] of this.#open) {
      // An amber exposure that someone has seen and accepted must not turn the LED amber again at each repetition.
      if (!incident.acknowledged || (incident.severity !== 'red' && !incident.breach)) continue;
      this.#open.delete(key);
      this.#done.add(incident);
    }
    return true;
  }

  get(id: string): Incident | undefined {
    return this.#byId.get(id);
  }

  /** Notes a name that an answer has shown to whoever reads it: nothing that the client sent had it. */
  showed(observation: Observation, now: Now): Incident {
    const incident = this.#incidentFor(observation, now, undefined, ' shown');
    this.#seen(incident, now);
    incident.networkAttack ??= SHOWN_IN_ANSWER;
    return incident;
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
  all(): Incident[] {
    return [...this.#byId.values()].sort((a, b) => b.last - a.last || (a.id < b.id ? 1 : -1));
  }

  /** What is told of it, and which incident it is of. */
  #telling({ verdict, packet, folded, ...of }: Observation, now: Now, networkAttack?: string): Telling {
    const rule = verdict.rule ?? 'E';
    const first = this.redaction.time(now.wall);
    const told = this.redaction.incident(packet.kind, rule, {
      client: macText(of.client),
      exposure: folded ? FOLDED_EXPOSURE : verdict.exposure,
      destination: folded ? '' : verdict.destination,
      why: folded ? `${verdict.reason} (and others like it)` : verdict.reason,
    });
    const { exposure, destination, why } = told;
    if (of.direction === 'up' && of.client !== 0) this.regulars.seen(told.client, now.monotonic);
    const share = this.regulars.share(told.client);
    // What was folded before it came here has no name: of clients without a share it is one.
    const client = folded && share === STRANGERS ? this.#everyone() : told.client;
    const { kind } = packet;
    const key = this.#key({ client, kind, rule, exposure, first, networkAttack });
    const severity = verdict.severity ?? 'red';
    return { rule, kind, severity, client, exposure, destination, why, first, share, key };
  }

  /** `sort`: whose flood may push it out. */
  #incidentFor(observation: Observation, now: Now, notice?: Notice, sort = ''): Incident {
    const { verdict, folded } = observation;
    const telling = this.#telling(observation, now, notice?.networkAttack);
    const { client, kind, rule, exposure, destination, why, share, key } = telling;
    const nameless = verdict.exposure === verdict.destination && !folded && notice === undefined;
    const place = `${client} ${kind} ${rule} ${destination}`;
    const open =
      this.#open.get(key) ??
      (nameless ? this.#openings.named(place) : this.#rename(place, key, { exposure, why }));
    // What was accepted as minor, or called so, must not hide what is not, nor another network attack of the network's.
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
    const incident = this.#begin(telling, key);
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

  #begin(of: Told, key: string): Incident {
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
    // Who has accepted what had no name has accepted no name.
    if (incident === undefined || incident.acknowledged) return undefined;
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
    if (incident.exposure === UNSEEN_EXPOSURE) this.unlooked += attempted;
    for (const what of ['attempted', 'escaped', 'blocked'] as const) this.totals[what] += incident[what];
    if (undecided + assumed + presumed > 0) this.#inherited.add(incident);
  }

  /** Takes back incidents that were written down, newest first, in place of all that is in the book. */
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
    // Minimal keeps counts by hour: what comes in another hour is another count.
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

  /** A clock that was set back must not end an incident before it began. */
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

  /** The incident that such as this are folded into: one of its client's, or of all clients'. */
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
      // What the other tap has still to say of these frames is about them, and no new leak.
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

  /** Whom an incident names that is about more than one client. */
  #everyone(): string {
    return this.redaction.privacy === 'minimal' ? '' : NOBODY;
  }
}

/** An incident of which it is not known how much there was before stays one. */
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
/** What of an incident is a number of frames. */
const COUNTED = ['attempted', 'escaped', 'blocked', 'assumed', 'presumed', 'inferred'] as const;

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

/** How far apart frames of the two may be told to be one and the same, milliseconds: where names were lost, times were, too. */
function skewBetween(...incidents: readonly Incident[]): number {
  return incidents.some(({ exposure }) => exposure === FOLDED_EXPOSURE) ? NAMELESS_SKEW_MS : SKEW_MS;
}
