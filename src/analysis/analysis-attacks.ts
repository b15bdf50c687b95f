// Knows: what a network in a capture did to pull traffic out of tunnels, and which leaks followed from it. Must not know: files.
// Rule T as it is raised live: amber, and red when something escapes to where the network pulled. Bounded.

import type { ParsedPacket } from '../flow/parsed-packet.ts';
import type { Policy } from '../policy/policy.ts';
import { isGroup } from '../wire/ip/address.ts';
import type { IncidentList, Warning } from './analysis-incidents.ts';
import { Pulls } from '../guard/attacks/network-attacks.ts';
import { Tripwire } from '../guard/attacks/tripwire.ts';

/** Frames to one client's own address say nothing more of it; so many clients are remembered. */
const MOST_QUIET = 1_024;

export class AnalysedNetworkAttacks {
  readonly #incidents: IncidentList;
  readonly #tripwire = new Tripwire();
  readonly #pulls = new Pulls<Warning>();
  /** By MAC address, the last address to which a packet told nothing. */
  readonly #quiet = new Map<number, number>();
  #client: number | undefined;
  /** The destination that was held against the pulls last; '' when there is a new one. */
  #blamed = '';

  constructor(incidents: IncidentList, policy: Policy, client: number | undefined) {
    this.#incidents = incidents;
    this.#client = client;
    this.#tripwire.setPolicy(policy);
  }

  /** Looks at a frame that may come from the network; gives how many network attacks it plays. */
  look(packet: ParsedPacket, timeMicros: number): number {
    const { offer, answers } = packet.findings;
    const telling = offer !== undefined || answers.length > 0 || packet.kind === 'arp';
    if (offer?.client !== undefined) {
      this.#client ??= offer.client;
      this.#quiet.clear();
    }
    if (!telling && this.#isQuiet(packet)) return 0;
    const networkAttacks = this.#tripwire.see({ packet, folded: false });
    if (networkAttacks.length === 0 && !telling && packet.ipVersion === 4 && this.#quiet.size < MOST_QUIET)
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

  /** A red leak to where the network pulled makes the warning red. */
  blame(destination: string, timeMicros: number): void {
    if (this.#pulls.size === 0 || destination === this.#blamed) return;
    this.#blamed = destination;
    for (const warning of this.#pulls.behind(destination, timeMicros / 1_000)) warning.severity = 'red';
  }
}
