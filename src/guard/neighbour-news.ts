// Knows: which frames about a client's link a tap tells though they are no leak. Must not know: taps, what is made of them.
// Each is told once in a while: what was missed, or forgotten, is told again.

import type { Facts } from '../flow/facts.ts';
import { isUnspecified } from '../wire/address.ts';
import { BoundedMap } from './bounded-map.ts';

const AGAIN_MS = 30_000;
const REMEMBERED = 1_024;
/** The bit that tells a group's MAC address (IEEE 802.3 section 3.2.3). */
const GROUP = 0x10000000000;

export class NeighbourNews {
  readonly #told = new BoundedMap<number>(REMEMBERED);

  /** Whom a client looks for and as whom; what is sent to a client alone, and for which address. */
  isNews(facts: Facts, direction: 'up' | 'down', now: number): boolean {
    if (direction === 'up' && facts.kind === 'nd') return this.#isFirst(ndKey(facts), now);
    const arp = facts.arpOperation === 1 && facts.outerEtherType === 0x0806;
    if (direction === 'up' ? !arp : !(arp || facts.ipVersion === 4) || isGroup(facts.destinationMac))
      return false;
    const mac = direction === 'up' ? facts.sourceMac : facts.destinationMac;
    const from = direction === 'up' ? facts.source[3] : 0;
    const key = `${direction} ${String(arp)} ${String(mac)} ${String(from)} ${String(facts.destination[3])}`;
    return this.#isFirst(key, now);
  }

  #isFirst(key: string, now: number): boolean {
    const told = this.#told.get(key);
    if (told !== undefined && now - told < AGAIN_MS) return false;
    this.#told.set(key, now);
    return true;
  }
}

/** The address that a client tries, asks as, or answers for. */
function ndKey({ icmpType, sourceMac, source, target }: Facts): string {
  const address = icmpType === 135 && !isUnspecified(source) ? source : target;
  return `nd ${String(icmpType)} ${String(sourceMac)} ${address.join(' ')} ${String(isUnspecified(source))}`;
}

export function isGroup(mac: number): boolean {
  return Math.floor(mac / GROUP) % 2 === 1;
}
