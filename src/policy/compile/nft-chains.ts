// The chains that judge frames between lan and wan, one per ether type and direction. Every path ends in a verdict, so block mode and watch
// mode differ only in the ends (`leak`, `leak_down`, `held`). The order matters: src/policy/filter/packet-filter.ts follows the same one.
// Chains by packet form and tunnel: src/policy/filter/tunnels.ts.

import { allowRules, prefixText } from '../filter/allow.ts';
import { answeredChain, needsAnswer } from '../filter/answered.ts';
import { NFT_TO_RECENT_PEER, nftEapol } from '../filter/recent-peers.ts';
import { NFT_DISCOVERY, nftCountDiscovery } from '../filter/discovery.ts';
import { MESSAGE_KINDS, PORT_KINDS, PROTOCOL_KINDS, counterName } from './counted.ts';
import type { CountedVerdict, Direction } from './counted.ts';
import { nftNear } from './server-groups.ts';
import { cutChains, cutLearns, nftCut } from '../filter/cut-answers.ts';
import { directRules, groupsMatch, isOpenProfile } from '../filter/direct.ts';
import { nftEssential } from '../filter/essential.ts';
import { icmp } from '../filter/fields.ts';
import { is, nftTexts } from '../filter/match.ts';
import { OPENINGS } from '../filter/openings.ts';
import type { Opening } from '../filter/openings.ts';
import {
  mustTunnelForms,
  bootstrapLengths,
  bootstrapNames,
  nameScan,
  nftBytes,
  nftHost,
  wireName,
} from '../servers/names.ts';
import { inPieces } from './nft-model.ts';
import type { NftChain } from './nft-model.ts';
import type { LearnedState } from '../servers/learned.ts';
import { nearNetworks, nftArp, nftSolicit } from '../filter/neighbours.ts';
import { nftUnassigned, nftUnassignedChain } from '../filter/unassigned.ts';
import { nftAsked, nftOwnAddresses } from '../filter/own-addresses.ts';
import { nftPassOpen, openLinks, passRules } from '../filter/passes.ts';
import { membershipChains } from '../filter/membership.ts';
import { farAddress, formChains, nftTunnels } from '../filter/tunnels.ts';
import type { Policy } from '../policy.ts';
import { NFT_DNS_QUERY } from '../shapes/shape.ts';
import { segmentChains } from '../filter/tcp-questions.ts';

/**
 * All chains of one direction, beginning with the one named after it. Each path ends in accept, or in the chain `leak` (up) or `leak_down`
 * (down); answers on hold go to `held`. Rules depend on `learned` only in what sets cannot hold: networks, and whether something is known
 * or open at all.
 */
export function wayChains(policy: Policy, learned: LearnedState, direction: Direction): readonly NftChain[] {
  const end = direction === 'up' ? 'leak' : 'leak_down';
  return [
    ...etherChains(direction, end),
    { name: `${direction}_pppoe`, rules: [`${count(direction, 'leak', 'pppoe')} goto ${end}`] },
    {
      name: `${direction}_eapol`,
      rules: nftEapol(
        direction,
        `${count(direction, 'essential', 'eapol')} accept`,
        `${count(direction, 'leak', 'eapol')} goto ${end}`,
      ),
    },
    ...nftArp(policy, learned, direction, `${count(direction, 'leak', 'arp')} goto ${end}`),
    ...discoveryChains(policy, learned, direction),
    ...(direction === 'down'
      ? [4 as const, 6 as const].flatMap((of) => nftUnassignedChain(policy, learned, of))
      : []),
    ...(direction === 'up' ? membershipChains(`${count('up', 'essential', 'igmp-mld')} accept`) : []),
    ...ipChains(policy, learned, direction, 4, end),
    ...ipChains(policy, learned, direction, 6, end),
    ...bootstrapMatches(policy, direction).flatMap(({ chains }) => chains),
    ...cutChains(bootstrapNames(policy), direction),
    ...questionChains(policy, direction),
    ...(needsAnswer(policy) ? ([4, 6] as const).map((family) => answeredChain(direction, family)) : []),
    { name: `${direction}_short`, rules: [`${count(direction, 'leak', 'malformed')} goto ${end}`] },
    classifyChain(direction, 'allowed', 'accept'),
    classifyChain(direction, 'pass', 'accept'),
    classifyChain(direction, 'leak', `goto ${end}`),
  ];
}

function count(direction: Direction, verdict: CountedVerdict, kind: string): string {
  return `counter name ${counterName(direction, verdict, kind)}`;
}

function etherChains(direction: Direction, end: string): NftChain[] {
  const inner = [
    ['ip', 'ip4'],
    ['ip6', 'ip6'],
    ['arp', 'arp'],
    ['0x888e', 'eapol'],
    ['0x8863', 'pppoe'],
    ['0x8864', 'pppoe'],
  ];
  const outer = [...inner, ['8021q', 'vlan'], ['8021ad', 'vlan']];
  const targets = (types: string[][]): string =>
    types.map(([type = '', chain = '']) => `${type} : goto ${direction}_${chain}`).join(', ');
  const other = `${count(direction, 'leak', 'l2-other')} goto ${end}`;
  return [
    {
      name: direction,
      why: 'the outer ether type as the bridge sees it: a tag, SNAP or PPPoE hides IP, and is not a tunnel',
      rules: [
        ...(direction === 'up' ? ['ether saddr @box_macs counter name box_spoofed drop'] : []),
        `ether type vmap { ${targets(outer)} }`,
        other,
      ],
    },
    {
      name: `${direction}_vlan`,
      why: 'one tag of VLAN 0 counts as no tag: the kernel has stripped it, and all other rules read what came after it',
      rules: [
        `vlan id 0 vlan type != { 0-1535, 8021q, 8021ad, 0x9100 } goto ${direction}_priority`,
        `${count(direction, 'leak', 'vlan')} goto ${end}`,
      ],
    },
    { name: `${direction}_priority`, rules: [`vlan type vmap { ${targets(inner)} }`, other] },
  ];
}

function ipChains(
  policy: Policy,
  learned: LearnedState,
  direction: Direction,
  family: 4 | 6,
  end: string,
): NftChain[] {
  const open = isOpenProfile(policy);
  const far = farAddress(direction, family);
  const port = direction === 'up' ? 'dport' : 'sport';
  const allowed = `goto ${direction}_allowed`;
  const opens: Readonly<Record<Opening, readonly string[]>> = {
    designated: [`${far} . meta l4proto . th ${port} @safe${family} ${allowed}`],
    bootstrap: [
      ...bootstrapMatches(policy, direction).map(({ rule }) => rule),
      ...nftCut(bootstrapNames(policy), direction, family),
    ],
    allow: policy.allow
      .filter(({ to }) => to.ipVersion === family)
      .flatMap((row) => allowRules(row, direction).flatMap(nftTexts))
      .map((match) => `${match}${allowed}`),
    discovery:
      policy.localChatter === 'ignore' ? NFT_DISCOVERY[family].map((match) => `${match}${allowed}`) : [],
    pass: [
      `ether ${direction === 'up' ? 'saddr' : 'daddr'} @pass_mac jump ${direction}_pass${family}`,
      `meta protocol @pass_all jump ${direction}_pass${family}`,
    ],
    direct: open ? nftDirect(policy, direction, family, far) : [],
  };
  return [
    ...formChains(policy, learned, direction, family, {
      odd: [
        ...nftEssential(policy, learned, 'odd', family, direction),
        ...(open ? nftTexts(groupsMatch(policy, family)).map((match) => `${match}${allowed}`) : []),
      ],
      leak: `${count(direction, 'leak', 'fragment')} goto ${end}`,
    }),
    {
      name: `${direction}_plain${family}`,
      why: 'tunnels first, which are nearly all packets; then essential traffic, then what the policy opens',
      rules: [
        ...(direction === 'down' ? nftUnassigned(policy, learned, family) : []),
        ...nftTunnels(policy, direction, family),
        ...nftEssential(policy, learned, 'plain', family, direction),
        ...OPENINGS.flatMap((opening) => opens[opening]),
        `goto ${direction}_leak`,
      ],
    },
    {
      name: `${direction}_pass${family}`,
      why: "what a captive portal needs: the network's own resolver, the ports and addresses of login pages",
      rules: passRules(learned, direction, family)
        .flatMap(nftTexts)
        .map((rule) => `${rule}goto ${direction}_pass`),
    },
  ];
}

/** Neighbour discovery; where everything may go direct, any neighbour may be looked up. */
function discoveryChains(policy: Policy, learned: LearnedState, direction: Direction): NftChain[] {
  const accept = `${count(direction, 'essential', 'nd')} accept`;
  const open = isOpenProfile(policy);
  if (direction === 'down') return nftAsked(learned, open, accept);
  if (open) return [];
  return [
    nftSolicit(policy, learned, accept),
    ...nftOwnAddresses(learned, accept),
    {
      name: 'up_answer',
      why: 'to the router and other hosts that may ask',
      rules: answerRules(policy, learned, accept),
    },
  ];
}

/**
 * Networks of allow rules, and during a captive-portal exception of the link, are near, too; the set of single addresses cannot hold them.
 */
function answerRules(policy: Policy, learned: LearnedState, accept: string): string[] {
  const near = [
    'ip6 daddr fe80::/10',
    ...nftNear(policy, 'ip6 daddr'),
    'ip6 daddr ff02::1',
    NFT_TO_RECENT_PEER,
  ];
  const allowed = nearNetworks(policy, 6).map(({ to, client }) => {
    const where = to.length === 0 ? '' : `ip6 daddr ${prefixText(to)}`;
    return client === undefined ? where : `ether saddr ${client} ${where}`.trimEnd();
  });
  const links = openLinks(learned).filter(({ network }) => network.includes(':'));
  const login = nftPassOpen(learned, 'saddr').flatMap((open) =>
    links.map(({ network }) => `${open} ip6 daddr ${network}`),
  );
  return [...near, ...allowed, ...login].map((where) => `${where} ${accept}`.trimStart());
}

function nftDirect(policy: Policy, direction: Direction, family: 4 | 6, far: string): string[] {
  const split = policy.profile === 'split';
  const answered = needsAnswer(policy);
  const port = direction === 'up' ? 'dport' : 'sport';
  const next = direction === 'up' ? `${direction}_question${family}` : `${direction}_allowed`;
  const open = answered ? `answered${family}` : 'allowed';
  const held = `udp sport 53 ${count('down', 'allowed', 'dns')} goto held`;
  return [
    `${far} @exposed${family} goto ${direction}_leak`,
    `ether ${direction === 'up' ? 'saddr' : 'daddr'} . ${far} @shut${family} goto ${direction}_leak`,
    ...(answered && direction === 'down' ? [held] : []),
    ...(split ? [`meta l4proto { tcp, udp } th ${port} 53 goto ${next}`] : []),
    ...directRules(direction, family, split).flatMap(({ match, opens }) =>
      nftTexts(match).map((text) => `${text}goto ${direction}_${opens ? open : 'leak'}`),
    ),
  ];
}

/** The question for an endpoint's own name, compared byte for byte but for case, and its answers. */
function bootstrapMatches(policy: Policy, direction: Direction): ReturnType<typeof inPieces>[] {
  return bootstrapNames(policy).map((host, at) => {
    const { least, most } = bootstrapLengths(host);
    const head =
      direction === 'down'
        ? 'udp sport 53 @th,80,1 0x1 @th,96,16 0x1 '
        : `udp dport 53 udp length ${least}-${most} ${NFT_DNS_QUERY} `;
    return inPieces(`${direction}_name_${at}`, head, nftHost('th', 8 + 12, host), cutLearns(direction));
  });
}

/** Split: searches questions for the mustTunnel names, at every offset where one can begin. */
function questionChains(policy: Policy, direction: Direction): NftChain[] {
  if (policy.profile !== 'split' || direction === 'down') return [];
  const { prefix, longest } = nameScan(policy);
  const scan = mustTunnelForms(policy).flatMap(({ suffix, itself }, nth) => {
    const bytes = wireName(suffix);
    // Two bytes more than in a datagram: over TCP a length field comes first.
    const offsets = Array.from({ length: prefix + 3 }, (_, at) => at).slice(itself ? 0 : 2);
    return offsets.map((offset) =>
      inPieces(`up_must_${nth}_${offset}`, '', nftBytes('ih', 12 + offset, bytes), 'up_leak'),
    );
  });
  const families = ([4, 6] as const).map((family) => ({
    name: `up_question${family}`,
    rules: [`meta l4proto tcp goto up_segment${family}`, 'jump up_query', 'goto up_names'],
  }));
  return [
    ...families,
    ...segmentChains(policy),
    {
      name: 'up_query',
      why: 'an ordinary question, short enough to be searched completely',
      rules: [
        ...(longest < 65535 ? [`udp length > ${longest} goto up_leak`] : []),
        `${NFT_DNS_QUERY} return`,
        'goto up_leak',
      ],
    },
    ...scan.flatMap(({ chains }) => chains),
    { name: 'up_names', rules: [...scan.map(({ rule }) => rule), 'goto up_allowed'] },
  ];
}

/** The chain that counts an IP packet by its kind (src/policy/compile/counted.ts) and ends with `end`. */
function classifyChain(direction: Direction, verdict: 'allowed' | 'pass' | 'leak', end: string): NftChain {
  const port = direction === 'up' ? 'dport' : 'sport';
  const named = (kind: string): string => `"${counterName(direction, verdict, kind)}"`;
  const ports = PORT_KINDS.map(([transport, number, kind]) => `${transport} . ${number} : ${named(kind)}`);
  const protocols = PROTOCOL_KINDS.map(([number, kind]) => `${number} : ${named(kind)}`);
  const rules = [
    ...MESSAGE_KINDS.flatMap(([types, kind]) =>
      nftTexts([is(icmp[6].type, ...types)]).map(
        (match) => `${match}${count(direction, verdict, kind)} ${end}`,
      ),
    ),
    ...nftCountDiscovery((kind) => counterName(direction, verdict, kind)).map((rule) => `${rule}${end}`),
    `counter name meta l4proto . th ${port} map { ${ports.join(', ')} } ${end}`,
    `counter name meta l4proto map { ${protocols.join(', ')} } ${end}`,
    `meta l4proto 0-255 ${count(direction, verdict, 'other-ip')} ${end}`,
    // The kernel knows no protocol where the IP header is malformed.
    `${count(direction, verdict, 'malformed')} ${end}`,
  ];
  return { name: `${direction}_${verdict}`, rules };
}
