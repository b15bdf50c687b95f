// Compares bits at fixed places of a payload with constants, for the judge, nft and BPF. The constants are compiled once; comparing a frame
// allocates nothing.

import { payloadByte } from '../../flow/parsed-packet.ts';
import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { UDP_HEADER } from '../../wire/ip/ip.ts';
import { hex } from './fields.ts';
import type { Range } from './match.ts';

/** A condition: bits of a payload, read in network byte order, have one of some values. */
export interface Bits {
  /**
   * Offset of the first bit from the beginning of the payload after the UDP or TCP header, most significant bit first, and the number of
   * bits, at most 53.
   */
  readonly at: number;
  readonly width: number;
  readonly among: readonly Range[];
  /** The bits must have any other value. */
  readonly isNot?: true;
}

/** The condition that `width` bits at bit offset `at` have a value from `first` to `last`, inclusive. */
export function bits(at: number, width: number, first: number, last = first): Bits {
  return { at, width, among: [{ first, last }] };
}

/** The condition that `width` bits at bit offset `at` have any value but this one. */
export function otherBits(at: number, width: number, value: number): Bits {
  return { ...bits(at, width, value), isNot: true };
}

/** The same conditions at an offset that is larger by so many bytes. */
export function behind(bytes: number, list: readonly Bits[]): readonly Bits[] {
  return list.map((condition) => ({ ...condition, at: condition.at + 8 * bytes }));
}

/**
 * nft matches, joined by spaces, after a UDP header (`th`) or a TCP header of any length (`ih`); `from` is the payload byte at which
 * offsets begin.
 */
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

/**
 * Conditions compiled for the judge and BPF: fixed bits of the first three words (src/flow/parsed-packet.ts), fixed bits of later bytes,
 * and the rest. Masks and values of words are signed 32-bit numbers; `at` in `bytes` is a byte offset in the payload.
 */
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

/** Compiles conditions, all of which must hold, for `hasBits` and `bpfBits`. */
export function compareBits(list: readonly Bits[]): Compared {
  const fixed = new Map<number, { mask: number; value: number }>();
  const others: Bits[] = [];
  for (const condition of list) {
    const open = openBits(condition);
    if (open === undefined) others.push(condition);
    else {
      const [at, end] = [condition.at, condition.at + condition.width];
      for (let next = at; next < end - open; next = (next & ~7) + 8) {
        const to = Math.min(end - open, (next & ~7) + 8);
        const shift = 8 - (to & 7 || 8);
        const value = Math.floor((condition.among[0]?.first ?? 0) / 2 ** (end - to)) % 2 ** (to - next);
        const byte = fixed.get(next >> 3) ?? { mask: 0, value: 0 };
        byte.mask |= (2 ** (to - next) - 1) << shift;
        byte.value |= value << shift;
        fixed.set(next >> 3, byte);
      }
    }
  }
  // As signed 32-bit numbers, which V8 compares fastest.
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

/** How many of the last bits may have any value, if the condition can be a comparison under a mask; else undefined. */
function openBits({ among: [range, ...more], isNot }: Bits): number | undefined {
  if (range === undefined || more.length > 0 || isNot === true) return undefined;
  const size = range.last - range.first + 1;
  const open = Math.log2(size);
  return Number.isInteger(open) && range.first % size === 0 ? open : undefined;
}

/**
 * Whether a frame's payload meets the conditions; false where a byte beyond the first twelve is missing, while missing bytes among these
 * read as zero. So the caller checks the length.
 */
export function hasBits(packet: ParsedPacket, of: Compared): boolean {
  if (((packet.payloadHead ^ of.value0) & of.mask0) !== 0) return false;
  if (((packet.payloadHead2 ^ of.value1) & of.mask1) !== 0) return false;
  if (((packet.payloadHead3 ^ of.value2) & of.mask2) !== 0) return false;
  for (const { at, mask, value } of of.bytes) {
    const byte = payloadByte(packet, at);
    if (byte < 0 || (byte & mask) !== value) return false;
  }
  for (const other of of.others) if (!hasOther(packet, other)) return false;
  return true;
}

function hasOther(packet: ParsedPacket, { at, width, among, isNot }: Bits): boolean {
  const value = readBits(packet, at, width);
  let isAmong = false;
  for (const { first, last } of among) isAmong ||= value >= first && value <= last;
  return value >= 0 && isAmong !== (isNot === true);
}

/** The value of the bits, or -1 where the payload is too short. */
function readBits(packet: ParsedPacket, at: number, width: number): number {
  if (at < 8 * HEAD_BYTES && (at & 31) + width <= 32)
    return (wordOf(packet, at >> 5) << (at & 31)) >>> (32 - width);
  let value = 0;
  const end = at + width;
  for (let byte = at >> 3; 8 * byte < end; byte += 1) {
    const octet =
      byte < HEAD_BYTES
        ? (wordOf(packet, byte >> 2) >>> (24 - 8 * (byte & 3))) & 0xff
        : payloadByte(packet, byte);
    if (octet < 0) return -1;
    value = value * 256 + octet;
  }
  return Math.floor(value / 2 ** (-end & 7)) % 2 ** width;
}

function wordOf(packet: ParsedPacket, at: number): number {
  return at === 0 ? packet.payloadHead : at === 1 ? packet.payloadHead2 : packet.payloadHead3;
}

/** The expression of pcap-filter(7) for `size` bytes at byte `offset` of the payload. */
export type BpfField = (offset: number, size: 1 | 2 | 4) => string;

/**
 * Terms of pcap-filter(7) for the conditions, to be joined by `and`; only bytes that are compared are read. A condition that is no
 * comparison under a mask must be of whole bytes: 8, 16 or 32 bits from the start of a byte.
 */
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
