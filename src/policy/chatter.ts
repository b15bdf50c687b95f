// Knows: where link-local name chatter goes, for the judge and the ruleset side by side. Must not know: whether it matters.
// Follows RFC 6762, RFC 4795, RFC 1002 and UPnP's SSDP. Chatter is multicast and broadcast that no router forwards;
// the same protocols to any other address leave the link, and are names for Eve like any DNS.

import type { Facts } from '../flow/facts.ts';
import type { Kind } from '../flow/kinds.ts';

const GROUPS = [
  { kind: 'mdns', port: 5353, v4: 0xe00000fb, v6: 0xfb, text4: '224.0.0.251', text6: 'ff02::fb' },
  { kind: 'llmnr', port: 5355, v4: 0xe00000fc, v6: 0x10003, text4: '224.0.0.252', text6: 'ff02::1:3' },
  { kind: 'ssdp', port: 1900, v4: 0xeffffffa, v6: 0x0c, text4: '239.255.255.250', text6: 'ff02::c' },
] as const;
const BROADCAST = 0xffffffffffff;
const NBNS_PORT = 137;

export const CHATTER_KINDS: readonly Kind[] = [...GROUPS.map(({ kind }) => kind), 'nbns'];

/** mDNS, LLMNR or SSDP to its link-local group, NetBIOS names as link-layer broadcast; undefined for anything else. */
export function chatterKind(facts: Facts): Kind | undefined {
  if (facts.protocol !== 17) return undefined;
  const four = facts.outerEtherType === 0x0800;
  if (!four && facts.outerEtherType !== 0x86dd) return undefined;
  const port = facts.destinationPort;
  if (port === NBNS_PORT) return four && facts.destinationMac === BROADCAST ? 'nbns' : undefined;
  const group = GROUPS.find((known) => known.port === port);
  if (group === undefined) return undefined;
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = facts.destination;
  const there = four ? w3 === group.v4 : w0 === 0xff020000 && w1 === 0 && w2 === 0 && w3 === group.v6;
  return there ? group.kind : undefined;
}

const BROADCAST_NAMES = `meta protocol ip ether daddr ff:ff:ff:ff:ff:ff udp dport ${NBNS_PORT}`;

/** Matches, without verdict. */
export const NFT_CHATTER4: readonly string[] = [
  `ip daddr . udp dport { ${GROUPS.map(({ text4, port }) => `${text4} . ${port}`).join(', ')} }`,
  BROADCAST_NAMES,
];
export const NFT_CHATTER6: readonly string[] = [
  `ip6 daddr . udp dport { ${GROUPS.map(({ text6, port }) => `${text6} . ${port}`).join(', ')} }`,
];

/** Matches that count, each kind with the counter of that name, without verdict. */
export function nftCountChatter(counter: (kind: Kind) => string): readonly string[] {
  const four = GROUPS.map(({ kind, text4, port }) => `${text4} . ${port} : "${counter(kind)}"`);
  const six = GROUPS.map(({ kind, text6, port }) => `${text6} . ${port} : "${counter(kind)}"`);
  return [
    `counter name ip daddr . udp dport map { ${four.join(', ')} }`,
    `counter name ip6 daddr . udp dport map { ${six.join(', ')} }`,
    `${BROADCAST_NAMES} counter name "${counter('nbns')}"`,
  ];
}
