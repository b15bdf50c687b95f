// Knows: where link-local name chatter goes, for the judge and the ruleset side by side. Must not know: whether it matters.
// Follows RFC 6762, RFC 4795, RFC 1002 and UPnP's SSDP. `localChatter: ignore` lets exactly this cross: multicast and
// broadcast that no router forwards; the same protocols to any other address stay leaks.

import type { Facts } from '../flow/facts.ts';

const GROUPS: readonly { port: number; v4: number; v6: number }[] = [
  { port: 5353, v4: 0xe00000fb, v6: 0xfb },
  { port: 5355, v4: 0xe00000fc, v6: 0x10003 },
  { port: 1900, v4: 0xeffffffa, v6: 0x0c },
];
const BROADCAST = 0xffffffffffff;

/** A whole datagram of mDNS, LLMNR, SSDP to its link-local group, or NetBIOS names as link-layer broadcast. */
export function isLocalChatter(facts: Facts): boolean {
  if (facts.protocol !== 17) return false;
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = facts.destination;
  if (facts.destinationPort === 137) return facts.ipVersion === 4 && facts.destinationMac === BROADCAST;
  const group = GROUPS.find(({ port }) => port === facts.destinationPort);
  if (group === undefined) return false;
  if (facts.ipVersion === 4) return w3 === group.v4;
  return w0 === 0xff020000 && w1 === 0 && w2 === 0 && w3 === group.v6;
}

/** Matches, without verdict. */
export const NFT_CHATTER4: readonly string[] = [
  'ip daddr . udp dport { 224.0.0.251 . 5353, 224.0.0.252 . 5355, 239.255.255.250 . 1900 }',
  'ether daddr ff:ff:ff:ff:ff:ff udp dport 137',
];
export const NFT_CHATTER6: readonly string[] = [
  'ip6 daddr . udp dport { ff02::c . 1900, ff02::fb . 5353, ff02::1:3 . 5355 }',
];
