// Whether an IP packet belongs to a tunnel's endpoint, by its form (form.ts): plain, with options or extension headers, a first or a later
// fragment; for the judge and for the chains in that order. Ports are read last: nftables reads them from whatever bytes are there. The
// capture filter is in src/policy/compile/bpf.ts.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import type { Direction } from '../compile/counted.ts';
import { nftServerGroupPieces, nftServerGroups } from '../compile/server-groups.ts';
import type { NftChain } from '../compile/nft-model.ts';
import { nftPrefixLookups, nftPrefixPieces } from '../compile/nft-prefixes.ts';
import { nftRangeLookups, nftRangePieces } from '../compile/nft-ranges.ts';
import { once } from '../compile/per-policy.ts';
import { isAnywhere } from '../servers/anywhere.ts';
import { EndpointIndex } from '../servers/endpoint-index.ts';
import { EndpointTable } from '../servers/endpoint-table.ts';
import { fixedTunnelHosts } from '../servers/hosts.ts';
import type { Host, JudgedEndpoint } from '../servers/hosts.ts';
import type { LearnedState } from '../servers/learned.ts';
import { formOf, isPlainIp } from './form.ts';
import { nftUnassignedPieces } from './unassigned.ts';
import type { Policy } from '../policy.ts';
import { hasEsp, kernelAccepts, shapeOf } from '../shapes/shape.ts';
import { Protocol } from '../../wire/ip/ip.ts';

/** Finds the endpoint of a packet. An index is one of the list of endpoints that it was compiled from. */
export interface TunnelIndex {
  /**
   * Index of the endpoint with the frame's far address and port (for later fragments and ESP: address and protocol), whatever its shape,
   * except where peers may be at any address; -1 when there is none. Allocates nothing.
   */
  readonly endpointOf: (packet: ParsedPacket, direction: Direction) => number;
  /** Index of the endpoint with that address (four 32-bit words) and UDP port, or -1. */
  readonly findUdp: (ipVersion: number, address: Uint32Array, port: number) => number;
}

/** The part for addresses that the policy names; cached. */
const fixedPart = once((endpoints: readonly JudgedEndpoint[]) => {
  const hosts = fixedTunnelHosts(endpoints);
  return {
    index: new EndpointIndex(hosts, endpoints),
    esp: hosts.filter((host) => hasEsp(endpoints[host.index]?.shape)),
    // Endpoints of peers at any address: only packets of their form belong to them.
    areAnywhere: endpoints.map(({ endpoint }) => isAnywhere(endpoint)),
  };
});

/** The index of all endpoints: those of the policy, and the learned addresses. The former's part is cached by `endpoints`. */
export function compileTunnels(endpoints: readonly JudgedEndpoint[], learned: readonly Host[]): TunnelIndex {
  const fixed = fixedPart(endpoints);
  const { areAnywhere } = fixed;
  const ports = new EndpointIndex(learned, endpoints, fixed.index);
  const espHosts = [...fixed.esp, ...learned.filter((host) => hasEsp(endpoints[host.index]?.shape))];
  const esp = new EndpointTable(espHosts.length);
  for (const { ipVersion, words, index } of espHosts) esp.add(ipVersion, words, Protocol.ESP, 0, index);

  function endpointOf(packet: ParsedPacket, direction: Direction): number {
    if (!isPlainIp(packet)) return -1;
    const form = formOf(packet);
    // Never part of a tunnel; the ruleset handles them before it compares addresses.
    if (form === 'odd') return -1;
    const { ipVersion, protocol } = packet;
    const far = direction === 'up' ? packet.destination : packet.source;
    if (protocol === Protocol.ESP) return esp.find(ipVersion, far, Protocol.ESP, 0);
    if (form === 'later') {
      const piece = ports.ofHost(ipVersion, far, protocol);
      return piece >= 0 && areAnywhere[piece] === true ? -1 : piece;
    }
    // TCP finds its path MTU itself: a fragment of TCP is never a tunnel's.
    if (protocol === Protocol.TCP && form === 'first') return -1;
    const port = direction === 'up' ? packet.destinationPort : packet.sourcePort;
    const found = port < 0 ? -1 : ports.find(ipVersion, far, protocol, port);
    if (found < 0 || areAnywhere[found] !== true) return found;
    const endpoint = endpoints[found];
    return endpoint !== undefined && hasShape(endpoint, packet, direction) ? found : -1;
  }

  return {
    endpointOf,
    findUdp: (ipVersion, address, port) => ports.find(ipVersion, address, Protocol.UDP, port),
  };
}

/**
 * Whether the kernel takes the frame for a packet of the endpoint's protocol; always true for later fragments and ESP, which show no shape.
 */
export function hasShape(endpoint: JudgedEndpoint, packet: ParsedPacket, direction: Direction): boolean {
  if (packet.fragmentOffset > 0 || packet.protocol === Protocol.ESP) return true;
  const port = direction === 'up' ? packet.destinationPort : packet.sourcePort;
  const of = hasEsp(endpoint.shape) ? { shape: shapeOf('ipsec', 'udp', port) } : endpoint;
  return kernelAccepts(of, packet, direction);
}

/**
 * Rules for packets with ports, and ESP; `protocol` and `esp` are nft's expressions for the packet's protocol. They leave the chain for a
 * tunnel's packets and go on for others.
 */
export function nftTunnels(
  policy: Policy,
  direction: Direction,
  family: 4 | 6,
  protocol = 'meta l4proto',
  esp = 'meta l4proto esp',
): readonly string[] {
  const far = farAddress(direction, family);
  return [
    ...nftServerGroups(policy, far, 'ports'),
    `${far} . ${protocol} . th ${direction === 'up' ? 'dport' : 'sport'} vmap @tun${family}`,
    ...nftServerGroups(policy, far, 'ranges'),
    ...nftRangeLookups(policy, family, far, protocol),
    ...(family === 4 ? [] : nftPrefixLookups(policy, direction)),
    `${esp} ${far} vmap @esp${family}`,
  ];
}

/** nft's field for the address on the network's side: destination up, source down. */
export function farAddress(direction: Direction, family: 4 | 6) {
  return `${family === 4 ? 'ip' : 'ip6'} ${direction === 'up' ? 'daddr' : 'saddr'}` as const;
}

/**
 * The chains for IP packets by their form (`up_ip4`, `up_odd4`, `up_frag4` and so on), which lead to `up_plain4`, a leak or a tunnel. `odd`
 * are the rules for packets with options or extension headers that are not fragments, `leak` is the end of the rule for later fragments
 * that are not a tunnel's.
 */
export function formChains(
  policy: Policy,
  learned: LearnedState,
  direction: Direction,
  family: 4 | 6,
  { odd, leak }: { readonly odd: readonly string[]; readonly leak: string },
): readonly NftChain[] {
  const four = family === 4;
  const far = farAddress(direction, family);
  const later = four ? 'ip frag-off & 0x1fff != 0' : 'frag frag-off != 0';
  const noTunnel = `${later} meta l4proto 0-255 ${leak}`;
  const unassigned = direction === 'down' ? nftUnassignedPieces(policy, learned, family) : [];
  const tunnels = [
    `${far} . meta l4proto @frag${family}`,
    ...nftServerGroupPieces(policy, far),
    ...nftRangePieces(policy, family, far),
    ...(four ? [] : nftPrefixPieces(policy, direction)),
  ];
  return [
    {
      name: `${direction}_ip${family}`,
      why: 'options and fragments before ports: `th dport` reads payload where there is no transport header',
      rules: four
        ? [
            `@nh,0,8 != 0x45 goto ${direction}_odd4`,
            `ip frag-off & 0x3fff != 0 goto ${direction}_frag4`,
            `ip length < 28 goto ${direction}_short`,
            `goto ${direction}_plain4`,
          ]
        : [
            `ip6 length < 8 goto ${direction}_short`,
            `ip6 nexthdr 44 goto ${direction}_frag6`,
            `ip6 nexthdr != { 6, 17, 50, 58 } goto ${direction}_odd6`,
            `goto ${direction}_plain6`,
          ],
    },
    {
      name: `${direction}_odd${family}`,
      why: 'IP options, extension headers, unreadable headers: never part of a tunnel',
      rules: [
        noTunnel,
        ...(four
          ? [`ip length < 28 goto ${direction}_short`, `ip frag-off & 0x3fff != 0 goto ${direction}_leak`]
          : [`exthdr frag exists goto ${direction}_leak`]),
        ...odd,
        `goto ${direction}_leak`,
      ],
    },
    {
      name: `${direction}_frag${family}`,
      why: 'a later fragment has no port, so address and protocol decide; a first one has a port, and only tunnels may be fragmented',
      rules: [
        // Other headers after the fragment header are never part of a tunnel; packet lengths are not checked there.
        ...(four ? [] : [`@nh,320,8 { 0, 43, 44, 51, 60 } goto ${direction}_odd6`]),
        ...unassigned.map((whose) => `${later} meta l4proto 0-255 ${whose} ${leak}`),
        ...tunnels.map((whose) => `${later} ${whose} counter name ${direction}_tunnel_fragment accept`),
        noTunnel,
        `${four ? 'ip length < 40' : 'ip6 length < 28'} goto ${direction}_short`,
        ...unassigned.map((whose) => `${whose} goto ${direction}_leak`),
        `meta l4proto tcp goto ${direction}_leak`,
        ...(four
          ? nftTunnels(policy, direction, family)
          : nftTunnels(policy, direction, family, 'frag nexthdr', 'frag nexthdr 50 meta l4proto esp')),
        `goto ${direction}_leak`,
      ],
    },
  ];
}
