// Knows: how the book's account is brought to what the kernel counted: frames nobody looked at get an incident of their own, and
// fates that were given in doubt are put right. Must not know: how either came about, states, clocks.
// Attempted, escaped and blocked are then what a counter on the wire would say, also over restarts and kills.

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

/** Leaks that the bridge handed to wan (src/policy/compile/nft.ts). */
const LEAK_OUT = 'leak_out';
/** The box's own forged leaks that came in by lan. */
const CANARY = 'canary_lan';
/** Without a word of the wan tap for so long, what was not looked at counts as escaped unless the rules stood. Milliseconds. */
const WAIT_MS = 3_000;

/** What the book holds, in terms of the kernel's counters: a later process goes on from there. */
export interface Accounted {
  /** By counter of leaks going up; and `leak_out`. */
  readonly counters: Readonly<Record<string, number>>;
}

/** A tap that is behind by more than this has lost what it did not tell. Milliseconds. */
const TOLD_MS = 60_000;
/** Both ports are compared with the same reading within this. Milliseconds. */
const EXPLAIN_MS = 1_000;

const NOBODY_LOOKED = 'the kernel counted these frames; no program could look at them';
const FIRST_PACKET =
  "the kernel counted these frames in the moment in which this tunnel's server was found elsewhere: the tunnel's own, before rules knew";

/** Whose first packets frames are that were counted between two readings and that no tap told of. */
type FirstPacket = (counter: string, from: number, to: number) => string | undefined;

/** Whether the kernel dropped leaks during all of this time. */
type Dropped = (first: number, last: number) => boolean;

export interface Balanced {
  readonly changed: readonly Incident[];
  readonly surplus: readonly Surplus[];
}

/** Frames that the kernel counted between its readings at `from` and `at`, as found out at `since`. */
interface Undecided {
  readonly counter: string;
  frames: number;
  readonly from: number;
  readonly at: number;
  readonly since: number;
}

interface Told extends Undecided {
  readonly incident: Incident;
}

export class Balance {
  readonly #book: IncidentBook;
  readonly #reconciliation = new Reconciliation();
  /** The kernel's values at which the book's own sums are zero. */
  #start: Map<string, number> | undefined;
  /** The newest reading: a table that was made anew counts less. */
  #last: CounterValues = new Map();
  /** Counted by the kernel and looked at by nobody: their fate is not known yet. */
  #undecided: Undecided[] = [];
  /** What was told of them, for as long as the wan tap may still show some. */
  #told: Told[] = [];
  /** Frames that are in the book twice, and since when that is known. */
  #twice: { readonly counter: string; readonly frames: number; readonly since: number }[] = [];
  /** Left by wan and seen by nobody: what was called escaped in doubt may be these, and what is more is laid to something. */
  #out = 0;
  #outSince = 0;
  /** The readings between which they left. */
  #outFrom = -Infinity;
  #outAt = -Infinity;
  #comparedAt = { lan: -Infinity, wan: -Infinity };
  /** Laid to frames of no known kind, because nothing better was known when they had left. */
  #advance = 0;
  /** Frames of what needs no incident that no tap looked at. */
  overlooked = 0;

  /** Forged leaks of the box's own that taps have told of, by the kernel's counter. */
  readonly #forged: ReadonlyMap<string, number>;
  readonly #firstPacket: FirstPacket;

  constructor(
    book: IncidentBook,
    forged: ReadonlyMap<string, number> = new Map(),
    firstPacket: FirstPacket = () => undefined,
  ) {
    this.#book = book;
    this.#forged = forged;
    this.#firstPacket = firstPacket;
  }

  /** Counting goes on from what an earlier process had accounted for. */
  resume(values: CounterValues): void {
    this.#reconciliation.resume(values);
    this.#start = new Map(values);
  }

  change(orders: number): void {
    this.#reconciliation.change(orders);
  }

  tapStarted(port: 'lan' | 'wan'): void {
    this.#reconciliation.tapStarted(port);
  }

  tap: Reconciliation['tap'] = (report) => {
    this.#reconciliation.tap(report);
  };

  reading(begun: number, ended: number, values: CounterValues): void {
    const isLess = ([name, value]: readonly [string, number]): boolean => (values.get(name) ?? value) < value;
    if (this.#start === undefined || [...this.#last].some(isLess)) {
      this.#start = new Map([...values].map(([name, value]) => [name, this.#startOf(name, value)] as const));
      this.#start.set(LEAK_OUT, this.#startOf(LEAK_OUT, values.get(LEAK_OUT) ?? 0));
    }
    this.#last = values;
    this.#reconciliation.reading(begun, ended, values);
  }

  /** What the kernel had counted when the book began, where it has counted `value` and all of that is in the book. */
  #startOf(name: string, value: number): number {
    const { attemptedBy, leaksOut } = this.#book;
    if (name === LEAK_OUT) return value - leaksOut;
    return value - (attemptedBy.get(name) ?? 0) - (isLeakUp(name) ? (this.#forged.get(name) ?? 0) : 0);
  }

  /** Both taps have read past the newest reading: what comes now is in the next alone. */
  get isPast(): boolean {
    return this.#reconciliation.isPast;
  }

  /** Undefined before the kernel was read. */
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
    // What is called escaped in doubt is kept as a doubt: the kernel may not have counted it.
    counters[LEAK_OUT] = (this.#start.get(LEAK_OUT) ?? 0) + leaksOut - this.#book.keptDoubt;
    return { counters };
  }

  settle(now: Now, dropped: Dropped, discoveryIsRed: boolean): Balanced {
    const seen = this.#book.inferred.splice(0).flatMap((slice) => this.#infer(slice));
    const until = this.#book.openSince;
    // What has left is in the book as escaped, whatever lan will tell of it.
    const wan = this.#reconciliation.compare('wan', this.#book.attemptsSince, now.monotonic);
    const lan = this.#reconciliation.compare('lan', until, now.monotonic);
    if (wan !== undefined) this.#left(wan, now.monotonic);
    if (lan !== undefined) this.#came(lan, now.monotonic);
    for (const [counter, frames] of lan?.twice ?? [])
      this.#twice.push({ counter, frames, since: now.monotonic });
    const once = this.#tellOnce(now.monotonic);
    const changed = [
      ...seen,
      ...once.changed,
      ...this.#decide(now, dropped, discoveryIsRed),
      ...this.#explain(now, dropped, discoveryIsRed),
      ...(wan === undefined || until < wan.at ? [] : this.#confirm(wan)),
    ];
    const surplus = [...(wan?.surplus ?? []), ...(lan?.surplus ?? []), ...once.surplus];
    // The book has what the kernel has not: what it counts from now on is none of that.
    for (const { counter, frames } of surplus)
      this.#start?.set(counter, (this.#start.get(counter) ?? 0) - frames);
    return { changed, surplus };
  }

  /** One of the two is found when its fate is decided; what is never found was not there twice. */
  #tellOnce(now: number): Balanced {
    const changed: Incident[] = [];
    const surplus: Surplus[] = [];
    this.#twice = this.#twice.flatMap((one) => {
      const told = this.#book.tellOnce(one.counter, one.frames);
      changed.push(...told.changed);
      if (told.left === 0) return [];
      if (now - one.since <= WAIT_MS) return [{ ...one, frames: told.left }];
      surplus.push({ port: 'lan', counter: one.counter, frames: told.left });
      return [];
    });
    return { changed, surplus };
  }

  /** The wan tap saw them after all, when the kernel's count had shown already that lan had missed them. */
  #infer({ counter, frames, first, last }: Slice): Incident[] {
    let left = frames;
    const take = (missed: Undecided, skew = 0): number => {
      if (left <= 0 || missed.counter !== counter || missed.at < first - skew) return 0;
      const part = Math.min(left, missed.frames);
      missed.frames -= part;
      left -= part;
      return part;
    };
    // Frames of one incident within the skew were paired with one another, whichever came first.
    for (const missed of this.#undecided) take(missed, SKEW_MS);
    const changed = this.#told.flatMap(
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

  /** What nobody looked at left if so much left, and was stopped otherwise; without a wan tap, the mode decides. */
  #decide(now: Now, dropped: Dropped, discoveryIsRed: boolean): Incident[] {
    const changed: Incident[] = [];
    const waiting: Undecided[] = [];
    const tell = (one: Undecided, frames: number, fate: UnseenFate): void => {
      one.frames -= frames;
      const name = this.#firstPacket(one.counter, one.from, one.at);
      if (frames > 0) changed.push(this.#tell({ ...one, frames }, fate, now, discoveryIsRed, name));
    };
    for (const one of this.#undecided) {
      const { from, at, since } = one;
      const escaped = from < this.#outAt ? Math.min(one.frames, this.#unexplained) : 0;
      this.#out -= escaped;
      const isDecided = at <= this.#comparedAt.wan;
      if (isDecided) {
        tell(one, one.frames, { escaped, assumed: 0 });
        continue;
      }
      tell(one, escaped, { escaped, assumed: 0 });
      if (now.monotonic - since > WAIT_MS) {
        const assumed = dropped(from, at) ? 0 : one.frames;
        tell(one, one.frames, { escaped: assumed, assumed });
      } else if (one.frames > 0) {
        waiting.push(one);
      }
    }
    this.#undecided = waiting;
    return changed;
  }

  /** What left and nobody saw leave: something was called stopped that was not, or nobody saw it come either. */
  #explain(now: Now, dropped: Dropped, discoveryIsRed: boolean): Incident[] {
    const unexplained = this.#unexplained;
    // Before it is said that nobody saw them come, lan may say that they are those that it has missed, too.
    const lanSaid = this.#comparedAt.lan >= this.#outAt;
    if (unexplained === 0 || !(lanSaid || now.monotonic - this.#outSince > EXPLAIN_MS)) return [];
    const mistaken = Math.min(this.#book.doubts.presumed, unexplained);
    // Only what left while the rules were to let none out is a breach: it is found out later, when they may be others.
    const breach = dropped(this.#outFrom, this.#outAt);
    const changed = this.#book.unpresume(mistaken, this.#outAt, breach);
    const more = unexplained - mistaken;
    this.#out -= unexplained;
    if (more === 0) return changed;
    // They left, whatever they were: that is told at once, and what lan counted more will be found to be these.
    this.#advance += more;
    return [
      ...changed,
      this.#unseen('up_leak_other_ip', more, { escaped: more, assumed: 0 }, now, discoveryIsRed),
    ];
  }

  /** The kernel's counters and the book agree up to here, or are made to. */
  #confirm({ exact, at }: Difference): Incident[] {
    const { assumed, until } = this.#book.doubts;
    if (!exact || until > at || this.#unexplained > 0) return [];
    const changed = this.#book.unassume(assumed - this.#out, at);
    this.#out = 0;
    return [...changed, ...this.#book.confirm()];
  }

  #tell(one: Undecided, fate: UnseenFate, now: Now, discoveryIsRed: boolean, lead?: string): Incident {
    const incident = this.#unseen(one.counter, one.frames, fate, now, discoveryIsRed, lead);
    this.#told = this.#told.filter(({ since }) => now.monotonic - since < TOLD_MS);
    this.#told.push({ ...one, incident });
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
