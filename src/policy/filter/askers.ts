// Knows: what a frame that crossed as plumbing makes right a moment later, for judge and ruleset: who on the network has just spoken
// to a client, so that it must answer to that address alone, and which addresses clients have just tried.
// Must not know: clocks, captures. The kernel learns them itself, from the very frame: whoever told it would come too late for what
// follows within a millisecond. A tap's memory of the same is a little longer: it knows all that crosses.

import type { Facts } from '../../flow/facts.ts';
import { addressText, isUnspecified } from '../../wire/ip/address.ts';
import { isStation } from '../compile/counted.ts';
import { REMEMBERED, cutPair, isCut } from './cut-answers.ts';
import type { NftSet } from '../compile/nft-model.ts';
import type { Direction } from '../verdict.ts';
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
const ASKERS = { size: 1_024, seconds: 30 };
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
export const ASKER_SETS: readonly NftSet[] = [
  { name: 'authenticator', keyword: 'set', type: 'ether_addr', timeouts: true, learned: AUTHENTICATORS },
  { name: 'asker6', keyword: 'set', type: 'ipv6_addr', timeouts: true, learned: ASKERS },
  { name: TRIED_SET, keyword: 'set', of: '@th,64,128', timeouts: true, learned: TRIED },
];

const TO_PAE_GROUP = 'ether daddr 01:80:c2:00:00:03';

/** The rules of the chain for EAPOL; a rule that cannot learn any more is passed over. */
export function nftEapol(way: 'up' | 'down', accept: string, leak: string): readonly string[] {
  if (way === 'up') return [`${TO_PAE_GROUP} ${accept}`, `ether daddr @authenticator ${accept}`, leak];
  return [
    // The first bit on the wire tells a group (IEEE 802.3 section 3.2.3).
    `@ll,7,1 0x1 ether daddr != 01:80:c2:00:00:03 ${leak}`,
    'update @authenticator { ether saddr }',
    accept,
  ];
}

/** Learns who solicits; for solicitations that will cross. */
export const NFT_LEARN_ASKER = 'ip6 saddr { 2000::/3, fc00::/7 } update @asker6 { ip6 saddr }';
/** Learns the target of a client's duplicate address detection. */
export const NFT_LEARN_TRIED = `update @${TRIED_SET} { @th,64,128 }`;
export const NFT_TO_ASKER = 'ip6 daddr @asker6';

/** Whether 802.1X may go there, besides to whom a client was just spoken to from. */
export function isEapolPeer(destinationMac: number, way: 'up' | 'down'): boolean {
  return destinationMac === PAE_GROUP || (way === 'down' && isStation(destinationMac));
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
type IsOwn = (facts: Facts, way: 'up' | 'down') => boolean;

/** What one reader of frames remembers of them. */
export class Askers {
  readonly #authenticators = new Remembered<number>(AUTHENTICATORS);
  readonly #askers = new Remembered<string>(ASKERS);
  readonly #tried = new Remembered<string>(TRIED);
  readonly #asked = new Remembered<string>(REMEMBERED.asked);
  readonly #cut = new Remembered<string>(REMEMBERED.cut);

  /** Those that there was no room for. */
  get refused(): number {
    const all = [this.#authenticators, this.#askers, this.#tried, this.#asked, this.#cut];
    return all.reduce((sum, { refused }) => sum + refused, 0);
  }

  /** Sets `solicited` and what was tried of a frame that is no tunnel's, before it is judged. Time in milliseconds. */
  recall(facts: Facts, direction: Direction, now: number): void {
    const names = wayOfNames(facts, direction);
    if (names !== undefined && facts.protocol === Protocol.TCP) {
      facts.solicited = this.#cut.has(cutPair(facts, names).pair, now);
      return;
    }
    if (facts.outerEtherType === EtherType.EAPOL) {
      facts.solicited = direction !== 'down' && this.#authenticators.has(facts.destinationMac, now);
      return;
    }
    if (!isNeighbourMessage(facts)) return;
    facts.triedSource = this.#tried.has(addressText(6, facts.source), now);
    facts.triedTarget = this.#tried.has(addressText(6, facts.target), now);
    if (direction !== 'down' && isGlobal(facts.destination))
      facts.solicited = this.#askers.has(addressText(6, facts.destination), now);
  }

  /** Takes a frame that crossed as plumbing. */
  learn(facts: Facts, direction: Direction, now: number): void {
    if (facts.outerEtherType === EtherType.EAPOL) {
      if (direction !== 'up' && isEapolPeer(facts.destinationMac, 'down') && isStation(facts.sourceMac))
        this.#authenticators.add(facts.sourceMac, now);
      return;
    }
    if (!isNeighbourMessage(facts) || facts.icmpType !== Icmp6.NEIGHBOUR_SOLICITATION) return;
    if (direction !== 'up' && isGlobal(facts.source)) this.#askers.add(addressText(6, facts.source), now);
    if (direction !== 'down' && isUnspecified(facts.source))
      this.#tried.add(addressText(6, facts.target), now);
  }

  /** Takes any other frame when it was judged; `isOwn` says of a packet whether it is the question for a tunnel's name, or its answer. */
  learnNames(facts: Facts, direction: Direction, now: number, isOwn: IsOwn): void {
    const way = wayOfNames(facts, direction);
    if (way === undefined || facts.protocol !== Protocol.UDP || !isOwn(facts, way)) return;
    const { pair, port } = cutPair(facts, way);
    if (way === 'up') this.#asked.add(`${pair} ${port}`, now);
    else if (isCut(facts) && this.#asked.has(`${pair} ${port}`, now)) this.#cut.add(pair, now);
  }
}

/** Which way a packet to or from the port of names goes; undefined for every other. */
function wayOfNames(facts: Facts, direction: Direction): 'up' | 'down' | undefined {
  if (facts.ipVersion === 0 || (facts.destinationPort !== DNS && facts.sourcePort !== DNS)) return undefined;
  const way = facts.destinationPort === DNS ? 'up' : 'down';
  return direction === 'either' || direction === way ? way : undefined;
}

/** Solicitation of a router, solicitation or advertisement of a neighbour, in a packet of this link. */
function isNeighbourMessage(facts: Facts): boolean {
  if (facts.outerEtherType !== EtherType.IPV6 || facts.protocol !== Protocol.ICMPV6 || facts.hopLimit !== 255)
    return false;
  if (facts.extensionCount > 0 || facts.icmpCode !== 0) return false;
  return (
    facts.icmpType === Icmp6.ROUTER_SOLICITATION ||
    facts.icmpType === Icmp6.NEIGHBOUR_SOLICITATION ||
    facts.icmpType === Icmp6.NEIGHBOUR_ADVERTISEMENT
  );
}

/** 2000::/3 or fc00::/7 (RFC 4291 section 2.4, RFC 4193). */
export function isGlobal([first = 0]: Uint32Array): boolean {
  return first >>> 29 === 1 || first >>> 25 === 0x7e;
}
