// Turns router advertisements and redirects into an offer, which rule T reads: a route here is the counterpart of DHCP's option 121.
// RFC 4861, 4191 and 8106.

import { addressText } from '../../wire/ip/address.ts';
import { Icmp6 } from '../../wire/ip/icmp.ts';
import { NdView } from '../../wire/ip/nd.ts';
import type { ParsedPacket, Findings } from '../parsed-packet.ts';
import { portalOf } from './findings.ts';

/**
 * Findings of the neighbour discovery message that `packet` was read from: an offer for a router advertisement (RFC 4861 section 4.2), even
 * if it announces nothing, and for a redirect (section 4.5). Undefined for other messages and for one that NdView refuses; never throws.
 */
export function ndFindings(bytes: Uint8Array, packet: ParsedPacket): Findings | undefined {
  if (packet.icmpType !== Icmp6.ROUTER_ADVERTISEMENT && packet.icmpType !== Icmp6.REDIRECT) return undefined;
  const view = NdView.of(bytes, packet.upperOffset, packet.payloadEnd);
  if (view === undefined) return undefined;
  const server = addressText(6, packet.source);
  if (view.type === Icmp6.REDIRECT) {
    const routes = [`${view.redirected ?? '::'}/128 via ${view.target ?? '::'}`];
    return { names: [], answers: [], offer: { server, routes }, detail: 'redirect' };
  }
  const [prefix] = view.prefixes;
  const routes = view.routes.map((route) => `${route.prefix}/${route.prefixLength} via ${server}`);
  const { captivePortal, resolvers } = view;
  const onLink = view.prefixes
    .filter((announced) => announced.onLink && announced.validSeconds > 0)
    .map((announced) => ({
      network: `${announced.prefix}/${announced.prefixLength}`,
      own: announced.autonomous,
    }));
  return {
    names: [],
    answers: [],
    detail: `router advertisement, preference ${view.preference}`,
    offer: {
      server,
      router: server,
      leaseSeconds: view.routerLifetime,
      ...(prefix === undefined ? {} : { address: prefix.prefix, prefixLength: prefix.prefixLength }),
      ...(onLink.length === 0 ? {} : { prefixes: onLink }),
      ...(routes.length === 0 ? {} : { routes }),
      ...(resolvers.length === 0 ? {} : { resolvers }),
      ...portalOf(captivePortal),
    },
  };
}
