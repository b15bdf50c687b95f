// Knows: which "port unreachable" tells a tunnel's server that nobody listens any more, once for the judge and the ruleset.
// Must not know: learned state. RFC 1122 section 3.2.2.1, RFC 4443 section 3.1: a system answers so when the tunnel's program has
// ended and its server goes on sending. What is quoted came from that server: it learns nothing from it.

import { ParsedPacket } from '../../flow/parsed-packet.ts';
import { nftNear } from '../compile/server-groups.ts';
import { lastPort } from '../schema/endpoint.ts';
import { address, ipLength, quotedPort } from './fields.ts';
import { isAmong, isBetween, named } from './match.ts';
import type { Range } from './match.ts';
import { essential } from './rule.ts';
import type { EssentialRule, Peers } from './rule.ts';
import { NAT64_NETWORK } from '../servers/hosts.ts';
import type { JudgedEndpoint } from '../servers/hosts.ts';
import { hasNetworks } from '../compile/nft-ranges.ts';
import { once } from '../compile/per-policy.ts';
import type { Policy } from '../policy.ts';
import { quotedAccepts, shapeOf } from '../shapes/shape.ts';
import { IPV6_HEADER } from '../../wire/ip/ip.ts';

/** RFC 1122 section 3.2.2: no more than every host can take. RFC 4443 section 2.4: as much as fits into the least MTU. */
const MOST = { 4: 576, 6: 1280 - IPV6_HEADER };

/** Ports on which tunnels over UDP have their servers, in order, none twice. */
const tunnelPorts = once((policy: Policy): readonly Range[] => {
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

/** Used for one frame at a time. */
const quoted = new ParsedPacket();

/**
 * What the kernel cannot compare: the packet that is quoted came from this very server to this very client, is one of the
 * tunnel's by its shape, and nothing stands behind it. A quotation without payload has nothing to be looked at.
 */
export function quotesTunnel(packet: ParsedPacket, endpoint: JudgedEndpoint): boolean {
  const header = packet.ipVersion === 4 ? 20 : 40;
  if (!packet.quotesReply || packet.quotedIpLength - header !== packet.quotedUdpLength) return false;
  if (packet.quotedPayload === 0) return true;
  quoted.ipVersion = packet.ipVersion;
  quoted.ipLength = packet.quotedIpLength;
  quoted.udpLength = packet.quotedUdpLength;
  quoted.payloadHead = packet.quotedHead;
  quoted.payloadHead2 = packet.quotedHead2;
  quoted.payloadHead3 = packet.quotedHead3;
  const of = endpoint.protocol === 'ipsec' ? { shape: shapeOf('ipsec', 'udp', packet.quotedPort) } : endpoint;
  return quotedAccepts(of, quoted);
}

const quotesUdp = ({ quotedPort }: ParsedPacket): boolean => quotedPort >= 0;
/** What src/flow/headers/headers-quote.ts reads: the message, and a packet without options that is a fragment's first piece at most. */
const REPORT = {
  4: named('icmp type destination-unreachable icmp code port-unreachable', quotesUdp),
  6: named('icmpv6 type destination-unreachable icmpv6 code port-unreachable', quotesUdp),
};
const QUOTES_UDP = {
  4: named('@th,64,8 0x45 @th,115,13 0x0 @th,136,8 17', quotesUdp),
  6: named('@th,64,4 0x6 @th,112,8 17', quotesUdp),
};
/** Two IP headers and two transport headers of eight bytes; of IPv6 the first is not counted. */
const LEAST = 56;

/** Whole packets without options or extension headers, going up, as far as the kernel can tell; none where no tunnel has UDP. */
export function tunnelReport(policy: Policy, family: 4 | 6): readonly EssentialRule[] {
  const ports = tunnelPorts(policy);
  if (ports.length === 0) return [];
  const far = address[family].destination.nft;
  const server = named<Peers>(
    [
      ...nftNear(policy, far),
      ...(hasNetworks(policy, family) ? [`${far} @nets${family}`] : []),
      // Whoever stands behind that: of what is quoted the judge knows whether it was the server.
      ...(family === 6 ? [`${far} ${NAT64_NETWORK}`] : []),
    ],
    (packet, { neighbours }) => neighbours.isNear(packet),
  );
  const length = isBetween(ipLength[family], LEAST, MOST[family]);
  const from = isAmong(quotedPort[family], ports);
  return [essential('icmp', [REPORT[family], length, server, QUOTES_UDP[family], from])];
}
