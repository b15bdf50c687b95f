// Knows: what may pass between the wires and the box itself, and the ruleset of a box without policy. Must not know: tunnels.
// Follows README.md, guarantee 5: silent on wan but for DHCP and ARP of its own address; nothing on wan can open
// a connection to it; the page answers on lan only.

import { parseIpv4 } from '../../wire/ip/address.ts';
import { nftNear } from './server-groups.ts';
import type { LearnedState } from '../servers/learned.ts';
import { boxAddresses } from '../filter/neighbours.ts';
import type { NftChain } from './nft-model.ts';
import { FIXED_ADDRESS, SSH_PORT } from '../policy.ts';
import type { Policy } from '../policy.ts';

/**
 * Ports of a bridge whose policy is not valid: enough to be reached and mended. No door for ssh: whether one is wanted
 * stands in the policy that cannot be read.
 */
export interface ClosedPorts {
  readonly lan: string;
  readonly wan: string;
  readonly webPort: number;
}

/**
 * Link-local groups that end at the bridge, so that the prerouting hook never sees them: they are counted here. Not 0 and 3,
 * which are forwarded, nor 1 and e, which the bridge takes before any hook (src/policy/compile/counted.ts).
 */
const KEPT_GROUPS = [0x2, 0x4, 0x5, 0x6, 0x7, 0x8, 0x9, 0xa, 0xb, 0xc, 0xd, 0xf];
const KEPT = `ether daddr { ${KEPT_GROUPS.map((group) => `01:80:c2:00:00:0${group.toString(16)}`).join(', ')} }`;

const SILENCED = 'counter name box_silenced drop';

/** Bits in front of ARP or IP behind one tag (which the kernel takes off), two, three, SNAP, SNAP behind one or two. */
const HIDDEN_AT = [0, 32, 64, 96, 128];
const TAG_TYPES = '{ 0x8100, 0x88a8, 0x9100 }';
/**
 * Whoever unpacks priority tags unpacks any number of them (Linux does), so what lies deeper than the places above are read is
 * let through to nobody: no network uses five tags, nor two inside of SNAP.
 */
const DEEPER = `@nh,48,16 ${TAG_TYPES} @nh,80,16 ${TAG_TYPES}`;
/** Sender and target, in bits: IPv4, ARP. */
const PLACES = [
  { from: 96, to: 128 },
  { from: 112, to: 192 },
];

/**
 * The box's addresses are the box's toward lan alone: no question for them reaches wan, and nobody there can say they are
 * theirs, which would be the page's password. Chains that return; `crossing` jumps to them, in every mode.
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
      why: 'tags, SNAP: no rule of ARP or IP reads what is inside',
      rules: hidden.length === 0 ? [] : [...hidden, `${DEEPER} ${refused}`],
    },
  ];
}

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
        // The answer to a question of our own, never about a client: the page's answers would go astray. A question from wan is not answered.
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
        // Not whom a laptop has it look for, by a segment from an address of its choosing.
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
 * Only a tag of VLAN 0 is none (the rules below do not ask the frame for its type, but the kernel, which has taken one tag off).
 * Whatever else has one is for no address of ours.
 */
const TAGGED = ['ether type 8021ad', 'vlan id != 0'].map((tag) => `${tag} counter name box_refused drop`);

function lanRules(lan: string, ports: readonly number[]): string[] {
  return [
    `iifname "${lan}" arp operation { request, reply } accept`,
    ...ports.map((port) => `iifname "${lan}" meta protocol ip tcp dport ${port} accept`),
    `iifname "${lan}" icmp type echo-request accept`,
  ];
}

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
