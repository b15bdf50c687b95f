// Knows: which frames about a client's link a tap tells though they are no leak. Must not know: taps, what is made of them.
// Each is told once in a while: what was missed, or forgotten, is told again.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { isGroup, isUnspecified } from '../../wire/ip/address.ts';
import { BoundedMap } from '../bounded-map.ts';
import { EtherType } from '../../wire/link/ethernet.ts';
import { Icmp6 } from '../../wire/ip/icmp.ts';

const AGAIN_MS = 30_000;
const REMEMBERED = 1_024;

/** Of ARP and neighbour discovery by one client, and by all, in so long: whoever makes up addresses does not hold up the rest. */
const SHARE = { client: 32, all: 512, ms: 10_000 };

export class NeighbourNews {
  readonly #told = new BoundedMap<number>(REMEMBERED);
  readonly #shares = new BoundedMap<number, number>(REMEMBERED);
  #began = 0;
  #spent = 0;

  /**
   * Whom a client looks for and as whom, which addresses it tries and answers for; what is sent to a client alone, and for which
   * address, and what is for nobody.
   */
  isNews(packet: ParsedPacket, direction: 'up' | 'down', now: number): boolean {
    if (packet.kind === 'nd' && direction === 'up')
      return this.#isFirst(discoveryKey(packet), now, packet.sourceMac);
    if (packet.forNobody !== '') return this.#isFirst(nobodyKey(packet), now, packet.destinationMac);
    const arp = packet.arpOperation === 1 && packet.outerEtherType === EtherType.ARP;
    if (direction === 'up' ? !arp : !(arp || packet.ipVersion === 4) || isGroup(packet.destinationMac))
      return false;
    const mac = direction === 'up' ? packet.sourceMac : packet.destinationMac;
    const from = direction === 'up' ? packet.source[3] : 0;
    const key = `${direction} ${String(arp)} ${String(mac)} ${String(from)} ${String(packet.destination[3])}`;
    return this.#isFirst(key, now, mac);
  }

  /** `payer`: the client whose share it costs. */
  #isFirst(key: string, now: number, payer: number): boolean {
    const told = this.#told.get(key);
    if (told !== undefined && now - told < AGAIN_MS) return false;
    if (!this.#pays(payer, now)) return false;
    this.#told.set(key, now);
    return true;
  }

  #pays(client: number, now: number): boolean {
    if (now - this.#began >= SHARE.ms) {
      this.#shares.clear();
      this.#began = now;
      this.#spent = 0;
    }
    const spent = this.#shares.get(client) ?? 0;
    if (spent >= SHARE.client || this.#spent >= SHARE.all) return false;
    this.#shares.set(client, spent + 1);
    this.#spent += 1;
    return true;
  }
}

/** The address that a client tries, asks as, or answers for. */
function discoveryKey({ icmpType, sourceMac, source, target }: ParsedPacket): string {
  const address = icmpType === Icmp6.NEIGHBOUR_SOLICITATION && !isUnspecified(source) ? source : target;
  return `nd ${String(icmpType)} ${String(sourceMac)} ${address.join(' ')} ${String(isUnspecified(source))}`;
}

function nobodyKey({ forNobody, destinationMac, destination, target }: ParsedPacket): string {
  return `nobody ${String(destinationMac)} ${(forNobody === 'target' ? target : destination).join(' ')}`;
}
