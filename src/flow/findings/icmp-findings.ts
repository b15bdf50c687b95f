// Knows: how an IPv4 redirect becomes an offer. Must not know: which router is the right one, policy.
// Follows RFC 792 (redirect: gateway, then the header of the datagram that was redirected). Rule T reads offers.

import { addressText } from '../../wire/ip/address.ts';
import { ipv4TextAt } from '../../wire/ip/address-octets.ts';
import type { Facts, Findings } from '../facts.ts';

const ICMP_REDIRECT = 5;
/** From the ICMP type on: eight octets, then an IPv4 header. */
const DESTINATION = 8 + 16;

/** Findings of the redirect that `facts` were read from, or undefined when it is none or too short. */
export function redirectFindings(bytes: Uint8Array, facts: Facts): Findings | undefined {
  const start = facts.upperOffset;
  if (facts.icmpType !== ICMP_REDIRECT || facts.payloadEnd < start + DESTINATION + 4) return undefined;
  const routes = [`${ipv4TextAt(bytes, start + DESTINATION)}/32 via ${ipv4TextAt(bytes, start + 4)}`];
  const server = addressText(4, facts.source);
  return { names: [], answers: [], offer: { server, routes }, detail: 'redirect' };
}
