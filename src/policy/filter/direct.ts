// What may go past the tunnel in the profiles that allow direct traffic, for the judge and the ruleset. Anything not listed as open is
// closed: fragments, other IP protocols, essential traffic out of bounds and tunnels without encryption are leaks in every profile.

import type { Direction } from '../compile/counted.ts';
import { needsAnswer } from './answered.ts';
import { address, icmp, port, protocol } from './fields.ts';
import { byFamily, byDirection, is, isIn, named, predicateOf } from './match.ts';
import type { Predicate, Term } from './match.ts';
import type { Direct, Policy } from '../policy.ts';
import { Protocol } from '../../wire/ip/ip.ts';
import { LISTENER_DISCOVERY, NEIGHBOUR_DISCOVERY } from '../../wire/ip/icmp.ts';

/** Ports that stay closed: names, encrypted DNS, essential traffic out of bounds, tunnels without encryption (rule F). */
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
 * Whether other traffic may go past the tunnel. Split is like proxy-stub, but DNS in the clear is inspected instead of closed.
 * A proxy-stub with `direct: none` is a full tunnel with resolvers and proxies.
 */
export function isOpenProfile({ profile, direct }: Pick<Policy, 'profile' | 'direct'>): boolean {
  return profile !== 'full-tunnel' && direct !== 'none';
}

/**
 * `direct` where the policy does not set it: `none` with proxies, as they are meant to be used; else what policies had before this setting
 * existed.
 */
export function usualDirect({ profile, proxies }: Pick<Policy, 'profile' | 'proxies'>): Direct {
  return profile === 'proxy-stub' && proxies.length > 0 ? 'none' : 'any';
}

interface DirectRule {
  readonly match: readonly Term[];
  readonly opens: boolean;
}

/**
 * Rules for unfragmented packets of one family, of which the first match decides; none matching closes. With `splitDns`, DNS is decided
 * elsewhere.
 */
export function directRules(direction: Direction, family: 4 | 6, splitDns: boolean): readonly DirectRule[] {
  const messages = family === 4 ? [Protocol.ICMP, Protocol.IGMP] : [Protocol.ICMPV6];
  return [
    { match: [closedPort(direction, splitDns)], opens: false },
    ...(family === 6 ? [{ match: [is(icmp[6].type, ...NEIGHBOUR_DISCOVERY)], opens: false }] : []),
    { match: [is(protocol, Protocol.TCP, Protocol.UDP, ...messages)], opens: true },
  ];
}

/** `meta l4proto . th dport { … }`; a packet whose port cannot be read counts as closed. */
function closedPort(direction: Direction, splitDns: boolean): Term {
  const field = port.th[direction === 'up' ? 'destination' : 'source'];
  const closed = CLOSED.filter(([, number]) => !(splitDns && number === 53));
  const elements = closed.map(
    ([transport, number]) => `${transport === Protocol.TCP ? 'tcp' : 'udp'} . ${number}`,
  );
  return named(`${protocol.nft} . ${field.nft} { ${elements.join(', ')} }`, (packet) => {
    if (packet.protocol !== Protocol.TCP && packet.protocol !== Protocol.UDP) return false;
    const number = field.read(packet);
    return (
      number < 0 ||
      closed.some(([transport, closedNumber]) => transport === packet.protocol && closedNumber === number)
    );
  });
}

/** By family and direction: whether the kernel lets an unfragmented packet go direct, DNS in the clear excluded. */
export const goesDirect = byFamily((family) =>
  byDirection((direction): Predicate => {
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

/**
 * Packets with options or extension headers that may go direct: messages about multicast groups; with `direct: answered` only those to a
 * group.
 */
export function groupsMatch(policy: Policy, family: 4 | 6): readonly Term[] {
  const about = family === 4 ? is(protocol, Protocol.IGMP) : is(icmp[6].type, ...LISTENER_DISCOVERY);
  const toGroup = isIn(address[family].destination, family === 4 ? '224.0.0.0/4' : 'ff00::/8');
  return needsAnswer(policy) ? [about, toGroup] : [about];
}
