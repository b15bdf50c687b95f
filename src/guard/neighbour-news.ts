// Knows: which frames about a client's link a tap tells though they are no leak. Must not know: taps, what is made of them.
// Each is told once in a while: what was missed, or forgotten, is told again.

import type { Facts } from '../flow/facts.ts';
import { BoundedMap } from './bounded-map.ts';

const AGAIN_MS = 30_000;
const REMEMBERED = 1_024;
/** The bit that tells a group's MAC address (IEEE 802.3 section 3.2.3). */
const GROUP = 0x10000000000;

export class NeighbourNews {
  readonly #told = new BoundedMap<number>(REMEMBERED);

  /** Whom a client looks for and as whom; what is sent to a client alone, and for which address. */
  isNews(facts: Facts, direction: 'up' | 'down', now: number): boolean {
    const arp = facts.arpOperation === 1 && facts.outerEtherType === 0x0806;
    if (direction === 'up' ? !arp : !(arp || facts.ipVersion === 4) || isGroup(facts.destinationMac))
      return false;
    const mac = direction === 'up' ? facts.sourceMac : facts.destinationMac;
    const from = direction === 'up' ? facts.source[3] : 0;
    const key = `${direction} ${String(arp)} ${String(mac)} ${String(from)} ${String(facts.destination[3])}`;
    const told = this.#told.get(key);
    if (told !== undefined && now - told < AGAIN_MS) return false;
    this.#told.set(key, now);
    return true;
  }
}

export function isGroup(mac: number): boolean {
  return Math.floor(mac / GROUP) % 2 === 1;
}
