// Knows: what may go past the tunnel in the profiles that allow direct traffic, for the judge and the ruleset side by side.
// Must not know: endpoints, learned state. What is not listed as open is closed:
// fragments, other IP protocols, plumbing out of bounds and tunnels that are none stay leaks in every profile.

import type { Facts } from '../../flow/facts.ts';
import type { Way } from '../compile/counted.ts';
import type { Direct, Policy } from '../policy.ts';
import { Protocol } from '../../wire/ip/ip.ts';
import { isNeighbourDiscovery } from '../../wire/ip/icmp.ts';

/** Ports that stay closed, `transport.port`: names, encrypted DNS, plumbing out of bounds, tunnels that are none (rule F). */
const CLOSED: readonly (readonly [number, number])[] = [
  [Protocol.UDP, 53],
  [Protocol.TCP, 53],
  [Protocol.TCP, 853],
  [Protocol.UDP, 853],
  [Protocol.UDP, 5353],
  [Protocol.TCP, 5353],
  [Protocol.UDP, 5355],
  [Protocol.TCP, 5355],
  [Protocol.UDP, 137],
  [Protocol.UDP, 1900],
  [Protocol.UDP, 67],
  [Protocol.UDP, 68],
  [Protocol.UDP, 546],
  [Protocol.UDP, 547],
  [Protocol.UDP, 1701],
  [Protocol.TCP, 1723],
  [Protocol.UDP, 3544],
  [Protocol.UDP, 4789],
];

/** Ports on which names are asked for: an `allow` rule opens them only by naming the port. */
export const NAME_PORTS = [53, 853, 5353, 5355, 137] as const;

/**
 * Whether other traffic may go past the tunnel. In split it may as in proxy-stub, but DNS in the clear is looked into instead of
 * closed. A proxy-stub in which nothing goes direct is a full tunnel with resolvers and proxies beside it.
 */
export function isOpenProfile({ profile, direct }: Pick<Policy, 'profile' | 'direct'>): boolean {
  return profile !== 'full-tunnel' && direct !== 'none';
}

/** Of a policy that does not say it. Who names proxies means to go through them; else what a policy of before this setting had. */
export function usualDirect({ profile, proxies }: Pick<Policy, 'profile' | 'proxies'>): Direct {
  return profile === 'proxy-stub' && proxies.length > 0 ? 'none' : 'any';
}

/** Whether the kernel lets a whole, well-formed packet go direct; DNS of the split profile is decided elsewhere. */
export function goesDirect(facts: Facts, way: Way): boolean {
  const { protocol } = facts;
  if (protocol === Protocol.TCP || protocol === Protocol.UDP) {
    const port = way === 'up' ? facts.destinationPort : facts.sourcePort;
    return port >= 0 && !CLOSED.some(([closed, number]) => closed === protocol && number === port);
  }
  if (facts.ipVersion === 4) return protocol === Protocol.ICMP || protocol === Protocol.IGMP;
  return protocol === Protocol.ICMPV6 && !isNeighbourDiscovery(facts.icmpType);
}

const port = (way: Way): string => (way === 'up' ? 'dport' : 'sport');

/** `meta l4proto . th dport { … } goto up_leak`. */
export function nftClosed(way: Way, splitDns: boolean): string {
  const closed = CLOSED.filter(([, number]) => !(splitDns && number === 53));
  const elements = closed.map(
    ([protocol, number]) => `${protocol === Protocol.TCP ? 'tcp' : 'udp'} . ${number}`,
  );
  return `meta l4proto . th ${port(way)} { ${elements.join(', ')} } goto ${way}_leak`;
}
