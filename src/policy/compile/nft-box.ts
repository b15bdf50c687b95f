// Rules for frames between the wires and the box itself, and the ruleset of a box without a valid policy. Follows README.md, guarantee 5:
// the box sends nothing on wan but DHCP and ARP for its own address, nothing on wan can open a connection to it, and the page answers on
// lan only.

import { parseIpv4 } from '../../wire/ip/address.ts';
import { nftNear } from './server-groups.ts';
import type { LearnedState } from '../servers/learned.ts';
import { boxAddresses } from '../filter/neighbours.ts';
import type { NftChain } from './nft-model.ts';
import { FIXED_ADDRESS, SSH_PORT } from '../policy.ts';
import type { Policy } from '../policy.ts';

/**
 * Ports of a bridge whose policy is not valid: enough to reach the page and correct it. Names of interfaces, and the page's TCP port. SSH
 * stays closed, because only the policy, which cannot be read, could open it.
 */
export interface ClosedPorts {
  readonly lan: string;
  readonly wan: string;
  readonly webPort: number;
}

/**
 * Link-local groups that end at the bridge. The prerouting hook never sees them, so they are counted here. Without 0 and 3,
 * which are forwarded, and 1 and e, which the bridge takes before any hook (src/policy/compile/counted.ts).
 */
const KEPT_GROUPS = [0x2, 0x4, 0x5, 0x6, 0x7, 0x8, 0x9, 0xa, 0xb, 0xc, 0xd, 0xf];
const KEPT = `ether daddr { ${KEPT_GROUPS.map((group) => `01:80:c2:00:00:0${group.toString(16)}`).join(', ')} }`;

const SILENCED = 'counter name box_silenced drop';

/** Bits before ARP or IP: after one tag (which the kernel strips), two tags, three, SNAP, SNAP after one tag or two. */
const HIDDEN_AT = [0, 32, 64, 96, 128];
const TAG_TYPES = '{ 0x8100, 0x88a8, 0x9100 }';
/**
 * A receiver that strips priority tags strips any number of them (Linux does), so frames nested more deeply than the offsets above
 * are dropped: no network uses five tags, or two inside SNAP.
 */
const DEEPER = `@nh,48,16 ${TAG_TYPES} @nh,80,16 ${TAG_TYPES}`;
/** Offsets of sender and target address in bits: IPv4, then ARP. */
const PLACES = [
  { from: 96, to: 128 },
  { from: 112, to: 192 },
];

/**
 * Chains `box_ip`, `box_arp` and `box_hidden`, to which `crossing` jumps in every mode; they return. Frames that carry an address of the
 * box never cross: no question for it reaches wan, and no machine on wan can claim it, which would give it the page's password.
 */
export function boxAddressChains(policy: Policy, learned: LearnedState): readonly NftChain[] {
  const [spoofed, refused] = ['counter name box_spoofed drop', 'counter name box_refused drop'];
  const hidden = boxAddresses(policy, learned).flatMap((address) => {
    const word = `0x${(parseIpv4(address) ?? 0).toString(16)}`;
    return HIDDEN_AT.flatMap((at) =>
      PLACES.flatMap(({ from, to }) => [
        `@nh,${at + from},32 ${word} ${spoofed}`,
        `@nh,${at + to},32 ${word} ${refused}`,
      ]),
    );
  });
  return [
    { name: 'box_ip', rules: [`ip saddr @box4 ${spoofed}`, `ip daddr @box4 ${refused}`] },
    { name: 'box_arp', rules: [`arp saddr ip @box4 ${spoofed}`, `arp daddr ip @box4 ${refused}`] },
    {
      name: 'box_hidden',
      why: 'tags and SNAP: rules for ARP and IP do not look inside',
      rules: hidden.length === 0 ? [] : [...hidden, `${DEEPER} ${refused}`],
    },
  ];
}

/** Chains `to_box` (hook input) and `from_box` (hook output), and those that they end in: all that the box may say and be told. */
export function boxChains(policy: Policy): readonly NftChain[] {
  const { lan, wan } = policy.bridge;
  const { address, ssh } = policy.management;
  const dhcp = address === 'dhcp';
  const any = address !== 'none';
  return [
    { name: 'kept', rules: ['counter name leak_dropped drop'] },
    { name: 'kept_down', rules: ['counter name down_dropped drop'] },
    {
      name: 'to_box',
      hook: 'input',
      rules: [
        `iifname "${lan}" ether saddr @box_macs counter name box_spoofed drop`,
        `iifname "${lan}" ${KEPT} counter name up_leak_l2_other goto kept`,
        `iifname "${wan}" ${KEPT} counter name down_leak_l2_other goto kept_down`,
        ...TAGGED,
        ...(any ? lanRules(lan, [policy.web.port, ...(ssh ? [SSH_PORT] : [])]) : []),
        // Replies to the box's own questions, but not for a client's address: the page's answers would go to the wrong machine. Requests
        // from wan are not answered.
        ...(any
          ? nftNear(policy, 'arp saddr ip').map(
              (near) => `iifname "${wan}" arp operation reply arp saddr ip != @mine4 ${near} accept`,
            )
          : []),
        ...(dhcp ? [`iifname "${wan}" meta protocol ip udp dport 68 accept`] : []),
        'counter name box_refused drop',
      ],
    },
    {
      name: 'from_box',
      hook: 'output',
      rules: [
        ...(any ? [`oifname "${lan}" accept`, `arp saddr ip ${FIXED_ADDRESS} ${SILENCED}`] : []),
        // Only for near addresses: a laptop could make the box look for any address, by a segment from that address.
        ...(any
          ? nftNear(policy, 'arp daddr ip').map(
              (near) => `oifname "${wan}" arp operation request arp daddr ip != @box4 ${near} accept`,
            )
          : []),
        ...(dhcp ? [`oifname "${wan}" ether type ip udp sport 68 udp dport 67 accept`] : []),
        SILENCED,
      ],
    },
  ];
}

/**
 * A tag of VLAN 0 counts as no tag (the rules below match the type from the kernel, which has stripped one tag, not the frame's).
 * Frames with any other tag are not for the box.
 */
const TAGGED = ['ether type 8021ad', 'vlan id != 0'].map((tag) => `${tag} counter name box_refused drop`);

function lanRules(lan: string, ports: readonly number[]): string[] {
  return [
    `iifname "${lan}" arp operation { request, reply } accept`,
    ...ports.map((port) => `iifname "${lan}" meta protocol ip tcp dport ${port} accept`),
    `iifname "${lan}" icmp type echo-request accept`,
  ];
}

/** Chains of a box without a valid policy: nothing crosses; with ports, the page answers on lan; without, nothing is answered. */
export function closedChains(ports: ClosedPorts | undefined): readonly NftChain[] {
  const lan = ports === undefined ? [] : [...TAGGED, ...lanRules(ports.lan, [ports.webPort])];
  const closed = 'counter name closed_dropped drop';
  return [
    {
      name: 'entering',
      hook: 'prerouting',
      rules: [...(ports === undefined ? [] : [`iifname "${ports.lan}" accept`]), closed],
    },
    { name: 'crossing', hook: 'forward', rules: [closed] },
    { name: 'to_box', hook: 'input', rules: [...lan, 'counter name box_refused drop'] },
    {
      name: 'from_box',
      hook: 'output',
      rules: [...(ports === undefined ? [] : [`oifname "${ports.lan}" accept`]), SILENCED],
    },
  ];
}
