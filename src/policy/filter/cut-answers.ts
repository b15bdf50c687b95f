// How the question for a tunnel server's own name goes over TCP, for judge and ruleset: to a resolver that has just answered that very
// question over UDP and set TC, truncated (RFC 1035 section 4.1.1, RFC 7766 section 5), from that client, for half a minute. The kernel
// learns the pair itself, from the frames. A segment that goes up has no data, or is exactly one whole question for that name (RFC 7766
// section 8), or that question for both address families in one segment, as the GNU C library sends it. A hostile network can set TC and
// have a client connect to a resolver that it has asked, but cannot have it say anything else there.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { addressText } from '../../wire/ip/address.ts';
import type { Direction } from '../compile/counted.ts';
import { hostLength, nftHost } from '../servers/names.ts';
import { inPieces } from '../compile/nft-model.ts';
import type { NftChain, NftSet } from '../compile/nft-model.ts';
import { nftBits } from './payload.ts';
import { QUERY_FLAGS } from '../shapes/readable.ts';

const DNS = 53;
const DNS_HEADER = 12;
/** Questions that were asked: an answer must come within this time. */
const ASKED = { size: 64, seconds: 10 };
/** Pairs of client and resolver that may use TCP. */
const CUT = { size: 16, seconds: 30 };

/** Sets that the ruleset's rules fill: `asked4` (client, resolver, client's port) and `cut4` (client, resolver), and the same for 6. */
export const CUT_SETS: readonly NftSet[] = ([4, 6] as const).flatMap((family) => [
  learnedSet(`asked${family}`, `ipv${family}_addr . ipv${family}_addr . inet_service`, ASKED),
  learnedSet(`cut${family}`, `ipv${family}_addr . ipv${family}_addr`, CUT),
]);

function learnedSet(name: string, type: string, learned: { size: number; seconds: number }): NftSet {
  return { name, keyword: 'set', type, timeouts: true, learned };
}

/** Length of the TCP header of a segment with data, in 32-bit words: without options, or with a timestamp (RFC 7323). */
export const OFFSETS = [5, 8] as const;
/** What may follow the question: nothing, or an OPT record (RFC 6891) without options or with a cookie (RFC 7873). Bytes of its RDATA. */
const EDNS = [undefined, 0, 12, 28] as const;
const OPT_BYTES = 11;
/** The root name and the type of the OPT record (24 bits). */
const OPT_TYPE = 41;
/** The same for two questions in one segment. */
const EDNS_OF_TWO = [undefined, 0] as const;

type Edns = (typeof EDNS)[number];

/** Length in bytes of a message with one question. */
function messageLength(nameLength: number, edns: Edns): number {
  return DNS_HEADER + nameLength + 4 + (edns === undefined ? 0 : OPT_BYTES + edns);
}

// The message comes after a length field of two bytes (RFC 7766 section 8).
const PREFIX = 2;

/** A raw match of `bits` bits at a byte offset after the TCP header. */
function field(byte: number, bits: number, value: number): string {
  return `@ih,${8 * byte},${bits} 0x${value.toString(16)}`;
}

/** Matches for one message's header and OPT record, without its RDATA length, at `start` bytes after the TCP header. */
function nftMessage(start: number, nameLength: number, edns: Edns): string {
  const opt = start + DNS_HEADER + nameLength + 4;
  return [
    // No authority records, and as many additional records as are compared.
    nftBits(QUERY_FLAGS, 'ih', start),
    field(start + 8, 32, edns === undefined ? 0 : 1),
    ...(edns === undefined ? [] : [field(opt, 24, OPT_TYPE)]),
  ].join(' ');
}

/** Matches for a segment that is one message; the name is matched elsewhere. */
function nftOne(nameLength: number, edns: Edns): string {
  const length = messageLength(nameLength, edns);
  const data = edns === undefined ? [] : [field(PREFIX + length - edns - 2, 16, edns)];
  return [field(0, 16, length), nftMessage(PREFIX, nameLength, edns), ...data].join(' ');
}

/** The same for a segment of two messages. */
function nftTwo(nameLength: number, edns: (typeof EDNS_OF_TWO)[number]): string {
  const length = messageLength(nameLength, edns);
  const one = PREFIX + length;
  return [
    field(0, 16, length),
    nftMessage(PREFIX, nameLength, edns),
    // The first message's RDATA length is next to the second's length field: one match, as nft would merge the two.
    edns === undefined ? field(one, 16, length) : field(one - 2, 32, length),
    nftMessage(one + PREFIX, nameLength, edns),
    ...(edns === undefined ? [] : [field(2 * one - 2, 16, 0)]),
  ].join(' ');
}

/**
 * Rules in the chain for packets with ports, for TCP to and from resolvers whose answer was truncated; none where no host may be asked for.
 */
export function nftCut(hosts: readonly string[], direction: Direction, family: 4 | 6): readonly string[] {
  if (hosts.length === 0) return [];
  const [near, far] = direction === 'up' ? ['saddr', 'daddr'] : ['daddr', 'saddr'];
  const ip = family === 4 ? 'ip' : 'ip6';
  const pair = `${ip} ${near} . ${ip} ${far} @cut${family}`;
  return direction === 'up'
    ? [`tcp dport ${DNS} ${pair} jump up_cut`]
    : [`tcp sport ${DNS} ${pair} goto down_allowed`];
}

/**
 * Name of the chain for UDP questions for a tunnel server's own name and their answers; it learns from them and ends in `up_allowed` or
 * `down_allowed`.
 */
export const cutLearns = (direction: Direction): string => `${direction}_own`;

/**
 * The chains for questions for the names `hosts` (lower case, no trailing dot): `cutLearns` and, on the way up, `up_cut` with those it
 * leads to, which return for any segment that is not a whole question. None where `hosts` is empty.
 */
export function cutChains(hosts: readonly string[], direction: Direction): readonly NftChain[] {
  if (hosts.length === 0) return [];
  const learn = ([4, 6] as const).map((family) => {
    const ip = family === 4 ? 'ip' : 'ip6';
    return direction === 'up'
      ? `update @asked${family} { ${ip} saddr . ${ip} daddr . udp sport }`
      : `@th,86,1 0x1 ${ip} daddr . ${ip} saddr . udp dport @asked${family} update @cut${family} { ${ip} daddr . ${ip} saddr }`;
  });
  const own: NftChain = {
    name: cutLearns(direction),
    why: 'a full set learns no more, and does not keep a client from asking',
    rules: [...learn, `goto ${direction}_allowed`],
  };
  return direction === 'down' ? [own] : [own, ...streamChains(hosts)];
}

function streamChains(hosts: readonly string[]): readonly NftChain[] {
  const lengths = [...new Set(hosts.map(hostLength))].sort((a, b) => a - b);
  const names = hosts.map((host, at) =>
    inPieces(`up_cut_name_${at}`, '', nftHost('ih', PREFIX + DNS_HEADER, host), `up_cut_host_${at}`),
  );
  const seconds = hosts.map((host, at) => {
    const length = hostLength(host);
    return EDNS_OF_TWO.map((edns, nth) => {
      const one = PREFIX + messageLength(length, edns);
      const name = nftHost('ih', one + PREFIX + DNS_HEADER, host);
      return inPieces(
        `up_cut_two_${at}_${nth}`,
        '',
        [nftTwo(length, edns), ...name],
        `up_cut_size_${2 * one}`,
      );
    });
  });
  const sizes = new Set<number>();
  for (const length of lengths) {
    for (const edns of EDNS) sizes.add(PREFIX + messageLength(length, edns));
    for (const edns of EDNS_OF_TWO) sizes.add(2 * (PREFIX + messageLength(length, edns)));
  }
  return [
    ...[...sizes].map((size) => ({
      name: `up_cut_size_${size}`,
      rules: OFFSETS.flatMap((words) => nftSize(words, size).map((rule) => `${rule} goto up_allowed`)),
    })),
    ...lengths.map((length) => ({
      name: `up_cut_one_${length}`,
      rules: EDNS.map(
        (edns) => `${nftOne(length, edns)} goto up_cut_size_${PREFIX + messageLength(length, edns)}`,
      ),
    })),
    ...seconds.flatMap((forms) => forms.flatMap(({ chains }) => chains)),
    ...hosts.map((host, at) => ({
      name: `up_cut_host_${at}`,
      rules: [...(seconds[at] ?? []).map(({ rule }) => rule), `goto up_cut_one_${hostLength(host)}`],
    })),
    ...names.flatMap(({ chains }) => chains),
    {
      name: 'up_cut',
      why: 'to a resolver whose answer was truncated: segments without data, and whole questions for a name of the policy, nothing else',
      rules: [
        ...Array.from({ length: 11 }, (_, more) =>
          nftSize(5 + more, 0).map((rule) => `${rule} goto up_allowed`),
        ).flat(),
        // Neither URG, RST, SYN nor FIN.
        '@th,106,1 0x0 @th,109,3 0x0 jump up_cut_names',
      ],
    },
    { name: 'up_cut_names', rules: names.map(({ rule }) => rule) },
  ];
}

/** Matches that the packet is a TCP header of `words` 32-bit words and `payload` bytes. */
function nftSize(words: number, payload: number): readonly string[] {
  const offset = `@th,96,4 0x${words.toString(16)}`;
  return [`ip length ${20 + 4 * words + payload} ${offset}`, `ip6 length ${4 * words + payload} ${offset}`];
}

/** Flags in the 14th byte of the TCP header (RFC 9293 section 3.1) that no segment with a question has. */
export const SYN_FIN_RST_URG = 0x27;

/** Length of the TCP header in 32-bit words, of an unfragmented packet without IP options or extension headers. */
export function wordsOf({ ipVersion, ipLength, payloadLength }: ParsedPacket): number {
  return (ipLength - (ipVersion === 4 ? 20 : 40) - payloadLength) / 4;
}

/**
 * Whether a segment between a client and a resolver that may use TCP may pass. `isOwn` tells whether a name (lower case, no trailing dot)
 * is an endpoint's.
 */
export function isCutSegment(
  packet: ParsedPacket,
  direction: Direction,
  isOwn: (name: string) => boolean,
): boolean {
  if (direction === 'down') return packet.sourcePort === DNS;
  if (packet.destinationPort !== DNS) return false;
  if (packet.payloadLength === 0) return true;
  const words = wordsOf(packet);
  if ((packet.tcpFlags & SYN_FIN_RST_URG) !== 0 || !OFFSETS.some((one) => one === words)) return false;
  return packet.wholeQuestion !== '' && isOwn(packet.wholeQuestion);
}

/** The addresses of client and resolver as `client resolver`, and the client's port; of an IP packet with ports. */
export function cutPair(
  packet: ParsedPacket,
  direction: Direction,
): { readonly pair: string; readonly port: number } {
  const version = packet.ipVersion === 6 ? 6 : 4;
  const [near, far] =
    direction === 'up' ? [packet.source, packet.destination] : [packet.destination, packet.source];
  const port = direction === 'up' ? packet.sourcePort : packet.destinationPort;
  return { pair: `${addressText(version, near)} ${addressText(version, far)}`, port };
}

/** Whether the DNS message in a UDP packet is truncated (TC, RFC 1035 section 4.1.1). */
export function isCut(packet: ParsedPacket): boolean {
  return (packet.payloadHead & 0x0200) !== 0;
}

/** How many entries each of the kernel's sets holds and for how many seconds; the judge remembers the same. */
export const REMEMBERED = { asked: ASKED, cut: CUT };
