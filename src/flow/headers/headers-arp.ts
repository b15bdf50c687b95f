// Knows: how to read an ARP message, and what stands behind it, into Facts. Must not know: policy, who owns an address.
// Follows RFC 826 and RFC 5227. Allocates nothing, never throws.

import { u16, u32 } from '../../wire/octets.ts';
import type { ParsedPacket } from '../parsed-packet.ts';
import { isPadded } from './headers-ip.ts';

const ARP_LENGTH = 28;

/** RFC 826. Addresses and operation are given for Ethernet/IPv4 only, the one form a bridge rule lets through. */
export function readArp(
  bytes: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
  packet: ParsedPacket,
): void {
  if (end - at < 28) {
    packet.malformed = 'arp-short';
    return;
  }
  if (u32(bytes, at) !== 0x00010800 || u16(bytes, at + 4) !== 0x0604) return;
  packet.arpOperation = u16(bytes, at + 6);
  packet.source[3] = u32(bytes, at + 14);
  packet.destination[3] = u32(bytes, at + 24);
  packet.source[2] = packet.destination[2] = 0xffff;
  packet.spare = !isPadded(bytes, at, at + ARP_LENGTH, wireEnd);
}
