// Rule T for a capture: what the network did to pull traffic out of tunnels, and which leaks followed. Severity as on a live wire: amber,
// and red when something escapes to where the network pulled. Memory is bounded.

import type { ParsedPacket } from '../flow/parsed-packet.ts';
import type { Policy } from '../policy/policy.ts';
import { isGroup } from '../wire/ip/address.ts';
import type { IncidentList, Warning } from './analysis-incidents.ts';
import { AttackWarnings } from '../guard/attacks/network-attacks.ts';
import { Tripwire } from '../guard/attacks/tripwire.ts';

/** How many clients are remembered for which ordinary frames show nothing new. */
const MAX_QUIET = 1_024;

/** Finds network attacks in a capture and files them as incidents. */
export class AnalysedNetworkAttacks {
  readonly #incidents: IncidentList;
  readonly #tripwire = new Tripwire();
  readonly #pulls = new AttackWarnings<Warning>();
  /** By MAC address of a client, the IPv4 address to which a packet showed no attack; further packets to it are skipped. */
  readonly #quiet = new Map<number, number>();
  #client: number | undefined;
  /** The destination that was last checked against the pulls; '' after a new pull. */
  #blamed = '';

  /** `client`: MAC address of the laptop as a number; undefined: the one to which a DHCP server gives an address first. */
  constructor(incidents: IncidentList, policy: Policy, client: number | undefined) {
    this.#incidents = incidents;
    this.#client = client;
    this.#tripwire.setPolicy(policy);
  }

  /** Looks at a frame that may come from the network; returns how many network attacks are in it. Time in microseconds since 1970. */
  look(packet: ParsedPacket, timeMicros: number): number {
    const { offer, answers } = packet.findings;
    const isRelevant = offer !== undefined || answers.length > 0 || packet.kind === 'arp';
    if (offer?.client !== undefined) {
      this.#client ??= offer.client;
      this.#quiet.clear();
    }
    if (!isRelevant && this.#isQuiet(packet)) return 0;
    const networkAttacks = this.#tripwire.see({ packet, folded: false });
    if (networkAttacks.length === 0 && !isRelevant && packet.ipVersion === 4 && this.#quiet.size < MAX_QUIET)
      this.#quiet.set(packet.destinationMac, packet.destination[3] ?? 0);
    for (const networkAttack of networkAttacks) {
      const toAll = isGroup(packet.destinationMac);
      const client = toAll ? (this.#client ?? packet.destinationMac) : packet.destinationMac;
      const warning = this.#incidents.warn(packet, networkAttack, client, timeMicros);
      if (warning === undefined) continue;
      this.#blamed = '';
      this.#pulls.note(warning, networkAttack.exposure, networkAttack, timeMicros / 1_000);
    }
    return networkAttacks.length;
  }

  #isQuiet(packet: ParsedPacket): boolean {
    return packet.ipVersion !== 4 || this.#quiet.get(packet.destinationMac) === packet.destination[3];
  }

  /**
   * Makes warnings red when a red leak went to where the network pulled; `destination` is an address as text. Time in microseconds since
   * 1970.
   */
  blame(destination: string, timeMicros: number): void {
    if (this.#pulls.size === 0 || destination === this.#blamed) return;
    this.#blamed = destination;
    for (const warning of this.#pulls.behind(destination, timeMicros / 1_000)) warning.severity = 'red';
  }
}
