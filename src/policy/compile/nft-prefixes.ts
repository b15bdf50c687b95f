// Knows: how the kernel finds networks of IPv4 servers behind a network's own prefix of NAT64 (RFC 7050), for the ruleset.
// Must not know: how a prefix was learned. A prefix has an end, and an interval set of the kernel's holds no element that has one: so a
// packet's prefix is looked for in a set with timeouts, and the IPv4 address behind it in the rule. src/policy/servers/hosts.ts has the same.

import { parseAddress } from '../../wire/ip/address.ts';
import type { Direction } from './counted.ts';
import { mayEmbed } from '../servers/hosts.ts';
import type { LearnedPrefix, LearnedState } from '../servers/learned.ts';
import { WHOLE_LENGTHS } from '../servers/nat64.ts';
import type { WholeLength } from '../servers/nat64.ts';
import type { NftElement, NftSet } from './nft-model.ts';
import { ipv4Pieces } from './nft-ranges.ts';
import type { Policy } from '../policy.ts';

/** What stands in front of the IPv4 address, in pieces whose numbers JSON holds: bits from the address's beginning, and how many. */
const IN_FRONT: Readonly<Record<WholeLength, readonly (readonly [number, number])[]>> = {
  96: [
    [0, 32],
    [32, 32],
    [64, 32],
  ],
  // The octet that is always zero is part of it (RFC 6052 section 2.2).
  64: [
    [0, 32],
    [32, 32],
    [64, 8],
  ],
  32: [[0, 32]],
};
/** Where IPv6's own header has the addresses, in bits. */
const AT = { up: 192, down: 64 } as const;

function inFront(length: WholeLength, from: number): string {
  return IN_FRONT[length].map(([at, bits]) => `@nh,${from + at},${bits}`).join(' . ');
}

function embeddedAt(length: WholeLength, from: number): string {
  const [at, bits] = IN_FRONT[length].at(-1) ?? [0, 0];
  return `@nh,${from + at + bits},32`;
}

export const PREFIX_SETS: readonly NftSet[] = WHOLE_LENGTHS.map((length) => ({
  name: `nat${length}`,
  keyword: 'set',
  of: inFront(length, AT.up),
  timeouts: true,
}));

function isUsed(policy: Policy): boolean {
  return ipv4Pieces(policy).ports.length > 0 && mayEmbed(policy);
}

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

/** Behind the lookups of networks as they are, for packets and first fragments of IPv6. */
export function nftPrefixLookups(policy: Policy, direction: Direction): string[] {
  if (!isUsed(policy)) return [];
  const pieces = ipv4Pieces(policy).ports.map(({ text, chain }) => `${text} : jump ${chain}`);
  return WHOLE_LENGTHS.map(
    (length) =>
      `${inFront(length, AT[direction])} @nat${length} ${embeddedAt(length, AT[direction])} vmap { ${pieces.join(', ')} }`,
  );
}

/** Matches of later fragments of the same. */
export function nftPrefixPieces(policy: Policy, direction: Direction): string[] {
  const { udp } = ipv4Pieces(policy);
  if (!isUsed(policy) || udp.length === 0) return [];
  const among = udp.length === 1 ? (udp[0] ?? '') : `{ ${udp.join(', ')} }`;
  return WHOLE_LENGTHS.map(
    (length) =>
      `meta l4proto udp ${inFront(length, AT[direction])} @nat${length} ${embeddedAt(length, AT[direction])} ${among}`,
  );
}
