// Knows: how an IPv4 redirect becomes an offer. Must not know: which router is the right one, policy.
// Follows RFC 792 (redirect: gateway, then the header of the datagram that was redirected). Rule T reads offers.

import { addressText } from '../../wire/ip/address.ts';
import { ipv4TextAt } from '../../wire/ip/address-octets.ts';
import type { ParsedPacket, Findings } from '../parsed-packet.ts';

const ICMP_REDIRECT = 5;
/** From the ICMP type on: eight octets, then an IPv4 header. */
const DESTINATION = 8 + 16;

/** Findings of the redirect that `packet` were read from, or undefined when it is none or too short. */
export function redirectFindings(bytes: Uint8Array, packet: ParsedPacket): Findings | undefined {
  const start = packet.upperOffset;
  if (packet.icmpType !== ICMP_REDIRECT || packet.payloadEnd < start + DESTINATION + 4) return undefined;
  const routes = [`${ipv4TextAt(bytes, start + DESTINATION)}/32 via ${ipv4TextAt(bytes, start + 4)}`];
  const server = addressText(4, packet.source);
  return { names: [], answers: [], offer: { server, routes }, detail: 'redirect' };
}
