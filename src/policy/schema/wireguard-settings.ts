// Settings that change WireGuard's packets, as the policy and configurations write them. AmneziaWG's parameters keep their own names
// and forms: a number, a range `first-last`, and for packets `<b 0x…><r 16><t>`.

import { MAX_DECOY_HEAD } from '../shapes/wireguard-forms.ts';
import type { Decoy, Span, WireguardForm } from '../shapes/wireguard-forms.ts';

/** Settings that change WireGuard's packets, as in the policy file, not yet checked. */
export interface TunnelSettings {
  /** The three bytes after the type, 0 to 255 each; `any` where the client chooses them. */
  readonly reserved?: 'any' | readonly number[] | undefined;
  /** By AMNEZIA_KEYS. */
  readonly amnezia?: Readonly<Record<string, string | number | undefined>> | undefined;
}

const NUMBERS = ['jc', 'jmin', 'jmax', 's1', 's2', 's3', 's4'] as const;
const HEADERS = ['h1', 'h2', 'h3', 'h4'] as const;
const PACKETS = ['i1', 'i2', 'i3', 'i4', 'i5'] as const;
/** AmneziaWG's parameters, in lower case. */
export const AMNEZIA_KEYS = [...NUMBERS, ...HEADERS, ...PACKETS] as const;

/** Bytes; a datagram holds no more. */
const MAX_LENGTH = 65_000;
const MAX_PACKET_TEXT = 20_000;

/**
 * The form of the packets; or the path of an invalid setting (`['amnezia', 'h1']`), with what it may be. Undefined where the packets are
 * WireGuard's own. Does not throw.
 */
export function formOf(
  settings: TunnelSettings,
): WireguardForm | { readonly wrong: readonly string[]; readonly remedy: string } | undefined {
  const { reserved, amnezia } = settings;
  if (reserved !== undefined && amnezia !== undefined)
    return { wrong: ['reserved'], remedy: 'Write reserved or amnezia, not both.' };
  if (reserved !== undefined) {
    if (reserved === 'any') return { kind: 'reserved', bytes: 'any' };
    const [a = -1, b = -1, c = -1] = reserved;
    const areBytes = [a, b, c].every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255);
    if (areBytes && reserved.length === 3) return { kind: 'reserved', bytes: [a, b, c] };
    return { wrong: ['reserved'], remedy: 'Write three bytes, such as [185, 25, 129], or any.' };
  }
  return amnezia === undefined ? undefined : amneziaOf(amnezia);
}

function amneziaOf(
  given: Readonly<Record<string, string | number | undefined>>,
): WireguardForm | { readonly wrong: readonly string[]; readonly remedy: string } {
  const numbers = new Map<string, number>();
  for (const key of NUMBERS) {
    const value = given[key] ?? 0;
    const span = spanOf(value, MAX_LENGTH);
    if (span === undefined || span.first !== span.last)
      return { wrong: ['amnezia', key], remedy: `Write a number of at most ${MAX_LENGTH}.` };
    numbers.set(key, span.first);
  }
  const messages: { padding: number; header: Span }[] = [];
  for (const [at, key] of HEADERS.entries()) {
    const header = spanOf(given[key] ?? at + 1, 0xffffffff);
    if (header === undefined)
      return { wrong: ['amnezia', key], remedy: 'Write a number, or a range: "1487709344-2131140817".' };
    messages.push({ padding: numbers.get(`s${at + 1}`) ?? 0, header });
  }
  const decoys: Decoy[] = [];
  for (const key of PACKETS) {
    const text = String(given[key] ?? '').trim();
    if (text === '') continue;
    const decoy = decoyOf(text);
    if (decoy === undefined)
      return {
        wrong: ['amnezia', key],
        remedy: 'Write it as the configuration does: "<b 0x0844><r 16><t>".',
      };
    decoys.push(decoy);
  }
  const [first, last] = [numbers.get('jmin') ?? 0, numbers.get('jmax') ?? 0];
  if (first > last) return { wrong: ['amnezia', 'jmin'], remedy: 'Write a number that is not above jmax.' };
  const hasJunk = last > 0 && (given['jc'] === undefined || (numbers.get('jc') ?? 0) > 0);
  return { kind: 'amnezia', junk: hasJunk ? { first, last } : undefined, messages, decoys };
}

function spanOf(value: string | number, max: number): Span | undefined {
  const match = /^(\d{1,10})(?:\s*-\s*(\d{1,10}))?$/.exec(String(value).trim());
  if (match === null) return undefined;
  const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
  return first <= last && last <= max ? { first, last } : undefined;
}

/**
 * Tags: given bytes (b), random bytes (r), letters (rc), digits (rd), a counter (c), a clock (t), and a pause (wt), which adds no bytes.
 */
function decoyOf(text: string): Decoy | undefined {
  if (text.length > MAX_PACKET_TEXT) return undefined;
  const head: number[] = [];
  let isFixed = true;
  let length = 0;
  let at = 0;
  for (const [whole, hex, many, word] of text.matchAll(
    /\s*<\s*(?:b\s+0x((?:[0-9a-fA-F]{2})*)|r[cd]?\s+(\d{1,5})|(c|t|wt\s+\d{1,6}))\s*>\s*/gy,
  )) {
    at += whole.length;
    if (hex !== undefined) {
      const bytes = bytesOf(hex);
      if (isFixed) head.push(...bytes.slice(0, Math.max(0, MAX_DECOY_HEAD - head.length)));
      length += bytes.length;
      isFixed &&= head.length < MAX_DECOY_HEAD;
    } else {
      length += many !== undefined ? Number(many) : word?.startsWith('w') === true ? 0 : 4;
      isFixed = false;
    }
  }
  return at === text.length && length > 0 && length <= MAX_LENGTH ? { length, head } : undefined;
}

function bytesOf(hex: string): number[] {
  return (hex.match(/../g) ?? []).map((pair) => parseInt(pair, 16));
}
