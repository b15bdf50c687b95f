// Which "port unreachable" messages may go to a tunnel's server, for the judge and the ruleset: RFC 1122 section 3.2.2.1, RFC 4443 section
// 3.1. A system sends them when the VPN program has ended and its server goes on sending. The quoted packet came from that server, which
// learns nothing from it.

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

/** Bytes. RFC 1122 section 3.2.2: what every host can receive. RFC 4443 section 2.4: what fits the minimum MTU. */
const MAX_LENGTH = { 4: 576, 6: 1280 - IPV6_HEADER };

/** Ports of the servers of tunnels over UDP: ranges in order that do not overlap. */
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

/** Reused for each frame. */
const quoted = new ParsedPacket();

/**
 * Whether the packet that "port unreachable" quotes came from this very server to this very client, has the tunnel's shape, and is followed
 * by nothing: the kernel cannot compare that. A quotation without payload shows no shape and is accepted.
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
/** What src/flow/headers/headers-quote.ts reads: the message, and a quoted packet without options that is whole or a first fragment. */
const REPORT = {
  4: named('icmp type destination-unreachable icmp code port-unreachable', quotesUdp),
  6: named('icmpv6 type destination-unreachable icmpv6 code port-unreachable', quotesUdp),
};
const QUOTES_UDP = {
  4: named('@th,64,8 0x45 @th,115,13 0x0 @th,136,8 17', quotesUdp),
  6: named('@th,64,4 0x6 @th,112,8 17', quotesUdp),
};
/** Bytes: two IP headers and two transport headers of eight bytes; IPv6 does not count the first header. */
const MIN_LENGTH = 56;

/**
 * The rule for "port unreachable" (RFC 1122 section 3.2.2.1, RFC 4443 section 3.1): unfragmented packets that go up, without options or
 * extension headers, as far as the kernel can compare; none without a tunnel over UDP.
 */
export function tunnelReport(policy: Policy, family: 4 | 6): readonly EssentialRule[] {
  const ports = tunnelPorts(policy);
  if (ports.length === 0) return [];
  const far = address[family].destination.nft;
  const server = named<Peers>(
    [
      ...nftNear(policy, far),
      ...(hasNetworks(policy, family) ? [`${far} @nets${family}`] : []),
      // Any host behind that prefix: from the quotation the judge knows whether it is the server.
      ...(family === 6 ? [`${far} ${NAT64_NETWORK}`] : []),
    ],
    (packet, { neighbours }) => neighbours.isNear(packet),
  );
  const length = isBetween(ipLength[family], MIN_LENGTH, MAX_LENGTH[family]);
  const from = isAmong(quotedPort[family], ports);
  return [essential('icmp', [REPORT[family], length, server, QUOTES_UDP[family], from])];
}
