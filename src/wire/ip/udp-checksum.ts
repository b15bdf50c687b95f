// The checksum of UDP over IP (RFC 768, RFC 8200 section 8.1, RFC 1071). A sender on the same machine leaves a partial sum in its
// place, for the network card to finish.

import { u16 } from '../octets.ts';

const UDP = 17;
const CHECKSUM = 6;

function folded(sum: number): number {
  let whole = sum;
  while (whole > 0xffff) whole = (whole & 0xffff) + (whole >>> 16);
  return whole;
}

/**
 * Finishes, in place, the checksum of the datagram whose UDP header is at `at` if the kernel left it to the network card: it is then the
 * sum of the pseudo-header (CHECKSUM_PARTIAL, linux include/linux/skbuff.h). Any other checksum, right or wrong, stays, and so does that
 * of a datagram whose length is below 8 or passes the array's end. The two IP addresses, of `addressOctets` octets each, must directly
 * precede `at`. Never throws.
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
  // Zero means "no checksum", so a computed zero is written as 0xffff (RFC 768).
  const checksum = ~folded(sum) & 0xffff || 0xffff;
  bytes[at + CHECKSUM] = checksum >>> 8;
  bytes[at + CHECKSUM + 1] = checksum & 0xff;
}
