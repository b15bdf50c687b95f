// The words that the specification is written in: fields of headers where their RFCs have them, and what can be asked of one. A field that
// the frame is too short for has no value: nothing that is asked of it holds.

import { parseAddress, parseMac } from '../../src/wire/ip/address.ts';
import { FALSE, TRUE, and, between, bv, bvand, concat, eq, extract, not, or, ule } from './expr.ts';
import type { Node } from './expr.ts';
import type { Frame, Header } from './frame.ts';
import { constant } from './symbols.ts';

export interface Field {
  readonly value: Node;
  readonly there: Node;
}

export type Formula = Node;

export function field(header: Header, at: number, bytes: number): Field {
  return {
    value: concat(...Array.from({ length: bytes }, (_, i) => header.byte(at + i))),
    there: header.holds(at + bytes),
  };
}

/** Bits of a field, counted from its first. */
export function bits({ value, there }: Field, from: number, count: number): Field {
  return { value: extract(value, value.width - from - count, count), there };
}

export function is({ value, there }: Field, ...among: readonly (number | bigint)[]): Formula {
  return and(there, or(...among.map((one) => eq(value, constant(value.width, one)))));
}

export function isNot({ value, there }: Field, ...among: readonly (number | bigint)[]): Formula {
  return and(there, not(or(...among.map((one) => eq(value, constant(value.width, one))))));
}

export function isFrom(field_: Field, low: number | bigint, high: number | bigint): Formula {
  if (low === high) return is(field_, low);
  return and(field_.there, between(field_.value, low, high));
}

export function isAtLeast({ value, there }: Field, least: number): Formula {
  return and(there, ule(bv(value.width, least), value));
}

export function isZero(field_: Field): Formula {
  return is(field_, 0n);
}

/** Under a mask. */
export function isMasked({ value, there }: Field, mask: number, wanted: number): Formula {
  return and(there, eq(bvand(value, bv(value.width, mask)), bv(value.width, wanted)));
}

export function addressOf(text: string): bigint {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`no address: ${text}`);
  if (address.ipVersion === 4) return BigInt(address.words[3] ?? 0);
  return address.words.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
}

export const familyOf = (text: string): 4 | 6 => (text.includes(':') ? 6 : 4);

export const macOf = (text: string): bigint => BigInt(parseMac(text) ?? 0);

/** As sets have a key: each field filled up to whole words of four bytes. */
export function padded(...fields: readonly Field[]): Node {
  return concat(
    ...fields.flatMap(({ value }) =>
      value.width % 32 === 0 ? [value] : [value, bv(32 - (value.width % 32), 0)],
    ),
  );
}

/** What the kernel itself has learned from frames a moment ago: a set that rules fill. */
export function isHeld(frame: Frame, set: string, ...key: readonly Field[]): Formula {
  return and(...key.map(({ there }) => there), frame.isMember(set, padded(...key)));
}

/** One of these addresses or networks, as `a/length`; those of the other family are none. */
export function isIn(place: Field, ...networks: readonly string[]): Formula {
  const { width } = place.value;
  return or(
    ...networks
      .filter((network) => (familyOf(network) === 4 ? 32 : 128) === width)
      .map((network) => {
        const [host = '', length] = network.split('/');
        const count = length === undefined ? width : Number(length);
        if (count === 0) return place.there;
        return is(bits(place, 0, count), addressOf(host) >> BigInt(width - count));
      }),
  );
}

export const both = and;
export const either = or;
export const no = not;
export const ALWAYS = TRUE;
export const NEVER = FALSE;

/** Headers of what is in hand, by the names of RFC 791, 8200, 826, 768, 9293, 792, 4443. */
export function fieldsOf(frame: Frame) {
  const { link, network: n, transport: t, inner } = frame;
  const protocol: Field = { value: frame.transportProtocol, there: frame.isKnown };
  const over = (number: number, one: Field): Field => ({
    value: one.value,
    there: and(is(protocol, number), one.there),
  });
  const port = { source: field(t, 0, 2), destination: field(t, 2, 2) };
  const icmp = (number: number) => ({
    type: over(number, field(t, 0, 1)),
    code: over(number, field(t, 1, 1)),
  });
  return {
    mac: { destination: field(link, 0, 6), source: field(link, 6, 6) },
    /** Bytes from the network header to the frame's end. */
    held: { value: frame.length, there: TRUE } satisfies Field,
    protocol,
    port,
    udp: {
      source: over(17, port.source),
      destination: over(17, port.destination),
      length: over(17, field(t, 4, 2)),
    },
    tcp: {
      source: over(6, port.source),
      destination: over(6, port.destination),
      words: over(6, bits(field(t, 12, 1), 0, 4)),
      flags: over(6, field(t, 13, 1)),
    },
    /** Behind the ports of UDP, whatever header that is. */
    payload: (at: number, bytes: number): Field => field(t, 8 + at, bytes),
    /** Behind TCP's options. */
    content: (at: number, bytes: number): Field => field(inner, at, bytes),
    icmp: { 4: icmp(1), 6: icmp(58) },
    target: field(t, 8, 16),
    ip: {
      4: {
        source: field(n, 12, 4),
        destination: field(n, 16, 4),
        length: field(n, 2, 2),
        hops: field(n, 8, 1),
        pieces: field(n, 6, 2),
      },
      6: {
        source: field(n, 8, 16),
        destination: field(n, 24, 16),
        length: field(n, 4, 2),
        hops: field(n, 7, 1),
        pieces: field(n, 42, 2),
      },
    },
    arp: {
      form: field(n, 0, 6),
      operation: field(n, 6, 2),
      sender: field(n, 14, 4),
      target: field(n, 24, 4),
    },
    network: (at: number, bytes: number): Field => field(n, at, bytes),
    transport: (at: number, bytes: number): Field => field(t, at, bytes),
  };
}

export type Fields = ReturnType<typeof fieldsOf>;
