// Knows: which IPv6 addresses clients have on this link and so may speak for there, for the judge and the ruleset side by side.
// Must not know: who learned them, and how (src/guard/neighbourhood.ts).
// A host that answers on one link for an address of another (RFC 1122 section 3.3.4.2, the weak end system model) tells whoever
// asks the address that it has inside its tunnel. It has tried no such address for doubles here (RFC 4862 section 5.4).

import type { Facts } from '../flow/facts.ts';
import {
  addressText,
  inNetwork,
  isLinkLocal,
  isUnspecified,
  parseAddress,
  parseMac,
} from '../wire/address.ts';
import { NFT_LEARN_ASKER } from './askers.ts';
import type { LearnedState } from './learned.ts';
import type { NftChain, NftSet } from './nft-model.ts';

/** Addresses of clients, as a source and as a target is matched; prefixes of the link; clients all of whose addresses are known. */
export const OWN6_SETS: readonly NftSet[] = [
  { name: 'own6', keyword: 'set', type: 'ipv6_addr', timeouts: true },
  { name: 'mine6', keyword: 'set', of: '@th,64,128', timeouts: true },
  // In two, for nft lists 64 bits as a number of JSON, which holds 53 of them.
  { name: 'link6', keyword: 'set', of: '@th,64,32 . @th,96,32', timeouts: true },
  { name: 'settled6', keyword: 'set', type: 'ether_addr', timeouts: true },
];

export interface OwnAddresses {
  /** A solicitation or advertisement that goes up: whether the client may have the address that it speaks as. */
  speaksAsItself(facts: Facts): boolean;
  /** A solicitation that comes down: whether a client may have what it asks for. */
  isAsked(facts: Facts): boolean;
}

export function compileOwnAddresses(learned: LearnedState): OwnAddresses {
  const own = new Set(learned.own6.map(({ address }) => addressText(6, wordsOf(address))));
  const settled = new Set(learned.settled6.map(({ mac }) => parseMac(mac)));
  const links = linksOf(learned).map(({ address }) => wordsOf(address));
  const isOwn = ({ target, tried }: Facts): boolean =>
    isLinkLocal(target) || tried || own.has(addressText(6, target));
  const isHere = ({ target }: Facts): boolean => links.some((link) => inNetwork(target, link, 64));

  return {
    speaksAsItself(facts) {
      const isSettled = settled.has(facts.sourceMac);
      if (facts.icmpType === 136)
        return isOwn(facts) || (!isSettled && (links.length === 0 || isHere(facts)));
      const { source } = facts;
      return isUnspecified(source) || isLinkLocal(source) || !isSettled || own.has(addressText(6, source));
    },
    isAsked: (facts) => isOwn(facts) || isHere(facts) || isNothingKnown(learned),
  };
}

const TARGET_LOCAL = '@th,64,10 0x3fa';
const TARGETS = [TARGET_LOCAL, '@th,64,128 @mine6', '@th,64,128 @tried6'];
const TARGET_HERE = '@th,64,32 . @th,96,32 @link6';

/** Ends a chain's solicitations whose source is no address of the client here; before it, those from :: have gone. */
export const NFT_FOREIGN_SOURCE = 'ip6 saddr != fe80::/10 ip6 saddr != @own6 ether saddr @settled6 return';

/** The chain that returns an advertisement for what the client has not; the others end in `up_answer`. */
export function nftAdvertise(learned: LearnedState): NftChain {
  const here = linksOf(learned).length === 0 ? '' : ` ${TARGET_HERE}`;
  return {
    name: 'up_advertise',
    why: 'for an address of its own here; one whose interface came up unwatched: for any of the link',
    rules: [...TARGETS, `ether saddr != @settled6${here}`].map((of) => `${of} jump up_answer`),
  };
}

/** The chains that solicitations from the network end in, or return from. */
export function nftAsked(learned: LearnedState, isOpen: boolean, accept: string): NftChain[] {
  const asks = { name: 'down_asks', rules: [NFT_LEARN_ASKER, accept] };
  if (isOpen) return [asks];
  const any = isNothingKnown(learned);
  const rules = any ? ['goto down_asks'] : [...TARGETS, TARGET_HERE].map((of) => `${of} goto down_asks`);
  return [
    { name: 'down_solicit', why: 'for what a client may have here: a tunnel has addresses too', rules },
    asks,
  ];
}

/** Neither a client's address nor a prefix of the link: then nobody can be told from anybody. */
function isNothingKnown(learned: LearnedState): boolean {
  return learned.own6.length === 0 && linksOf(learned).length === 0;
}

/** Announced prefixes of the length that addresses are made in (RFC 4862 section 5.5.3). */
export function linksOf(learned: LearnedState): { readonly address: string; readonly seconds: number }[] {
  return learned.links.flatMap(({ network, seconds }) => {
    const [address = '', length] = network.split('/');
    return length === '64' && address.includes(':') ? [{ address, seconds }] : [];
  });
}

function wordsOf(address: string): Uint32Array {
  return parseAddress(address)?.words ?? new Uint32Array(4);
}
