// Finds the LLC header in 802.11 data frames, also after radiotap, PPI, Prism and AVS headers; encrypted frames have no readable payload.
// IEEE 802.11 clauses 9.2 and 9.3.2, radiotap.org and the PPI header (CACE).

import { LinkType } from '../../wire/link/link-types.ts';
import { u32, u32le } from '../../wire/octets.ts';
import type { ParsedPacket } from '../parsed-packet.ts';

/** LLC's two service access points and control octet, and the first zero octet of SNAP. */
const SNAP = 0xaaaa0300;

/**
 * Sets the MAC addresses of the 802.11 data frame (IEEE 802.11 clause 9.3.2) in `bytes[start, end)`, which the header of `linkType`
 * precedes; returns the offset in `bytes` of the LLC header, or -1 if the frame has no readable data: another type, encrypted, or cut off.
 * Never throws.
 */
export function readWirelessHeader(
  bytes: Uint8Array,
  start: number,
  end: number,
  linkType: number,
  packet: ParsedPacket,
): number {
  let at = start;
  if (linkType !== LinkType.IEEE802_11) {
    if (end - start < 8) return -1;
    if (linkType === LinkType.PRISM || linkType === LinkType.AVS) {
      // The length of Prism is in the capturing machine's byte order, that of AVS in network order; headers are shorter than 64 KiB.
      const length = u32(bytes, start + 4);
      at += length > 0xffff ? u32le(bytes, start + 4) : length;
    } else {
      // Radiotap and PPI have their length at offset 2, little endian. PPI can contain other link types; only 802.11 is read.
      at += (bytes[start + 2] ?? 0) | ((bytes[start + 3] ?? 0) << 8);
    }
    if (linkType === LinkType.PPI && (bytes[start + 4] ?? 0) !== LinkType.IEEE802_11) return -1;
  }
  if (end - at < 24) return -1;
  const control = bytes[at] ?? 0;
  const flags = bytes[at + 1] ?? 0;
  const isData = (control & 0x0c) === 0x08;
  const hasPayload = (control & 0x40) === 0;
  const isProtected = (flags & 0x40) !== 0;
  if (!isData) return -1;
  const toSystem = (flags & 1) !== 0;
  const fromSystem = (flags & 2) !== 0;
  packet.destinationMac = readMac(bytes, at + (toSystem ? 16 : 4));
  packet.sourceMac = readMac(bytes, at + (fromSystem ? (toSystem ? 24 : 16) : 10));
  if (!hasPayload || isProtected) return -1;
  let header = 24;
  if (toSystem && fromSystem) header += 6;
  if ((control & 0x80) !== 0) header += (flags & 0x80) !== 0 ? 6 : 2;
  // Some cards pad the header to a multiple of four octets.
  const llc = at + header;
  const isPadded = u32(bytes, llc) !== SNAP && u32(bytes, llc + 2) === SNAP && llc + 6 <= end;
  return isPadded ? llc + 2 : llc <= end ? llc : -1;
}

function readMac(bytes: Uint8Array, at: number): number {
  let mac = 0;
  for (let i = 0; i < 6; i += 1) mac = mac * 256 + (bytes[at + i] ?? 0);
  return mac;
}
