// Knows: the two taps of the box and what each is ordered to read. Must not know: what their reports mean.

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

/** Servers in use whose frames a capture filter hides where it cannot hide those of all. */
const IN_USE_MOST = 8;

export interface TapPairListener {
  report(report: TapReport): void;
  state(port: Port, state: TapState, detail: string): void;
  /** What answers have opened by now. */
  answered(): readonly AnsweredAddress[];
}

export class TapPair {
  readonly #listener: TapPairListener;
  readonly #taps = new Map<Port, TapSupervisor>();
  readonly #up = new Set<Port>();
  #inUse: readonly string[] = [];
  /** The policy that they go by. */
  #policy: Policy | undefined;
  #told = '';
  #orders = 0;
  /** The interface toward the clients. */
  #lan: string | undefined;

  readonly #canary: CanaryKey;
  readonly #relays: readonly string[];

  /** `relays` are Tor's (src/wire/vpn/tor.ts). */
  constructor(listener: TapPairListener, canary: CanaryKey, relays: RelayList) {
    this.#listener = listener;
    this.#canary = canary;
    this.#relays = [...relays];
  }

  /** Grows with everything that the taps are told to judge by. */
  get orders(): number {
    return this.#orders;
  }

  /** Starts both taps, or has them go on by other orders. */
  order(policy: Policy, learned: LearnedState, boxMacs: readonly string[]): void {
    const macs = boxMacs.flatMap((mac) => parseMac(mac) ?? []);
    this.#orders += 1;
    this.#told = what(learned);
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

  /** Both read their wire. */
  get allUp(): boolean {
    return this.#up.size === PORTS.length;
  }

  /**
   * Whether the taps had to be told; it costs nothing when all that changed is how long it still holds. What is for another policy they
   * hear with that.
   */
  learn(policy: Policy | undefined, learned: LearnedState): boolean {
    if (policy !== this.#policy || what(learned) === this.#told) return false;
    this.#told = what(learned);
    this.#orders += 1;
    for (const tap of this.#taps.values()) tap.learn({ learned, orders: this.#orders });
    return true;
  }

  /** Tells what answers are about to open, and what is closed again; one port alone where only that tap has to hear of it. */
  answered(opened: readonly AnsweredAddress[], gone: readonly AnsweredAddress[], only?: Port): void {
    this.#orders += 1;
    for (const [port, tap] of this.#taps)
      if (only === undefined || only === port) tap.answered(opened, gone, this.#orders);
      else tap.answered([], [], this.#orders);
  }

  /** Hands an answer on to the clients: by the tap that has just been told where it leads. */
  handOn(frame: Uint8Array): void {
    if (this.#lan !== undefined) this.#taps.get('lan')?.sendOn(this.#lan, frame);
  }

  /**
   * Tells which endpoints of the policy are in use, the newest last: of more servers than a capture filter holds the taps need not read
   * what goes to these. What they judge by stays as it is.
   */
  use(endpoints: readonly string[]): void {
    const inUse = endpoints.slice(-IN_USE_MOST);
    if (inUse.join() === this.#inUse.join()) return;
    this.#inUse = inUse;
    for (const tap of this.#taps.values()) tap.use(inUse);
  }

  /** Has the tap of the other port forge what `port` shall see: none is a witness of what it sends itself. */
  forge(port: Port, interfaceName: string, frame: Uint8Array): void {
    this.#taps.get(port === 'lan' ? 'wan' : 'lan')?.sendOn(interfaceName, frame);
  }

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

/** What was learned as a text, without the seconds that are left of it. */
function what(learned: LearnedState): string {
  return JSON.stringify(learned, (key, value: unknown) => (key === 'seconds' ? undefined : value));
}
