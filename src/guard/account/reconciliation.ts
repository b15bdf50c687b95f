// Knows: how the kernel's counters and the taps' own counts of the same frames are held against each other. Must not know:
// incidents, where either comes from. A difference is never credit: each counter is compared with its own count, what the kernel
// has more is unseen, and what a tap has more is as wrong as what it has less.
//
// A tap writes a frame into its ring before the kernel's rules count it (net/core/dev.c, net/bridge/br_input.c). So a count that
// was closed before the reading began is at most the kernel's, and one of all that came before the reading ended is at least it.

import { SKEW_MS } from './account.ts';
import { isRedLeak } from './counters.ts';
import type { TapReport } from '../observation.ts';

/** What a kernel and a tap can both count. */
const OF_PORT = {
  lan: /^(up_(essential|allowed|pass|leak)_|box_spoofed$|canary_lan$)/,
  wan: /^(down_(essential|allowed|pass|leak)_|leak_out$|canary_wan$)/,
};
type Port = keyof typeof OF_PORT;
/** Leaks that the bridge handed to wan, by the kernel; leaks that left by wan, by its tap. */
const LEAK_OUT = 'leak_out';
/** What the wan tap alone counts: frames that left by wan and are no leaks to its judge. */
export const LEFT_OTHERWISE = 'left_otherwise';
/** Rules and judge change together, but not in the same moment: kinds that differ without any frame missing may be that. Milliseconds. */
const SUSPECT_MS = 2_000;
/**
 * What was learned or opened ends in the kernel by whole seconds and in the judge when it is told, so for so long after a change the
 * two may still differ. Milliseconds.
 */
export const SETTLE_MS = 2_000;
/** Counts of taps that are kept to find the ones around a reading. */
const CLOSED_MOST = 32;

type Counts = ReadonlyMap<string, number>;

/** A tap's count of all frames whose arrival lies before `at`, and of none after `until`. */
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

export interface Surplus {
  readonly port: Port;
  readonly counter: string;
  readonly frames: number;
}

/** What a comparison found, in frames by counter. */
export interface Difference {
  /** The kernel counted them and the tap did not. */
  readonly unseen: ReadonlyMap<string, number>;
  readonly surplus: readonly Surplus[];
  /** The tap has told of them after all, that they had to have come was concluded before: they were counted twice. */
  readonly twice: ReadonlyMap<string, number>;
  /** When the reading began. */
  readonly at: number;
  /** What left is compared to the frame: no leak left while the kernel was read. */
  readonly exact: boolean;
  /** Of what came in something differs that only a later reading can say more of. */
  readonly open: boolean;
}

type Found = Pick<Difference, 'unseen' | 'surplus' | 'twice' | 'open'>;
const NOTHING: Found = { unseen: new Map(), surplus: [], twice: new Map(), open: false };

/** One port's half: a reading is compared as soon as the tap has read past it. */
class PortReconciliation {
  readonly #port: Port;
  /** Where in the kernel's counting the tap's begins; by counter. */
  #base = new Map<string, number>();
  #hasBase = false;
  /** Of earlier processes of the tap. */
  #before = new Map<string, number>();
  #now: Counts = new Map();
  #closed: Closed[] = [];
  /** What other taps have seen of this one's frames: all that is older than the last reading, and what came since. */
  #known = new Map<string, number>();
  #inferred: { readonly at: number; readonly counts: Counts }[] = [];
  #reading: Reading | undefined;
  #last: Counts = new Map();
  /** Rules and judge are not known to be the same: kinds are compared together. */
  #mixed = true;
  /** When that was first seen after the last change. */
  #mixedSince: number | undefined;
  #suspectSince: number | undefined;
  #wasTorn = false;
  /** The judge goes by other orders than the rules, or did a moment ago. */
  #isRejudging = false;
  /** So many that left otherwise are of before that, or stand for leaks of the kernel's already. */
  #otherwise = 0;
  /** So many had left otherwise when the changes began that are under way. */
  #otherwiseBefore = 0;

  constructor(port: Port) {
    this.#port = port;
  }

  /** Counting goes on from these values of the kernel, which an earlier process had accounted for. */
  resume(values: Counts): void {
    this.#base = this.#own(values);
    this.#hasBase = true;
  }

  change(rejudges: boolean): void {
    // The kernel may be told first: what leaves in between is its leak, and nothing to a judge that has not heard of it.
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

  /** Frames that came by `at` at the latest, and are known of though this tap did not see them. */
  inferred(counter: string, frames: number, at: number): void {
    this.#inferred.push({ at, counts: new Map([[counter, frames]]) });
  }

  reading(reading: Reading): void {
    const values = this.#own(reading.values);
    // Nothing was read by a tap yet: what comes from now on is what it has to have seen.
    if (this.#closed.length === 0)
      for (const [name, value] of values) if (!this.#base.has(name)) this.#base.set(name, value);
    this.#hasBase ||= this.#closed.length === 0 && values.size > 0;
    this.#reading ??= { ...reading, values };
  }

  take({ at, until, drained, counts }: TapReport): void {
    // A leak in the tunnel's own form is counted with the tunnel, whose other frames no tap sees: there is nothing to compare.
    const isCompared = ([name]: readonly [string, number]): boolean =>
      name === LEFT_OTHERWISE || OF_PORT[this.#port].test(name);
    this.#now = new Map(Object.entries(counts).filter(isCompared));
    if (!drained) return;
    this.#closed.push({ at, until, counts: plus(this.#before, this.#now) });
    if (this.#closed.length > CLOSED_MOST) this.#closed.shift();
  }

  /** The tap has read past the newest reading of the kernel's. */
  get isPast(): boolean {
    const ended = this.#reading?.ended ?? -Infinity;
    return this.#closed.some(({ at }) => at >= ended);
  }

  /** Undefined when there is nothing to compare yet. `settledUntil`: what came before has its fate. */
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
    const least = early && plus(early.counts, this.#known);
    const most = newer.reduce(plusOf, plus(late.counts, this.#known));
    const still = least && this.#atReading(values, least, most);
    const found =
      !this.#hasBase || restarted || values.size === 0
        ? this.#begin(values, still ?? most)
        : this.#difference(values, { early: least, late: most, still, current, now });
    const exact = least !== undefined && least.get(LEAK_OUT) === most.get(LEAK_OUT);
    return { ...found, at: reading.begun, exact };
  }

  /**
   * The tap's count at the very reading: where nothing came meanwhile, or nothing but the box's own forged leaks, of which the kernel says
   * whether it had counted them. They come around every reading: without this nothing would ever be compared to the frame.
   */
  #atReading(values: Counts, least: Counts, most: Counts): Counts | undefined {
    const canary = `canary_${this.#port}`;
    const names = [...most.keys()].filter((name) => name !== LEFT_OTHERWISE && name !== LEAK_OUT);
    const moved = names.filter((name) => least.get(name) !== most.get(name));
    if (moved.length === 0) return most;
    const kinds = names.filter((name) => name !== canary);
    const sum = (counts: Counts): number => kinds.reduce((all, name) => all + (counts.get(name) ?? 0), 0);
    const [forgedLeast, forgedMost] = [least.get(canary) ?? 0, most.get(canary) ?? 0];
    if (sum(most) - sum(least) !== forgedMost - forgedLeast) return undefined;
    const forged = this.#counted(values, canary);
    return forged === forgedLeast ? least : forged === forgedMost ? most : undefined;
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
      /** The count at the very reading, where it is known. */
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
      const [least, most] = [early?.get(name) ?? 0, late.get(name) ?? 0];
      if (name !== canary) {
        sumGap += counted - most;
        sumOver += least - counted;
      }
      if (counted > most) gaps.set(name, counted - most);
      if (early !== undefined && least > counted) over.set(name, least - counted);
    }
    // A forged leak that the tap has missed is told by whoever forged it (src/guard/canary/canary.ts), and is no leak.
    const forged = gaps.get(canary) ?? 0;
    // Each forged leak that the tap has told of and the kernel had not counted yet is in one of the other sums.
    const flying = Math.max(0, (late.get(canary) ?? 0) - forgedNow);
    sumGap += flying;
    sumOver += Math.max(0, forgedNow - (early?.get(canary) ?? 0) - forged);
    gaps.delete(canary);
    sumGap -= forged;
    if (forged > 0) this.#shift(canary, forged);
    // Of which kind it was, nobody knows after its tap has ended: what is told then must not be less than what leaked.
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
      // Every frame was seen and counted, but not as the same kind.
      const open = !this.#mixed || still === undefined;
      if (!open) this.#rebase(values, still, LEAK_OUT);
      this.#unmix(still !== undefined && current, now);
      return { ...out, open };
    }
    // A forged leak that came while the counters were listed is in one of them and not in another; the next reading has it whole.
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
      // While kinds are compared together, a frame that came during the reading may stand for one that is missing.
      open: this.#mixed && still === undefined,
    };
  }

  /**
   * What the tap itself has counted is never more than the kernel's; what is more with all that was concluded is that much of what was
   * concluded, which is known no longer.
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

  /** Leaks that left are compared by themselves: nothing that came in by wan stands for one. */
  #whatLeft(values: Counts, early: Counts | undefined, late: Counts): Found {
    if (this.#port === 'lan') return NOTHING;
    const counted = this.#counted(values, LEAK_OUT);
    const gap = Math.max(0, counted - (late.get(LEAK_OUT) ?? 0));
    const over = early === undefined ? 0 : Math.max(0, (early.get(LEAK_OUT) ?? 0) - counted);
    let excused = 0;
    if (this.#isRejudging) {
      // What leaves is counted as a leak by the rules of before or of after, whichever stood: as many as the tap has seen leave as
      // something else may be that. What it has not seen at all is excused by nothing.
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

  /** Kinds that differ while rules and judge change, or for a moment. */
  #isExcused(now: number): boolean {
    if (this.#mixed) return true;
    this.#suspectSince ??= now;
    return now - this.#suspectSince < SUSPECT_MS;
  }

  /** A difference that was told is told once. */
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

export class Reconciliation {
  readonly #ports = { lan: new PortReconciliation('lan'), wan: new PortReconciliation('wan') };
  #orders = 0;
  readonly #judgesBy = { lan: 0, wan: 0 };

  resume(values: Counts): void {
    this.#ports.lan.resume(values);
    this.#ports.wan.resume(values);
  }

  /** Rules or judge are being changed; `orders` are the newest that the taps were given. */
  change(orders: number): void {
    const rejudges = orders > this.#orders;
    this.#orders = orders;
    this.#ports.lan.change(rejudges);
    this.#ports.wan.change(rejudges);
  }

  tapStarted(port: Port): void {
    this.#ports[port].tapStarted();
  }

  /** The kernel's cumulative values, read at some moment between the two (monotonic milliseconds). */
  reading(begun: number, ended: number, values: Counts): void {
    for (const port of ['lan', 'wan'] as const) this.#ports[port].reading({ begun, ended, values });
  }

  tap(report: TapReport): void {
    this.#judgesBy[report.port] = report.orders;
    this.#ports[report.port].take(report);
  }

  /** Frames that the wan tap saw leave and the lan tap did not see come. */
  inferred(counter: string, frames: number, at: number): void {
    this.#ports.lan.inferred(counter, frames, at);
  }

  /** Both taps have read past the newest reading: what comes now is in the next alone. */
  get isPast(): boolean {
    return this.#ports.lan.isPast && this.#ports.wan.isPast;
  }

  /** Undefined where there is nothing to compare yet. `settledUntil`: what came before has its fate. */
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

/** As much of it as makes up `frames`, leaks first. */
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
