// Knows: which "port unreachable" tells a tunnel's server that nobody listens any more, for the judge and the ruleset side by side.
// Must not know: learned state. RFC 1122 section 3.2.2.1, RFC 4443 section 3.1: a system answers so when the tunnel's program has
// ended and its server goes on sending. What is quoted came from that server: it learns nothing from it.

import { Facts } from '../flow/facts.ts';
import type { JudgedEndpoint } from './hosts.ts';
import type { Neighbours } from './neighbours.ts';
import type { Policy } from './policy.ts';
import { kernelAccepts, shapeOf } from './shape.ts';

/** RFC 1122 section 3.2.2: no more than every host can take. RFC 4443 section 2.4: as much as fits into the least MTU. */
const MOST = { 4: 576, 6: 1280 };

/** Ports on which tunnels over UDP have their servers. */
export function tunnelPorts(policy: Policy): ReadonlySet<number> {
  const ports = policy.tunnels.flatMap(({ protocol, endpoints }) =>
    endpoints
      .filter(({ transport }) => transport === 'udp')
      .flatMap(({ port }) => (protocol === 'ipsec' ? [500, 4500] : [port])),
  );
  return new Set(ports.sort((a, b) => a - b));
}

/** As far as the kernel can tell: to an address of the list of those that may be looked for, quoting a tunnel's port. */
export function isTunnelReport(facts: Facts, neighbours: Neighbours, ports: ReadonlySet<number>): boolean {
  if (facts.quotedPort < 0 || !ports.has(facts.quotedPort) || facts.ipVersion === 0) return false;
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
  const shape = endpoint.protocol === 'ipsec' ? shapeOf('ipsec', 'udp', facts.quotedPort) : endpoint.shape;
  return kernelAccepts(shape, quoted, 'down');
}

/** For whole packets without options or extension headers, going up. */
export function nftPortReport(policy: Policy, family: 4 | 6, accept: string): readonly string[] {
  const ports = [...tunnelPorts(policy)];
  if (ports.length === 0) return [];
  const among = ports.length === 1 ? String(ports[0]) : `{ ${ports.join(', ')} }`;
  return family === 4
    ? [
        `icmp type destination-unreachable icmp code port-unreachable ip length 56-${MOST[4]} ip daddr @near4 @th,64,8 0x45 @th,115,13 0x0 @th,136,8 17 @th,224,16 ${among} ${accept}`,
      ]
    : [
        `icmpv6 type destination-unreachable icmpv6 code port-unreachable ip6 length 56-${MOST[6] - 40} ip6 daddr @near6 @th,64,4 0x6 @th,112,8 17 @th,384,16 ${among} ${accept}`,
      ];
}
