// Brings the incident book into agreement with the kernel's counters: frames that no tap saw get an incident, and assumed fates are
// corrected. Attempted, escaped and blocked are then what a counter on the wire would show, even across restarts and kills.

import { ParsedPacket } from '../../flow/parsed-packet.ts';
import { counterOf } from '../../policy/compile/counted.ts';
import { isLeakUp, isRedLeak } from './counters.ts';
import type { CounterValues } from './counters.ts';
import { SKEW_MS } from './account.ts';
import type { Slice } from './account.ts';
import { UNSEEN_EXPOSURE } from '../incidents/incidents.ts';
import type { Incident, IncidentBook, UnseenFate } from '../incidents/incidents.ts';
import type { Now } from '../now.ts';
import type { Observation } from '../observation.ts';
import { Reconciliation } from './reconciliation.ts';
import type { Difference, Surplus } from './reconciliation.ts';

/** The counter of leaks that the bridge sent out by wan (src/policy/compile/nft.ts). */
const LEAK_OUT = 'leak_out';
/** The counter of the box's own forged leaks that came in by lan. */
const CANARY = 'canary_lan';
/** After so long without a comparison on wan, frames that no tap saw count as escaped unless the kernel dropped leaks. Milliseconds. */
const WAIT_MS = 3_000;

/** The book's frames in terms of the kernel's counters: a later process continues counting from there. Values are cumulative frames. */
export interface Accounted {
  /** By counter name: those of leaks going up, `canary_lan` and `leak_out`. */
  readonly counters: Readonly<Record<string, number>>;
}

/** Frames that a tap has not reported within this are lost to it. Milliseconds. */
const REPORTED_MS = 60_000;
/** Within this both ports have been compared with the same reading. Milliseconds. */
const EXPLAIN_MS = 1_000;

const NOBODY_LOOKED = 'the kernel counted these frames, but no program could read them';
const FIRST_PACKET =
  "the kernel counted these frames just as the address of this tunnel's server changed: they are the tunnel's own, sent before the rules knew the new address";

/** For frames counted between two readings that no tap reported: host name of the tunnel whose first packets they are, if any. */
type FirstPacket = (counter: string, from: number, to: number) => string | undefined;

/** Whether the kernel dropped leaks during all of this time (monotonic milliseconds). */
type Dropped = (first: number, last: number) => boolean;

/** What a comparison changed: incidents with other numbers than before, and frames that only a tap counted. */
export interface Balanced {
  readonly changed: readonly Incident[];
  readonly surplus: readonly Surplus[];
}

/** Frames that the kernel counted between its readings at `from` and `at` and no tap saw, as was found at `since`. */
interface Undecided {
  readonly counter: string;
  frames: number;
  readonly from: number;
  readonly at: number;
  readonly since: number;
}

interface Decided extends Undecided {
  readonly incident: Incident;
}

/** Keeps book and kernel counters in agreement. Counts are frames, times monotonic milliseconds. */
export class Balance {
  readonly #book: IncidentBook;
  readonly #reconciliation = new Reconciliation();
  /** The kernel's values that correspond to an empty book. */
  #start: Map<string, number> | undefined;
  /** The newest reading: when a later one is smaller, the table was created anew. */
  #last: CounterValues = new Map();
  /** Frames that the kernel counted and no tap saw, whose fate is not known yet. */
  #undecided: Undecided[] = [];
  /** Those that were put into an incident, for as long as the wan tap may still report some of them. */
  #decided: Decided[] = [];
  /** Frames that are in the book twice, and when that was found. */
  #twice: { readonly counter: string; readonly frames: number; readonly since: number }[] = [];
  /** Leaks that left by wan and no tap saw leave. Frames that were assumed to have escaped may be these; the rest needs an explanation. */
  #out = 0;
  #outSince = 0;
  /** The times of the readings between which they left. */
  #outFrom = -Infinity;
  #outAt = -Infinity;
  #comparedAt = { lan: -Infinity, wan: -Infinity };
  /** Frames already put down to `other_ip` because nothing better was known when they had left. */
  #advance = 0;
  /** Frames of kinds that need no incident and that no tap saw, since this process began. */
  overlooked = 0;

  /** The box's own forged leaks that taps have reported, by kernel counter. */
  readonly #forged: ReadonlyMap<string, number>;
  readonly #firstPacket: FirstPacket;

  /** `forged`: frames of the box's own forged leaks by kernel counter, which its owner keeps up to date. */
  constructor(
    book: IncidentBook,
    forged: ReadonlyMap<string, number> = new Map(),
    firstPacket: FirstPacket = () => undefined,
  ) {
    this.#book = book;
    this.#forged = forged;
    this.#firstPacket = firstPacket;
  }

  /** Continues counting from the counter values that an earlier process had accounted for. */
  resume(values: CounterValues): void {
    this.#reconciliation.resume(values);
    this.#start = new Map(values);
  }

  /** Call when rules or judge are being changed; `orders` is the number of the newest orders that the taps were given. */
  change(orders: number): void {
    this.#reconciliation.change(orders);
  }

  /** The tap of this port is a new process, which counts from zero. */
  tapStarted(port: 'lan' | 'wan'): void {
    this.#reconciliation.tapStarted(port);
  }

  /** Takes a tap's report, for its counts. */
  tap: Reconciliation['tap'] = (report) => {
    this.#reconciliation.tap(report);
  };

  /**
   * Takes the kernel's counters, cumulative, read at some moment between `begun` and `ended` (monotonic milliseconds). Smaller values than
   * before mean that the table was created anew.
   */
  reading(begun: number, ended: number, values: CounterValues): void {
    const isLess = ([name, value]: readonly [string, number]): boolean => (values.get(name) ?? value) < value;
    if (this.#start === undefined || [...this.#last].some(isLess)) {
      this.#start = new Map([...values].map(([name, value]) => [name, this.#startOf(name, value)] as const));
      this.#start.set(LEAK_OUT, this.#startOf(LEAK_OUT, values.get(LEAK_OUT) ?? 0));
    }
    this.#last = values;
    this.#reconciliation.reading(begun, ended, values);
  }

  /** The counter's value when the book was empty, if it is `value` now and all its frames are in the book. */
  #startOf(name: string, value: number): number {
    const { attemptedBy, leaksOut } = this.#book;
    if (name === LEAK_OUT) return value - leaksOut;
    return value - (attemptedBy.get(name) ?? 0) - (isLeakUp(name) ? (this.#forged.get(name) ?? 0) : 0);
  }

  /** Whether both taps have read past the newest reading: frames that come now are only in the next one. */
  get isPast(): boolean {
    return this.#reconciliation.isPast;
  }

  /** What to keep for the next process; undefined before the first reading. */
  get accounted(): Accounted | undefined {
    if (this.#start === undefined) return undefined;
    const { attemptedBy, leaksOut } = this.#book;
    const unpaired = this.#book.unpairedEscapes();
    const counters: Record<string, number> = {};
    for (const [name, value] of this.#start)
      if (isLeakUp(name))
        counters[name] =
          value + [attemptedBy, unpaired, this.#forged].reduce((sum, of) => sum + (of.get(name) ?? 0), 0);
    let forged = this.#start.get(CANARY) ?? 0;
    for (const [name, frames] of this.#forged) if (isLeakUp(name)) forged += frames;
    counters[CANARY] = forged;
    // Frames that are only assumed to have escaped are stored as such: the kernel may not have counted them.
    counters[LEAK_OUT] = (this.#start.get(LEAK_OUT) ?? 0) + leaksOut - this.#book.keptDoubt;
    return { counters };
  }

  /** Compares counters and taps and corrects the book. `discoveryIsRed`: link-local discovery counts as a red leak. */
  settle(now: Now, dropped: Dropped, discoveryIsRed: boolean): Balanced {
    const seen = this.#book.inferred.splice(0).flatMap((slice) => this.#infer(slice));
    const until = this.#book.openSince;
    // Frames that left are in the book as escaped whatever the lan tap reports later, so only open attempts hold up wan.
    const wan = this.#reconciliation.compare('wan', this.#book.attemptsSince, now.monotonic);
    const lan = this.#reconciliation.compare('lan', until, now.monotonic);
    if (wan !== undefined) this.#left(wan, now.monotonic);
    if (lan !== undefined) this.#came(lan, now.monotonic);
    for (const [counter, frames] of lan?.twice ?? [])
      this.#twice.push({ counter, frames, since: now.monotonic });
    const deduplicated = this.#removeDuplicates(now.monotonic);
    const changed = [
      ...seen,
      ...deduplicated.changed,
      ...this.#decide(now, dropped, discoveryIsRed),
      ...this.#explain(now, dropped, discoveryIsRed),
      ...(wan === undefined || until < wan.at ? [] : this.#confirm(wan)),
    ];
    const surplus = [...(wan?.surplus ?? []), ...(lan?.surplus ?? []), ...deduplicated.surplus];
    // The book has frames that the kernel did not count: what the kernel counts from now on must not be taken for them.
    for (const { counter, frames } of surplus)
      this.#start?.set(counter, (this.#start.get(counter) ?? 0) - frames);
    return { changed, surplus };
  }

  /** Removes frames that are in the book twice once their fate is decided; those that are not found in time were not there twice. */
  #removeDuplicates(now: number): Balanced {
    const changed: Incident[] = [];
    const surplus: Surplus[] = [];
    this.#twice = this.#twice.flatMap((duplicates) => {
      const removed = this.#book.removeDuplicates(duplicates.counter, duplicates.frames);
      changed.push(...removed.changed);
      if (removed.left === 0) return [];
      if (now - duplicates.since <= WAIT_MS) return [{ ...duplicates, frames: removed.left }];
      surplus.push({ port: 'lan', counter: duplicates.counter, frames: removed.left });
      return [];
    });
    return { changed, surplus };
  }

  /** The wan tap reported frames that the kernel's counters had already shown to be missed on lan. */
  #infer({ counter, frames, first, last }: Slice): Incident[] {
    let left = frames;
    const take = (missed: Undecided, skew = 0): number => {
      if (left <= 0 || missed.counter !== counter || missed.at < first - skew) return 0;
      const part = Math.min(left, missed.frames);
      missed.frames -= part;
      left -= part;
      return part;
    };
    // Within the skew frames of one incident were paired without regard to their order.
    for (const missed of this.#undecided) take(missed, SKEW_MS);
    const changed = this.#decided.flatMap(
      (missed) => this.#book.takeBack(missed.incident, take(missed), counter) ?? [],
    );
    if (left !== 0) this.#reconciliation.inferred(counter, left, last);
    return changed;
  }

  #left({ unseen, at }: Difference, now: number): void {
    const from = this.#comparedAt.wan;
    this.#comparedAt.wan = at;
    for (const [name, frames] of unseen) {
      if (name !== LEAK_OUT) {
        this.overlooked += frames;
        continue;
      }
      if (this.#out === 0) this.#outFrom = from;
      if (this.#unexplained === 0) this.#outSince = now;
      this.#out += frames;
      this.#outAt = at;
    }
  }

  #came({ unseen, at, open }: Difference, now: number): void {
    const from = this.#comparedAt.lan;
    if (!open) this.#comparedAt.lan = at;
    for (const [counter, frames] of unseen) {
      if (!isLeakUp(counter)) {
        this.overlooked += frames;
        continue;
      }
      const known = Math.min(this.#advance, frames);
      this.#advance -= known;
      if (frames > known) this.#undecided.push({ counter, frames: frames - known, from, at, since: now });
    }
  }

  get #unexplained(): number {
    return this.#out === 0 ? 0 : Math.max(0, this.#out - this.#book.doubts.assumed);
  }

  /**
   * Of frames that no tap saw, as many escaped as the counters show to have left; the others were stopped. Without a wan tap it depends on
   * whether the kernel dropped leaks.
   */
  #decide(now: Now, dropped: Dropped, discoveryIsRed: boolean): Incident[] {
    const changed: Incident[] = [];
    const waiting: Undecided[] = [];
    const record = (unseen: Undecided, frames: number, fate: UnseenFate): void => {
      unseen.frames -= frames;
      const name = this.#firstPacket(unseen.counter, unseen.from, unseen.at);
      if (frames > 0) changed.push(this.#record({ ...unseen, frames }, fate, now, discoveryIsRed, name));
    };
    for (const unseen of this.#undecided) {
      const { from, at, since } = unseen;
      const escaped = from < this.#outAt ? Math.min(unseen.frames, this.#unexplained) : 0;
      this.#out -= escaped;
      const isDecided = at <= this.#comparedAt.wan;
      if (isDecided) {
        record(unseen, unseen.frames, { escaped, assumed: 0 });
        continue;
      }
      record(unseen, escaped, { escaped, assumed: 0 });
      if (now.monotonic - since > WAIT_MS) {
        const assumed = dropped(from, at) ? 0 : unseen.frames;
        record(unseen, unseen.frames, { escaped: assumed, assumed });
      } else if (unseen.frames > 0) {
        waiting.push(unseen);
      }
    }
    this.#undecided = waiting;
    return changed;
  }

  /** Explains leaks that left and no tap saw leave: either frames counted as stopped were not, or no tap saw them come in either. */
  #explain(now: Now, dropped: Dropped, discoveryIsRed: boolean): Incident[] {
    const unexplained = this.#unexplained;
    // Wait for the comparison on lan first: it may show that these are the frames that the lan tap missed.
    const isLanCompared = this.#comparedAt.lan >= this.#outAt;
    if (unexplained === 0 || !(isLanCompared || now.monotonic - this.#outSince > EXPLAIN_MS)) return [];
    const mistaken = Math.min(this.#book.doubts.presumed, unexplained);
    // A breach only if the rules should have let nothing out when the frames left; by now they may have changed.
    const breach = dropped(this.#outFrom, this.#outAt);
    const changed = this.#book.correctPresumed(mistaken, this.#outAt, breach);
    const more = unexplained - mistaken;
    this.#out -= unexplained;
    if (more === 0) return changed;
    // They left, whatever they were: report that at once. Frames that the comparison on lan then finds missing are these.
    this.#advance += more;
    return [
      ...changed,
      this.#unseen('up_leak_other_ip', more, { escaped: more, assumed: 0 }, now, discoveryIsRed),
    ];
  }

  /** Confirms assumed fates once the kernel's counters account for every frame that left up to this reading. */
  #confirm({ exact, at }: Difference): Incident[] {
    const { assumed, until } = this.#book.doubts;
    if (!exact || until > at || this.#unexplained > 0) return [];
    const changed = this.#book.correctAssumed(assumed - this.#out, at);
    this.#out = 0;
    return [...changed, ...this.#book.confirm()];
  }

  #record(unseen: Undecided, fate: UnseenFate, now: Now, discoveryIsRed: boolean, lead?: string): Incident {
    const incident = this.#unseen(unseen.counter, unseen.frames, fate, now, discoveryIsRed, lead);
    this.#decided = this.#decided.filter(({ since }) => now.monotonic - since < REPORTED_MS);
    this.#decided.push({ ...unseen, incident });
    return incident;
  }

  #unseen(
    counter: string,
    frames: number,
    fate: UnseenFate,
    now: Now,
    discoveryIsRed: boolean,
    lead?: string,
  ): Incident {
    const packet = new ParsedPacket();
    packet.kind = counterOf(counter)?.kind ?? 'other-ip';
    const observation: Observation = {
      packet,
      verdict: {
        verdict: 'leak',
        rule: 'E',
        severity: lead === undefined && isRedLeak(counter, discoveryIsRed) ? 'red' : 'amber',
        reason: lead === undefined ? NOBODY_LOOKED : FIRST_PACKET,
        exposure: lead ?? UNSEEN_EXPOSURE,
        destination: '',
      },
      direction: 'up',
      crosses: false,
      counter,
      client: 0,
      frames,
      folded: false,
      first: now.monotonic,
      last: now.monotonic,
    };
    return this.#book.unseen(observation, fate, now);
  }
}
