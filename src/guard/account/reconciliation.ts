// Compares the kernel's counters with the taps' own counts of the same frames. A difference is never credit: each counter is compared
// with its own count; frames that only the kernel counted are `unseen`, and frames that only a tap counted are just as wrong.
//
// A frame is in a tap's ring before the kernel's rules count it (net/core/dev.c, net/bridge/br_input.c). So a tap's count that was
// closed before the reading began is at most the kernel's, and a count of everything that came before the reading ended is at least it.

import { SKEW_MS } from './account.ts';
import { isRedLeak } from './counters.ts';
import type { TapReport } from '../observation.ts';

/** Counters whose frames both the kernel and the port's tap can count. */
const OF_PORT = {
  lan: /^(up_(essential|allowed|pass|leak)_|box_spoofed$|canary_lan$)/,
  wan: /^(down_(essential|allowed|pass|leak)_|leak_out$|canary_wan$)/,
};
type Port = keyof typeof OF_PORT;
/** To the kernel, leaks that the bridge sent out by wan; to the wan tap, leaks that left. */
const LEAK_OUT = 'leak_out';
/** Counted by the wan tap only: frames that left by wan and are not leaks to its judge. */
export const LEFT_OTHERWISE = 'left_otherwise';
/** Rules and judge do not change in the same moment: for so long, counters that differ while no frame is missing may be due to that. Milliseconds. */
const SUSPECT_MS = 2_000;
/**
 * Learned and opened addresses expire in the kernel by whole seconds and in the judge when it is told, so for so long after a change
 * the two may still differ. Milliseconds.
 */
export const SETTLE_MS = 2_000;
/** Most tap counts kept, to find those just before and after a reading. */
const CLOSED_MOST = 32;

type Counts = ReadonlyMap<string, number>;

/** A tap's count of all frames that arrived before `at` and of none that arrived after `until`. */
interface Closed {
  readonly at: number;
  readonly until: number;
  readonly counts: Counts;
}

interface Reading {
  readonly begun: number;
  readonly ended: number;
  readonly values: Counts;
}

/** Frames that a tap counted and the kernel did not. */
export interface Surplus {
  readonly port: Port;
  /** Name of the kernel's counter. */
  readonly counter: string;
  readonly frames: number;
}

/** The result of a comparison, in frames by counter. */
export interface Difference {
  /** The kernel counted these and the tap did not. */
  readonly unseen: ReadonlyMap<string, number>;
  readonly surplus: readonly Surplus[];
  /** Counted twice: the tap reported these only after it had been concluded from wan that they must have come in. */
  readonly twice: ReadonlyMap<string, number>;
  /** When the reading began, monotonic milliseconds. */
  readonly at: number;
  /** Leaks that left were compared exactly: none left while the kernel was being read. */
  readonly exact: boolean;
  /** Counts of incoming frames differ in a way that only a later reading can clear up. */
  readonly open: boolean;
}

type Found = Pick<Difference, 'unseen' | 'surplus' | 'twice' | 'open'>;
const NOTHING: Found = { unseen: new Map(), surplus: [], twice: new Map(), open: false };

/** One port's comparison: a reading is compared as soon as the tap has read past it. */
class PortReconciliation {
  readonly #port: Port;
  /** The kernel's value at which the tap's count is zero, by counter. */
  #base = new Map<string, number>();
  #hasBase = false;
  /** Counts of earlier processes of the tap. */
  #before = new Map<string, number>();
  #now: Counts = new Map();
  #closed: Closed[] = [];
  /** Frames of this port that the other tap has shown to exist: those older than the last reading, and below it the later ones. */
  #known = new Map<string, number>();
  #inferred: { readonly at: number; readonly counts: Counts }[] = [];
  #reading: Reading | undefined;
  #last: Counts = new Map();
  /** Kernel rules and judge may differ: only the sums over all counters are compared. */
  #mixed = true;
  /** When a reading was first compared after the last change. */
  #mixedSince: number | undefined;
  #suspectSince: number | undefined;
  #wasTorn = false;
  /** The judge follows other orders than the kernel's rules, or did a moment ago. */
  #isRejudging = false;
  /** The `left_otherwise` frames that are older than that, or that already account for leaks of the kernel's. */
  #otherwise = 0;
  /** The value of `left_otherwise` when the current changes began. */
  #otherwiseBefore = 0;

  constructor(port: Port) {
    this.#port = port;
  }

  /** Continues counting from these values of the kernel, which an earlier process had accounted for. */
  resume(values: Counts): void {
    this.#base = this.#own(values);
    this.#hasBase = true;
  }

  change(rejudges: boolean): void {
    // The kernel may change first: until the judge follows, the kernel counts as leaks what the judge does not.
    if (!this.#mixed) this.#otherwiseBefore = this.#leftOtherwise;
    if (rejudges && this.#port === 'wan' && !this.#isRejudging) {
      this.#isRejudging = true;
      this.#otherwise = this.#otherwiseBefore;
    }
    this.#mixed = true;
    this.#mixedSince = undefined;
    this.#suspectSince = undefined;
  }

  get #leftOtherwise(): number {
    return (this.#before.get(LEFT_OTHERWISE) ?? 0) + (this.#now.get(LEFT_OTHERWISE) ?? 0);
  }

  tapStarted(): void {
    this.#before = plus(this.#before, this.#now);
    this.#now = new Map();
  }

  /** Adds frames that came in by `at` at the latest and are known although this tap did not see them. */
  inferred(counter: string, frames: number, at: number): void {
    this.#inferred.push({ at, counts: new Map([[counter, frames]]) });
  }

  reading(reading: Reading): void {
    const values = this.#own(reading.values);
    // The tap has not reported yet: it only has to have seen what comes from now on.
    if (this.#closed.length === 0)
      for (const [name, value] of values) if (!this.#base.has(name)) this.#base.set(name, value);
    this.#hasBase ||= this.#closed.length === 0 && values.size > 0;
    this.#reading ??= { ...reading, values };
  }

  take({ at, until, drained, counts }: TapReport): void {
    // A leak that looks like the tunnel's own packets is counted with the tunnel, whose other frames no tap sees, so it cannot be compared.
    const isCompared = ([name]: readonly [string, number]): boolean =>
      name === LEFT_OTHERWISE || OF_PORT[this.#port].test(name);
    this.#now = new Map(Object.entries(counts).filter(isCompared));
    if (!drained) return;
    this.#closed.push({ at, until, counts: plus(this.#before, this.#now) });
    if (this.#closed.length > CLOSED_MOST) this.#closed.shift();
  }

  /** Whether the tap has read past the kernel's newest reading. */
  get isPast(): boolean {
    const ended = this.#reading?.ended ?? -Infinity;
    return this.#closed.some(({ at }) => at >= ended);
  }

  /** Undefined if there is nothing to compare yet. `settledUntil`: earlier frames are decided; `current`: the tap judges by the newest orders. */
  compare(settledUntil: number, current: boolean, now: number): Difference | undefined {
    const reading = this.#reading;
    if (reading === undefined || settledUntil < reading.ended) return undefined;
    const late = this.#closed.find(({ at }) => at >= reading.ended);
    if (late === undefined) return undefined;
    const early = this.#closed.findLast(({ until }) => until <= reading.begun);
    this.#reading = undefined;
    this.#mixedSince ??= now;
    const { values } = reading;
    const restarted = [...values].some(([name, value]) => value < (this.#last.get(name) ?? 0));
    this.#last = values;
    const newer = this.#inferred.filter(({ at }) => at > reading.begun - SKEW_MS);
    this.#known = this.#inferred.filter((one) => !newer.includes(one)).reduce(plusOf, this.#known);
    this.#inferred = newer;
    const lower = early && plus(early.counts, this.#known);
    const upper = newer.reduce(plusOf, plus(late.counts, this.#known));
    const still = lower && this.#atReading(values, lower, upper);
    const found =
      !this.#hasBase || restarted || values.size === 0
        ? this.#begin(values, still ?? upper)
        : this.#difference(values, { early: lower, late: upper, still, current, now });
    const exact = lower !== undefined && lower.get(LEAK_OUT) === upper.get(LEAK_OUT);
    return { ...found, at: reading.begun, exact };
  }

  /**
   * The tap's count at the very moment of the reading, if it is known: when nothing came meanwhile, or only the box's own forged leaks,
   * whose counter shows whether the kernel had counted them. They come around every reading: without this no comparison would be exact.
   */
  #atReading(values: Counts, lower: Counts, upper: Counts): Counts | undefined {
    const canary = `canary_${this.#port}`;
    const names = [...upper.keys()].filter((name) => name !== LEFT_OTHERWISE && name !== LEAK_OUT);
    const moved = names.filter((name) => lower.get(name) !== upper.get(name));
    if (moved.length === 0) return upper;
    const kinds = names.filter((name) => name !== canary);
    const sum = (counts: Counts): number => kinds.reduce((all, name) => all + (counts.get(name) ?? 0), 0);
    const [forgedLower, forgedUpper] = [lower.get(canary) ?? 0, upper.get(canary) ?? 0];
    if (sum(upper) - sum(lower) !== forgedUpper - forgedLower) return undefined;
    const forged = this.#counted(values, canary);
    return forged === forgedLower ? lower : forged === forgedUpper ? upper : undefined;
  }

  #counted(values: Counts, name: string): number {
    return (values.get(name) ?? 0) - (this.#base.get(name) ?? 0);
  }

  #begin(values: Counts, counts: Counts): Found {
    this.#rebase(values, counts);
    return NOTHING;
  }

  #difference(
    values: Counts,
    {
      early,
      late,
      still,
      current,
      now,
    }: {
      readonly early: Counts | undefined;
      readonly late: Counts;
      /** The count at the moment of the reading, if it is known. */
      readonly still: Counts | undefined;
      readonly current: boolean;
      readonly now: number;
    },
  ): Found {
    const canary = `canary_${this.#port}`;
    const forgedNow = this.#counted(values, canary);
    const gaps = new Map<string, number>();
    const over = new Map<string, number>();
    let [sumGap, sumOver] = [0, 0];
    for (const name of new Set([...values.keys(), ...late.keys()])) {
      if (name === LEFT_OTHERWISE || name === LEAK_OUT) continue;
      const counted = this.#counted(values, name);
      const [lower, upper] = [early?.get(name) ?? 0, late.get(name) ?? 0];
      if (name !== canary) {
        sumGap += counted - upper;
        sumOver += lower - counted;
      }
      if (counted > upper) gaps.set(name, counted - upper);
      if (early !== undefined && lower > counted) over.set(name, lower - counted);
    }
    // A forged leak that the tap missed is not a leak; src/guard/canary/canary.ts reports it.
    const forged = gaps.get(canary) ?? 0;
    // Each forged leak that the tap reported and the kernel had not counted yet is in one of the other counters too.
    const flying = Math.max(0, (late.get(canary) ?? 0) - forgedNow);
    sumGap += flying;
    sumOver += Math.max(0, forgedNow - (early?.get(canary) ?? 0) - forged);
    gaps.delete(canary);
    sumGap -= forged;
    if (forged > 0) this.#shift(canary, forged);
    // Its kind is not known once the tap has ended. Take it from amber counters first, so that no red leak goes unreported.
    const order = [...gaps].sort(
      ([a, few], [b, many]) => Number(isRedLeak(a, true)) - Number(isRedLeak(b, true)) || few - many,
    );
    for (const [name, frames] of firstOf(new Map(order), forged)) {
      this.#shift(name, frames);
      if (frames === gaps.get(name)) gaps.delete(name);
      else gaps.set(name, (gaps.get(name) ?? 0) - frames);
    }
    const out = this.#whatLeft(values, early, late);
    if (gaps.size === 0 && over.size === 0) {
      this.#unmix(still !== undefined && current, now);
      this.#suspectSince = undefined;
      return out;
    }
    const missing = Math.max(0, sumGap);
    const added = early === undefined ? 0 : Math.max(0, sumOver);
    if (missing === 0 && added === 0 && this.#isExcused(now)) {
      // Every frame was seen and counted, but not under the same counter.
      const open = !this.#mixed || still === undefined;
      if (!open) this.#rebase(values, still, LEAK_OUT);
      this.#unmix(still !== undefined && current, now);
      return { ...out, open };
    }
    // A forged leak that came while the counters were listed is in some of them and not in others; the next reading has it in all.
    const isTorn = this.#mixed && flying > 0 && missing + added <= flying && !this.#wasTorn;
    this.#wasTorn = isTorn;
    if (isTorn) return { ...out, open: true };
    this.#suspectSince = undefined;
    const unseen = this.#mixed ? firstOf(gaps, missing) : gaps;
    const surplus = this.#mixed ? firstOf(over, added) : over;
    for (const [name, frames] of unseen) this.#shift(name, frames);
    const twice = this.#concludedOf(surplus);
    for (const [name, frames] of surplus) this.#shift(name, (twice.get(name) ?? 0) - frames);
    return {
      unseen: new Map([...unseen, ...out.unseen]),
      surplus: [
        ...out.surplus,
        ...[...surplus].flatMap(([counter, all]) => {
          const frames = all - (twice.get(counter) ?? 0);
          return frames === 0 ? [] : [{ port: this.#port, counter, frames }];
        }),
      ],
      twice,
      // While only sums are compared, a frame that came during the reading may hide one that is missing.
      open: this.#mixed && still === undefined,
    };
  }

  /**
   * Splits off the surplus that is due to inferred frames: the tap's own count cannot exceed the kernel's, so if tap and inferred frames
   * together do, that many inferred frames were counted twice. They are removed from the inferred ones.
   */
  #concludedOf(surplus: Counts): Map<string, number> {
    const twice = new Map<string, number>();
    for (const [name, frames] of surplus) {
      const concluded = Math.min(frames, this.#known.get(name) ?? 0);
      if (concluded === 0) continue;
      twice.set(name, concluded);
      this.#known.set(name, (this.#known.get(name) ?? 0) - concluded);
    }
    return twice;
  }

  /** Compares leaks that left, separately from frames that came in by wan. */
  #whatLeft(values: Counts, early: Counts | undefined, late: Counts): Found {
    if (this.#port === 'lan') return NOTHING;
    const counted = this.#counted(values, LEAK_OUT);
    const gap = Math.max(0, counted - (late.get(LEAK_OUT) ?? 0));
    const over = early === undefined ? 0 : Math.max(0, (early.get(LEAK_OUT) ?? 0) - counted);
    let excused = 0;
    if (this.#isRejudging) {
      // The kernel may count as a leak, by the old or the new rules, what the tap's judge does not: so as many frames as the tap saw leave
      // as something else are excused. Frames that it did not see at all are never excused.
      const seen = (late.get(LEFT_OTHERWISE) ?? 0) - this.#otherwise;
      excused = Math.min(gap, Math.max(0, seen));
      this.#otherwise += excused;
    }
    this.#shift(LEAK_OUT, gap - over);
    const unseen = gap - excused;
    return {
      unseen: new Map(unseen > 0 ? [[LEAK_OUT, unseen]] : []),
      twice: new Map(),
      surplus: over > 0 && !this.#isRejudging ? [{ port: this.#port, counter: LEAK_OUT, frames: over }] : [],
      open: false,
    };
  }

  #unmix(same: boolean, now: number): void {
    if (!same || now - (this.#mixedSince ?? now) < SETTLE_MS) return;
    this.#mixed = false;
    this.#isRejudging = false;
  }

  /** Whether counters may differ although no frame is missing: while rules and judge change, or for a moment. */
  #isExcused(now: number): boolean {
    if (this.#mixed) return true;
    this.#suspectSince ??= now;
    return now - this.#suspectSince < SUSPECT_MS;
  }

  /** Moves the base so that a reported difference is not reported again. */
  #shift(counter: string, frames: number): void {
    this.#base.set(counter, (this.#base.get(counter) ?? 0) + frames);
  }

  #rebase(values: Counts, counts: Counts, keeps?: string): void {
    const kept = keeps === undefined ? undefined : this.#base.get(keeps);
    this.#base = new Map(
      [...new Set([...values.keys(), ...counts.keys()])].map((name) => [
        name,
        (values.get(name) ?? 0) - (counts.get(name) ?? 0),
      ]),
    );
    if (keeps !== undefined && kept !== undefined) this.#base.set(keeps, kept);
    this.#hasBase = values.size > 0;
  }

  #own(values: Counts): Map<string, number> {
    return new Map([...values].filter(([name]) => OF_PORT[this.#port].test(name)));
  }
}

/** Compares both ports. Frames by counter name; times in monotonic milliseconds. */
export class Reconciliation {
  readonly #ports = { lan: new PortReconciliation('lan'), wan: new PortReconciliation('wan') };
  #orders = 0;
  readonly #judgesBy = { lan: 0, wan: 0 };

  /** Continues counting from these values of the kernel, which an earlier process had accounted for. */
  resume(values: Counts): void {
    this.#ports.lan.resume(values);
    this.#ports.wan.resume(values);
  }

  /** Call when rules or judge are being changed; `orders` is the number of the newest orders that the taps were given. */
  change(orders: number): void {
    const rejudges = orders > this.#orders;
    this.#orders = orders;
    this.#ports.lan.change(rejudges);
    this.#ports.wan.change(rejudges);
  }

  /** The tap of this port is a new process, which counts from zero. */
  tapStarted(port: Port): void {
    this.#ports[port].tapStarted();
  }

  /** Takes the kernel's cumulative values, read at some moment between `begun` and `ended`. */
  reading(begun: number, ended: number, values: Counts): void {
    for (const port of ['lan', 'wan'] as const) this.#ports[port].reading({ begun, ended, values });
  }

  /** Takes a tap's counts; only those of a report that read everything before its end (`drained`) can be compared. */
  tap(report: TapReport): void {
    this.#judgesBy[report.port] = report.orders;
    this.#ports[report.port].take(report);
  }

  /** Adds frames that the wan tap saw leave and the lan tap did not see come in; they came by `at` at the latest. */
  inferred(counter: string, frames: number, at: number): void {
    this.#ports.lan.inferred(counter, frames, at);
  }

  /** Whether both taps have read past the newest reading: frames that come now are only in the next one. */
  get isPast(): boolean {
    return this.#ports.lan.isPast && this.#ports.wan.isPast;
  }

  /**
   * The difference since the last comparison; undefined when there is nothing to compare yet. `settledUntil`: the fate of all frames that
   * came before is decided. A difference is returned once.
   */
  compare(port: Port, settledUntil: number, now: number): Difference | undefined {
    return this.#ports[port].compare(settledUntil, this.#judgesBy[port] >= this.#orders, now);
  }
}

function plus(one: Counts, other: Counts): Map<string, number> {
  const sum = new Map(one);
  for (const [name, frames] of other) sum.set(name, (sum.get(name) ?? 0) + frames);
  return sum;
}

function plusOf(sum: Map<string, number>, { counts }: { readonly counts: Counts }): Map<string, number> {
  return plus(sum, counts);
}

/** Counters that together make up at most `frames` frames, leaks first. */
function firstOf(counts: Counts, frames: number): Map<string, number> {
  const taken = new Map<string, number>();
  let left = frames;
  const order = [...counts].sort(([a], [b]) => Number(b.includes('_leak')) - Number(a.includes('_leak')));
  for (const [name, found] of order) {
    const part = Math.min(found, left);
    if (part > 0) taken.set(name, part);
    left -= part;
  }
  return taken;
}
