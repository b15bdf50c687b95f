// Knows: which "port unreachable" tells a tunnel's server that nobody listens any more, for the judge and the ruleset side by side.
// Must not know: learned state. RFC 1122 section 3.2.2.1, RFC 4443 section 3.1: a system answers so when the tunnel's program has
// ended and its server goes on sending. What is quoted came from that server: it learns nothing from it.

import { Facts } from '../flow/facts.ts';
import { nftNear } from './crowds.ts';
import { lastPort } from './endpoint.ts';
import { NAT64_NETWORK } from './hosts.ts';
import type { JudgedEndpoint } from './hosts.ts';
import type { Neighbours } from './neighbours.ts';
import { hasNetworks } from './nft-ranges.ts';
import { once } from './per-policy.ts';
import type { Policy } from './policy.ts';
import { quotedAccepts, shapeOf } from './shape.ts';

/** RFC 1122 section 3.2.2: no more than every host can take. RFC 4443 section 2.4: as much as fits into the least MTU. */
const MOST = { 4: 576, 6: 1280 };

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Ports on which tunnels over UDP have their servers, in order, none twice. */
export const tunnelPorts = once((policy: Policy): readonly PortRange[] => {
  const ports = policy.tunnels.flatMap(({ protocol, endpoints }) =>
    endpoints
      .filter(({ transport }) => transport === 'udp')
      .flatMap((endpoint) =>
        protocol === 'ipsec'
          ? [500, 4500].map((port) => ({ first: port, last: port }))
          : [{ first: endpoint.port, last: lastPort(endpoint) }],
      ),
  );
  const merged: { first: number; last: number }[] = [];
  for (const { first, last } of ports.sort((a, b) => a.first - b.first)) {
    const before = merged.at(-1);
    if (before === undefined || first > before.last + 1) merged.push({ first, last });
    else before.last = Math.max(before.last, last);
  }
  return merged;
});

function portText({ first, last }: PortRange): string {
  return first === last ? String(first) : `${first}-${last}`;
}

/** As far as the kernel can tell: to an address of the list of those that may be looked for, quoting a tunnel's port. */
export function isTunnelReport(facts: Facts, neighbours: Neighbours, ports: readonly PortRange[]): boolean {
  const { quotedPort } = facts;
  if (quotedPort < 0 || facts.ipVersion === 0) return false;
  if (!ports.some(({ first, last }) => first <= quotedPort && quotedPort <= last)) return false;
  return facts.ipLength <= MOST[facts.ipVersion] && neighbours.isNear(facts);
}

/** Used for one frame at a time. */
const quoted = new Facts();

/**
 * What the kernel cannot compare: the packet that is quoted came from this very server to this very client, is one of the
 * tunnel's by its shape, and nothing stands behind it. A quotation without payload has nothing to be looked at.
 */
export function quotesTunnel(facts: Facts, endpoint: JudgedEndpoint): boolean {
  const header = facts.ipVersion === 4 ? 20 : 40;
  if (!facts.quotesReply || facts.quotedIpLength - header !== facts.quotedUdpLength) return false;
  if (facts.quotedPayload === 0) return true;
  quoted.ipVersion = facts.ipVersion;
  quoted.ipLength = facts.quotedIpLength;
  quoted.udpLength = facts.quotedUdpLength;
  quoted.payloadHead = facts.quotedHead;
  quoted.payloadHead2 = facts.quotedHead2;
  quoted.payloadHead3 = facts.quotedHead3;
  const of = endpoint.protocol === 'ipsec' ? { shape: shapeOf('ipsec', 'udp', facts.quotedPort) } : endpoint;
  return quotedAccepts(of, quoted);
}

/** For whole packets without options or extension headers, going up. */
export function nftPortReport(policy: Policy, family: 4 | 6, accept: string): readonly string[] {
  const ports = tunnelPorts(policy).map(portText);
  if (ports.length === 0) return [];
  const among = ports.length === 1 ? (ports[0] ?? '') : `{ ${ports.join(', ')} }`;
  const far = family === 4 ? 'ip daddr' : 'ip6 daddr';
  const servers = [
    ...nftNear(policy, far),
    ...(hasNetworks(policy, family) ? [`${far} @nets${family}`] : []),
    // Whoever stands behind that: of what is quoted the judge knows whether it was the server.
    ...(family === 6 ? [`${far} ${NAT64_NETWORK}`] : []),
  ];
  return servers.map((who) =>
    family === 4
      ? `icmp type destination-unreachable icmp code port-unreachable ip length 56-${MOST[4]} ${who} @th,64,8 0x45 @th,115,13 0x0 @th,136,8 17 @th,224,16 ${among} ${accept}`
      : `icmpv6 type destination-unreachable icmpv6 code port-unreachable ip6 length 56-${MOST[6] - 40} ${who} @th,64,4 0x6 @th,112,8 17 @th,384,16 ${among} ${accept}`,
  );
}
