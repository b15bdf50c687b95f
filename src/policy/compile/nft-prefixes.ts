// How the kernel finds networks of IPv4 servers behind a network's own NAT64 prefix (RFC 7050). A learned prefix has a timeout, which
// elements of interval sets cannot have. So the packet's prefix is looked up in a set with timeouts, and the rule compares the embedded
// IPv4 address. src/policy/servers/hosts.ts does the same for the judge.

import { parseAddress } from '../../wire/ip/address.ts';
import type { Direction } from './counted.ts';
import { mayEmbed } from '../servers/hosts.ts';
import type { LearnedPrefix, LearnedState } from '../servers/learned.ts';
import { WHOLE_LENGTHS } from '../servers/nat64.ts';
import type { WholeLength } from '../servers/nat64.ts';
import type { NftElement, NftSet } from './nft-model.ts';
import { ipv4Pieces } from './nft-ranges.ts';
import type { Policy } from '../policy.ts';

/** The bits before the embedded IPv4 address, in parts that fit a JSON number: offset in the address and width. */
const IN_FRONT: Readonly<Record<WholeLength, readonly (readonly [number, number])[]>> = {
  96: [
    [0, 32],
    [32, 32],
    [64, 32],
  ],
  // Includes the octet that is always zero (RFC 6052 section 2.2).
  64: [
    [0, 32],
    [32, 32],
    [64, 8],
  ],
  32: [[0, 32]],
};
/** Bit offsets of destination (up) and source (down) in the IPv6 header. */
const AT = { up: 192, down: 64 } as const;

function inFront(length: WholeLength, from: number): string {
  return IN_FRONT[length].map(([at, bits]) => `@nh,${from + at},${bits}`).join(' . ');
}

function embeddedAt(length: WholeLength, from: number): string {
  const [at, bits] = IN_FRONT[length].at(-1) ?? [0, 0];
  return `@nh,${from + at + bits},32`;
}

/** Sets of learned NAT64 prefixes, one for each length that a whole octet of address follows (`nat96`, `nat64`, `nat32`); with timeouts. */
export const PREFIX_SETS: readonly NftSet[] = WHOLE_LENGTHS.map((length) => ({
  name: `nat${length}`,
  keyword: 'set',
  of: inFront(length, AT.up),
  timeouts: true,
}));

function isUsed(policy: Policy): boolean {
  return ipv4Pieces(policy).ports.length > 0 && mayEmbed(policy);
}

/** Elements for the learned prefixes, with their remaining seconds; none where the policy has no IPv4 network that a prefix could embed. */
export function prefixElements(
  policy: Policy,
  { prefixes }: Pick<LearnedState, 'prefixes'>,
): readonly NftElement[] {
  return isUsed(policy) ? prefixes.flatMap(elementOf) : [];
}

function elementOf({ network, seconds }: LearnedPrefix): NftElement[] {
  const [address = '', bits] = network.split('/');
  const length = WHOLE_LENGTHS.find((one) => one === Number(bits));
  const words = parseAddress(address)?.words;
  if (length === undefined || words === undefined) return [];
  const key = IN_FRONT[length].map(
    ([at, size]) => `0x${((words[at >>> 5] ?? 0) >>> (32 - size)).toString(16)}`,
  );
  return [{ set: `nat${length}`, key: key.join(' . '), seconds }];
}

/**
 * Rules after the lookups of the networks themselves, for IPv6 packets and first fragments: one per prefix length, comparing the IPv4
 * address embedded in the destination (up) or source (down) as RFC 6052 section 2.2 places it. Empty where the policy has no such network.
 */
export function nftPrefixLookups(policy: Policy, direction: Direction): string[] {
  if (!isUsed(policy)) return [];
  const pieces = ipv4Pieces(policy).ports.map(({ text, chain }) => `${text} : jump ${chain}`);
  return WHOLE_LENGTHS.map(
    (length) =>
      `${inFront(length, AT[direction])} @nat${length} ${embeddedAt(length, AT[direction])} vmap { ${pieces.join(', ')} }`,
  );
}

/** Matches, without verdict, for later UDP fragments to or from such a server; empty where there are none. */
export function nftPrefixPieces(policy: Policy, direction: Direction): string[] {
  const { udp } = ipv4Pieces(policy);
  if (!isUsed(policy) || udp.length === 0) return [];
  const among = udp.length === 1 ? (udp[0] ?? '') : `{ ${udp.join(', ')} }`;
  return WHOLE_LENGTHS.map(
    (length) =>
      `meta l4proto udp ${inFront(length, AT[direction])} @nat${length} ${embeddedAt(length, AT[direction])} ${among}`,
  );
}
