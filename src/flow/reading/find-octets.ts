// Knows: where in some bytes a name, a text or a number stands exactly as it was read. Must not know: flows, what it is for.
// Names as labels follow RFC 1035 section 3.1, compressed or not; NetBIOS names RFC 1001 section 14.1. What is not found letter by
// letter is not found: nothing is guessed.

import { readName, skipName } from '../../wire/names/dns-name.ts';
import { netbiosName } from '../../wire/names/nbns.ts';
import type { ByteRange } from './frame-reading.ts';

/** Places told of one name: what repeats it more often is a flood. */
export const PLACES_MOST = 16;

/** What is searched: `start` is also where a message begins, for pointers. */
export interface Stretch {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

export type Places = ReadonlyMap<string, readonly ByteRange[]>;

const NETBIOS_LABEL = 33;
const ENCODER = new TextEncoder();

/** The places where a DNS reader would read one of these names, with its length octets and its end. */
export function findLabels({ bytes, start, end }: Stretch, names: ReadonlySet<string>): Places {
  return placesOf(start, end, names, (at) => {
    // A pointer alone is no place where the name stands.
    if ((bytes[at] ?? 0) === 0 || (bytes[at] ?? 0) > 63) return undefined;
    const behind = skipName(bytes, at, end);
    const name = behind < 0 ? undefined : readName(bytes, start, end, at);
    return name === undefined ? undefined : { name, end: behind };
  });
}

/** The same for names of NetBIOS. */
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
    if (known.length < PLACES_MOST) places.set(found.name, [...known, { start: at, end: found.end }]);
  }
  return places;
}

/**
 * The places where `text`, written as src/wire/names/name-text.ts does, stands in its own letters, upper or lower case: as a word, or behind
 * an octet that says its length.
 */
export function findText({ bytes, start, end }: Stretch, text: string): readonly ByteRange[] {
  const wanted = octetsOf(text).map(lower);
  const [first] = wanted;
  const found: ByteRange[] = [];
  if (first === undefined) return found;
  for (let at = start; at + wanted.length <= end && found.length < PLACES_MOST; at += 1) {
    const behind = at + wanted.length;
    const before = at > start ? (bytes[at - 1] ?? 0) : -1;
    const isWhole =
      (before === (wanted.length & 255) && at > start) ||
      (!continuesName(before) && !continuesName(afterDot(bytes, behind, end)));
    if (!isWhole || lower(bytes[at] ?? 0) !== first) continue;
    if (wanted.every((octet, index) => lower(bytes[at + index] ?? 0) === octet))
      found.push({ start: at, end: behind });
  }
  return found;
}

/** The places of `wanted`, octet by octet. */
export function findOctets({ bytes, start, end }: Stretch, wanted: Uint8Array): readonly ByteRange[] {
  const found: ByteRange[] = [];
  if (wanted.length === 0) return found;
  for (let at = start; at + wanted.length <= end && found.length < PLACES_MOST; at += 1)
    if (wanted.every((octet, index) => bytes[at + index] === octet))
      found.push({ start: at, end: at + wanted.length });
  return found;
}

/** The octets that a text was made of: `\ddd` is one. */
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

/** What stands behind a name, or behind the dot that may end it. */
function afterDot(bytes: Uint8Array, at: number, end: number): number {
  const next = bytes[at] === 0x2e ? at + 1 : at;
  return next < end ? (bytes[next] ?? 0) : -1;
}

/** Letter, digit, hyphen, dot, underscore or a part of what is not ASCII: a name that it stands beside is longer. */
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
