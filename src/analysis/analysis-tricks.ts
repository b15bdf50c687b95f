// Knows: what a network in a capture did to pull traffic out of tunnels, and which leaks followed from it. Must not know: files.
// Rule T as it is raised live: amber, and red when something escapes to where the network pulled. Bounded.

import type { Facts } from '../flow/facts.ts';
import type { Policy } from '../policy/policy.ts';
import { isGroup } from '../wire/ip/address.ts';
import type { IncidentList, Warning } from './analysis-incidents.ts';
import { Pulls } from '../guard/attacks/tricks.ts';
import { Tripwire } from '../guard/attacks/tripwire.ts';

/** Frames to one client's own address say nothing more of it; so many clients are remembered. */
const MOST_QUIET = 1_024;

export class AnalysedTricks {
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

  /** Looks at a frame that may come from the network; gives how many tricks it plays. */
  look(facts: Facts, timeMicros: number): number {
    const { offer, answers } = facts.findings;
    const telling = offer !== undefined || answers.length > 0 || facts.kind === 'arp';
    if (offer?.client !== undefined) {
      this.#client ??= offer.client;
      this.#quiet.clear();
    }
    if (!telling && this.#isQuiet(facts)) return 0;
    const tricks = this.#tripwire.see({ facts, folded: false });
    if (tricks.length === 0 && !telling && facts.ipVersion === 4 && this.#quiet.size < MOST_QUIET)
      this.#quiet.set(facts.destinationMac, facts.destination[3] ?? 0);
    for (const trick of tricks) {
      const toAll = isGroup(facts.destinationMac);
      const client = toAll ? (this.#client ?? facts.destinationMac) : facts.destinationMac;
      const warning = this.#incidents.warn(facts, trick, client, timeMicros);
      if (warning === undefined) continue;
      this.#blamed = '';
      this.#pulls.note(warning, trick.exposure, trick, timeMicros / 1_000);
    }
    return tricks.length;
  }

  #isQuiet(facts: Facts): boolean {
    return facts.ipVersion !== 4 || this.#quiet.get(facts.destinationMac) === facts.destination[3];
  }

  /** A red leak to where the network pulled makes the warning red. */
  blame(destination: string, timeMicros: number): void {
    if (this.#pulls.size === 0 || destination === this.#blamed) return;
    this.#blamed = destination;
    for (const warning of this.#pulls.behind(destination, timeMicros / 1_000)) warning.severity = 'red';
  }
}
