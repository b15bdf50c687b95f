// Which messages about multicast groups cross, for the judge and the ruleset. Follows RFC 2236, 9776 (IGMP), 2710, 3810 (MLD). A snooping
// switch forwards only the groups that a host has joined, and neighbour discovery is multicast. Groups of the link itself reveal nothing
// particular about a client; any other group names a service.

import { MAX_RECORDS, PADDED_LENGTHS } from '../../flow/parsed-packet.ts';
import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { LISTENER_DISCOVERY } from '../../wire/ip/icmp.ts';
import type { Direction } from '../compile/counted.ts';
import { address, icmp, ipLength } from './fields.ts';
import { is, isBetween, isIn, named } from './match.ts';
import { essential, nftWhole6 } from './rule.ts';
import type { EssentialRule } from './rule.ts';
import type { NftChain } from '../compile/nft-model.ts';

/** Router alert and hop limit 1. In IPv6 a hop-by-hop header of eight bytes, with two bytes of padding before or after, then ICMPv6. */
const ALERT = {
  4: '@nh,0,8 0x46 @nh,160,32 0x94040000 meta l4proto igmp ip ttl 1',
  6: 'exthdr hbh exists ip6 hoplimit 1 @nh,320,16 0x3a00 @nh,336,48 { 0x10005020000, 0x50200000100 } ip6 saddr { ::, fe80::/10 }',
};
const MIN_LENGTH = 32;

/**
 * The rule for messages about multicast groups (RFC 2236, RFC 9776, RFC 2710, RFC 3810) with router alert (RFC 2113, RFC 2711),
 * unfragmented: on the way up only for groups of the link (`membershipChains`), down for any group.
 */
export function membershipOf(family: 4 | 6, direction: Direction): EssentialRule {
  const alert = named(ALERT[family], ({ membership }) => membership !== 'none');
  if (direction === 'up') {
    const ofLink = ({ membership, hasExtraData: spare }: ParsedPacket): boolean =>
      membership === 'link' && !spare;
    return essential('igmp-mld', [alert], named(family === 4 ? 'jump up_igmp' : 'jump up_mld', ofLink));
  }
  const message = family === 4 ? [] : [is(icmp[6].type, ...LISTENER_DISCOVERY), is(icmp[6].code, 0)];
  const toGroup = isIn(address[family].destination, family === 4 ? '224.0.0.0/4' : 'ff00::/8');
  return essential('igmp-mld', [
    alert,
    isBetween(ipLength[family], MIN_LENGTH, Infinity),
    ...message,
    toGroup,
  ]);
}

const RECORDS = Array.from({ length: MAX_RECORDS }, (_, at) => at + 1);

/** An IGMPv3 group record of type 1 to 6, without auxiliary data and sources, for a group in 224.0.0.0/24. */
function record4(at: number): string {
  const from = 256 + 64 * at;
  return `@nh,${from},8 1-6 @nh,${from + 8},48 0xe00000`;
}

/** The last 48 bits of ff02::/112, ff02::1:2, ff02::1:3 and ff02::1:ff00:0/104. */
const LINK_GROUPS = '{ 0x0-0xffff, 0x10002-0x10003, 0x1ff000000-0x1ffffffff }';
/** The first 80 bits of all of them; the matches below prefix zero bits. */
const LINK_SCOPE = '0xff020000000000000000';
const TO_LINK_GROUP = 'ip6 daddr { ff02::/112, ff02::1:2/127, ff02::1:ff00:0/104 }';

function record6(at: number): string {
  const from = 64 + 160 * at;
  return `@th,${from},8 1-6 @th,${from + 8},104 ${LINK_SCOPE} @th,${from + 112},48 ${LINK_GROUPS}`;
}

/** Matches for the length of the frame's payload: the packet alone, or padded with zeros where it is shorter than the shortest frame. */
function whole4(length: number): string[] {
  const filled = PADDED_LENGTHS.filter((all) => all > length);
  return [
    `ip length ${length} meta length ${length}`,
    ...filled.map(
      (all) => `ip length ${length} meta length ${all} @nh,${8 * length},${8 * (all - length)} 0x0`,
    ),
  ];
}

/**
 * Chains `up_igmp` and `up_mld` for a host's messages about groups of its link, each rule ending in `accept` (counter and verdict); they
 * return for other packets.
 */
export function membershipChains(accept: string): readonly NftChain[] {
  const records = (of: (at: number) => string, count: number): string =>
    RECORDS.slice(0, count)
      .map((_, at) => of(at))
      .join(' ');
  const old6 = `icmpv6 code 0 @th,32,112 ${LINK_SCOPE} @th,144,48 ${LINK_GROUPS}`;
  return [
    {
      name: 'up_igmp',
      why: 'reports and leaves for groups of the link only, without sources, nothing after them',
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
        `${nftWhole6(32)} icmpv6 type 131 ${old6} ${TO_LINK_GROUP} ${accept}`,
        `${nftWhole6(32)} icmpv6 type 132 ${old6} ip6 daddr ff02::2 ${accept}`,
        ...RECORDS.map(
          (count) =>
            `${nftWhole6(16 + 20 * count)} icmpv6 type 143 icmpv6 code 0 ip6 daddr ff02::16 @th,32,32 ${count} ${records(record6, count)} ${accept}`,
        ),
      ],
    },
  ];
}
