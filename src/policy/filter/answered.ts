// Knows: what `direct: answered` opens in split, for the judge and the ruleset side by side: direct traffic between a client and an
// address that was just given as the answer to a name which that client may ask for in the clear, for as long as the record lives or
// the address is in use. Must not know: answers, names, clocks.
// So an address that is written into a program, or kept from before, leads nowhere, whatever is said there. The kernel counts both times
// down by itself; it learns use from the frames, and answers from the daemon, which knows of names (src/guard/answered.ts).

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import type { Direction } from '../compile/counted.ts';
import type { NftChain, NftElement, NftSet } from '../compile/nft-model.ts';
import type { Policy } from '../policy.ts';
import { Protocol } from '../../wire/ip/ip.ts';

/** An address in use stays open so long after the last frame that went there: as long as home routers keep a connection that is idle. */
export const USED = { size: 8_192, seconds: 300 };

/** An address that an answer gave to a client, both as text. */
export interface AnsweredAddress {
  /** MAC address. */
  readonly client: string;
  readonly address: string;
  readonly seconds: number;
}

/** `answered4`, `inuse4` and so on: client and address. */
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

/** Those that rules fill with what is in use. */
export const IN_USE_SETS = ANSWERED_SETS.filter(({ learned }) => learned !== undefined);

/** Whether direct traffic goes to answered addresses alone. Other profiles have no use for it. */
export function needsAnswer({ profile, direct }: Pick<Policy, 'profile' | 'direct'>): boolean {
  return profile === 'split' && direct === 'answered';
}

/**
 * Whether a packet is an answer that the kernel itself does not hand on while it blocks: a client that had it would go there within a
 * millisecond. The daemon hands it on, when the kernel knows where it leads. For packets that may go direct.
 */
export function isHeldAnswer(packet: ParsedPacket, direction: Direction): boolean {
  return direction === 'down' && packet.protocol === Protocol.UDP && packet.sourcePort === 53;
}

export function answeredElement({ client, address, seconds }: AnsweredAddress): NftElement {
  return { set: `answered${address.includes(':') ? 6 : 4}`, key: `${client} . ${address}`, seconds };
}

/** Behind all that is closed: what of the rest goes on, and nothing else. */
export function answeredChain(direction: Direction, family: 4 | 6): NftChain {
  const ip = family === 4 ? 'ip' : 'ip6';
  const pair = direction === 'up' ? `ether saddr . ${ip} daddr` : `ether daddr . ${ip} saddr`;
  const use = `update @inuse${family} { ${pair} } goto ${direction}_allowed`;
  return {
    name: `${direction}_answered${family}`,
    why: 'addresses that this client was given as answers, and those in use since; a full set of the latter learns no more',
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

/** Answers are counted like all that is allowed, and then held while leaks are dropped. */
export function heldChain(blocks: boolean): NftChain {
  return {
    name: 'held',
    why: 'answers, which the daemon hands on while leaks are dropped; a third end that block mode and watch mode have apart',
    rules: [blocks ? 'drop' : 'accept'],
  };
}
