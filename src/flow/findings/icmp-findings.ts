// Turns an IPv4 redirect into an offer, which rule T reads.
// RFC 792 (redirect: the gateway, then the header of the redirected datagram).

import { addressText } from '../../wire/ip/address.ts';
import { ipv4TextAt } from '../../wire/ip/address-octets.ts';
import type { ParsedPacket, Findings } from '../parsed-packet.ts';

const ICMP_REDIRECT = 5;
/** The destination's offset from the ICMP type: eight octets, then 16 octets into the IPv4 header. */
const DESTINATION = 8 + 16;

/**
 * Findings of the IPv4 redirect (RFC 792) that `packet` was read from: an offer with one route `a.b.c.d/32 via a.b.c.d`, whose server is
 * the packet's source. Undefined when it is not a redirect or was captured too short; never throws.
 */
export function redirectFindings(bytes: Uint8Array, packet: ParsedPacket): Findings | undefined {
  const start = packet.upperOffset;
  if (packet.icmpType !== ICMP_REDIRECT || packet.payloadEnd < start + DESTINATION + 4) return undefined;
  const routes = [`${ipv4TextAt(bytes, start + DESTINATION)}/32 via ${ipv4TextAt(bytes, start + 4)}`];
  const server = addressText(4, packet.source);
  return { names: [], answers: [], offer: { server, routes }, detail: 'redirect' };
}
