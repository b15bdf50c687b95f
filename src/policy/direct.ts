// Knows: what may go past the tunnel in the profiles that allow direct traffic, for the judge and the ruleset side by side.
// Must not know: endpoints, learned state. What is not listed as open is closed:
// fragments, other IP protocols, plumbing out of bounds and tunnels that are none stay leaks in every profile.

import type { Facts } from '../flow/facts.ts';
import { isNd } from './counted.ts';
import type { Way } from './counted.ts';
import type { Direct, Policy } from './policy.ts';

/** Ports that stay closed, `transport.port`: names, encrypted DNS, plumbing out of bounds, tunnels that are none (rule F). */
const CLOSED: readonly (readonly [6 | 17, number])[] = [
  [17, 53],
  [6, 53],
  [6, 853],
  [17, 853],
  [17, 5353],
  [6, 5353],
  [17, 5355],
  [6, 5355],
  [17, 137],
  [17, 1900],
  [17, 67],
  [17, 68],
  [17, 546],
  [17, 547],
  [17, 1701],
  [6, 1723],
  [17, 3544],
  [17, 4789],
];

/** Ports on which names are asked for: an `allow` rule opens them only by naming the port. */
const NAME_PORTS = [53, 853, 5353, 5355, 137] as const;

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

export function isNamePort(port: number): boolean {
  return (NAME_PORTS as readonly number[]).includes(port);
}

/** Whether the kernel lets a whole, well-formed packet go direct; DNS of the split profile is decided elsewhere. */
export function goesDirect(facts: Facts, way: Way): boolean {
  const { protocol } = facts;
  if (protocol === 6 || protocol === 17) {
    const port = way === 'up' ? facts.destinationPort : facts.sourcePort;
    return port >= 0 && !CLOSED.some(([closed, number]) => closed === protocol && number === port);
  }
  if (facts.ipVersion === 4) return protocol === 1 || protocol === 2;
  return protocol === 58 && !isNd(facts.icmpType);
}

const port = (way: Way): string => (way === 'up' ? 'dport' : 'sport');

/** `meta l4proto . th dport { … } goto up_leak`. */
export function nftClosed(way: Way, splitDns: boolean): string {
  const closed = CLOSED.filter(([, number]) => !(splitDns && number === 53));
  const elements = closed.map(([protocol, number]) => `${protocol === 6 ? 'tcp' : 'udp'} . ${number}`);
  return `meta l4proto . th ${port(way)} { ${elements.join(', ')} } goto ${way}_leak`;
}

/** Name ports, as elements of a set. */
export const NFT_NAME_PORTS = NAME_PORTS.join(', ');
