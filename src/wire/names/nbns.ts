// Knows: NetBIOS name service messages: their questions, decoded from first-level encoding. Must not know: ports, policy.
// Follows RFC 1001 section 14 (encoding) and RFC 1002 section 4.2 (messages, DNS-like, with opcodes of their own).

import { DNS_HEADER, MOST_QUESTIONS } from './dns.ts';
import { skipName, readName } from './dns-name.ts';
import { nameText } from './name-text.ts';
import { u16 } from '../octets.ts';

const NAME_LENGTH = 16;
const ENCODED_LENGTH = 2 * NAME_LENGTH;
const TYPE_NB = 0x20;
const TYPE_NBSTAT = 0x21;

/** What a reader of questions is given; `suffix` is the name's sixteenth octet, what the name is for. */
export type EmitNetbiosName = (name: string, type: number, suffix: number) => void;

/**
 * Hands the questions of a NetBIOS name service message to `emit`: queries and also registrations, refreshes and
 * releases, which name the client itself. Padding, suffix and the browsers' constant (\1\2__MSBROWSE__\2, the same on every
 * machine) are dropped. Gives the number emitted, or -1 when the message does not parse; responses give 0.
 */
export function readNetbiosQuestions(
  bytes: Uint8Array,
  start: number,
  end: number,
  emit: EmitNetbiosName,
): number {
  if (end - start < DNS_HEADER) return -1;
  if (((bytes[start + 2] ?? 0) & 0x80) !== 0) return 0;
  let at = start + DNS_HEADER;
  let emitted = 0;
  for (let left = Math.min(u16(bytes, start + 4), MOST_QUESTIONS); left > 0; left -= 1) {
    const next = skipName(bytes, at, end);
    if (next < 0 || next + 4 > end) return -1;
    const name = netbiosName(bytes, start, end, at);
    if (name === undefined) return -1;
    if (name !== '') {
      emit(name, u16(bytes, next), netbiosSuffix(bytes, at));
      emitted += 1;
    }
    at = next + 4;
  }
  return emitted;
}

/** Whether a payload has the form of a NetBIOS name service message: counts, type NB or NBSTAT, a name that decodes. */
export function isNetbiosShape(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < DNS_HEADER + 2 + ENCODED_LENGTH + 4) return false;
  const at = start + DNS_HEADER;
  if (netbiosName(bytes, start, end, at) === undefined) return false;
  const next = skipName(bytes, at, end);
  const type = u16(bytes, next);
  return next > 0 && next + 4 <= end && (type === TYPE_NB || type === TYPE_NBSTAT);
}

/**
 * The name whose encoded label stands at `at`, with its scope behind a dot; '' for the browsers' constant; undefined when
 * it is not first-level encoding. Sixteen octets, each as two letters from A to P (RFC 1001 section 14.1).
 */
export function netbiosName(bytes: Uint8Array, start: number, end: number, at: number): string | undefined {
  if (bytes[at] !== ENCODED_LENGTH || at + 1 + ENCODED_LENGTH >= end) return undefined;
  const plain = new Uint8Array(NAME_LENGTH);
  for (let i = 0; i < NAME_LENGTH; i += 1) {
    const high = (bytes[at + 1 + 2 * i] ?? 0) - 0x41;
    const low = (bytes[at + 2 + 2 * i] ?? 0) - 0x41;
    if (high < 0 || high > 15 || low < 0 || low > 15) return undefined;
    plain[i] = (high << 4) | low;
  }
  const scope = readName(bytes, start, end, at + 1 + ENCODED_LENGTH);
  if (scope === undefined) return undefined;
  let length = NAME_LENGTH - 1;
  while (length > 0 && (plain[length - 1] === 0x20 || plain[length - 1] === 0)) length -= 1;
  const name = nameText(plain, 0, length);
  if (name === '\\001\\002__msbrowse__\\002') return '';
  return scope === '' ? name : `${name}.${scope}`;
}

function netbiosSuffix(bytes: Uint8Array, at: number): number {
  return (
    ((((bytes[at + ENCODED_LENGTH - 1] ?? 0) - 0x41) << 4) | ((bytes[at + ENCODED_LENGTH] ?? 0) - 0x41)) & 255
  );
}
