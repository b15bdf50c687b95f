// Knows: the checksum of UDP over IP, and what a sender on the same machine leaves in its place for a card to finish. Must not know:
// frames, ports. Follows RFC 768, RFC 8200 section 8.1, RFC 1071.

import { u16 } from '../octets.ts';

const UDP = 17;
const CHECKSUM = 6;

function folded(sum: number): number {
  let whole = sum;
  while (whole > 0xffff) whole = (whole & 0xffff) + (whole >>> 16);
  return whole;
}

/**
 * Finishes the checksum of the datagram at `at`, whose IP addresses stand in `length` octets each right before `at`, where it is as the
 * kernel leaves it for a card that computes it (CHECKSUM_PARTIAL, linux include/linux/skbuff.h): the sum of the pseudo-header. One that
 * was computed, rightly or not, stays.
 */
export function finishUdpChecksum(bytes: Uint8Array, at: number, addressOctets: 4 | 16): void {
  const length = u16(bytes, at + 4);
  if (length < 8 || at + length > bytes.length) return;
  let sum = UDP + length;
  for (let octet = at - 2 * addressOctets; octet < at; octet += 2) sum += u16(bytes, octet);
  if (u16(bytes, at + CHECKSUM) !== folded(sum)) return;
  for (let octet = at; octet < at + length; octet += 2) {
    if (octet === at + CHECKSUM) continue;
    sum += octet + 1 < at + length ? u16(bytes, octet) : (bytes[octet] ?? 0) << 8;
  }
  // None at all is written as zero, so a sum of zero is written as its other form.
  const checksum = ~folded(sum) & 0xffff || 0xffff;
  bytes[at + CHECKSUM] = checksum >>> 8;
  bytes[at + CHECKSUM + 1] = checksum & 0xff;
}
