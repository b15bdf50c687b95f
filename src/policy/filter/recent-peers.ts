// What a frame that crossed as essential traffic permits a moment later, for judge and ruleset: who on the network has just spoken to a
// client, so that it may answer that address alone, and which addresses clients have just tried by duplicate address detection. The
// kernel learns both itself, from the very frame: the daemon would be too late for what follows within a millisecond. A tap keeps the same
// memory, and a little longer, as it sees all that crosses.

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
 * 802.1X: a switch may send from its own address and be answered there (IEEE 802.1X-2020 clause 11.1.1). Minutes, because a user may
 * have to type a password in between.
 */
const AUTHENTICATORS = { size: 16, seconds: 600 };
/**
 * A router that asks from a global address may be answered there (RFC 4861 section 7.2.4), but not looked up: it can ask from any address,
 * and a client that has answered probes the address when it sends there (section 7.3.3).
 */
const RECENT_PEERS = { size: 1_024, seconds: 30 };
/**
 * A second after duplicate address detection, the address is the client's own on this link (RFC 4862 section 5.4). Long before this
 * entry expires, the daemon has added it to the learned state (src/policy/filter/own-addresses.ts).
 */
const TRIED = { size: 1_024, seconds: 120 };
/** How much longer a tap remembers than the kernel, milliseconds. It has the same size limits: what does not fit is a leak for both. */
const EXTRA_MS = 1_000;

/** IEEE 802.1X PAE group address: the only one the bridge forwards EAPOL to (`group_fwd_mask 8`). */
const PAE_GROUP = 0x0180c2000003;

/** Name of a set of raw IPv6 addresses. */
export const TRIED_SET = 'tried6';

/** Sets that rules fill, up to their size: MAC addresses of authenticators, and IPv6 addresses. */
export const RECENT_PEER_SETS: readonly NftSet[] = [
  { name: 'authenticator', keyword: 'set', type: 'ether_addr', timeouts: true, learned: AUTHENTICATORS },
  { name: 'recent_peer6', keyword: 'set', type: 'ipv6_addr', timeouts: true, learned: RECENT_PEERS },
  { name: TRIED_SET, keyword: 'set', of: '@th,64,128', timeouts: true, learned: TRIED },
];

const TO_PAE_GROUP = 'ether daddr 01:80:c2:00:00:03';

/**
 * The rules of the chain for EAPOL (IEEE 802.1X-2020), ending in `accept` or `leak` (counter and verdict); when the set is full, evaluation
 * goes on with the next rule.
 */
export function nftEapol(direction: 'up' | 'down', accept: string, leak: string): readonly string[] {
  if (direction === 'up') return [`${TO_PAE_GROUP} ${accept}`, `ether daddr @authenticator ${accept}`, leak];
  return [
    // The first bit on the wire marks a group address (IEEE 802.3 section 3.2.3).
    `@ll,7,1 0x1 ether daddr != 01:80:c2:00:00:03 ${leak}`,
    'update @authenticator { ether saddr }',
    accept,
  ];
}

/** Match and statement that learn the sender of a neighbour solicitation that will cross. */
export const NFT_LEARN_RECENT_PEER = 'ip6 saddr { 2000::/3, fc00::/7 } update @recent_peer6 { ip6 saddr }';
/** Learns the target of a client's duplicate address detection. */
export const NFT_LEARN_TRIED = `update @${TRIED_SET} { @th,64,128 }`;
/** A match for packets to somebody who has just asked. */
export const NFT_TO_RECENT_PEER = 'ip6 daddr @recent_peer6';

/** Whether 802.1X may go to this MAC address (a 48-bit number) even if it has not just spoken to a client. */
export function isEapolPeer(destinationMac: number, direction: 'up' | 'down'): boolean {
  return destinationMac === PAE_GROUP || (direction === 'down' && isStation(destinationMac));
}

class Remembered<K> {
  readonly #limit: number;
  readonly #ms: number;
  /** Key and expiry in milliseconds, in order of expiry. */
  readonly #held = new Map<K, number>();
  refused = 0;

  constructor({ size, seconds }: { readonly size: number; readonly seconds: number }) {
    this.#limit = size;
    this.#ms = seconds * 1_000 + EXTRA_MS;
  }

  /** When full, it keeps what it has, like the kernel's set. */
  add(key: K, now: number): void {
    if (this.#held.has(key)) this.#held.delete(key);
    else if (this.#held.size >= this.#limit) this.#forget(now);
    if (this.#held.size < this.#limit) this.#held.set(key, now + this.#ms);
    else this.refused += 1;
  }

  has(key: K, now: number): boolean {
    return (this.#held.get(key) ?? -Infinity) > now;
  }

  /** Removes expired entries; the map is in order of expiry. */
  #forget(now: number): void {
    for (const [key, until] of this.#held) {
      if (until > now) break;
      this.#held.delete(key);
    }
  }
}

const DNS = 53;
type IsOwn = (packet: ParsedPacket, direction: 'up' | 'down') => boolean;

/**
 * The memory of one reader of frames, bounded like the kernel's sets. Times in milliseconds of the reader's clock, which must not go back.
 */
export class RecentPeers {
  readonly #authenticators = new Remembered<number>(AUTHENTICATORS);
  readonly #recentPeers = new Remembered<string>(RECENT_PEERS);
  readonly #tried = new Remembered<string>(TRIED);
  readonly #asked = new Remembered<string>(REMEMBERED.asked);
  readonly #cut = new Remembered<string>(REMEMBERED.cut);

  /** How many entries did not fit since it was made. */
  get refused(): number {
    const all = [this.#authenticators, this.#recentPeers, this.#tried, this.#asked, this.#cut];
    return all.reduce((sum, { refused }) => sum + refused, 0);
  }

  /** Before judging: sets `solicited`, `tentativeSource` and `tentativeTarget` of a frame that is not a tunnel's. */
  recall(packet: ParsedPacket, captureDirection: CaptureDirection, now: number): void {
    const names = dnsDirection(packet, captureDirection);
    if (names !== undefined && packet.protocol === Protocol.TCP) {
      packet.solicited = this.#cut.has(cutPair(packet, names).pair, now);
      return;
    }
    if (packet.outerEtherType === EtherType.EAPOL) {
      packet.solicited = captureDirection !== 'down' && this.#authenticators.has(packet.destinationMac, now);
      return;
    }
    if (!isNeighbourMessage(packet)) return;
    packet.tentativeSource = this.#tried.has(addressText(6, packet.source), now);
    packet.tentativeTarget = this.#tried.has(addressText(6, packet.target), now);
    if (captureDirection !== 'down' && isGlobal(packet.destination))
      packet.solicited = this.#recentPeers.has(addressText(6, packet.destination), now);
  }

  /** Learns from a frame that crossed as essential traffic. */
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

  /**
   * Learns from any other frame after judging; `isOwn` tells whether a packet is the question for a tunnel server's own name, or its
   * answer.
   */
  learnNames(packet: ParsedPacket, captureDirection: CaptureDirection, now: number, isOwn: IsOwn): void {
    const direction = dnsDirection(packet, captureDirection);
    if (direction === undefined || packet.protocol !== Protocol.UDP || !isOwn(packet, direction)) return;
    const { pair, port } = cutPair(packet, direction);
    if (direction === 'up') this.#asked.add(`${pair} ${port}`, now);
    else if (isCut(packet) && this.#asked.has(`${pair} ${port}`, now)) this.#cut.add(pair, now);
  }
}

/** The direction of a packet to or from port 53; undefined for any other packet. */
function dnsDirection(packet: ParsedPacket, captureDirection: CaptureDirection): 'up' | 'down' | undefined {
  if (packet.ipVersion === 0 || (packet.destinationPort !== DNS && packet.sourcePort !== DNS))
    return undefined;
  const direction = packet.destinationPort === DNS ? 'up' : 'down';
  return captureDirection === 'either' || captureDirection === direction ? direction : undefined;
}

/** Whether it is a router solicitation, neighbour solicitation or advertisement from this link (hop limit 255). */
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

/** Whether the IPv6 address (four 32-bit words) is in 2000::/3 or fc00::/7 (RFC 4291 section 2.4, RFC 4193). */
export function isGlobal([first = 0]: Uint32Array): boolean {
  return first >>> 29 === 1 || first >>> 25 === 0x7e;
}
