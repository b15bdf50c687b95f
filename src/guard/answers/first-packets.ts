// Knows: a tunnel's own first packet to where its name has just led. Its client sends it within a millisecond of the answer, before
// rules and judges can know the address, so they take it for a leak. Must not know: which answers are believed, the kernel, clocks.
// It is told in amber and by the tunnel's name: stopped in block mode (clients send it again), let through in watch mode.

import { hasPort } from '../../policy/schema/endpoint.ts';
import { counterName, portKind } from '../../policy/compile/counted.ts';
import { hasShape } from '../../policy/filter/tunnels.ts';
import { tunnelEndpoints } from '../../policy/servers/hosts.ts';
import type { JudgedEndpoint } from '../../policy/servers/hosts.ts';
import type { Policy } from '../../policy/policy.ts';
import { fillsPacket, hasEsp } from '../../policy/shapes/shape.ts';
import { addressText } from '../../wire/ip/address.ts';
import type { Observation } from '../observation.ts';
import { Protocol } from '../../wire/ip/ip.ts';

/** The two taps are read one after the other: so long it may take until the answer that came before is known here. Milliseconds. */
const HOLD_MS = 100;
/**
 * Taps know an address before the rules do, by the time that takes: packets in between are leaks to the kernel and the tunnel's to the
 * taps, which tell of nothing. Milliseconds.
 */
const AHEAD_MS = 1_000;
/** More than these are not held, but told as what they were taken for. */
const HELD = 64;

/** What is known of the names of tunnels' servers; times are monotonic milliseconds. */
export interface Leads {
  /** Whether an answer was believed that led there, no more than about a second from `at`. */
  led(name: string, address: string, at: number): boolean;
  /** Whether a client's question was still waiting for its answer then. */
  asked(name: string, at: number): boolean;
  /** Whether an answer was believed in between that led to another address. */
  isLedBetween(name: string, from: number, to: number): boolean;
}

export interface Held {
  readonly port: 'lan' | 'wan';
  readonly observation: Observation;
}

export class FirstPackets {
  readonly #leads: Leads;
  #endpoints: readonly JudgedEndpoint[] = [];
  #held: (Held & { readonly until: number })[] = [];

  constructor(leads: Leads) {
    this.#leads = leads;
  }

  setPolicy(policy: Policy): void {
    this.#endpoints = tunnelEndpoints(policy).filter(({ serverName }) => serverName !== undefined);
  }

  /** The observation as it is to be told now; undefined when it is held until `due` gives it back. */
  take(port: 'lan' | 'wan', observation: Observation, now: number): Observation | undefined {
    const names = this.#namesOf(observation);
    if (names.length === 0) return observation;
    const told = this.#told(observation, names);
    if (told !== observation || this.#held.length >= HELD) return told;
    if (!names.some((name) => this.#leads.asked(name, observation.first))) return observation;
    this.#held.push({ port, observation, until: now + HOLD_MS });
    return undefined;
  }

  /** What was held and is known by now, or never will be. */
  due(now: number): readonly Held[] {
    if (this.#held.length === 0) return [];
    const told = this.#held.map((held) => ({
      ...held,
      observation: this.#told(held.observation, this.#namesOf(held.observation)),
    }));
    const isDue = (at: number): boolean =>
      told[at]?.observation !== this.#held[at]?.observation || (this.#held[at]?.until ?? 0) <= now;
    const due = told.filter((_, at) => isDue(at));
    this.#held = this.#held.filter((_, at) => !isDue(at));
    return due;
  }

  /**
   * Whose packets frames are that the kernel counted between its readings at `from` and `to`, and that no tap told of; undefined when they
   * are nobody's. Only in the second in which an address was learned, and of the kind that such a tunnel's packets are counted as.
   */
  unlooked(counter: string, from: number, to: number): string | undefined {
    return this.#endpoints.find(({ serverName: name = '', endpoint, shape }) => {
      const port = hasEsp(shape) ? 500 : endpoint.port;
      const isKind = counterName('up', 'leak', portKind(endpoint.transport, port)) === counter;
      return isKind && this.#leads.isLedBetween(name, from - AHEAD_MS, to);
    })?.serverName;
  }

  /** Names of the tunnels whose packet it would be at the right address. */
  #namesOf({ packet, direction, verdict, folded }: Observation): readonly string[] {
    if (this.#endpoints.length === 0 || folded || direction !== 'up' || verdict.rule !== 'E') return [];
    const transport =
      packet.protocol === Protocol.UDP ? 'udp' : packet.protocol === Protocol.TCP ? 'tcp' : undefined;
    if (
      packet.ipVersion === 0 ||
      packet.fragmentOffset > 0 ||
      transport === undefined ||
      !fillsPacket(packet)
    )
      return [];
    const port = packet.destinationPort;
    const found = this.#endpoints.filter(
      (one) =>
        one.endpoint.transport === transport &&
        (hasEsp(one.shape) ? port === 500 || port === 4500 : hasPort(one.endpoint, port)) &&
        hasShape(one, packet, 'up'),
    );
    return found.flatMap(({ serverName }) => serverName ?? []);
  }

  #told(observation: Observation, names: readonly string[]): Observation {
    const { packet, verdict } = observation;
    const address = addressText(packet.ipVersion === 6 ? 6 : 4, packet.destination);
    const name = names.find((one) => this.#leads.led(one, address, observation.first));
    if (name === undefined) return observation;
    const reason = `${verdict.reason}; it is the tunnel's own first packet: its server's name had just led there (${name})`;
    return { ...observation, verdict: { ...verdict, severity: 'amber', exposure: name, reason } };
  }
}
