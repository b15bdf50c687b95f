// Knows: how bits at fixed places of a payload are compared with constants, once for the judge, nft and BPF.
// Must not know: protocols. What is compared is made once and allocates nothing for a frame.

import { payloadByte } from '../../flow/parsed-packet.ts';
import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { UDP_HEADER } from '../../wire/ip/ip.ts';
import { hex } from './fields.ts';
import type { Range } from './match.ts';

/** Bits of a payload that have one of some values. */
export interface Bits {
  /** The first bit, from the payload's first on; and how many, 53 at most. */
  readonly at: number;
  readonly width: number;
  readonly among: readonly Range[];
  /** Any value but these. */
  readonly isNot?: true;
}

export function bits(at: number, width: number, first: number, last = first): Bits {
  return { at, width, among: [{ first, last }] };
}

export function otherBits(at: number, width: number, value: number): Bits {
  return { ...bits(at, width, value), isNot: true };
}

/** The same, so many bytes further on. */
export function behind(bytes: number, list: readonly Bits[]): readonly Bits[] {
  return list.map((one) => ({ ...one, at: one.at + 8 * bytes }));
}

/** As nft matches them behind a UDP header (`th`), or behind whatever header of TCP (`ih`), from a byte of the payload on. */
export function nftBits(list: readonly Bits[], base: 'th' | 'ih', from = 0): string {
  const start = 8 * (from + (base === 'th' ? UDP_HEADER : 0));
  return list
    .map(({ at, width, among, isNot }) => {
      const values = among.map(rangeText);
      const text = values.length === 1 ? values.join('') : `{ ${values.join(', ')} }`;
      return `@${base},${start + at},${width} ${isNot === true ? '!= ' : ''}${text}`;
    })
    .join(' ');
}

function rangeText({ first, last }: Range): string {
  if (last === Infinity) return `>= ${hex(first)}`;
  return first === last ? hex(first) : `${hex(first)}-${hex(last)}`;
}

/** Bits as whoever reads compares them: what is fixed of the first three words (src/flow/parsed-packet.ts), of bytes behind them, and the rest. */
export interface Compared {
  readonly mask0: number;
  readonly mask1: number;
  readonly mask2: number;
  readonly value0: number;
  readonly value1: number;
  readonly value2: number;
  readonly bytes: readonly { readonly at: number; readonly mask: number; readonly value: number }[];
  readonly others: readonly Bits[];
}

const WORDS = 3;
const HEAD_BYTES = 4 * WORDS;

export function compareBits(list: readonly Bits[]): Compared {
  const fixed = new Map<number, { mask: number; value: number }>();
  const others: Bits[] = [];
  for (const one of list) {
    const open = openBits(one);
    if (open === undefined) others.push(one);
    else
      for (let bit = 0; bit < one.width - open; bit += 1) {
        const at = one.at + bit;
        const byte = fixed.get(at >> 3) ?? { mask: 0, value: 0 };
        const set = Math.floor((one.among[0]?.first ?? 0) / 2 ** (one.width - 1 - bit)) % 2;
        byte.mask |= 0x80 >> (at & 7);
        byte.value |= set * (0x80 >> (at & 7));
        fixed.set(at >> 3, byte);
      }
  }
  // As a signed number of 32 bits, which V8 compares fastest.
  const word = (of: 'mask' | 'value', at: number): number =>
    [0, 1, 2, 3].reduce((sum, byte) => (sum << 8) | (fixed.get(4 * at + byte)?.[of] ?? 0), 0);
  return {
    mask0: word('mask', 0),
    mask1: word('mask', 1),
    mask2: word('mask', 2),
    value0: word('value', 0),
    value1: word('value', 1),
    value2: word('value', 2),
    bytes: [...fixed].filter(([at]) => at >= HEAD_BYTES).map(([at, byte]) => ({ at, ...byte })),
    others,
  };
}

/** How many of the last bits may be anything, where a comparison under a mask says all; undefined where it does not. */
function openBits({ among: [range, ...more], isNot }: Bits): number | undefined {
  if (range === undefined || more.length > 0 || isNot === true) return undefined;
  const size = range.last - range.first + 1;
  const open = Math.log2(size);
  return Number.isInteger(open) && range.first % size === 0 ? open : undefined;
}

/** Whether a frame's payload has them. */
export function hasBits(packet: ParsedPacket, of: Compared): boolean {
  if (((packet.payloadHead ^ of.value0) & of.mask0) !== 0) return false;
  if (((packet.payloadHead2 ^ of.value1) & of.mask1) !== 0) return false;
  if (((packet.payloadHead3 ^ of.value2) & of.mask2) !== 0) return false;
  for (const { at, mask, value } of of.bytes) {
    const byte = payloadByte(packet, at);
    if (byte < 0 || (byte & mask) !== value) return false;
  }
  for (const one of of.others) if (!hasOther(packet, one)) return false;
  return true;
}

function hasOther(packet: ParsedPacket, { at, width, among, isNot }: Bits): boolean {
  const value = readBits(packet, at, width);
  let isAmong = false;
  for (const { first, last } of among) isAmong ||= value >= first && value <= last;
  return value >= 0 && isAmong !== (isNot === true);
}

/** Their value, or -1 where the payload has them not. */
function readBits(packet: ParsedPacket, at: number, width: number): number {
  if (at < 8 * HEAD_BYTES && (at & 31) + width <= 32)
    return (wordOf(packet, at >> 5) << (at & 31)) >>> (32 - width);
  let value = 0;
  const end = at + width;
  for (let byte = at >> 3; 8 * byte < end; byte += 1) {
    const one =
      byte < HEAD_BYTES
        ? (wordOf(packet, byte >> 2) >>> (24 - 8 * (byte & 3))) & 0xff
        : payloadByte(packet, byte);
    if (one < 0) return -1;
    value = value * 256 + one;
  }
  return Math.floor(value / 2 ** (-end & 7)) % 2 ** width;
}

function wordOf(packet: ParsedPacket, at: number): number {
  return at === 0 ? packet.payloadHead : at === 1 ? packet.payloadHead2 : packet.payloadHead3;
}

/** `size` bytes at `offset` of the payload, in libpcap's words. */
export type BpfField = (offset: number, size: 1 | 2 | 4) => string;

/** As pcap-filter(7) compares them; nothing is read of bytes that are not compared. */
export function bpfBits({ bytes, others, ...head }: Compared, field: BpfField): readonly string[] {
  const words = [
    [head.mask0, head.value0],
    [head.mask1, head.value1],
    [head.mask2, head.value2],
  ].flatMap(([mask = 0, value = 0], at) => masked(4 * at, 4, mask >>> 0, value >>> 0, field));
  return [
    ...words,
    ...bytes.flatMap(({ at, mask, value }) => masked(at, 1, mask, value, field)),
    ...others.map(({ at, width, among, isNot }) => {
      const read = field(at / 8, (width / 8) as 1 | 2 | 4);
      const texts = among.map(({ first, last }) => {
        if (first === last) return `${read} ${isNot === true ? '!=' : '='} ${hex(first)}`;
        return last === Infinity ? `${read} >= ${hex(first)}` : `${read} - ${first} <= ${last - first}`;
      });
      return texts.length === 1 ? texts.join('') : `(${texts.join(' or ')})`;
    }),
  ];
}

function masked(
  at: number,
  size: 1 | 2 | 4,
  mask: number,
  value: number,
  field: BpfField,
): readonly string[] {
  if (mask === 0) return [];
  const all = 2 ** (8 * size) - 1;
  const half = (size / 2) as 1 | 2;
  const halves = 2 ** (8 * half);
  if (size > 1 && mask % halves === 0) return masked(at, half, mask / halves, value / halves, field);
  if (size > 1 && mask < halves) return masked(at + half, half, mask, value, field);
  return [`${field(at, size)}${mask === all ? '' : ` & ${hex(mask)}`} = ${hex(value)}`];
}
