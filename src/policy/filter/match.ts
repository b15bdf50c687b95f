// What a rule can compare in a frame: one description becomes the judge's predicate and nft's text. Predicates are made once and allocate
// nothing for a frame.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { inNetwork, parseAddress } from '../../wire/ip/address.ts';
import type { AddressField, NumberField } from './fields.ts';

/** Numbers from `first` to `last`, both inclusive. */
export interface Range {
  readonly first: number;
  /** Inclusive; Infinity for no upper bound. */
  readonly last: number;
}

/** One condition on a frame. `Asked` is what the judge looks things up in where the kernel has a set or a chain. */
export type Term<Asked = unknown> =
  | { readonly of: 'number'; readonly field: NumberField; readonly among: readonly Range[] }
  | { readonly of: 'other number'; readonly field: NumberField; readonly among: readonly Range[] }
  | { readonly of: 'address'; readonly field: AddressField; readonly networks: readonly string[] }
  | Named<Asked>;

/** A condition that is not a comparison of one field with constants, or that nft and the judge test by different means. */
export interface Named<Asked = unknown> {
  readonly of: 'named';
  /** Alternatives: an nft rule has no "or", so each makes a separate rule. */
  readonly nft: readonly string[];
  readonly holds: (packet: ParsedPacket, asked: Asked) => boolean;
}

const only = (value: number): Range => ({ first: value, last: value });

/** The field has one of the values. */
export function is(field: NumberField, ...values: readonly number[]): Term {
  return { of: 'number', field, among: values.map(only) };
}

/** The field is in one of the ranges. */
export function isAmong(field: NumberField, among: readonly Range[]): Term {
  return { of: 'number', field, among };
}

/** The field is between the two values, inclusive. */
export function isBetween(field: NumberField, first: number, last: number): Term {
  return { of: 'number', field, among: [{ first, last }] };
}

/** The field has a value, and none of these. */
export function isNot(field: NumberField, ...values: readonly number[]): Term {
  return { of: 'other number', field, among: values.map(only) };
}

/** The field is in one of the networks; each is an address, or an address with a prefix length (`a.b.c.d/len`). */
export function isIn(field: AddressField, ...networks: readonly string[]): Term {
  return { of: 'address', field, networks };
}

/** A condition of one's own: nft's text (alternatives as an array) and the judge's test must say the same. */
export function named<Asked>(
  nft: string | readonly string[],
  holds: (packet: ParsedPacket, asked: Asked) => boolean,
): Named<Asked> {
  return { of: 'named', nft: typeof nft === 'string' ? [nft] : nft, holds };
}

/** `make` called once for each direction. */
export function byDirection<T>(make: (direction: 'up' | 'down') => T): Readonly<Record<'up' | 'down', T>> {
  return { up: make('up'), down: make('down') };
}

/** `make` called once for each IP version. */
export function byFamily<T>(make: (family: 4 | 6) => T): Readonly<Record<4 | 6, T>> {
  return { 4: make(4), 6: make(6) };
}

/** A test of one frame, which allocates nothing. */
export type Predicate = (packet: ParsedPacket) => boolean;

/** A test whether all of the terms hold; true for no terms. `asked` is handed to named terms. */
export function predicateOf<Asked>(terms: readonly Term<Asked>[], asked: Asked): Predicate {
  const tests = terms.map((term) => testOf(term, asked));
  // Nested so that the first test is called first: most packets fail it, and cost one call.
  return chained(tests, true, (test, rest) => (packet) => test(packet) && rest(packet));
}

/** A test whether one of these holds; false for none. */
export function anyOf(tests: readonly Predicate[]): Predicate {
  return chained(tests, false, (test, rest) => (packet) => test(packet) || rest(packet));
}

function chained(
  tests: readonly Predicate[],
  none: boolean,
  join: (test: Predicate, rest: Predicate) => Predicate,
): Predicate {
  const last = tests.at(-1);
  if (last === undefined) return () => none;
  return tests.slice(0, -1).reduceRight((rest, test) => join(test, rest), last);
}

function testOf<Asked>(term: Term<Asked>, asked: Asked): Predicate {
  switch (term.of) {
    case 'number':
    case 'other number':
      return numberTest(term.field.read, term.among, term.of === 'number');
    case 'address': {
      const { read } = term.field;
      const tests = term.networks.map(networkOfText).map(
        (network): Predicate =>
          (packet) =>
            isInNetwork(read(packet), network),
      );
      return anyOf(tests);
    }
    case 'named':
      return (packet) => term.holds(packet, asked);
  }
}

function numberTest(read: NumberField['read'], among: readonly Range[], wanted: boolean): Predicate {
  const [single, ...more] = among;
  if (single !== undefined && more.length === 0 && wanted) {
    const { first, last } = single;
    return (packet) => {
      const value = read(packet);
      return value >= first && value <= last;
    };
  }
  return (packet) => {
    const value = read(packet);
    let found = false;
    for (const { first, last } of among) found ||= value >= first && value <= last;
    return value >= 0 && found === wanted;
  };
}

/** A network over 128 bits: an IPv4 address is the last of the four words (src/flow/parsed-packet.ts). */
export interface Network {
  readonly words: Uint32Array;
  readonly bits: number;
}

/**
 * The network of a text `address` or `address/length`; undefined if the address is not one. The length is not checked: the policy's schema
 * has done that.
 */
export function networkOfText(text: string): Network | undefined {
  const [host = '', length] = text.split('/');
  const parsed = parseAddress(host);
  if (parsed === undefined) return undefined;
  if (length === undefined) return { words: parsed.words, bits: 128 };
  return { words: parsed.words, bits: Number(length) + (parsed.ipVersion === 4 ? 96 : 0) };
}

/** Whether the address is in the network; false for undefined. */
export function isInNetwork(address: Uint32Array, network: Network | undefined): boolean {
  return network !== undefined && inNetwork(address, network.words, network.bits);
}

/**
 * nft matches for all terms, without verdict and with a space at the end; several, each for a rule of its own, where a term has
 * alternatives. `['']` for no terms.
 */
export function nftTexts<Asked>(terms: readonly Term<Asked>[]): readonly string[] {
  return terms
    .map(textsOf)
    .reduce((before, texts) => before.flatMap((text) => texts.map((next) => `${text}${next} `)), ['']);
}

function textsOf<Asked>(term: Term<Asked>): readonly string[] {
  switch (term.of) {
    case 'number':
      return [`${term.field.nft} ${rangesText(term.field, term.among)}`];
    case 'other number':
      return [`${term.field.nft} != ${rangesText(term.field, term.among)}`];
    case 'address':
      return [`${term.field.nft} ${setText(term.networks)}`];
    case 'named':
      return term.nft;
  }
}

function rangesText({ text = String }: NumberField, among: readonly Range[]): string {
  return setText(among.map((range) => rangeText(range, text)));
}

function setText(elements: readonly string[]): string {
  return elements.length === 1 ? (elements[0] ?? '') : `{ ${elements.join(', ')} }`;
}

function rangeText({ first, last }: Range, text: (value: number) => string): string {
  if (first === last) return text(first);
  if (last === Infinity) return `>= ${text(first)}`;
  return first === 0 ? `<= ${text(last)}` : `${text(first)}-${text(last)}`;
}
