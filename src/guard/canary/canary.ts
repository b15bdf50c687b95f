// Knows: when a forged leak has proven that the box sees, counts, judges and holds a real one, and what failed when it has not.
// Must not know: how frames are sent, what rules are. Without such a proof every few seconds nothing is vouched for.

import { CANARIES_DOWN, CANARIES_UP, forged } from './canary-frames.ts';
import type { CanaryShape } from './canary-frames.ts';
import type { CounterValues } from '../account/counters.ts';

/** Not proven for so long: the light is not green. Milliseconds. */
export const PROOF_MS = 3_000;
/**
 * A forged leak that no tap has told of by then is missed: that is said at once, and another follows. What breaks right after a proof
 * is found by the next forged leak, so a pause and this together must be less than PROOF_MS. Milliseconds.
 */
const SIGHT_MS = 1_500;
/** Between two proofs, milliseconds: less than between two readings, so that each reading proves something. */
const PAUSE_MS = 600;
/** From the word to a tap until the kernel has counted the frame, at most. Milliseconds. */
const FLIGHT_MS = 300;

type Port = 'lan' | 'wan';
const PORTS: readonly Port[] = ['lan', 'wan'];

/** What a tap says of a frame that bears the box's own seal. */
export interface Sighting {
  readonly serial: number;
  /** The kernel's counter that such a frame adds to, as the judge has it. */
  readonly counter: string;
  readonly isLeak: boolean;
  /** It left by this port. */
  readonly outgoing: boolean;
}

/** What the box forges with. */
export interface CanaryMeans {
  /** Random bytes that nobody can guess. */
  readonly chance: (count: number) => Uint8Array;
  /** The last bytes of the frame with this number. */
  readonly seal: (serial: number) => Uint8Array;
  /** The sender's MAC address, random per start. */
  readonly mac: number;
}

export interface Forgery {
  readonly lan: Uint8Array;
  readonly wan: Uint8Array;
}

interface Expected {
  readonly serial: number;
  readonly shape: CanaryShape;
  /** The kernel's values before it was sent. */
  readonly before: CounterValues;
  /** When a tap told of it as it had to, monotonic milliseconds. */
  seenAt: number | undefined;
  /** The tap has lost frames since, this one perhaps: it says nothing of whether the tap sees. */
  mayBeLost: boolean;
}

const FLOODED = 'more frames come than the taps can read';

export class Canary {
  readonly #means: CanaryMeans;
  #serial = 0;
  #sentAt = -Infinity;
  #expected: Readonly<Record<Port, Expected>> | undefined;
  #values: CounterValues | undefined;
  #crossed = 0;
  #wrong: string | undefined;
  /** What of an earlier one did not come back; a proof ends it. */
  #missed: string | undefined;
  /** A flood took the one before; a proof ends that too. */
  #isFlooded = false;
  #changed = false;
  readonly #drawn = new Set<CanaryShape>();
  /** A port has no cable: nothing comes in there, forged or not. */
  #isWithheld = false;
  /** Since when it is to be proven again, monotonic milliseconds. */
  #dueSince = -Infinity;
  /** When the reading that gave the last proof began, monotonic milliseconds: what broke later it need not show. Undefined before the first. */
  provenAt: number | undefined;
  /** Forged leaks that taps have told of, by the kernel's counter: whoever adds up leaks takes them off. */
  readonly counted = new Map<string, number>();
  /** Something forged crossed the rules, or was on its way out at wan. */
  breach: string | undefined;

  constructor(means: CanaryMeans) {
    this.#means = means;
  }

  /** The next pair of frames, when it is time for them; `always` leaves out what a policy or a pass may let through. */
  forge(now: number, always: boolean): Forgery | undefined {
    const waits = this.#expected !== undefined && !this.#mayBeLost && now - this.#sentAt < SIGHT_MS;
    if (this.#isWithheld || this.#values === undefined || waits || now - this.#sentAt < PAUSE_MS)
      return undefined;
    if (this.#mayBeLost) this.#isFlooded = true;
    else if (this.#expected !== undefined) this.#missed = this.#missing();
    this.#sentAt = now;
    this.#changed = false;
    const { chance, mac } = this.#means;
    const make = (shapes: readonly CanaryShape[]): { expected: Expected; frame: Uint8Array } => {
      this.#serial += 1;
      const shape = this.#draw(shapes);
      // Locally administered and nobody's: were the rules gone, the bridge would hand it on.
      const to = chance(5).reduce((address, byte) => address * 256 + byte, 0x06);
      const frame = forged(shape, to, mac, this.#means.seal(this.#serial), chance);
      return {
        expected: {
          serial: this.#serial,
          shape,
          before: this.#values ?? new Map(),
          seenAt: undefined,
          mayBeLost: false,
        },
        frame,
      };
    };
    const up = make(CANARIES_UP.filter((shape) => shape.always || !always));
    const down = make(CANARIES_DOWN);
    this.#expected = { lan: up.expected, wan: down.expected };
    return { lan: up.frame, wan: down.frame };
  }

  /** Some counters of a reading that began then may have counted a forged leak and others not yet. Monotonic milliseconds. */
  tears(begun: number): boolean {
    if (this.#expected === undefined || begun - this.#sentAt > FLIGHT_MS) return false;
    const { lan, wan } = this.#expected;
    return Math.max(lan.seenAt ?? Infinity, wan.seenAt ?? Infinity) >= begun;
  }

  /** By lot, and none again before all have been: what errs about one shape alone is found when all have been sent. */
  #draw(shapes: readonly CanaryShape[]): CanaryShape {
    if (shapes.every((shape) => this.#drawn.has(shape)))
      for (const shape of shapes) this.#drawn.delete(shape);
    const left = shapes.filter((shape) => !this.#drawn.has(shape));
    const [draw = 0] = this.#means.chance(1);
    const shape = left[draw % left.length] as CanaryShape;
    this.#drawn.add(shape);
    return shape;
  }

  /** A tap saw a frame of ours, and told so at `now`. */
  saw(port: Port, { serial, counter, isLeak, outgoing }: Sighting, now: number): void {
    if (outgoing) {
      this.breach ??= `a forged leak was on its way out at ${port}`;
      return;
    }
    this.counted.set(counter, (this.counted.get(counter) ?? 0) + 1);
    const expected = this.#expected?.[port];
    if (expected?.serial !== serial) return;
    this.#note(now);
    const { shape } = expected;
    if (counter === shape.counter && (port === 'wan' || isLeak)) {
      expected.seenAt ??= now;
      return;
    }
    if (this.#changed) this.restart(now);
    else
      this.#wrong = `${shape.name} on ${port} was called ${counter === shape.counter ? 'no leak' : counter}, not ${shape.counter}`;
  }

  /**
   * The tap has lost frames since it spoke last. A forged leak that it has not told of is then no sign that it does not see, and another
   * follows at once; the last proof grows old all the same.
   */
  lossy(port: Port, now: number): void {
    this.#note(now);
    const expected = this.#expected?.[port];
    if (expected !== undefined) expected.mayBeLost = true;
  }

  /** The kernel's counters, read at some moment since `begun`, monotonic milliseconds. */
  read(begun: number, values: CounterValues): void {
    this.#values = values;
    const crossed = values.get('canary_crossed') ?? 0;
    if (crossed > this.#crossed) this.breach = 'a forged leak got as far as the way out';
    this.#crossed = crossed;
    const expected = this.#expected;
    if (expected?.lan.seenAt === undefined || expected.wan.seenAt === undefined) return;
    if (this.#areCounted(expected, values)) {
      this.#expected = undefined;
      this.#wrong = undefined;
      this.#missed = undefined;
      this.#isFlooded = false;
      this.breach = undefined;
      this.provenAt = begun;
      return;
    }
    // The kernel counts a frame before a tap can have told of it.
    if (Math.max(expected.lan.seenAt, expected.wan.seenAt) > begun) return;
    if (this.#changed) this.restart(begun);
    else this.#missed = this.#missing();
  }

  #areCounted(expected: Readonly<Record<Port, Expected>>, values: CounterValues): boolean {
    const grown = (before: CounterValues, name: string): number =>
      (values.get(name) ?? 0) - (before.get(name) ?? 0);
    for (const port of PORTS) {
      const { shape, before } = expected[port];
      if (grown(before, shape.counter) < 1 || grown(before, `canary_${port}`) < 1) return false;
    }
    const held = ['leak_dropped', 'down_dropped', 'canary_dropped'];
    return held.reduce((sum, name) => sum + grown(expected.lan.before, name), 0) >= 2;
  }

  /** What was sent has not come back in time: the way on which it is sent may be gone. */
  isLost(now: number): boolean {
    return this.#isOverdue(now) && this.#unseen === 'lan';
  }

  #isOverdue(now: number): boolean {
    return now - this.#sentAt > SIGHT_MS && this.#unseen !== undefined;
  }

  /** What was overdue is missed until the next proof, whatever is heard of it, or becomes of it: nothing else makes the light green again. */
  #note(now: number): void {
    if (this.#isOverdue(now)) this.#missed = this.#missing();
  }

  /** Where a forged leak has not been seen that the tap had to see. */
  get #unseen(): Port | undefined {
    const expected = this.#expected;
    if (expected === undefined) return undefined;
    return PORTS.find((port) => expected[port].seenAt === undefined && !expected[port].mayBeLost);
  }

  /** A flood alone keeps what was sent from being seen. */
  get #mayBeLost(): boolean {
    const expected = this.#expected;
    if (expected === undefined || this.#unseen !== undefined) return false;
    return PORTS.some((port) => expected[port].seenAt === undefined);
  }

  /** Rules or judge change: what is on its way may be read by either, and not as the same. */
  change(): void {
    this.#changed = true;
  }

  /** While a port has no cable nothing is forged and nothing is missed; with a cable it is proven anew. Monotonic milliseconds. */
  withhold(on: boolean, now: number): void {
    if (on === this.#isWithheld) return;
    this.#isWithheld = on;
    this.#dueSince = now;
    this.restart(now);
    this.#missed = undefined;
  }

  /** Nothing was proven since a port had no cable. */
  get isWithheld(): boolean {
    return this.#isWithheld || (this.provenAt ?? -Infinity) < this.#dueSince;
  }

  /** What is on its way is lost; the next goes at once. */
  restart(now: number): void {
    this.#note(now);
    this.#expected = undefined;
    this.#sentAt = -Infinity;
  }

  /** Why nothing is proven now, in words; undefined when it is. */
  fault(now: number): string | undefined {
    if (this.breach !== undefined) return this.breach;
    if (this.#wrong !== undefined) return `a forged leak was misjudged: ${this.#wrong}`;
    if (this.#isWithheld) return undefined;
    const missed = this.#isOverdue(now) ? this.#missing() : this.#missed;
    const isDue = now - Math.max(this.provenAt ?? -Infinity, this.#dueSince) > PROOF_MS;
    if (!isDue && missed === undefined) return undefined;
    const since =
      this.provenAt === undefined ? 'not yet' : `not for ${((now - this.provenAt) / 1_000).toFixed(0)} s`;
    return `it was ${since} proven that a leak is seen and held: ${missed ?? this.#pending()}`;
  }

  /** What it waits for, when nothing was missed so far. */
  #pending(): string {
    // What is on its way after one that a flood took may yet be seen: it is the flood that has kept it from being proven.
    if (this.#isFlooded) return FLOODED;
    const isSeen = this.#expected !== undefined && this.#unseen === undefined && !this.#mayBeLost;
    return isSeen ? 'the kernel counters were not read since it was seen' : this.#missing();
  }

  #missing(): string {
    const expected = this.#expected;
    if (expected === undefined) return 'no forged leak could be sent';
    const unseen = this.#unseen;
    if (unseen !== undefined) return `the tap on ${unseen} did not see ${expected[unseen].shape.name}`;
    if (this.#isFlooded || this.#mayBeLost) return FLOODED;
    return `the kernel did not count ${expected.lan.shape.name} as held`;
  }
}
