// Proves every few seconds, with a forged leak, that the box would see, count, judge and stop a real one; without a recent proof the
// state is blind. Says what failed when there is none. No frame is sent here: the caller sends what `forge` returns.

import { CANARIES_DOWN, CANARIES_UP, forged } from './canary-frames.ts';
import type { CanaryShape } from './canary-frames.ts';
import type { CounterValues } from '../account/counters.ts';

/** Without a proof for so long the light is not green. Milliseconds. */
export const PROOF_MS = 3_000;
/**
 * A forged leak that no tap has reported by then is missed: that is reported at once, and another one follows. The next forged leak must
 * find a fault that begins right after a proof, so PAUSE_MS and this together must be less than PROOF_MS. Milliseconds.
 */
const SIGHT_MS = 1_500;
/** Shortest time between two forged leaks, milliseconds: less than between two readings, so that each reading proves something. */
const PAUSE_MS = 600;
/** Longest time from the order to send a forged leak until the kernel has counted it, milliseconds. */
const FLIGHT_MS = 300;

type Port = 'lan' | 'wan';
const PORTS: readonly Port[] = ['lan', 'wan'];

/** A tap's report of a frame with the box's own seal. */
export interface Sighting {
  readonly serial: number;
  /** Name of the kernel counter that counts such a frame, according to the judge. */
  readonly counter: string;
  /** According to the judge. */
  readonly isLeak: boolean;
  /** It left by this port. */
  readonly outgoing: boolean;
}

/** What forging needs. */
export interface CanaryMeans {
  /** `count` random bytes that nobody can guess. */
  readonly chance: (count: number) => Uint8Array;
  /** The seal, 16 bytes, which are the last of the frame with this serial number. */
  readonly seal: (serial: number) => Uint8Array;
  /** The forged sender's MAC address as a 48-bit number, random at each start. */
  readonly mac: number;
}

/** The frames to send into each port, complete Ethernet frames without checksum. */
export interface Forgery {
  readonly lan: Uint8Array;
  readonly wan: Uint8Array;
}

interface Expected {
  readonly serial: number;
  readonly shape: CanaryShape;
  /** The kernel's values before it was sent. */
  readonly before: CounterValues;
  /** When the tap reported it correctly, monotonic milliseconds. */
  seenAt: number | undefined;
  /** The tap has lost frames since, perhaps this one: that it is missing does not show that the tap is blind. */
  mayBeLost: boolean;
}

const FLOODED = 'more frames come than the taps can read';

/** Forges leaks and checks that they were seen, counted and stopped. Times are monotonic milliseconds. */
export class Canary {
  readonly #means: CanaryMeans;
  #serial = 0;
  #sentAt = -Infinity;
  #expected: Readonly<Record<Port, Expected>> | undefined;
  #values: CounterValues | undefined;
  #crossed = 0;
  #wrong: string | undefined;
  /** What went missing of an earlier forged leak; cleared by a proof. */
  #missed: string | undefined;
  /** The previous forged leak was lost in a flood; cleared by a proof. */
  #isFlooded = false;
  #changed = false;
  readonly #drawn = new Set<CanaryShape>();
  /** A port has no cable, so nothing is forged. */
  #isWithheld = false;
  /** Since when a new proof is due, monotonic milliseconds. */
  #dueSince = -Infinity;
  /** When the reading that gave the last proof began: later faults need not show in it. Undefined before the first proof. */
  provenAt: number | undefined;
  /** Forged leaks that taps have reported, by kernel counter: they must be subtracted from sums of leaks. */
  readonly counted = new Map<string, number>();
  /** What is known of a forged leak that passed the rules or was seen leaving a port, in words; cleared by a proof. */
  breach: string | undefined;

  constructor(means: CanaryMeans) {
    this.#means = means;
  }

  /** The next pair of frames if it is time for them, else undefined. `always`: only shapes that no policy or pass lets through. */
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
      // Locally administered, and belongs to no station, so that the bridge would forward it if the rules were gone.
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

  /** Whether a reading that began at `begun` may include a forged leak in some of its counters and not in others. */
  tears(begun: number): boolean {
    if (this.#expected === undefined || begun - this.#sentAt > FLIGHT_MS) return false;
    const { lan, wan } = this.#expected;
    return Math.max(lan.seenAt ?? Infinity, wan.seenAt ?? Infinity) >= begun;
  }

  /** A random shape; none comes again before all have been sent, so that a fault with a single shape is found. */
  #draw(shapes: readonly CanaryShape[]): CanaryShape {
    if (shapes.every((shape) => this.#drawn.has(shape)))
      for (const shape of shapes) this.#drawn.delete(shape);
    const left = shapes.filter((shape) => !this.#drawn.has(shape));
    const [draw = 0] = this.#means.chance(1);
    const shape = left[draw % left.length] as CanaryShape;
    this.#drawn.add(shape);
    return shape;
  }

  /** Takes a tap's report of a forged frame. */
  saw(port: Port, { serial, counter, isLeak, outgoing }: Sighting, now: number): void {
    if (outgoing) {
      this.breach ??= `a forged leak was seen leaving ${port}`;
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
      this.#wrong = `${shape.name} on ${port} was judged as ${counter === shape.counter ? 'no leak' : counter}, not ${shape.counter}`;
  }

  /**
   * Call when a tap has lost frames since its last report. A forged leak that it has not reported then does not show that it is blind, and
   * another one follows at once; the last proof still ages.
   */
  lossy(port: Port, now: number): void {
    this.#note(now);
    const expected = this.#expected?.[port];
    if (expected !== undefined) expected.mayBeLost = true;
  }

  /** Takes the kernel's counters, cumulative, read at some moment since `begun`. */
  read(begun: number, values: CounterValues): void {
    this.#values = values;
    const crossed = values.get('canary_crossed') ?? 0;
    if (crossed > this.#crossed) this.breach = 'a forged leak got past the rules';
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
    // The kernel counts a frame before a tap can report it.
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
    const stopped = ['leak_dropped', 'down_dropped', 'canary_dropped'];
    return stopped.reduce((sum, name) => sum + grown(expected.lan.before, name), 0) >= 2;
  }

  /** Whether a forged leak sent into lan was not seen in time: the interface that it is sent through may be gone. */
  isLost(now: number): boolean {
    return this.#isOverdue(now) && this.#unseen === 'lan';
  }

  #isOverdue(now: number): boolean {
    return now - this.#sentAt > SIGHT_MS && this.#unseen !== undefined;
  }

  /** Records an overdue forged leak as missed until the next proof, even if it is reported late: only a proof makes the light green again. */
  #note(now: number): void {
    if (this.#isOverdue(now)) this.#missed = this.#missing();
  }

  /** The port whose tap has not seen a forged leak that it should have seen. */
  get #unseen(): Port | undefined {
    const expected = this.#expected;
    if (expected === undefined) return undefined;
    return PORTS.find((port) => expected[port].seenAt === undefined && !expected[port].mayBeLost);
  }

  /** Whether only lost frames keep the current forged leak from being seen. */
  get #mayBeLost(): boolean {
    const expected = this.#expected;
    if (expected === undefined || this.#unseen !== undefined) return false;
    return PORTS.some((port) => expected[port].seenAt === undefined);
  }

  /** Call when rules or judge change: they may then disagree about the forged leak that is on its way. */
  change(): void {
    this.#changed = true;
  }

  /** While `on` (a port has no cable) nothing is forged or missed; afterwards a new proof is due. */
  withhold(on: boolean, now: number): void {
    if (on === this.#isWithheld) return;
    this.#isWithheld = on;
    this.#dueSince = now;
    this.restart(now);
    this.#missed = undefined;
  }

  /** Whether a port has no cable, or there was no proof since it got one. */
  get isWithheld(): boolean {
    return this.#isWithheld || (this.provenAt ?? -Infinity) < this.#dueSince;
  }

  /** Gives up the forged leak that is on its way; the next one is sent at once. */
  restart(now: number): void {
    this.#note(now);
    this.#expected = undefined;
    this.#sentAt = -Infinity;
  }

  /** Why there is no valid proof at `now`, in words; undefined when there is one. */
  fault(now: number): string | undefined {
    if (this.breach !== undefined) return this.breach;
    if (this.#wrong !== undefined) return `a forged leak was misjudged: ${this.#wrong}`;
    if (this.#isWithheld) return undefined;
    const missed = this.#isOverdue(now) ? this.#missing() : this.#missed;
    const isDue = now - Math.max(this.provenAt ?? -Infinity, this.#dueSince) > PROOF_MS;
    if (!isDue && missed === undefined) return undefined;
    const since = this.provenAt === undefined ? 'yet' : `for ${((now - this.provenAt) / 1_000).toFixed(0)} s`;
    return `it has not been proven ${since} that a leak is seen and held: ${missed ?? this.#pending()}`;
  }

  /** What the next proof waits for, when nothing has been missed. */
  #pending(): string {
    // The previous forged leak was lost in a flood and this one may still be seen: the flood is the reason.
    if (this.#isFlooded) return FLOODED;
    const isSeen = this.#expected !== undefined && this.#unseen === undefined && !this.#mayBeLost;
    return isSeen ? 'the kernel counters have not been read since it was seen' : this.#missing();
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
