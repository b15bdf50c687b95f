// Recognises a tunnel's first packet to the address that its host name has just resolved to. The client sends it within a millisecond
// of the answer, before rules and judges can know the address, so they take it for a leak. It is reported in amber, under the tunnel's
// host name: block mode stops it (clients send it again), watch mode lets it through.

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

/** The two taps are read one after the other: an answer that came before the packet is known here within this. Milliseconds. */
const HOLD_MS = 100;
/**
 * Taps may know an address so long before the rules do, milliseconds. Packets in between are leaks to the kernel and the tunnel's to the
 * taps, which do not report them.
 */
const AHEAD_MS = 1_000;
/** Most observations held back; further ones are reported as the leaks they were judged to be. */
const HELD = 64;

/** What the learner knows about the host names of tunnels' servers; times are monotonic milliseconds. */
export interface Resolutions {
  /** Whether a believed answer gave this address for the name within about a second of `at`. */
  led(name: string, address: string, at: number): boolean;
  /** Whether a client's question for the name was waiting for its answer at `at`. */
  asked(name: string, at: number): boolean;
  /** Whether a believed answer gave a new address for the name between `from` and `to`. */
  isLedBetween(name: string, from: number, to: number): boolean;
}

/** An observation that is held back until the answer before it is known. */
export interface Held {
  readonly port: 'lan' | 'wan';
  readonly observation: Observation;
}

/** Holds possible first packets back, at most 64, until it is known whether they are a tunnel's. Times are monotonic milliseconds. */
export class FirstPackets {
  readonly #leads: Resolutions;
  #endpoints: readonly JudgedEndpoint[] = [];
  #held: (Held & { readonly until: number })[] = [];

  constructor(leads: Resolutions) {
    this.#leads = leads;
  }

  /** Watches the tunnels of this policy whose servers have host names. */
  setPolicy(policy: Policy): void {
    this.#endpoints = tunnelEndpoints(policy).filter(({ serverName }) => serverName !== undefined);
  }

  /** The observation as it is to be reported now; undefined when it is held back until `due` returns it. */
  take(port: 'lan' | 'wan', observation: Observation, now: number): Observation | undefined {
    const names = this.#namesOf(observation);
    if (names.length === 0) return observation;
    const relabelled = this.#relabelled(observation, names);
    if (relabelled !== observation || this.#held.length >= HELD) return relabelled;
    if (!names.some((name) => this.#leads.asked(name, observation.first))) return observation;
    this.#held.push({ port, observation, until: now + HOLD_MS });
    return undefined;
  }

  /** Removes and returns the observations that are now known to be a tunnel's, or have been held long enough. */
  due(now: number): readonly Held[] {
    if (this.#held.length === 0) return [];
    const relabelled = this.#held.map((held) => ({
      ...held,
      observation: this.#relabelled(held.observation, this.#namesOf(held.observation)),
    }));
    const isDue = (at: number): boolean =>
      relabelled[at]?.observation !== this.#held[at]?.observation || (this.#held[at]?.until ?? 0) <= now;
    const due = relabelled.filter((_, at) => isDue(at));
    this.#held = this.#held.filter((_, at) => !isDue(at));
    return due;
  }

  /**
   * Host name of the tunnel whose first packets these may be: frames that the kernel counted between its readings at `from` and `to` and no
   * tap reported. Undefined unless an address was learned within that second and the tunnel's packets are counted under this counter.
   */
  unlooked(counter: string, from: number, to: number): string | undefined {
    return this.#endpoints.find(({ serverName: name = '', endpoint, shape }) => {
      const port = hasEsp(shape) ? 500 : endpoint.port;
      const isKind = counterName('up', 'leak', portKind(endpoint.transport, port)) === counter;
      return isKind && this.#leads.isLedBetween(name, from - AHEAD_MS, to);
    })?.serverName;
  }

  /** Host names of the tunnels whose packet this would be if its destination were their server. */
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
      (candidate) =>
        candidate.endpoint.transport === transport &&
        (hasEsp(candidate.shape) ? port === 500 || port === 4500 : hasPort(candidate.endpoint, port)) &&
        hasShape(candidate, packet, 'up'),
    );
    return found.flatMap(({ serverName }) => serverName ?? []);
  }

  /** The observation in amber and under the tunnel's host name, if it is that tunnel's first packet; otherwise itself. */
  #relabelled(observation: Observation, names: readonly string[]): Observation {
    const { packet, verdict } = observation;
    const address = addressText(packet.ipVersion === 6 ? 6 : 4, packet.destination);
    const name = names.find((candidate) => this.#leads.led(candidate, address, observation.first));
    if (name === undefined) return observation;
    const reason = `${verdict.reason}; it is the tunnel's own first packet, to the address that its server's name ${name} had just resolved to`;
    return { ...observation, verdict: { ...verdict, severity: 'amber', exposure: name, reason } };
  }
}
