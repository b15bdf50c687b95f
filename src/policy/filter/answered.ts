// What `direct: answered` opens in profile split, for the judge and the ruleset: direct traffic between a client and an address that was
// just given to it as the answer for a name which that client may ask for in the clear. It stays open for as long as the record lives or
// the address is in use. So an address that is built into a program, or remembered from before, leads nowhere. The kernel counts both times
// down by itself; it learns use from the frames, and answers from the daemon, which knows the names (src/guard/answers/answered-names.ts).

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import type { Direction } from '../compile/counted.ts';
import type { NftChain, NftElement, NftSet } from '../compile/nft-model.ts';
import type { Policy } from '../policy.ts';
import { Protocol } from '../../wire/ip/ip.ts';

/**
 * How long an address stays open after the last frame to it, as long as home routers keep an idle connection; and how many pairs of client
 * and address each family's set holds.
 */
export const USED = { size: 8_192, seconds: 300 };

/** An address that an answer gave to a client, both as text. */
export interface AnsweredAddress {
  /** MAC address, lower case with colons. */
  readonly client: string;
  /** IPv4 or IPv6 address. */
  readonly address: string;
  /** What is left of the time for which it is open. */
  readonly seconds: number;
}

/** `answered4`, `inuse4` and the same for 6: client and address. */
export const ANSWERED_SETS: readonly NftSet[] = ([4, 6] as const).flatMap((family): NftSet[] => [
  { name: `answered${family}`, keyword: 'set', type: `ether_addr . ipv${family}_addr`, timeouts: true },
  {
    name: `inuse${family}`,
    keyword: 'set',
    type: `ether_addr . ipv${family}_addr`,
    timeouts: true,
    learned: USED,
  },
]);

/** The sets that rules fill with addresses in use. */
export const IN_USE_SETS = ANSWERED_SETS.filter(({ learned }) => learned !== undefined);

/** Whether direct traffic may only go to answered addresses (profile split). */
export function needsAnswer({ profile, direct }: Pick<Policy, 'profile' | 'direct'>): boolean {
  return profile === 'split' && direct === 'answered';
}

/**
 * Whether a packet that may go direct is a DNS answer (UDP from port 53) that the kernel holds back in block mode: with it the client would
 * connect within a millisecond. The daemon forwards it once the kernel's set holds the addresses in it.
 */
export function isHeldAnswer(packet: ParsedPacket, direction: Direction): boolean {
  return direction === 'down' && packet.protocol === Protocol.UDP && packet.sourcePort === 53;
}

/** The element of `answered4` or `answered6` that opens the address for the client. */
export function answeredElement({ client, address, seconds }: AnsweredAddress): NftElement {
  return { set: `answered${address.includes(':') ? 6 : 4}`, key: `${client} . ${address}`, seconds };
}

/**
 * The chain `up_answered4` and its like, after everything that is closed: lets answered addresses and those in use pass, and nothing else.
 */
export function answeredChain(direction: Direction, family: 4 | 6): NftChain {
  const ip = family === 4 ? 'ip' : 'ip6';
  const pair = direction === 'up' ? `ether saddr . ${ip} daddr` : `ether daddr . ${ip} saddr`;
  const use = `update @inuse${family} { ${pair} } goto ${direction}_allowed`;
  return {
    name: `${direction}_answered${family}`,
    why: 'addresses that this client was given in answers, and those in use since; when the second set is full, it learns no more',
    rules: [
      ...(direction === 'up' ? [`${pair} @answered${family} ${use}`] : []),
      `${pair} @answered${family} goto ${direction}_allowed`,
      direction === 'up'
        ? `${pair} @inuse${family} ${use}`
        : `${pair} @inuse${family} goto ${direction}_allowed`,
      `goto ${direction}_leak`,
    ],
  };
}

/** The chain for DNS answers, which have been counted as allowed: held back while leaks are dropped (`blocks`). */
export function heldChain(blocks: boolean): NftChain {
  return {
    name: 'held',
    why: 'DNS answers, which the daemon forwards while leaks are dropped; the third chain in which block mode and watch mode differ',
    rules: [blocks ? 'drop' : 'accept'],
  };
}
