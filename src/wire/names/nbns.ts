// Questions of NetBIOS name service messages, decoded from first-level encoding.
// RFC 1001 section 14 (encoding) and RFC 1002 section 4.2 (messages like DNS, with different opcodes).

import { DNS_HEADER, MAX_QUESTIONS } from './dns.ts';
import { skipName, readName } from './dns-name.ts';
import { nameText } from './name-text.ts';
import { u16 } from '../octets.ts';

const NAME_LENGTH = 16;
const ENCODED_LENGTH = 2 * NAME_LENGTH;
const TYPE_NB = 0x20;
const TYPE_NBSTAT = 0x21;

/**
 * Receives a question: the name as `netbiosName` returns it, its type (0x20 NB, 0x21 NBSTAT), and `suffix`, the name's sixteenth octet,
 * which says what the name is for.
 */
export type EmitNetbiosName = (name: string, type: number, suffix: number) => void;

/**
 * Calls `emit` with the questions of a NetBIOS name service message: queries and also registrations, refreshes and
 * releases, which contain the client's own name. Padding and suffix are removed; the browser service's constant name
 * (\1\2__MSBROWSE__\2, the same on every machine) is skipped. Returns the number emitted, at most MAX_QUESTIONS, 0 for responses, -1 when
 * the message (RFC 1002 section 4.2, without TCP's length) does not parse; the questions before the fault have been emitted. Never throws
 * itself.
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
  for (let left = Math.min(u16(bytes, start + 4), MAX_QUESTIONS); left > 0; left -= 1) {
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

/**
 * Whether a UDP payload has the form of a NetBIOS name service message (RFC 1002 section 4.2): after the header a name that decodes, of
 * type NB or NBSTAT.
 */
export function isNetbiosShape(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < DNS_HEADER + 2 + ENCODED_LENGTH + 4) return false;
  const at = start + DNS_HEADER;
  if (netbiosName(bytes, start, end, at) === undefined) return false;
  const next = skipName(bytes, at, end);
  const type = u16(bytes, next);
  return next > 0 && next + 4 <= end && (type === TYPE_NB || type === TYPE_NBSTAT);
}

/**
 * The name whose encoded label is at `at` in the message that begins at `start`, followed by a dot and its scope if it has one: lower case
 * as `nameText` writes it, without padding and suffix. '' for the browser service's constant name; undefined when it is not first-level
 * encoding: 16 octets, each as two letters from A to P (RFC 1001 section 14.1). Never throws.
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
