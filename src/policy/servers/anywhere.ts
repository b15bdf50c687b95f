// Knows: which tunnels may have peers anywhere, and in words what then is held of them and what is not. Must not know: packets, files.
// Everywhere else "only the tunnel" is held by addresses. Here it is held by the form of packets, so nobody gets it without a yes of its own.

import type { TunnelProtocol } from '../../flow/kinds.ts';
import type { Endpoint, Policy } from '../policy.ts';
import { PROTOCOLS } from '../shapes/protocols.ts';

/** What is held where the peers of such a tunnel may be anywhere; undefined where they may not. */
export function anywhereWords(protocol: TunnelProtocol): string | undefined {
  return PROTOCOLS[protocol].anywhere;
}

export function isAnywhere({ length, transport }: Endpoint): boolean {
  return length === 0 && transport === 'udp';
}

/** Of a tunnel of the policy, whose servers are not named. */
export function tunnelWords({ protocol, endpoints }: Policy['tunnels'][number]): string | undefined {
  const words = endpoints.some(isAnywhere) ? anywhereWords(protocol) : undefined;
  return words === undefined ? undefined : `Peers may be anywhere: ${words}.`;
}
