// Google's QUIC before TLS: its public header, and its CHLO message with the server's name.
// Google's "QUIC Wire Layout Specification" and "QUIC Crypto" (versions Q024 to Q046, and the message in Q050).

import { hostText, nameText } from '../names/name-text.ts';
import { startsWith, u32, u32le } from '../octets.ts';
import { isGoogleVersion } from './quic-versions.ts';

/** What a CHLO message says in the clear: SNI as hostText writes it, UAID as nameText does. Absent when the tag is missing or cut off. */
export interface GoogleHello {
  readonly serverName?: string;
  readonly userAgent?: string;
}

// Header (long or public), hash and stream frame before the message together have fewer octets than this.
const FURTHEST_MESSAGE = 96;
const MAX_TAGS = 128;

/**
 * The version, `Q` and three digits as an unsigned big-endian 32-bit number, in a UDP payload with a Google public header (before Q046) or
 * a long header of a Google version ("QUIC Wire Layout Specification"); 0 when there is none. The connection ID has 8 octets, in older
 * versions also 4, 1 or none. Never throws.
 */
export function googleVersion(bytes: Uint8Array, start: number, end: number): number {
  const flags = bytes[start] ?? 0;
  if (end - start < 10) return 0;
  if ((flags & 0x80) !== 0) return googleNumber(bytes, start + 1);
  if ((flags & 0x41) !== 1) return 0;
  // Bits 2 and 3 encode the length of the connection ID; from Q035 on, bit 3 alone means eight octets.
  const lengths = [[0], [1], [4, 8], [8]][(flags >>> 2) & 3] ?? [];
  for (const length of lengths) {
    if (start + 1 + length + 4 > end) continue;
    const version = googleNumber(bytes, start + 1 + length);
    if (version !== 0) return version;
  }
  return 0;
}

function googleNumber(bytes: Uint8Array, at: number): number {
  const version = u32(bytes, at);
  return isGoogleVersion(version) ? version : 0;
}

/**
 * The CHLO message ("QUIC Crypto") that begins within the first 96 octets from `start`: in a UDP payload of an unencrypted version, or in
 * the frames of an opened Q050 Initial. Undefined when there is none or its lengths are contradictory; values past `end` are left out.
 * Never throws.
 */
export function googleHello(bytes: Uint8Array, start: number, end: number): GoogleHello | undefined {
  const last = Math.min(end - 8, start + FURTHEST_MESSAGE);
  for (let at = start; at <= last; at += 1) {
    if (startsWith(bytes, at, end, 'CHLO')) return readTags(bytes, at, end);
  }
  return undefined;
}

/** Reads the tags with the ends of their values (little endian) and then the values. A value that is cut off is left out. */
function readTags(bytes: Uint8Array, message: number, end: number): GoogleHello | undefined {
  const count = (bytes[message + 4] ?? 0) | ((bytes[message + 5] ?? 0) << 8);
  const values = message + 8 + 8 * count;
  if (count > MAX_TAGS || values > end) return undefined;
  let serverName: string | undefined;
  let userAgent: string | undefined;
  let valueStart = values;
  for (let tag = 0; tag < count; tag += 1) {
    const at = message + 8 + 8 * tag;
    const valueEnd = values + u32le(bytes, at + 4);
    if (valueEnd < valueStart) return undefined;
    if (valueEnd > end) break;
    if (startsWith(bytes, at, end, 'SNI\0')) serverName = hostText(bytes, valueStart, valueEnd);
    if (startsWith(bytes, at, end, 'UAID')) userAgent = nameText(bytes, valueStart, valueEnd);
    valueStart = valueEnd;
  }
  return {
    ...(serverName === undefined || serverName === '' ? {} : { serverName }),
    ...(userAgent === undefined ? {} : { userAgent }),
  };
}
