// A whole box in a time of its own: guard, both taps and the forged leaks are the product's, kernel and processes are made here, late by
// chance as on a busy machine. The order of things is that of appliance/daemon/daemon.ts.

import { createHmac } from 'node:crypto';
import { newCanaryKey, sealOf } from '../../../appliance/bridge/canary-seal.ts';
import { TapReader } from '../../../appliance/tap/reader.ts';
import { Dissector } from '../../../src/flow/dissector.ts';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import { Guard } from '../../../src/guard/guard.ts';
import type { TapReport } from '../../../src/guard/observation.ts';
import type { Status } from '../../../src/api/status.ts';
import { compileJudge } from '../../../src/policy/judge.ts';
import type { Judge } from '../../../src/policy/judge.ts';
import { rulesetOf } from '../../../src/policy/compile/nft.ts';
import { Lots } from '../../property/mutate.ts';
import { HOME } from '../../guard/samples.ts';
import { dnsQuery, udp } from '../../policy/frames.ts';
import { four } from '../../policy/shape.ts';

export type Port = 'lan' | 'wan';
export const PORTS: readonly Port[] = ['lan', 'wan'];

const TICK_MS = 100;
const VERIFY_MS = 700;
const HEARTBEAT_MS = 200;
const LINGER_MS = 5;
const RESTART_MS = 300;

interface Frame {
  readonly bytes: Uint8Array;
  readonly outgoing: boolean;
  readonly at: number;
}

/** What a test breaks; all that is undefined is whole. */
export interface Broken {
  /** The rules let a leak go on. */
  rules?: boolean;
  /** There is no table: nothing is counted, nothing held, and listing it fails. */
  table?: boolean;
  /** The tap reads nothing and says nothing. */
  stopped?: Port;
  /** The tap goes on, and frames do not get to it. */
  blind?: Port;
  /** `nft` does not come back, ends with an error, or says for ever what it said last. */
  listing?: 'hangs' | 'fails' | 'stale';
  /** What this tap judges by. */
  judge?: { readonly port: Port; readonly judge: Judge };
  /** Nothing comes in by it. */
  port?: Port;
}

class Tap {
  ring: Frame[] = [];
  lost = 0;
  isUp = false;
  wakeAt = -Infinity;
  /** What it said last is read by the daemon after what it said before. */
  toldAt = 0;
  reader!: TapReader;
}

export class CanaryWorld {
  ms = 0;
  readonly broken: Broken = {};
  /** Share of what comes to a tap that its ring has no room for. */
  loss = 0;
  readonly guard: Guard;
  /** Forged frames that the bridge would have handed to wan. */
  left = 0;
  forged = 0;
  readonly #lots: Lots;
  readonly #canary = newCanaryKey();
  readonly #judge = compileJudge(HOME);
  readonly #packet = new ParsedPacket();
  readonly #dissector = new Dissector();
  readonly #taps: Readonly<Record<Port, Tap>> = { lan: new Tap(), wan: new Tap() };
  readonly #counters = new Map<string, number>();
  #listed = new Map<string, number>();
  #drops = false;
  #orders = 1;
  /** A heap by time. */
  readonly #due: { readonly at: number; readonly nth: number; readonly run: () => void }[] = [];
  #nth = 0;

  constructor(seed: number) {
    this.#lots = new Lots(seed);
    for (const name of rulesetOf(HOME, { blockMode: false }).counters) this.#counters.set(name, 0);
    let drawn = 0;
    const chance = (count: number): Uint8Array => {
      drawn += 1;
      return createHmac('sha512', String(seed)).update(String(drawn)).digest().subarray(0, count);
    };
    this.guard = new Guard(HOME, {
      ...{ now: () => ({ wall: 1.7e12 + this.ms, monotonic: this.ms }), version: '0', idPrefix: 'w' },
      canary: { chance, mac: this.#canary.mac, seal: (serial) => sealOf(this.#canary, serial) },
    });
    for (const port of PORTS) this.#start(port);
    this.#every(TICK_MS, () => void this.guard.tick());
    this.#look();
  }

  /** Lets time pass; `seen` hears of every state that the daemon would have told. */
  run(forMs: number, seen: (status: Status) => void = () => undefined): void {
    const end = this.ms + forMs;
    let told = this.ms;
    for (;;) {
      const next = this.#due[0];
      if (next === undefined || next.at > end) break;
      this.#pop();
      this.ms = Math.max(this.ms, next.at);
      next.run();
      if (this.ms - told < TICK_MS) continue;
      told = this.ms;
      seen(this.guard.status());
    }
    this.ms = end;
    seen(this.guard.status());
  }

  get lots(): Lots {
    return this.#lots;
  }

  /** Block mode, as a command switches it. */
  block(on: boolean): void {
    if (!on) this.guard.setBlockMode(this.#drops, false, this.ms);
    this.guard.change(this.#orders);
    this.#after(20 + this.#late(), () => {
      this.#drops = on;
      this.guard.change(this.#orders);
      this.guard.firewall({ verified: true, detail: 'equal' });
      this.guard.reading(this.ms - 1, this.ms, new Map(this.#counters));
      this.guard.setBlockMode(on, on, this.ms);
    });
  }

  /** The laptop asks past the tunnel. */
  leaks(): void {
    const name = `n${String(this.#lots.below(4))}.leak.example`;
    this.#arrives('lan', four('a leak', 17, udp(40000, 53, dnsQuery(name)), { to: '203.0.113.53' }).bytes);
  }

  /** The process of a tap is killed, and another one begins. */
  kill(port: Port): void {
    const tap = this.#taps[port];
    tap.isUp = false;
    this.guard.tap(port, 'restarting', 'killed');
    this.#after(RESTART_MS + this.#late(), () => this.#start(port));
  }

  #start(port: Port): void {
    const tap = this.#taps[port];
    Object.assign(tap, { isUp: true, ring: [], lost: 0 });
    tap.reader = new TapReader({
      ...{ port, judge: this.#judge, dissector: new Dissector(), boxMacs: [], orders: this.#orders },
      ...{ keepsFrames: true, canary: this.#canary, monotonic: () => this.ms, lost: () => tap.lost },
      emit: (report) => {
        this.#tell(tap, report);
        return undefined;
      },
    });
    this.guard.tap(port, 'up', 'reading');
    const { reader } = tap;
    const beat = (): void => {
      if (tap.reader !== reader || !tap.isUp) return;
      if (this.broken.stopped !== port) {
        this.#drain(port);
        reader.report(this.ms, true);
      }
      this.#after(HEARTBEAT_MS + this.#late(), beat);
    };
    this.#after(HEARTBEAT_MS, beat);
  }

  #tell(tap: Tap, report: TapReport): void {
    const { reader } = tap;
    // Counts go on growing in the tap: what is read is what they were when it was said.
    const said = { ...report, counts: { ...report.counts } };
    tap.toldAt = Math.max(tap.toldAt, this.ms + this.#late());
    this.#at(tap.toldAt, () => {
      if (tap.isUp && tap.reader === reader) this.guard.report(said);
    });
  }

  /** Frames of one port, and what the kernel makes of them. */
  #arrives(port: Port, bytes: Uint8Array): void {
    if (this.broken.port === port) return;
    this.#ring(port, { bytes, outgoing: false, at: this.ms });
    if (this.broken.table === true) return;
    const [packet, direction] = [this.#packet, port === 'lan' ? 'up' : 'down'] as const;
    this.#dissector.headers(bytes, 0, bytes.length, bytes.length, 1, packet);
    const isForged = packet.sourceMac === this.#canary.mac;
    if (isForged) this.#count(`canary_${port}`);
    this.#count(this.#judge.counter(packet, direction));
    const crosses = this.broken.rules === true || this.#judge.crosses(packet, direction);
    if (!crosses && this.#drops) this.#count(direction === 'up' ? 'leak_dropped' : 'down_dropped');
    else if (!crosses && isForged) this.#count('canary_dropped');
    else if (isForged) {
      // The rule in the chain behind holds it; where all rules are gone, nothing does.
      this.#count('canary_crossed');
      this.left += 1;
    } else {
      this.#count('leak_passed');
      this.#count('leak_out');
      this.#ring('wan', { bytes, outgoing: true, at: this.ms });
    }
  }

  #count(name: string): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + 1);
  }

  #ring(port: Port, frame: Frame): void {
    const tap = this.#taps[port];
    if (!tap.isUp || this.broken.blind === port) return;
    if (this.loss > 0 && this.#lots.below(1_000) < this.loss * 1_000) {
      tap.lost += 1;
      return;
    }
    tap.ring.push(frame);
    if (tap.wakeAt > this.ms) return;
    tap.wakeAt = this.ms + this.#late();
    this.#at(tap.wakeAt, () => {
      if (this.broken.stopped === port) return;
      this.#drain(port);
      const { reader } = tap;
      this.#after(LINGER_MS, () => {
        if (tap.reader === reader && reader.pending) reader.report(this.ms, false);
      });
    });
  }

  #drain(port: Port): void {
    const tap = this.#taps[port];
    const { judge } = this.broken;
    if (judge?.port === port)
      tap.reader.setJudge(judge.judge, { boxMacs: [], orders: this.#orders, keepsFrames: true });
    for (const { bytes, outgoing, at } of tap.ring.splice(0))
      tap.reader.frame(bytes, bytes.length, bytes.length, outgoing, at);
  }

  /** One round of reading back, and what is sent after it; the next one as appliance/daemon/rounds.ts has it. */
  #look(): void {
    const began = this.ms;
    const { listing } = this.broken;
    if (listing === 'hangs') return;
    const readAfter = 5 + this.#late();
    this.#after(readAfter, () => {
      if (this.broken.listing !== 'stale') this.#listed = new Map(this.#counters);
      const tunnel = ['up_tunnel_0', 'down_tunnel_0'];
      for (const name of tunnel) this.#counters.set(name, (this.#counters.get(name) ?? 0) + 3);
      this.#after(5 + this.#late(), () => {
        if (this.broken.table === true || this.broken.listing === 'fails') {
          this.guard.firewall({ verified: false, detail: 'nft said no' });
        } else {
          this.guard.firewall({ verified: true, detail: 'equal' });
          this.guard.reading(began, this.ms, this.#listed);
          this.#prove();
        }
        const took = this.ms - began;
        this.#after(Math.max(VERIFY_MS, 3 * took) + this.#late(), () => this.#look());
      });
    });
  }

  #prove(): void {
    const forgery = this.guard.canary?.forge(this.ms, false);
    if (forgery === undefined) return;
    this.forged += 1;
    for (const port of PORTS) {
      // The tap of the other port sends it.
      const sender: Port = port === 'lan' ? 'wan' : 'lan';
      if (!this.#taps[sender].isUp || this.broken.stopped === sender) continue;
      this.#after(this.#late(), () => this.#arrives(port, forgery[port]));
    }
  }

  /** How late a process is on a busy machine, milliseconds: mostly little, and now and then very. */
  #late(): number {
    const draw = this.#lots.below(1_000);
    if (draw < 900) return this.#lots.below(6);
    if (draw < 995) return this.#lots.below(80);
    return this.#lots.below(300);
  }

  #every(ms: number, task: () => void): void {
    const turn = (): void => {
      task();
      this.#after(ms + this.#late(), turn);
    };
    this.#after(ms, turn);
  }

  #after(ms: number, run: () => void): void {
    this.#at(this.ms + ms, run);
  }

  #at(at: number, run: () => void): void {
    const heap = this.#due;
    this.#nth += 1;
    const one = { at, nth: this.#nth, run };
    let place = heap.push(one) - 1;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (isBefore(heap[above], one)) break;
      heap[place] = heap[above] as (typeof heap)[number];
      place = above;
    }
    heap[place] = one;
  }

  #pop(): void {
    const heap = this.#due;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1], heap[below])) below += 1;
      if (isBefore(last, heap[below])) break;
      heap[place] = heap[below] as (typeof heap)[number];
      place = below;
    }
    heap[place] = last;
  }
}

interface Due {
  readonly at: number;
  readonly nth: number;
}

function isBefore(one: Due | undefined, other: Due | undefined): boolean {
  if (one === undefined || other === undefined) return other === undefined;
  return one.at < other.at || (one.at === other.at && one.nth < other.nth);
}
