// Knows: what may go past the tunnel in the profiles that allow direct traffic, once for the judge and the ruleset.
// Must not know: endpoints, learned state. What is not listed as open is closed:
// fragments, other IP protocols, essential traffic out of bounds and tunnels that are none stay leaks in every profile.

import type { Direction } from '../compile/counted.ts';
import { needsAnswer } from './answered.ts';
import { address, icmp, port, protocol } from './fields.ts';
import { byFamily, byWay, is, isIn, named, predicateOf } from './match.ts';
import type { Predicate, Term } from './match.ts';
import type { Direct, Policy } from '../policy.ts';
import { Protocol } from '../../wire/ip/ip.ts';
import { LISTENER_DISCOVERY, NEIGHBOUR_DISCOVERY } from '../../wire/ip/icmp.ts';

/** Ports that stay closed, `transport.port`: names, encrypted DNS, essential traffic out of bounds, tunnels that are none (rule F). */
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

interface DirectRule {
  readonly match: readonly Term[];
  readonly opens: boolean;
}

/** For whole packets of one family, the first that matches; DNS of the split profile (`splitDns`) is decided elsewhere. */
export function directRules(direction: Direction, family: 4 | 6, splitDns: boolean): readonly DirectRule[] {
  const messages = family === 4 ? [Protocol.ICMP, Protocol.IGMP] : [Protocol.ICMPV6];
  return [
    { match: [closedPort(direction, splitDns)], opens: false },
    ...(family === 6 ? [{ match: [is(icmp[6].type, ...NEIGHBOUR_DISCOVERY)], opens: false }] : []),
    { match: [is(protocol, Protocol.TCP, Protocol.UDP, ...messages)], opens: true },
  ];
}

/** `meta l4proto . th dport { … }`; a packet whose port cannot be read has no open one. */
function closedPort(direction: Direction, splitDns: boolean): Term {
  const field = port.th[direction === 'up' ? 'destination' : 'source'];
  const closed = CLOSED.filter(([, number]) => !(splitDns && number === 53));
  const elements = closed.map(
    ([transport, number]) => `${transport === Protocol.TCP ? 'tcp' : 'udp'} . ${number}`,
  );
  return named(`${protocol.nft} . ${field.nft} { ${elements.join(', ')} }`, (packet) => {
    if (packet.protocol !== Protocol.TCP && packet.protocol !== Protocol.UDP) return false;
    const number = field.read(packet);
    return number < 0 || closed.some(([transport, one]) => transport === packet.protocol && one === number);
  });
}

/** Whether the kernel lets a whole packet go direct. */
export const goesDirect = byFamily((family) =>
  byWay((direction): Predicate => {
    const rules = directRules(direction, family, false).map(({ match, opens }) => ({
      opens,
      holds: predicateOf(match, undefined),
    }));
    return (packet) => {
      for (const { holds, opens } of rules) if (holds(packet)) return opens;
      return false;
    };
  }),
);

/** Of packets with options or extension headers those about groups; only to a group, where an address must have been answered. */
export function groupsMatch(policy: Policy, family: 4 | 6): readonly Term[] {
  const about = family === 4 ? is(protocol, Protocol.IGMP) : is(icmp[6].type, ...LISTENER_DISCOVERY);
  const toGroup = isIn(address[family].destination, family === 4 ? '224.0.0.0/4' : 'ff00::/8');
  return needsAnswer(policy) ? [about, toGroup] : [about];
}
