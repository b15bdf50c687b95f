// Checks that no order in which forged leaks, what taps tell of them, losses, readings, restarts and orders come makes the light green when
// the last proof is older than it may be, or green again without another one. The world below knows which forged leaks were told of and
// counted; the guard is asked for its status at any moment, not at good ones.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { PROOF_MS } from '../../src/guard/canary/canary.ts';
import type { Sighting } from '../../src/guard/canary/canary.ts';
import { Guard } from '../../src/guard/guard.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import { rulesetOf } from '../../src/policy/compile/nft.ts';
import { HOME, report } from '../guard/samples.ts';

type Port = 'lan' | 'wan';
const PORTS: readonly Port[] = ['lan', 'wan'];
const MAC = 0x02_00_00_00_ca_4a;
const judge = compileJudge(HOME);

interface Sent {
  readonly serial: number;
  readonly counter: string;
  isTold: boolean;
}

class World {
  ms = 10_000;
  greens = 0;
  oldest = 0;
  readonly guard: Guard;
  readonly #kernel = new Map<string, number>(
    rulesetOf(HOME, { blockMode: true }).counters.map((name) => [name, 0]),
  );
  readonly #lost = { lan: 0, wan: 0 };
  readonly #counts: Record<Port, Record<string, number>> = { lan: {}, wan: {} };
  #serial = 0;
  /** The newest pair; undefined when a tap has begun anew or orders have changed since. */
  #sent: Readonly<Record<Port, Sent>> | undefined;
  #isCounted = false;
  #provenAt = -Infinity;
  #proofs = 0;
  /** How many proofs there were when the light was last not green for want of one. */
  #wanting = -1;

  constructor() {
    this.guard = new Guard(HOME, {
      ...{ now: () => ({ wall: 1.7e12 + this.ms, monotonic: this.ms }), version: '0', idPrefix: 'p' },
      canary: {
        chance: (count) => new Uint8Array(count).fill(this.#serial),
        mac: MAC,
        seal: () => new Uint8Array(8),
      },
    });
    for (const port of PORTS) this.guard.tap(port, 'up', 'reading');
    this.guard.firewall({ verified: true, detail: 'equal' });
    this.guard.setBlockMode(true, true, this.ms);
    this.reads(0);
  }

  #add(name: string): void {
    this.#kernel.set(name, (this.#kernel.get(name) ?? 0) + 1);
  }

  waits(ms: number): void {
    this.ms += ms;
  }

  /** A pair goes out, when it is time for one; `counts`: it gets to the kernel, and is held. */
  forges(counts: boolean): void {
    const forgery = this.guard.canary?.forge(this.ms, false);
    if (forgery === undefined) return;
    const send = (port: Port): Sent => {
      this.#serial += 1;
      const packet = new ParsedPacket();
      const frame = forgery[port];
      new Dissector().headers(frame, 0, frame.length, frame.length, 1, packet);
      const counter = judge.counter(packet, port === 'lan' ? 'up' : 'down');
      if (counts) for (const name of [counter, `canary_${port}`]) this.#add(name);
      if (counts) this.#add(port === 'lan' ? 'leak_dropped' : 'down_dropped');
      return { serial: this.#serial, counter, isTold: false };
    };
    this.#sent = { lan: send('lan'), wan: send('wan') };
    this.#isCounted = counts;
  }

  /** The tap tells what it has read, the newest forged leak among it or not; or by another name. */
  tells(port: Port, what: 'nothing' | 'sight' | 'wrong'): void {
    const sent = this.#sent?.[port];
    const canaries: Sighting[] = [];
    if (what !== 'nothing' && sent !== undefined && !sent.isTold) {
      if (what === 'sight') sent.isTold = true;
      const counter = what === 'sight' ? sent.counter : 'up_allowed_dns';
      canaries.push({ serial: sent.serial, counter, isLeak: true, outgoing: false });
      const counts = this.#counts[port];
      for (const name of [counter, `canary_${port}`]) counts[name] = (counts[name] ?? 0) + 1;
    }
    this.guard.report(
      report(port, [], {
        ...{
          at: this.ms,
          drained: true,
          lost: this.#lost[port],
          counts: { ...this.#counts[port] },
          canaries,
        },
      }),
    );
  }

  /** More came than the tap could read. */
  loses(port: Port): void {
    this.#lost[port] += 1;
    this.tells(port, 'nothing');
  }

  /** A reading that began so long ago. */
  reads(tookMs: number): void {
    for (const name of ['up_tunnel_0', 'down_tunnel_0']) this.#add(name);
    const begun = this.ms - tookMs;
    const pair = this.#sent;
    if (pair !== undefined && this.#isCounted && PORTS.every((port) => pair[port].isTold)) {
      this.#provenAt = Math.max(this.#provenAt, begun);
      this.#proofs += 1;
      this.#sent = undefined;
    }
    this.guard.reading(begun, this.ms, new Map(this.#kernel));
  }

  restarts(port: Port): void {
    this.guard.tap(port, 'restarting', 'killed');
    this.#lost[port] = 0;
    this.#counts[port] = {};
    this.guard.tap(port, 'up', 'reading');
  }

  /** Somebody asks. */
  asks(): void {
    const { lamp, why, health } = this.guard.status();
    if (health.proof?.detail !== 'a forged leak was seen, counted and held') this.#wanting = this.#proofs;
    if (!lamp.startsWith('green')) return;
    this.greens += 1;
    const age = this.ms - this.#provenAt;
    this.oldest = Math.max(this.oldest, age);
    expect(age, why).toBeLessThanOrEqual(PROOF_MS);
    expect(this.#proofs).toBeGreaterThan(this.#wanting);
    expect(Date.parse(health.proof?.at ?? '')).toBeGreaterThanOrEqual(1.7e12 + this.ms - PROOF_MS);
  }
}

const port = fc.constantFrom(...PORTS);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 700 }).map((ms) => (w: World) => w.waits(ms)) },
  { weight: 1, arbitrary: fc.integer({ min: 700, max: 4_000 }).map((ms) => (w: World) => w.waits(ms)) },
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 9 }).map((n) => (w: World) => w.forges(n > 0)) },
  {
    weight: 12,
    arbitrary: fc.tuple(port, fc.integer({ min: 0, max: 19 })).map(
      ([at, n]) =>
        (w: World) =>
          w.tells(at, n > 4 ? 'sight' : n > 0 ? 'nothing' : 'wrong'),
    ),
  },
  { weight: 2, arbitrary: port.map((at) => (w: World) => w.loses(at)) },
  {
    weight: 5,
    arbitrary: fc
      .integer({ min: 0, max: 2_000 })
      .map((ms) => (w: World) => w.reads(ms % 400 === 0 ? ms : ms % 90)),
  },
  { weight: 1, arbitrary: port.map((at) => (w: World) => w.restarts(at)) },
  { weight: 1, arbitrary: fc.constant((w: World) => w.guard.change(0)) },
  { weight: 1, arbitrary: fc.constant((w: World) => void w.guard.tick()) },
);

describe('a light that is asked for at any moment', () => {
  it('is never green without a proof that is young enough, nor again without another', () => {
    let greens = 0;
    let oldest = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 40, maxLength: 160 }), (steps) => {
        const world = new World();
        for (const take of steps) {
          take(world);
          world.asks();
        }
        greens += world.greens;
        oldest = Math.max(oldest, world.oldest);
      }),
      { seed: 12, numRuns: 400 },
    );
    // It was green often, and up to the last moment: what never is proves nothing.
    expect(greens).toBeGreaterThan(1_000);
    expect(oldest).toBeGreaterThan(PROOF_MS * 0.9);
  });
});
