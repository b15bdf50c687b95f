// Knows: what WireGuard's packets look like where a configuration changes them, for the judge, the ruleset and the filter side by side.
// Must not know: addresses, verdicts, any file. Follows AmneziaWG's description of its parameters (Jmin, Jmax, S1 to S4, H1 to H4, I1 to
// I5) and what Cloudflare WARP does with the three reserved bytes. A number of AmneziaWG's may be a range; it stands in the packet with
// its lowest byte first, so a filter compares its highest byte, and the next where that one is fixed: the judge compares no more.

import type { Facts } from '../../flow/facts.ts';
import { WIREGUARD_LENGTHS } from '../../wire/vpn/wireguard.ts';

export interface Span {
  readonly first: number;
  readonly last: number;
}

/** Bytes that a whole packet has, and how it begins as far as it is fixed. */
export interface Decoy {
  readonly length: number;
  readonly head: readonly number[];
}

export type WireguardForm =
  | {
      /** Three bytes behind the type, `any` where the client draws them itself. */
      readonly kind: 'reserved';
      readonly bytes: 'any' | readonly [number, number, number];
    }
  | {
      readonly kind: 'amnezia';
      /** Lengths of packets without meaning. */
      readonly junk: Span | undefined;
      /** Of the four messages: what stands in front, and which number begins them. */
      readonly messages: readonly { readonly padding: number; readonly header: Span }[];
      readonly decoys: readonly Decoy[];
    };

const DATA = 3;
/** Beyond this the kernel reads no payload: what stands there is known by its length alone. */
const READABLE = 230;
/** As many bytes of a decoy as are compared: a listing of nft's has them as a number. */
export const DECOY_HEAD = 6;

interface Message {
  /** Bytes in front. */
  readonly padding: number;
  readonly least: number;
  readonly most: number;
  /** Of the four bytes of its number, from the first in the packet: what each may be; none is compared where they are out of reach. */
  readonly bytes: readonly { readonly at: number; readonly span: Span }[];
}

/** Asked for each packet. */
const compiled = new WeakMap<object, readonly Message[]>();

function messagesOf(form: WireguardForm & { kind: 'amnezia' }): readonly Message[] {
  const known = compiled.get(form) ?? compileMessages(form);
  compiled.set(form, known);
  return known;
}

function compileMessages(form: WireguardForm & { kind: 'amnezia' }): readonly Message[] {
  return form.messages.map(({ padding, header }, type) => {
    const length = padding + (WIREGUARD_LENGTHS[type] ?? 0);
    return {
      padding,
      least: length,
      most: type === DATA ? 65_535 : length,
      bytes: padding > READABLE ? [] : bytesOf(header).map(({ at, span }) => ({ at: padding + at, span })),
    };
  });
}

/** What is compared of a little-endian number in a span. */
function bytesOf({ first, last }: Span): { readonly at: number; readonly span: Span }[] {
  const found: { at: number; span: Span }[] = [];
  for (let at = 3; at >= 0; at -= 1) {
    const span = { first: (first >>> (8 * at)) & 255, last: (last >>> (8 * at)) & 255 };
    found.push({ at, span });
    if (span.first !== span.last) break;
  }
  return found;
}

/** Whether the kernel's rules take the packet for the tunnel's; `mayBeForm` says what `shape.ts` has asked before. */
export function acceptsForm(form: WireguardForm, facts: Facts, mayBeForm: () => boolean): boolean {
  if (isDecoy(form, facts) || isShortJunk(form, facts)) return true;
  return mayBeForm() && hasForm(form, facts);
}

/** Too short for a question to be in it. */
const NO_QUESTION = 11;

function isShortJunk(form: WireguardForm, facts: Facts): boolean {
  const length = facts.udpLength - 8;
  return (
    form.kind === 'amnezia' && form.junk !== undefined && length <= NO_QUESTION && within(form.junk, length)
  );
}

function hasForm(form: WireguardForm, facts: Facts): boolean {
  const length = facts.udpLength - 8;
  if (form.kind === 'reserved') {
    const type = facts.payloadHead >>> 24;
    if (type < 1 || type > 4 || !hasReserved(form.bytes, facts.payloadHead & 0xffffff)) return false;
    // As with WireGuard's own: one question where the receiver's index stands is a DNS query's.
    if (type === 4) return length >= WIREGUARD_LENGTHS[DATA] && facts.payloadHead2 !== 0x10000;
    return length === WIREGUARD_LENGTHS[type - 1];
  }
  return (
    messagesOf(form).some(
      (message) =>
        length >= message.least &&
        length <= message.most &&
        holds(facts, message.padding + 4) &&
        message.bytes.every(({ at, span }) => within(span, facts.payloadByte(at))),
    ) ||
    (form.junk !== undefined && within(form.junk, length))
  );
}

/** A packet that the configuration puts in front on purpose, whatever it looks like. */
function isDecoy(form: WireguardForm, facts: Facts): boolean {
  if (form.kind !== 'amnezia') return false;
  return form.decoys.some(
    ({ length, head }) =>
      facts.udpLength - 8 === length &&
      holds(facts, head.length) &&
      head.every((byte, at) => facts.payloadByte(at) === byte),
  );
}

/** The server's answer to a handshake. */
export function isFormAnswer(form: WireguardForm, facts: Facts): boolean {
  if (form.kind === 'reserved')
    return facts.payloadHead >>> 24 === 2 && facts.udpLength === 8 + WIREGUARD_LENGTHS[1];
  const answer = messagesOf(form)[1];
  if (answer === undefined || facts.udpLength - 8 !== answer.least) return false;
  return answer.bytes.length > 0 && answer.bytes.every(({ at, span }) => within(span, facts.payloadByte(at)));
}

/** A quotation shows no more than the first bytes: what can be said by lengths. */
export function quotedForm(form: WireguardForm, facts: Facts): boolean {
  if (form.kind === 'reserved') return hasForm(form, facts);
  const length = facts.udpLength - 8;
  return (
    messagesOf(form).some(({ least, most }) => length >= least && length <= most) ||
    (form.junk !== undefined && within(form.junk, length)) ||
    form.decoys.some((decoy) => decoy.length === length)
  );
}

function hasReserved(bytes: 'any' | readonly [number, number, number], found: number): boolean {
  // A server may leave them zero.
  return bytes === 'any' || found === 0 || found === ((bytes[0] << 16) | (bytes[1] << 8) | bytes[2]);
}

function within({ first, last }: Span, value: number): boolean {
  return first <= value && value <= last;
}

/** So many bytes of the payload are the packet's own: behind it nft would read the frame's padding. Room for a fragment header. */
function holds(facts: Facts, bytes: number): boolean {
  return facts.ipLength >= (facts.ipVersion === 4 ? 28 : 56) + bytes;
}

function nftHolds(bytes: number): readonly [string, string] {
  return [`ip length >= ${28 + bytes}`, `ip6 length >= ${16 + bytes}`];
}

/** What is fixed in one comparison, as nft would make of several, and then what may be one of many. */
function nftBytesOf(bytes: Message['bytes']): string {
  const fixed = bytes.filter(({ span }) => span.first === span.last);
  const open = bytes.find(({ span }) => span.first !== span.last);
  const at = fixed.at(-1)?.at ?? 0;
  const value = fixed.reduce((sum, { span }, place) => sum + span.first * 256 ** place, 0);
  return [
    ...(fixed.length === 0 ? [] : [`@th,${64 + 8 * at},${8 * fixed.length} ${hex(value)} `]),
    ...(open === undefined ? [] : [`@th,${64 + 8 * open.at},8 ${spanText(open.span)} `]),
  ].join('');
}

function spanText({ first, last }: Span): string {
  return first === last ? hex(first) : `${hex(first)}-${hex(last)}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** Rules that return for what is the tunnel's: `first` before a DNS query is looked for, `rest` behind it. */
export function nftForm(form: WireguardForm): {
  readonly first: readonly string[];
  readonly rest: readonly string[];
} {
  if (form.kind === 'reserved') {
    const { bytes } = form;
    const [initiation, response, cookie, data] = WIREGUARD_LENGTHS;
    const lengths = [
      `udp length ${8 + initiation}`,
      `udp length ${8 + response}`,
      `udp length ${8 + cookie}`,
      `@th,96,32 != 0x10000 udp length >= ${8 + data}`,
    ];
    const rest = lengths.flatMap((length, at) => {
      if (bytes === 'any') return [`@th,64,8 ${hex(at + 1)} ${length} return`];
      const marks = [...new Set([0, (bytes[0] << 16) | (bytes[1] << 8) | bytes[2]])];
      return marks.map((mark) => `@th,64,32 ${hex((at + 1) * 0x1000000 + mark)} ${length} return`);
    });
    return { first: [], rest };
  }
  const decoys = form.decoys.flatMap(({ length, head }) => {
    const digits = head
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('')
      .replace(/^0+(?=.)/, '');
    const begins = head.length === 0 ? '' : `@th,64,${8 * head.length} 0x${digits} `;
    return nftHolds(head.length).map((held) => `${held} ${begins}udp length ${8 + length} return`);
  });
  const messages = messagesOf(form).flatMap(({ padding, least, most, bytes }) => {
    const length = least === most ? `udp length ${8 + least}` : `udp length >= ${8 + least}`;
    const begins = nftBytesOf(bytes);
    return nftHolds(padding + 4).map((held) => `${held} ${begins}${length} return`);
  });
  const junk = (span: Span): string[] =>
    span.first > span.last ? [] : [`udp length ${8 + span.first}-${8 + span.last} return`];
  const { first, last } = form.junk ?? { first: 1, last: 0 };
  return {
    first: [...decoys, ...junk({ first, last: Math.min(last, NO_QUESTION) })],
    rest: [...messages, ...junk({ first: Math.max(first, NO_QUESTION + 1), last })],
  };
}

/** For a capture filter: data alone is hidden. `holdsBytes` says that so much payload is in the packet. */
export function bpfForm(
  form: WireguardForm,
  at: (offset: number, size: 1 | 2 | 4) => string,
  holdsBytes: (bytes: number) => string,
): string {
  const length = at(-4, 2);
  if (form.kind === 'reserved') {
    const { bytes } = form;
    const mark = bytes === 'any' ? 0 : (bytes[0] << 16) | (bytes[1] << 8) | bytes[2];
    const head =
      bytes === 'any'
        ? `${at(0, 1)} = 4`
        : `(${[...new Set([0, mark])].map((one) => `${at(0, 4)} = ${hex(0x4000000 + one)}`).join(' or ')})`;
    return `(${length} >= ${8 + WIREGUARD_LENGTHS[DATA]} and ${head} and ${at(4, 4)} != 0x10000)`;
  }
  const data = messagesOf(form)[DATA];
  if (data === undefined || data.bytes.length === 0) return '';
  const begins = data.bytes.map(({ at: place, span }) =>
    span.first === span.last
      ? `${at(place, 1)} = ${span.first}`
      : `${at(place, 1)} - ${span.first} <= ${span.last - span.first}`,
  );
  return `(${length} >= ${8 + data.least} and ${holdsBytes(data.least)} and ${begins.join(' and ')})`;
}
