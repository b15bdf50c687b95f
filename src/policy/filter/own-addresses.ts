// Which IPv6 addresses clients have on this link, and so may use and claim there, for the judge and the ruleset; learned by
// src/guard/attacks/neighbourhood.ts. A host that answers on one link for an address of another (RFC 1122 section 3.3.4.2, the weak end
// system model) tells anyone who asks which address it has inside its tunnel. For that address there was no duplicate address detection
// on this link (RFC 4862 section 5.4).

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import {
  addressText,
  inNetwork,
  isLinkLocal,
  isUnspecified,
  parseAddress,
  parseMac,
} from '../../wire/ip/address.ts';
import { NFT_LEARN_RECENT_PEER, NFT_LEARN_TRIED, isGlobal } from './recent-peers.ts';
import type { LearnedState } from '../servers/learned.ts';
import type { NftChain, NftSet } from '../compile/nft-model.ts';
import { Icmp6 } from '../../wire/ip/icmp.ts';

/** Addresses of clients; prefixes of the link; clients whose addresses are all known. */
export const OWN6_SETS: readonly NftSet[] = [
  { name: 'mine6', keyword: 'set', of: '@th,64,128', timeouts: true },
  // In two words: nft would list 64 bits as one JSON number, which is exact only up to 53 bits.
  { name: 'link6', keyword: 'set', of: '@th,64,32 . @th,96,32', timeouts: true },
  { name: 'settled6', keyword: 'set', type: 'ether_addr', timeouts: true },
];

export interface OwnAddresses {
  /**
   * Whether a router solicitation, neighbour solicitation or advertisement that goes up uses only addresses that the client may have here.
   */
  speaksAsItself(packet: ParsedPacket): boolean;
  /** Whether a neighbour solicitation that comes down asks for an address that a client may have here. */
  isAsked(packet: ParsedPacket): boolean;
}

export function compileOwnAddresses(learned: LearnedState): OwnAddresses {
  const own = new Set(learned.own6.map(({ address }) => addressText(6, wordsOf(address))));
  const settled = new Set(learned.settled6.map(({ mac }) => parseMac(mac)));
  const links = linksOf(learned).map(({ address }) => wordsOf(address));
  const isOwn = (address: Uint32Array, tried: boolean): boolean => tried || own.has(addressText(6, address));
  const isHere = (target: Uint32Array): boolean =>
    isLinkLocal(target) || links.length === 0 || links.some((link) => inNetwork(target, link, 64));

  return {
    speaksAsItself({
      icmpType,
      source,
      target,
      sourceMac,
      tentativeSource: triedSource,
      tentativeTarget: triedTarget,
    }) {
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
    isAsked: ({ target, tentativeTarget: triedTarget }) =>
      isOwn(target, triedTarget) || (learned.unsettled6 && isHere(target)),
  };
}

/** Whether an interface can have the address: global, unique local or link-local (RFC 4291 sections 2.4 and 2.5, RFC 4193). */
export function isAssignable(address: Uint32Array): boolean {
  return isGlobal(address) || isLinkLocal(address);
}

const TARGET_LOCAL = '@th,64,10 0x3fa';
const TARGETS = ['@th,64,128 @mine6', '@th,64,128 @tried6'];
const TARGET_HERE = '@th,64,32 . @th,96,32 @link6';
/** The target's last byte is there, whatever it is: of these two the beginning alone would be read (RFC 4861 section 4.3). */
const IS_WHOLE = '@th,184,8 0x0-0xff';
/** Returns when all addresses of a client are known and the source is none of them. Packets from :: have been handled before. */
export const NFT_FOREIGN_SOURCE = 'ether saddr @settled6 @nh,64,128 != @mine6 @nh,64,128 != @tried6 return';

/** The chains for solicitations and advertisements that go up; they return for those that may not cross. */
export function nftOwnAddresses(learned: LearnedState, accept: string): NftChain[] {
  const here = linksOf(learned).length === 0 ? [''] : [` ${TARGET_LOCAL}`, ` ${TARGET_HERE}`];
  return [
    {
      name: 'up_tries',
      why: 'duplicate address detection, only for addresses that an interface can have',
      rules: ['@th,64,3 0x1', '@th,64,7 0x7e', TARGET_LOCAL].flatMap((of) => [
        `${of} ${NFT_LEARN_TRIED}`,
        `${of} ${accept}`,
      ]),
    },
    { name: 'up_asks_router', rules: [`ip6 saddr :: ${accept}`, NFT_FOREIGN_SOURCE, accept] },
    {
      name: 'up_advertise',
      why: "for the client's own address here; a client whose interface came up before the box watched: for any of the link",
      rules: [
        NFT_FOREIGN_SOURCE,
        ...TARGETS.map((of) => `${of} jump up_answer`),
        ...here.map((of) => `ether saddr != @settled6${of} jump up_answer`),
      ],
    },
  ];
}

/** The chains for neighbour solicitations that come down; `down_solicit` returns for those that may not cross. */
export function nftAsked(learned: LearnedState, isOpen: boolean, accept: string): NftChain[] {
  const asks = { name: 'down_asks', rules: [NFT_LEARN_RECENT_PEER, accept] };
  if (isOpen) return [asks];
  const here =
    linksOf(learned).length === 0 ? [] : [TARGET_LOCAL, TARGET_HERE].map((of) => `${IS_WHOLE} ${of}`);
  const targets = learned.unsettled6 ? [...TARGETS, ...here] : TARGETS;
  const any = learned.unsettled6 && here.length === 0;
  const rules = any ? ['goto down_asks'] : targets.map((of) => `${of} goto down_asks`);
  return [
    {
      name: 'down_solicit',
      why: 'for addresses that a client may have here, not those inside its tunnel',
      rules,
    },
    asks,
  ];
}

/** Announced IPv6 prefixes of 64 bits, in which hosts form addresses (RFC 4862 section 5.5.3). */
export function linksOf(learned: LearnedState): { readonly address: string; readonly seconds: number }[] {
  return learned.links.flatMap(({ network, seconds }) => {
    const [address = '', length] = network.split('/');
    return length === '64' && address.includes(':') ? [{ address, seconds }] : [];
  });
}

function wordsOf(address: string): Uint32Array {
  return parseAddress(address)?.words ?? new Uint32Array(4);
}
