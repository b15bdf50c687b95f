// Reads an ARP message, and whether padding follows it, into a ParsedPacket. RFC 826 and RFC 5227. Allocates nothing, never throws.

import { u16, u32 } from '../../wire/octets.ts';
import type { ParsedPacket } from '../parsed-packet.ts';
import { isPadded } from './headers-ip.ts';

const ARP_LENGTH = 28;

/**
 * Reads the ARP message at `at` (RFC 826); `end` is the end of the captured octets, `wireEnd` where the frame ended on the wire, both
 * exclusive. Addresses and operation are set for Ethernet/IPv4 only, the one form that the bridge's rules accept. With fewer than 28 octets
 * `malformed` is set. Never throws.
 */
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
  packet.hasExtraData = !isPadded(bytes, at, at + ARP_LENGTH, end, wireEnd);
}
