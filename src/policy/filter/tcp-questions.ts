// Knows: which TCP segments may carry questions past the tunnel in split, for judge and ruleset side by side. Must not know: names, clocks.
// RFC 7766 section 8 lets a client cut its messages anywhere, and clients send each question whole. So does whoever asks here: a segment
// is one question by the length in front of it, or two that are equally long (the GNU C library asks for both families at once), or it
// has no data. In a piece of a question no name can be looked for, and the pieces together say it all the same.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { OFFSETS, SYN_FIN_RST_URG, wordsOf } from './cut-answers.ts';
import { nameScan } from '../servers/names.ts';
import type { NftChain } from '../compile/nft-model.ts';
import { nftBits } from './payload.ts';
import type { Policy } from '../policy.ts';
import { DNS_QUERY } from '../shapes/readable.ts';

const DNS_HEADER = 12;
/** The root's name, type and class. */
const LEAST = DNS_HEADER + 1 + 4;
/**
 * Each length takes a chain: room for names of 120 bytes with EDNS and both cookies, of which hardly any is asked for by TCP. In a
 * segment of two each has half of it.
 */
const MOST = 192;
const PAIR_MOST = (MOST + 2) / 2 - 2;
const HEADER = { 4: 20, 6: 40 } as const;
/** What the IP header's own length field leaves out. */
const UNCOUNTED = { 4: 0, 6: 40 } as const;
const MOST_WORDS = 15;

/** How long a message may be, alone and as one of two: as far as the kernel looks for names. */
export function messageLimits(policy: Policy): { readonly one: number; readonly pair: number } {
  const { prefix, longest, shortest } = nameScan(policy);
  return {
    one: Math.min(MOST, longest - 8),
    // The second name's last suffix begins no further behind the first message's length than the kernel looks.
    pair: Math.min(PAIR_MOST, Math.floor((prefix + shortest + 18) / 2) - 2),
  };
}

/** Whether a segment for the port of names has no data, or is whole questions; their names are looked at elsewhere. */
export function isOpenSegment(
  packet: ParsedPacket,
  { one, pair }: ReturnType<typeof messageLimits>,
): boolean {
  const { payloadLength, questions } = packet;
  if (payloadLength === 0) return true;
  const words = wordsOf(packet);
  if ((packet.tcpFlags & SYN_FIN_RST_URG) !== 0 || !OFFSETS.some((known) => known === words)) return false;
  if (questions.length === 1) return payloadLength - 2 >= LEAST && payloadLength - 2 <= one;
  const each = payloadLength / 2 - 2;
  return questions.length === 2 && each >= LEAST && each <= pair;
}

/** Header of a plain question, `start` bytes behind the TCP header. */
const nftHeader = (start: number): string => nftBits(DNS_QUERY, 'ih', start);

/** Chains that judge segments to the port of names: `up_segment4` and `up_segment6` lead to `up_names` or to a leak. */
export function segmentChains(policy: Policy): readonly NftChain[] {
  const limits = messageLimits(policy);
  const sizes = Array.from({ length: MOST - LEAST + 1 }, (_, at) => 2 + LEAST + at);
  const rulesOf = (size: number): string[] => {
    const [one, pair] = [size - 2, size / 2 - 2];
    const isPair = pair >= LEAST && pair <= limits.pair && size % 2 === 0;
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
      why: 'no data, or whole questions by the lengths in front of them',
      rules: [
        ...Array.from(
          { length: MOST_WORDS - 4 },
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
