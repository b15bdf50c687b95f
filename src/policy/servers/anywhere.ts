// Knows: which tunnels may have peers anywhere, and in words what then is held of them and what is not. Must not know: packets, files.
// Everywhere else "only the tunnel" is held by addresses. Here it is held by the form of packets, so nobody gets it without a yes of its own.

import type { TunnelProtocol } from '../../flow/kinds.ts';
import type { Endpoint, Policy } from '../policy.ts';

const WORDS: Readonly<Record<TunnelProtocol, string | undefined>> = {
  wireguard:
    'held is the form of its packets, not whom they are for; a program that makes such packets gets out',
  tailscale:
    'held is the form of its packets, not whom they are for; whoever is asked for a way is told that Tailscale is used here, and a program that makes such packets gets out',
  nebula: 'held are 28 bits of each packet, not whom it is for; a program that makes such packets gets out',
  zerotier:
    "held is the number of this device's node, not whom a packet is for; of another program's packets one in a hundred thousand passes for a fragment, and a program that makes such packets gets out",
  openvpn: undefined,
  ipsec: undefined,
  tor: undefined,
  opaque: undefined,
};

/** What is held where the peers of such a tunnel may be anywhere; undefined where they may not. */
export function anywhereWords(protocol: TunnelProtocol): string | undefined {
  return WORDS[protocol];
}

export function isAnywhere({ length, transport }: Endpoint): boolean {
  return length === 0 && transport === 'udp';
}

/** Of a tunnel of the policy, whose servers are not named. */
export function tunnelWords({ protocol, endpoints }: Policy['tunnels'][number]): string | undefined {
  const words = endpoints.some(isAnywhere) ? anywhereWords(protocol) : undefined;
  return words === undefined ? undefined : `Peers may be anywhere: ${words}.`;
}
