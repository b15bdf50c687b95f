// Which TCP segments may carry questions past the tunnel in split, for judge and ruleset. RFC 7766 section 8 lets a client split its
// messages anywhere, but clients send each question whole. So a segment must have no data, or be one question by the length field in front
// of it, or two of the same length (the GNU C library asks for both families at once). In part of a question no name can be found, yet the
// parts together reveal it.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { OFFSETS, SYN_FIN_RST_URG, wordsOf } from './cut-answers.ts';
import { nameScan } from '../servers/names.ts';
import type { NftChain } from '../compile/nft-model.ts';
import { nftBits } from './payload.ts';
import type { Policy } from '../policy.ts';
import { DNS_QUERY } from '../shapes/readable.ts';

const DNS_HEADER = 12;
/** Bytes of the shortest question: header, root name, type and class. */
const MIN_MESSAGE = DNS_HEADER + 1 + 4;
/**
 * Longest message in bytes; each length takes a chain. Enough for names of 120 bytes with EDNS and both cookies, and few of these are asked
 * for over TCP. Two messages in one segment share it.
 */
const MAX_MESSAGE = 192;
const MAX_PAIR_MESSAGE = (MAX_MESSAGE + 2) / 2 - 2;
const HEADER = { 4: 20, 6: 40 } as const;
/** Bytes of header that the IP length field does not count. */
const UNCOUNTED = { 4: 0, 6: 40 } as const;
const MAX_HEADER_WORDS = 15;

/** Longest DNS message in bytes, without its length field, alone and as one of two, in which the kernel still finds names. */
export function messageLimits(policy: Policy): { readonly one: number; readonly pair: number } {
  const { prefix, longest, shortest } = nameScan(policy);
  return {
    one: Math.min(MAX_MESSAGE, longest - 8),
    // The last suffix of the second name must begin within the range that the kernel searches.
    pair: Math.min(MAX_PAIR_MESSAGE, Math.floor((prefix + shortest + 18) / 2) - 2),
  };
}

/**
 * Whether a segment to port 53 has no data, or consists of one or two whole questions (RFC 7766 section 8); their names are checked
 * elsewhere.
 */
export function isOpenSegment(
  packet: ParsedPacket,
  { one, pair }: ReturnType<typeof messageLimits>,
): boolean {
  const { payloadLength, questions } = packet;
  if (payloadLength === 0) return true;
  const words = wordsOf(packet);
  if ((packet.tcpFlags & SYN_FIN_RST_URG) !== 0 || !OFFSETS.some((known) => known === words)) return false;
  if (questions.length === 1) return payloadLength - 2 >= MIN_MESSAGE && payloadLength - 2 <= one;
  const each = payloadLength / 2 - 2;
  return questions.length === 2 && each >= MIN_MESSAGE && each <= pair;
}

/** Matches for the header of a plain question, `start` bytes after the TCP header. */
const nftHeader = (start: number): string => nftBits(DNS_QUERY, 'ih', start);

/** Chains that judge segments to port 53: `up_segment4` and `up_segment6` lead to `up_allowed`, `up_names` or a leak. */
export function segmentChains(policy: Policy): readonly NftChain[] {
  const limits = messageLimits(policy);
  const sizes = Array.from({ length: MAX_MESSAGE - MIN_MESSAGE + 1 }, (_, at) => 2 + MIN_MESSAGE + at);
  const rulesOf = (size: number): string[] => {
    const [one, pair] = [size - 2, size / 2 - 2];
    const isPair = pair >= MIN_MESSAGE && pair <= limits.pair && size % 2 === 0;
    return [
      ...(one <= limits.one ? [`@ih,0,16 ${one} goto up_one`] : []),
      ...(isPair
        ? [`@ih,0,16 ${pair} @ih,${4 * size},16 ${pair} ${nftHeader(size / 2 + 2)} goto up_one`]
        : []),
    ];
  };
  const open = sizes.map((size) => ({ size, rules: rulesOf(size) })).filter(({ rules }) => rules.length > 0);
  const families = ([4, 6] as const).map((family) => {
    const ip = family === 4 ? 'ip' : 'ip6';
    const length = (words: number, payload: number): number =>
      HEADER[family] - UNCOUNTED[family] + 4 * words + payload;
    const doff = (words: number): string => `@th,96,4 0x${words.toString(16)}`;
    return {
      name: `up_segment${family}`,
      why: 'no data, or whole questions by their length fields',
      rules: [
        ...Array.from(
          { length: MAX_HEADER_WORDS - 4 },
          (_, more) => `${ip} length ${length(5 + more, 0)} ${doff(5 + more)} goto up_allowed`,
        ),
        // Neither URG, RST, SYN nor FIN.
        ...[106, 109, 110, 111].map((bit) => `@th,${bit},1 0x1 goto up_leak`),
        ...OFFSETS.map((words) => {
          const targets = open.map(({ size }) => `${length(words, size)} : goto up_said_${size}`);
          return `${doff(words)} ${ip} length vmap { ${targets.join(', ')} }`;
        }),
        'goto up_leak',
      ],
    };
  });
  return [
    ...families,
    ...open.map(({ size, rules }) => ({ name: `up_said_${size}`, rules: [...rules, 'goto up_leak'] })),
    { name: 'up_one', rules: [`${nftHeader(2)} goto up_names`, 'goto up_leak'] },
  ];
}
