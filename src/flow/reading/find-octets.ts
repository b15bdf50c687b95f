// Finds where in some octets a name, a text or a number occurs exactly as it was read; nothing is guessed.
// Names in labels, compressed or not: RFC 1035 section 3.1; NetBIOS names: RFC 1001 section 14.1.

import { readName, skipName } from '../../wire/names/dns-name.ts';
import { netbiosName } from '../../wire/names/nbns.ts';
import type { ByteRange } from './frame-reading.ts';

/** How many places are listed for one name. */
export const MAX_PLACES = 16;

/** The octets to search, from `start` to before `end`; `start` is also where the DNS message begins, for compression pointers. */
export interface Stretch {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** The places of each name that was found: offsets into the stretch's `bytes`, ascending, from one to MAX_PLACES. */
export type Places = ReadonlyMap<string, readonly ByteRange[]>;

const NETBIOS_LABEL = 33;
const ENCODER = new TextEncoder();

/**
 * The places where a DNS reader would read one of these names (as `readName` writes them), including length octets and root label or
 * pointer (RFC 1035 section 3.1). Never throws.
 */
export function findLabels({ bytes, start, end }: Stretch, names: ReadonlySet<string>): Places {
  return placesOf(start, end, names, (at) => {
    // A pointer alone does not count, as the name is elsewhere.
    if ((bytes[at] ?? 0) === 0 || (bytes[at] ?? 0) > 63) return undefined;
    const next = skipName(bytes, at, end);
    const name = next < 0 ? undefined : readName(bytes, start, end, at);
    return name === undefined ? undefined : { name, end: next };
  });
}

/**
 * The places where a NetBIOS reader would read one of these names (as `netbiosName` writes them): the encoded label with its length octet
 * (RFC 1001 section 14.1), and scope, root label or pointer. Never throws.
 */
export function findNetbios({ bytes, start, end }: Stretch, names: ReadonlySet<string>): Places {
  return placesOf(start, end, names, (at) => {
    const name = netbiosName(bytes, start, end, at);
    return name === undefined ? undefined : { name, end: skipName(bytes, at + NETBIOS_LABEL, end) };
  });
}

function placesOf(
  start: number,
  end: number,
  names: ReadonlySet<string>,
  read: (at: number) => { readonly name: string; readonly end: number } | undefined,
): Places {
  const places = new Map<string, ByteRange[]>();
  for (let at = start; at < end && names.size > 0; at += 1) {
    const found = read(at);
    if (found === undefined || !names.has(found.name) || found.end <= at) continue;
    const known = places.get(found.name) ?? [];
    if (known.length < MAX_PLACES) places.set(found.name, [...known, { start: at, end: found.end }]);
  }
  return places;
}

/**
 * The places where `text` (in the form of src/wire/names/name-text.ts, `\ddd` being one octet) occurs literally, ASCII letters in either
 * case: as a whole word, or after an octet with its length. Ascending, at most MAX_PLACES, which may overlap; none for ''. Never throws.
 */
export function findText({ bytes, start, end }: Stretch, text: string): readonly ByteRange[] {
  const wanted = octetsOf(text).map(lower);
  const [first] = wanted;
  const found: ByteRange[] = [];
  if (first === undefined) return found;
  for (let at = start; at + wanted.length <= end && found.length < MAX_PLACES; at += 1) {
    const next = at + wanted.length;
    const before = at > start ? (bytes[at - 1] ?? 0) : -1;
    const isWhole =
      (before === (wanted.length & 255) && at > start) ||
      (!continuesName(before) && !continuesName(afterDot(bytes, next, end)));
    if (!isWhole || lower(bytes[at] ?? 0) !== first) continue;
    if (wanted.every((octet, index) => lower(bytes[at + index] ?? 0) === octet))
      found.push({ start: at, end: next });
  }
  return found;
}

/** The places where exactly these octets occur: ascending, at most MAX_PLACES, which may overlap; none for no octets. Never throws. */
export function findOctets({ bytes, start, end }: Stretch, wanted: Uint8Array): readonly ByteRange[] {
  const found: ByteRange[] = [];
  if (wanted.length === 0) return found;
  for (let at = start; at + wanted.length <= end && found.length < MAX_PLACES; at += 1)
    if (wanted.every((octet, index) => bytes[at + index] === octet))
      found.push({ start: at, end: at + wanted.length });
  return found;
}

/** The octets that a text was made from; `\ddd` was one octet. */
function octetsOf(text: string): Uint8Array {
  const parts = text.split(/(\\\d{3})/).map((part) => {
    const octet = /^\\\d{3}$/.test(part) ? Number(part.slice(1)) : 256;
    return octet > 255 ? ENCODER.encode(part) : Uint8Array.of(octet);
  });
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function lower(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
}

/** The octet after a name and the dot that may end it; -1 at the end. */
function afterDot(bytes: Uint8Array, at: number, end: number): number {
  const next = bytes[at] === 0x2e ? at + 1 : at;
  return next < end ? (bytes[next] ?? 0) : -1;
}

/** Whether the octet can be part of a name (letter, digit, hyphen, dot, underscore, not ASCII), so that a name next to it is longer. */
function continuesName(octet: number): boolean {
  const letter = lower(octet);
  return (
    (letter >= 0x61 && letter <= 0x7a) ||
    (octet >= 0x30 && octet <= 0x39) ||
    octet === 0x2d ||
    octet === 0x2e ||
    octet === 0x5f ||
    octet >= 0x80
  );
}
