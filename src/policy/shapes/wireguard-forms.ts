// What WireGuard's packets look like where a configuration changes them. Follows AmneziaWG's description of its parameters (Jmin, Jmax, S1
// to S4, H1 to H4, I1 to I5), and what Cloudflare WARP does with the three reserved bytes. A header of AmneziaWG's may be a range. It is
// little-endian in the packet, so its highest bytes are compared as far as they are fixed, then the first byte that is not, and no more.

import { WIREGUARD_LENGTHS } from '../../wire/vpn/wireguard.ts';
import { bits } from '../filter/payload.ts';
import type { Bits } from '../filter/payload.ts';
import { atLeast, exactly, wireguardPackets } from './protocols.ts';
import type { Datagrams, Packet } from './protocols.ts';

/** Numbers from `first` to `last`, both inclusive. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

/**
 * A packet that AmneziaWG sends first on purpose: its length in bytes of UDP payload, and its first bytes as far as they are fixed (at most
 * six).
 */
export interface Decoy {
  readonly length: number;
  readonly head: readonly number[];
}

type Reserved = 'any' | readonly [number, number, number];

/** How a configuration changes WireGuard's packets. */
export type WireguardForm =
  | {
      /** Three bytes after the type; `any` where the client chooses them. */
      readonly kind: 'reserved';
      readonly bytes: Reserved;
    }
  | {
      readonly kind: 'amnezia';
      /** Lengths of junk packets. */
      readonly junk: Span | undefined;
      /** For each of the four messages: bytes of padding in front, and the number that the message begins with. */
      readonly messages: readonly { readonly padding: number; readonly header: Span }[];
      readonly decoys: readonly Decoy[];
    };

/** The kernel reads no payload after this many bytes: a message with more padding is recognized by its length alone. */
const READABLE = 230;
/** How many bytes of a decoy are compared: nft lists them as one number. */
export const MAX_DECOY_HEAD = 6;
/** Bytes; too short to hold a DNS query. */
const NO_QUESTION = 11;

/** The packets of WireGuard with this change, by what the kernel can compare of them. */
export function wireguardForm(form: WireguardForm): Datagrams {
  if (form.kind === 'reserved')
    return { others: wireguardPackets((type) => reservedBeginnings(type, form.bytes)) };
  const { first, last } = form.junk ?? { first: 1, last: 0 };
  return {
    short: [...form.decoys.map(decoyPacket), ...junk(first, Math.min(last, NO_QUESTION))],
    others: [...form.messages.map(messagePacket), ...junk(Math.max(first, NO_QUESTION + 1), last)],
  };
}

/** A server may leave the reserved bytes zero. */
function reservedBeginnings(type: number, bytes: Reserved): readonly Bits[] {
  if (bytes === 'any') return [bits(0, 8, type)];
  return [...new Set([0, numberOf(bytes)])].map((mark) => bits(0, 32, type * 0x1000000 + mark));
}

function numberOf(bytes: readonly number[]): number {
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

/** A packet that the configuration sends first on purpose, whatever it looks like. */
function decoyPacket({ length, head }: Decoy): Packet {
  const begins = head.length === 0 ? [] : [bits(0, 8 * head.length, numberOf(head))];
  return { bits: begins, length: exactly(length), held: { bytes: head.length, whole: false } };
}

function junk(first: number, last: number): readonly Packet[] {
  return first > last ? [] : [{ length: { first, last } }];
}

function messagePacket({ padding, header }: { padding: number; header: Span }, at: number): Packet {
  const minLength = padding + (WIREGUARD_LENGTHS[at] ?? 0);
  const isData = at === 3;
  const begins = padding > READABLE ? [] : headerBits(8 * padding, header);
  return {
    bits: begins,
    length: isData ? atLeast(minLength) : exactly(minLength),
    held: { bytes: padding + 4, whole: false },
    // Data that cannot be told from other packets is shown to the taps.
    ...(isData && begins.length > 0 ? { hidden: [] } : {}),
    ...(at < 2 && begins.length > 0 ? { handshake: at === 0 ? 'begin' : 'answer' } : {}),
  };
}

/** Bits to compare for a little-endian number in a span: the fixed high bytes in one match (nft would merge several), and the next byte. */
function headerBits(start: number, { first, last }: Span): readonly Bits[] {
  const byte = (of: number, at: number): number => (of >>> (8 * at)) & 255;
  const order = [3, 2, 1, 0];
  const open = order.find((at) => byte(first, at) !== byte(last, at)) ?? -1;
  const fixed = order.filter((at) => at > open).reverse();
  return [
    ...(fixed.length === 0
      ? []
      : [bits(start + 8 * (open + 1), 8 * fixed.length, numberOf(fixed.map((at) => byte(first, at))))]),
    ...(open < 0 ? [] : [bits(start + 8 * open, 8, byte(first, open), byte(last, open))]),
  ];
}
