// Knows: which messages about multicast groups cross, for the judge and the ruleset side by side. Must not know: what a group carries.
// Follows RFC 2236, 9776 (IGMP), 2710, 3810 (MLD). A switch that snoops gives a host what it has asked for, and neighbour discovery is
// multicast. Groups of the link itself say nothing that everybody's do not; any other group names a service.

import { MOST_RECORDS, PADDED } from '../flow/facts.ts';
import type { Facts } from '../flow/facts.ts';
import type { Way } from './counted.ts';
import type { NftChain } from './nft-model.ts';

/** Of IPv4 with options, or IPv6 with extension headers: up for groups of the link alone, down whatever it is. */
export function isMembershipOf({ membership, spare }: Facts, way: Way): boolean {
  return (membership === 'link' && !(way === 'up' && spare)) || (way === 'down' && membership === 'any');
}

/** The question of an old router, without an alert. */
export function isPlainMembership({ membership }: Facts, way: Way): boolean {
  return way === 'down' && membership !== 'none';
}

const ALERT_4 = '@nh,0,8 0x46 @nh,160,32 0x94040000 meta l4proto igmp ip ttl 1';
/** Hop-by-hop header, hop limit 1; ICMPv6 behind eight bytes of it; the alert and two bytes of padding, in either order. */
const ALERT_6 =
  'exthdr hbh exists ip6 hoplimit 1 @nh,320,16 0x3a00 @nh,336,48 { 0x10005020000, 0x50200000100 } ip6 saddr { ::, fe80::/10 }';
const MULTICAST_4 = 'ip daddr 224.0.0.0/4';
const MLD_TYPES = 'icmpv6 type { 130, 131, 132, 143 } icmpv6 code 0';

/** For IPv4 packets without options. */
export function nftPlainMembership(way: Way, accept: string): readonly string[] {
  return way === 'up' ? [] : [`meta l4proto igmp ip ttl 1 ${MULTICAST_4} ${accept}`];
}

/** For whole packets with options or extension headers; up they are looked into by `membershipChains`. */
export function nftMembership(family: 4 | 6, way: Way, accept: string): string {
  if (way === 'up') return family === 4 ? `${ALERT_4} jump up_igmp` : `${ALERT_6} jump up_mld`;
  return family === 4
    ? `${ALERT_4} ip length >= 32 ${MULTICAST_4} ${accept}`
    : `${ALERT_6} ip6 length >= 32 ${MLD_TYPES} ip6 daddr ff00::/8 ${accept}`;
}

const RECORDS = Array.from({ length: MOST_RECORDS }, (_, at) => at + 1);

/** Type 1 to 6; no auxiliary data and no sources, and the group in 224.0.0.0/24. */
function record4(at: number): string {
  const from = 256 + 64 * at;
  return `@nh,${from},8 1-6 @nh,${from + 8},48 0xe00000`;
}

/** The last 48 bits of ff02::/112, ff02::1:2 and ff02::1:3, ff02::1:ff00:0/104. */
const LINK_GROUPS = '{ 0x0-0xffff, 0x10002-0x10003, 0x1ff000000-0x1ffffffff }';
/** The first 80 bits of all of them, behind as many zeros as are wanted. */
const LINK_SCOPE = '0xff020000000000000000';
const TO_LINK_GROUP = 'ip6 daddr { ff02::/112, ff02::1:2/127, ff02::1:ff00:0/104 }';

function record6(at: number): string {
  const from = 64 + 160 * at;
  return `@th,${from},8 1-6 @th,${from + 8},104 ${LINK_SCOPE} @th,${from + 112},48 ${LINK_GROUPS}`;
}

/** Lengths of the frame's content: the packet alone, or filled up with zeros where it is shorter than any frame. */
function whole4(length: number): string[] {
  const filled = PADDED.filter((all) => all > length);
  return [
    `ip length ${length} meta length ${length}`,
    ...filled.map(
      (all) => `ip length ${length} meta length ${all} @nh,${8 * length},${8 * (all - length)} 0x0`,
    ),
  ];
}

/** No IPv6 packet with a message is shorter than any frame. */
export const whole6 = (length: number): string => `ip6 length ${length} meta length ${length + 40}`;

/** What a host says of groups of its link. Chains that return. */
export function membershipChains(accept: string): readonly NftChain[] {
  const records = (of: (at: number) => string, count: number): string =>
    RECORDS.slice(0, count)
      .map((_, at) => of(at))
      .join(' ');
  const old6 = `icmpv6 code 0 @th,32,112 ${LINK_SCOPE} @th,144,48 ${LINK_GROUPS}`;
  return [
    {
      name: 'up_igmp',
      why: 'reports and leaves of groups of the link alone, without sources, nothing behind them',
      rules: [
        ...whole4(32).flatMap((whole) => [
          `${whole} @nh,192,8 { 0x12, 0x16 } @nh,200,8 0x0 ip daddr 224.0.0.0/24 @nh,224,24 0xe00000 ${accept}`,
          `${whole} @nh,192,16 0x1700 ip daddr 224.0.0.2 @nh,224,24 0xe00000 ${accept}`,
        ]),
        ...RECORDS.flatMap((count) =>
          whole4(32 + 8 * count).map(
            (whole) =>
              `${whole} @nh,192,16 0x2200 ip daddr 224.0.0.22 @nh,224,32 ${count} ${records(record4, count)} ${accept}`,
          ),
        ),
      ],
    },
    {
      name: 'up_mld',
      rules: [
        `${whole6(32)} icmpv6 type 131 ${old6} ${TO_LINK_GROUP} ${accept}`,
        `${whole6(32)} icmpv6 type 132 ${old6} ip6 daddr ff02::2 ${accept}`,
        ...RECORDS.map(
          (count) =>
            `${whole6(16 + 20 * count)} icmpv6 type 143 icmpv6 code 0 ip6 daddr ff02::16 @th,32,32 ${count} ${records(record6, count)} ${accept}`,
        ),
      ],
    },
  ];
}
