// Which frames about a client's link (ARP, neighbour discovery) a tap reports although they are not leaks. Each is reported again after
// a while, in case the report was missed or forgotten.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { isGroup, isUnspecified } from '../../wire/ip/address.ts';
import { BoundedMap } from '../bounded-map.ts';
import { EtherType } from '../../wire/link/ethernet.ts';
import { Icmp6 } from '../../wire/ip/icmp.ts';

const AGAIN_MS = 30_000;
const REMEMBERED = 1_024;

/** Most reports for one client, and for all, within `ms` milliseconds: a client that makes up addresses must not crowd out the others. */
const SHARE = { client: 32, all: 512, ms: 10_000 };

/** Remembers what has been reported, and how often for each client. */
export class NeighbourNews {
  readonly #reported = new BoundedMap<number>(REMEMBERED);
  readonly #shares = new BoundedMap<number, number>(REMEMBERED);
  #began = 0;
  #spent = 0;

  /**
   * Whether to report a frame at monotonic milliseconds `now`: whom a client looks for and under which address, which addresses it tries
   * and answers for, what is sent to one client alone and for which address, and what is sent to an address that no client has.
   */
  isNews(packet: ParsedPacket, direction: 'up' | 'down', now: number): boolean {
    if (packet.kind === 'nd' && direction === 'up')
      return this.#isFirst(discoveryKey(packet), now, packet.sourceMac);
    if (packet.unassignedField !== '') return this.#isFirst(nobodyKey(packet), now, packet.destinationMac);
    const arp = packet.arpOperation === 1 && packet.outerEtherType === EtherType.ARP;
    if (direction === 'up' ? !arp : !(arp || packet.ipVersion === 4) || isGroup(packet.destinationMac))
      return false;
    const mac = direction === 'up' ? packet.sourceMac : packet.destinationMac;
    const from = direction === 'up' ? packet.source[3] : 0;
    const key = `${direction} ${String(arp)} ${String(mac)} ${String(from)} ${String(packet.destination[3])}`;
    return this.#isFirst(key, now, mac);
  }

  /** `payer`: MAC address of the client whose share the report uses. */
  #isFirst(key: string, now: number, payer: number): boolean {
    const reportedAt = this.#reported.get(key);
    if (reportedAt !== undefined && now - reportedAt < AGAIN_MS) return false;
    if (!this.#pays(payer, now)) return false;
    this.#reported.set(key, now);
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

/** Identifies a neighbour message by the address that the client tries, asks from or answers for. */
function discoveryKey({ icmpType, sourceMac, source, target }: ParsedPacket): string {
  const address = icmpType === Icmp6.NEIGHBOUR_SOLICITATION && !isUnspecified(source) ? source : target;
  return `nd ${String(icmpType)} ${String(sourceMac)} ${address.join(' ')} ${String(isUnspecified(source))}`;
}

function nobodyKey({
  unassignedField: forNobody,
  destinationMac,
  destination,
  target,
}: ParsedPacket): string {
  return `nobody ${String(destinationMac)} ${(forNobody === 'target' ? target : destination).join(' ')}`;
}
