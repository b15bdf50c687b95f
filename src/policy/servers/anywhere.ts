// Tunnels whose peers may be at any address. Elsewhere "only the tunnel" is enforced by addresses; here only by the form of packets, so the
// user has to agree to it explicitly.

import type { TunnelProtocol } from '../../flow/kinds.ts';
import type { Endpoint, Policy } from '../policy.ts';
import { PROTOCOLS } from '../shapes/protocols.ts';

/** The limits of protection, in words, if peers of this protocol may be at any address; undefined if they may not. */
export function anywhereWords(protocol: TunnelProtocol): string | undefined {
  return PROTOCOLS[protocol].anywhere;
}

/** Whether the endpoint stands for peers at any address (prefix length 0). */
export function isAnywhere({ length, transport }: Endpoint): boolean {
  return length === 0 && transport === 'udp';
}

/** The limits of protection as a sentence, for a tunnel of the policy with peers at any address; else undefined. */
export function tunnelWords({ protocol, endpoints }: Policy['tunnels'][number]): string | undefined {
  const words = endpoints.some(isAnywhere) ? anywhereWords(protocol) : undefined;
  return words === undefined ? undefined : `Peers may be anywhere: ${words}.`;
}
