// Knows: what a frame that crossed as essential traffic makes right a moment later, for judge and ruleset: who on the network has just spoken
// to a client, so that it must answer to that address alone, and which addresses clients have just tried.
// Must not know: clocks, captures. The kernel learns them itself, from the very frame: whoever told it would come too late for what
// follows within a millisecond. A tap's memory of the same is a little longer: it knows all that crosses.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { addressText, isUnspecified } from '../../wire/ip/address.ts';
import { isStation } from '../compile/counted.ts';
import { REMEMBERED, cutPair, isCut } from './cut-answers.ts';
import type { NftSet } from '../compile/nft-model.ts';
import type { CaptureDirection } from '../verdict.ts';
import { EtherType } from '../../wire/link/ethernet.ts';
import { Icmp6 } from '../../wire/ip/icmp.ts';
import { Protocol } from '../../wire/ip/ip.ts';

/**
 * 802.1X: a switch may speak from its own address and be answered there (IEEE 802.1X-2020 clause 11.1.1); who types a password in
 * between takes minutes.
 */
const AUTHENTICATORS = { size: 16, seconds: 600 };
/**
 * A router that asks from a global address is answered there (RFC 4861 section 7.2.4), and nothing more: it can ask from any, and
 * a client that has answered probes the address again when it goes there (section 7.3.3).
 */
const RECENT_PEERS = { size: 1_024, seconds: 30 };
/**
 * An address that a client has tried for doubles is its own on this link a second later (RFC 4862 section 5.4). By the time that
 * this ends, the daemon has long told it (src/policy/filter/own-addresses.ts).
 */
const TRIED = { size: 1_024, seconds: 120 };
/** How much longer a tap remembers than the kernel, milliseconds; no more than it: beyond its room both call it a leak. */
const MORE_MS = 1_000;

/** IEEE 802.1X PAE group address: the only one the bridge forwards EAPOL to (`group_fwd_mask 8`). */
const PAE_GROUP = 0x0180c2000003;

/** Of raw IPv6 addresses. */
export const TRIED_SET = 'tried6';

/** Sets that rules fill; with a size, beyond which the kernel learns no more. */
export const RECENT_PEER_SETS: readonly NftSet[] = [
  { name: 'authenticator', keyword: 'set', type: 'ether_addr', timeouts: true, learned: AUTHENTICATORS },
  { name: 'recent_peer6', keyword: 'set', type: 'ipv6_addr', timeouts: true, learned: RECENT_PEERS },
  { name: TRIED_SET, keyword: 'set', of: '@th,64,128', timeouts: true, learned: TRIED },
];

const TO_PAE_GROUP = 'ether daddr 01:80:c2:00:00:03';

/** The rules of the chain for EAPOL; a rule that cannot learn any more is passed over. */
export function nftEapol(direction: 'up' | 'down', accept: string, leak: string): readonly string[] {
  if (direction === 'up') return [`${TO_PAE_GROUP} ${accept}`, `ether daddr @authenticator ${accept}`, leak];
  return [
    // The first bit on the wire tells a group (IEEE 802.3 section 3.2.3).
    `@ll,7,1 0x1 ether daddr != 01:80:c2:00:00:03 ${leak}`,
    'update @authenticator { ether saddr }',
    accept,
  ];
}

/** Learns who solicits; for solicitations that will cross. */
export const NFT_LEARN_RECENT_PEER = 'ip6 saddr { 2000::/3, fc00::/7 } update @recent_peer6 { ip6 saddr }';
/** Learns the target of a client's duplicate address detection. */
export const NFT_LEARN_TRIED = `update @${TRIED_SET} { @th,64,128 }`;
export const NFT_TO_RECENT_PEER = 'ip6 daddr @recent_peer6';

/** Whether 802.1X may go there, besides to whom a client was just spoken to from. */
export function isEapolPeer(destinationMac: number, direction: 'up' | 'down'): boolean {
  return destinationMac === PAE_GROUP || (direction === 'down' && isStation(destinationMac));
}

class Remembered<K> {
  readonly #limit: number;
  readonly #ms: number;
  /** Until when, milliseconds. */
  readonly #held = new Map<K, number>();
  refused = 0;

  constructor({ size, seconds }: { readonly size: number; readonly seconds: number }) {
    this.#limit = size;
    this.#ms = seconds * 1_000 + MORE_MS;
  }

  /** Like the kernel's, a full memory keeps what it has. */
  add(key: K, now: number): void {
    if (this.#held.has(key)) this.#held.delete(key);
    else if (this.#held.size >= this.#limit) this.#forget(now);
    if (this.#held.size < this.#limit) this.#held.set(key, now + this.#ms);
    else this.refused += 1;
  }

  has(key: K, now: number): boolean {
    return (this.#held.get(key) ?? -Infinity) > now;
  }

  /** They stand in the order in which they end. */
  #forget(now: number): void {
    for (const [key, until] of this.#held) {
      if (until > now) break;
      this.#held.delete(key);
    }
  }
}

const DNS = 53;
type IsOwn = (packet: ParsedPacket, direction: 'up' | 'down') => boolean;

/** What one reader of frames remembers of them. */
export class RecentPeers {
  readonly #authenticators = new Remembered<number>(AUTHENTICATORS);
  readonly #recentPeers = new Remembered<string>(RECENT_PEERS);
  readonly #tried = new Remembered<string>(TRIED);
  readonly #asked = new Remembered<string>(REMEMBERED.asked);
  readonly #cut = new Remembered<string>(REMEMBERED.cut);

  /** Those that there was no room for. */
  get refused(): number {
    const all = [this.#authenticators, this.#recentPeers, this.#tried, this.#asked, this.#cut];
    return all.reduce((sum, { refused }) => sum + refused, 0);
  }

  /** Sets `solicited` and what was tried of a frame that is no tunnel's, before it is judged. Time in milliseconds. */
  recall(packet: ParsedPacket, captureDirection: CaptureDirection, now: number): void {
    const names = wayOfNames(packet, captureDirection);
    if (names !== undefined && packet.protocol === Protocol.TCP) {
      packet.solicited = this.#cut.has(cutPair(packet, names).pair, now);
      return;
    }
    if (packet.outerEtherType === EtherType.EAPOL) {
      packet.solicited = captureDirection !== 'down' && this.#authenticators.has(packet.destinationMac, now);
      return;
    }
    if (!isNeighbourMessage(packet)) return;
    packet.triedSource = this.#tried.has(addressText(6, packet.source), now);
    packet.triedTarget = this.#tried.has(addressText(6, packet.target), now);
    if (captureDirection !== 'down' && isGlobal(packet.destination))
      packet.solicited = this.#recentPeers.has(addressText(6, packet.destination), now);
  }

  /** Takes a frame that crossed as essential traffic. */
  learn(packet: ParsedPacket, captureDirection: CaptureDirection, now: number): void {
    if (packet.outerEtherType === EtherType.EAPOL) {
      if (
        captureDirection !== 'up' &&
        isEapolPeer(packet.destinationMac, 'down') &&
        isStation(packet.sourceMac)
      )
        this.#authenticators.add(packet.sourceMac, now);
      return;
    }
    if (!isNeighbourMessage(packet) || packet.icmpType !== Icmp6.NEIGHBOUR_SOLICITATION) return;
    if (captureDirection !== 'up' && isGlobal(packet.source))
      this.#recentPeers.add(addressText(6, packet.source), now);
    if (captureDirection !== 'down' && isUnspecified(packet.source))
      this.#tried.add(addressText(6, packet.target), now);
  }

  /** Takes any other frame when it was judged; `isOwn` says of a packet whether it is the question for a tunnel's name, or its answer. */
  learnNames(packet: ParsedPacket, captureDirection: CaptureDirection, now: number, isOwn: IsOwn): void {
    const direction = wayOfNames(packet, captureDirection);
    if (direction === undefined || packet.protocol !== Protocol.UDP || !isOwn(packet, direction)) return;
    const { pair, port } = cutPair(packet, direction);
    if (direction === 'up') this.#asked.add(`${pair} ${port}`, now);
    else if (isCut(packet) && this.#asked.has(`${pair} ${port}`, now)) this.#cut.add(pair, now);
  }
}

/** Which way a packet to or from the port of names goes; undefined for every other. */
function wayOfNames(packet: ParsedPacket, captureDirection: CaptureDirection): 'up' | 'down' | undefined {
  if (packet.ipVersion === 0 || (packet.destinationPort !== DNS && packet.sourcePort !== DNS))
    return undefined;
  const direction = packet.destinationPort === DNS ? 'up' : 'down';
  return captureDirection === 'either' || captureDirection === direction ? direction : undefined;
}

/** Solicitation of a router, solicitation or advertisement of a neighbour, in a packet of this link. */
function isNeighbourMessage(packet: ParsedPacket): boolean {
  if (
    packet.outerEtherType !== EtherType.IPV6 ||
    packet.protocol !== Protocol.ICMPV6 ||
    packet.hopLimit !== 255
  )
    return false;
  if (packet.extensionCount > 0 || packet.icmpCode !== 0) return false;
  return (
    packet.icmpType === Icmp6.ROUTER_SOLICITATION ||
    packet.icmpType === Icmp6.NEIGHBOUR_SOLICITATION ||
    packet.icmpType === Icmp6.NEIGHBOUR_ADVERTISEMENT
  );
}

/** 2000::/3 or fc00::/7 (RFC 4291 section 2.4, RFC 4193). */
export function isGlobal([first = 0]: Uint32Array): boolean {
  return first >>> 29 === 1 || first >>> 25 === 0x7e;
}
