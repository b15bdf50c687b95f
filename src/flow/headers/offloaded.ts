// Packets captured before the network card segmented them, whose length field is still zero because of segmentation offload (RFC 791
// section 3.1 has no such length). They never appear on the wire like this: the frame stays malformed, but its content is read.

import { IPV4_HEADER } from '../../wire/ip/ip.ts';
import type { ParsedPacket } from '../parsed-packet.ts';

const LONGEST = 65_535;

/**
 * A copy of the captured octets, at most 65,535, of the IPv4 packet that `packet` was read from, with its length (RFC 791 section 3.1)
 * filled in; undefined if the frame is malformed for another reason than a length of zero, or well-formed. Never throws.
 */
export function offloadedPacket(bytes: Uint8Array, packet: ParsedPacket): Uint8Array | undefined {
  if (packet.malformed !== 'ip-total-length' || packet.ipVersion !== 4 || packet.ipLength !== 0)
    return undefined;
  const { payloadOffset: start, payloadEnd: end } = packet;
  const length = Math.min(end - start, LONGEST);
  if (length < IPV4_HEADER) return undefined;
  const octets = new Uint8Array(length);
  octets.set(bytes.subarray(start, start + length));
  octets[2] = length >>> 8;
  octets[3] = length & 255;
  return octets;
}
