// Knows: which IPv6 addresses clients have on this link and so may speak for there, for the judge and the ruleset side by side.
// Must not know: who learned them, and how (src/guard/attacks/neighbourhood.ts).
// A host that answers on one link for an address of another (RFC 1122 section 3.3.4.2, the weak end system model) tells whoever
// asks the address that it has inside its tunnel. It has tried no such address for doubles here (RFC 4862 section 5.4).

import type { Facts } from '../../flow/facts.ts';
import {
  addressText,
  inNetwork,
  isLinkLocal,
  isUnspecified,
  parseAddress,
  parseMac,
} from '../../wire/ip/address.ts';
import { NFT_LEARN_ASKER, NFT_LEARN_TRIED, isGlobal } from './askers.ts';
import type { LearnedState } from '../servers/learned.ts';
import type { NftChain, NftSet } from '../compile/nft-model.ts';
import { Icmp6 } from '../../wire/ip/icmp.ts';

/** Addresses of clients; prefixes of the link; clients all of whose addresses are known. */
export const OWN6_SETS: readonly NftSet[] = [
  { name: 'mine6', keyword: 'set', of: '@th,64,128', timeouts: true },
  // In two, for nft lists 64 bits as a number of JSON, which holds 53 of them.
  { name: 'link6', keyword: 'set', of: '@th,64,32 . @th,96,32', timeouts: true },
  { name: 'settled6', keyword: 'set', type: 'ether_addr', timeouts: true },
];

export interface OwnAddresses {
  /** A solicitation of a router or neighbour, or an advertisement, that goes up: whether the client may have what it speaks as and for. */
  speaksAsItself(facts: Facts): boolean;
  /** A solicitation that comes down: whether a client may have what it asks for. */
  isAsked(facts: Facts): boolean;
}

export function compileOwnAddresses(learned: LearnedState): OwnAddresses {
  const own = new Set(learned.own6.map(({ address }) => addressText(6, wordsOf(address))));
  const settled = new Set(learned.settled6.map(({ mac }) => parseMac(mac)));
  const links = linksOf(learned).map(({ address }) => wordsOf(address));
  const isOwn = (address: Uint32Array, tried: boolean): boolean => tried || own.has(addressText(6, address));
  const isHere = (target: Uint32Array): boolean =>
    isLinkLocal(target) || links.length === 0 || links.some((link) => inNetwork(target, link, 64));

  return {
    speaksAsItself({ icmpType, source, target, sourceMac, triedSource, triedTarget }) {
      const isSettled = settled.has(sourceMac);
      if (icmpType !== Icmp6.NEIGHBOUR_ADVERTISEMENT && isUnspecified(source))
        return icmpType === Icmp6.ROUTER_SOLICITATION || isAssignable(target);
      if (isSettled && !isOwn(source, triedSource)) return false;
      return (
        icmpType !== Icmp6.NEIGHBOUR_ADVERTISEMENT ||
        isOwn(target, triedTarget) ||
        (!isSettled && isHere(target))
      );
    },
    isAsked: ({ target, triedTarget }) =>
      isOwn(target, triedTarget) || (learned.unsettled6 && isHere(target)),
  };
}

/** What an interface can be given: global, unique local, link-local (RFC 4291 sections 2.4 and 2.5, RFC 4193). */
export function isAssignable(address: Uint32Array): boolean {
  return isGlobal(address) || isLinkLocal(address);
}

const TARGET_LOCAL = '@th,64,10 0x3fa';
const TARGETS = ['@th,64,128 @mine6', '@th,64,128 @tried6'];
const TARGET_HERE = '@th,64,32 . @th,96,32 @link6';
/** The target's last byte is there, whatever it is: of these two the beginning alone would be read (RFC 4861 section 4.3). */
const IS_WHOLE = '@th,184,8 0x0-0xff';
/** Ends what is of a client all of whose addresses are known, and from none of them. Those from :: have gone before it. */
export const NFT_FOREIGN_SOURCE = 'ether saddr @settled6 @nh,64,128 != @mine6 @nh,64,128 != @tried6 return';

/** The chains that solicitations and advertisements going up pass; they return what is not to cross. */
export function nftOwnAddresses(learned: LearnedState, accept: string): NftChain[] {
  const here = linksOf(learned).length === 0 ? [''] : [` ${TARGET_LOCAL}`, ` ${TARGET_HERE}`];
  return [
    {
      name: 'up_tries',
      why: 'a double of its own address; what is no address of an interface has none',
      rules: ['@th,64,3 0x1', '@th,64,7 0x7e', TARGET_LOCAL].flatMap((of) => [
        `${of} ${NFT_LEARN_TRIED}`,
        `${of} ${accept}`,
      ]),
    },
    { name: 'up_asks_router', rules: [`ip6 saddr :: ${accept}`, NFT_FOREIGN_SOURCE, accept] },
    {
      name: 'up_advertise',
      why: 'for an address of its own here; one whose interface came up unwatched: for any of the link',
      rules: [
        NFT_FOREIGN_SOURCE,
        ...TARGETS.map((of) => `${of} jump up_answer`),
        ...here.map((of) => `ether saddr != @settled6${of} jump up_answer`),
      ],
    },
  ];
}

/** The chains that solicitations from the network end in, or return from. */
export function nftAsked(learned: LearnedState, isOpen: boolean, accept: string): NftChain[] {
  const asks = { name: 'down_asks', rules: [NFT_LEARN_ASKER, accept] };
  if (isOpen) return [asks];
  const here =
    linksOf(learned).length === 0 ? [] : [TARGET_LOCAL, TARGET_HERE].map((of) => `${IS_WHOLE} ${of}`);
  const targets = learned.unsettled6 ? [...TARGETS, ...here] : TARGETS;
  const any = learned.unsettled6 && here.length === 0;
  const rules = any ? ['goto down_asks'] : targets.map((of) => `${of} goto down_asks`);
  return [
    { name: 'down_solicit', why: 'for what a client may have here: a tunnel has addresses too', rules },
    asks,
  ];
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
