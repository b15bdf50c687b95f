// The two taps of the box, and the orders that they are given.

import type { TapReport } from '../../src/guard/observation.ts';
import type { AnsweredAddress } from '../../src/policy/filter/answered.ts';
import type { LearnedState } from '../../src/policy/servers/learned.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { parseMac } from '../../src/wire/ip/address.ts';
import type { TapOrder } from './messages.ts';
import type { RelayList } from '../../src/wire/vpn/tor.ts';
import type { CanaryKey } from '../bridge/canary-seal.ts';
import { TapSupervisor } from './supervisor.ts';
import type { TapState } from './supervisor.ts';

const PORTS = ['lan', 'wan'] as const;
type Port = (typeof PORTS)[number];

/** A capture filter without room for all servers hides only the frames of this many servers in use. */
const IN_USE_MOST = 8;

/** What the daemon is told. */
export interface TapPairListener {
  report(report: TapReport): void;
  /** `detail`: one clause. */
  state(port: Port, state: TapState, detail: string): void;
  /** The addresses that answers have opened by now. */
  answered(): readonly AnsweredAddress[];
}

/** Both taps. Methods return at once; a tap that is being restarted gets the newest orders when it starts. */
export class TapPair {
  readonly #listener: TapPairListener;
  readonly #taps = new Map<Port, TapSupervisor>();
  readonly #up = new Set<Port>();
  #inUse: readonly string[] = [];
  /** The policy and the learned state that the taps were last told. */
  #policy: Policy | undefined;
  #learned = '';
  #orders = 0;
  /** The interface toward the clients. */
  #lan: string | undefined;

  readonly #canary: CanaryKey;
  readonly #relays: readonly string[];

  /** `relays`: the Tor relays (src/wire/vpn/tor.ts). */
  constructor(listener: TapPairListener, canary: CanaryKey, relays: RelayList) {
    this.#listener = listener;
    this.#canary = canary;
    this.#relays = [...relays];
  }

  /** Number of the newest order; grows whenever the taps are told anything that they judge by. */
  get orders(): number {
    return this.#orders;
  }

  /** Starts both taps, or gives running ones new orders. `boxMacs`: the box's own MAC addresses as text; invalid ones are left out. */
  order(policy: Policy, learned: LearnedState, boxMacs: readonly string[]): void {
    const macs = boxMacs.flatMap((mac) => parseMac(mac) ?? []);
    this.#orders += 1;
    this.#learned = textOf(learned);
    this.#policy = policy;
    this.#lan = policy.bridge.lan;
    for (const port of PORTS) {
      const order: TapOrder = {
        port,
        interface: policy.bridge[port],
        policy,
        learned,
        inUse: this.#inUse,
        boxMacs: macs,
        canary: this.#canary,
        relays: this.#relays,
        orders: this.#orders,
      };
      const running = this.#taps.get(port);
      if (running === undefined) this.#start(port, order);
      else running.renew(order);
    }
  }

  /** Whether both taps are reading. */
  get allUp(): boolean {
    return this.#up.size === PORTS.length;
  }

  /**
   * Tells the taps what was learned; returns false when nothing but times to live has changed. Learned state for another policy than theirs
   * is ignored: they get it with that policy.
   */
  learn(policy: Policy | undefined, learned: LearnedState): boolean {
    if (policy !== this.#policy || textOf(learned) === this.#learned) return false;
    this.#learned = textOf(learned);
    this.#orders += 1;
    for (const tap of this.#taps.values()) tap.learn({ learned, orders: this.#orders });
    return true;
  }

  /** Tells the taps which addresses answers are about to open, and which are closed again; with `only`, just the tap of that port. */
  answered(opened: readonly AnsweredAddress[], gone: readonly AnsweredAddress[], only?: Port): void {
    this.#orders += 1;
    for (const [port, tap] of this.#taps)
      if (only === undefined || only === port) tap.answered(opened, gone, this.#orders);
      else tap.answered([], [], this.#orders);
  }

  /**
   * Forwards an answer to its client through the lan tap, which has been told the addresses in it before. `frame` begins with its Ethernet
   * header; it is lost while that tap is not running.
   */
  handOn(frame: Uint8Array): void {
    if (this.#lan !== undefined) this.#taps.get('lan')?.sendOn(this.#lan, frame);
  }

  /**
   * Tells the taps which endpoints of the policy are in use, the newest last: when there are more servers than a capture filter can hold, it
   * hides the frames of these. Does not change how they judge.
   */
  use(endpoints: readonly string[]): void {
    const inUse = endpoints.slice(-IN_USE_MOST);
    if (inUse.join() === this.#inUse.join()) return;
    this.#inUse = inUse;
    for (const tap of this.#taps.values()) tap.use(inUse);
  }

  /**
   * Has the tap of the other port send a forged leak that `port` must see: a tap does not see what it sends itself. `interfaceName`: that
   * of CanaryLinks.of.
   */
  forge(port: Port, interfaceName: string, frame: Uint8Array): void {
    this.#taps.get(port === 'lan' ? 'wan' : 'lan')?.sendOn(interfaceName, frame);
  }

  /** Ends both taps. */
  stop(): void {
    for (const tap of this.#taps.values()) tap.stop();
  }

  #start(port: Port, order: TapOrder): void {
    const tap = new TapSupervisor(order, {
      report: (report) => {
        this.#listener.report(report);
      },
      answered: () => this.#listener.answered(),
      state: (state, detail) => {
        if (state === 'up') this.#up.add(port);
        else this.#up.delete(port);
        this.#listener.state(port, state, detail);
      },
    });
    this.#taps.set(port, tap);
    tap.start();
  }
}

/** The learned state as text, without times to live. */
function textOf(learned: LearnedState): string {
  return JSON.stringify(learned, (key, value: unknown) => (key === 'seconds' ? undefined : value));
}
