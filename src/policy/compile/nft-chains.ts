// Knows: the chains that judge frames between lan and wan, one per ether type and way. Must not know: sets' contents.
// Every path ends in a verdict, so watch mode differs from block mode in the chains `leak` and `leak_down` alone.
// Order matters, and src/policy/filter/gate.ts follows the same; forms of packets and tunnels: src/policy/filter/tunnels.ts.

import { allowRules, prefixText } from '../filter/allow.ts';
import { answeredChain, needsAnswer } from '../filter/answered.ts';
import { NFT_TO_ASKER, nftEapol } from '../filter/askers.ts';
import { NFT_CHATTER, nftCountChatter } from '../filter/chatter.ts';
import { MESSAGE_KINDS, PORT_KINDS, PROTOCOL_KINDS, counterName } from './counted.ts';
import type { CountedVerdict, Way } from './counted.ts';
import { nftNear } from './crowds.ts';
import { cutChains, cutLearns, nftCut } from '../filter/cut-answers.ts';
import { directRules, groupsMatch, isOpenProfile } from '../filter/direct.ts';
import { nftEssential } from '../filter/essential.ts';
import { icmp } from '../filter/fields.ts';
import { is, nftTexts } from '../filter/match.ts';
import { OPENINGS } from '../filter/openings.ts';
import type { Opening } from '../filter/openings.ts';
import {
  heldForms,
  holeLengths,
  holeNames,
  nameScan,
  nftBytes,
  nftHost,
  wireName,
} from '../servers/names.ts';
import { inPieces } from './nft-model.ts';
import type { NftChain } from './nft-model.ts';
import type { LearnedState } from '../servers/learned.ts';
import { nearNetworks, nftArp, nftSolicit } from '../filter/neighbours.ts';
import { nftNobodys, nftNobodysChain } from '../filter/nobodys.ts';
import { nftAsked, nftOwnAddresses } from '../filter/own-addresses.ts';
import { nftPassOpen, openLinks, passRules } from '../filter/passes.ts';
import { membershipChains } from '../filter/membership.ts';
import { farAddress, formChains, nftTunnels } from '../filter/tunnels.ts';
import type { Policy } from '../policy.ts';
import { NFT_DNS_QUERY } from '../shapes/shape.ts';
import { segmentChains } from '../filter/tcp-questions.ts';

/** All chains of one way. */
export function wayChains(policy: Policy, learned: LearnedState, way: Way): readonly NftChain[] {
  const end = way === 'up' ? 'leak' : 'leak_down';
  return [
    ...etherChains(way, end),
    { name: `${way}_pppoe`, rules: [`${count(way, 'leak', 'pppoe')} goto ${end}`] },
    {
      name: `${way}_eapol`,
      rules: nftEapol(
        way,
        `${count(way, 'plumbing', 'eapol')} accept`,
        `${count(way, 'leak', 'eapol')} goto ${end}`,
      ),
    },
    ...nftArp(policy, learned, way, `${count(way, 'leak', 'arp')} goto ${end}`),
    ...discoveryChains(policy, learned, way),
    ...(way === 'down' ? [4 as const, 6 as const].flatMap((of) => nftNobodysChain(policy, learned, of)) : []),
    ...(way === 'up' ? membershipChains(`${count('up', 'plumbing', 'igmp-mld')} accept`) : []),
    ...ipChains(policy, learned, way, 4, end),
    ...ipChains(policy, learned, way, 6, end),
    ...holeMatches(policy, way).flatMap(({ chains }) => chains),
    ...cutChains(holeNames(policy), way),
    ...questionChains(policy, way),
    ...(needsAnswer(policy) ? ([4, 6] as const).map((family) => answeredChain(way, family)) : []),
    { name: `${way}_short`, rules: [`${count(way, 'leak', 'malformed')} goto ${end}`] },
    classifyChain(way, 'allowed', 'accept'),
    classifyChain(way, 'pass', 'accept'),
    classifyChain(way, 'leak', `goto ${end}`),
  ];
}

function count(way: Way, verdict: CountedVerdict, kind: string): string {
  return `counter name ${counterName(way, verdict, kind)}`;
}

function etherChains(way: Way, end: string): NftChain[] {
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
    types.map(([type = '', chain = '']) => `${type} : goto ${way}_${chain}`).join(', ');
  const other = `${count(way, 'leak', 'l2-other')} goto ${end}`;
  return [
    {
      name: way,
      why: 'the outer ether type as the bridge sees it: a tag, SNAP or PPPoE hides IP, and is no tunnel',
      rules: [
        ...(way === 'up' ? ['ether saddr @box_macs counter name box_spoofed drop'] : []),
        `ether type vmap { ${targets(outer)} }`,
        other,
      ],
    },
    {
      name: `${way}_vlan`,
      why: 'one tag of VLAN 0 is none: the kernel has taken it off, and all other rules read what was behind it',
      rules: [
        `vlan id 0 vlan type != { 0-1535, 8021q, 8021ad, 0x9100 } goto ${way}_priority`,
        `${count(way, 'leak', 'vlan')} goto ${end}`,
      ],
    },
    { name: `${way}_priority`, rules: [`vlan type vmap { ${targets(inner)} }`, other] },
  ];
}

function ipChains(policy: Policy, learned: LearnedState, way: Way, family: 4 | 6, end: string): NftChain[] {
  const open = isOpenProfile(policy);
  const far = farAddress(way, family);
  const port = way === 'up' ? 'dport' : 'sport';
  const allowed = `goto ${way}_allowed`;
  const opens: Readonly<Record<Opening, readonly string[]>> = {
    designated: [`${far} . meta l4proto . th ${port} @safe${family} ${allowed}`],
    hole: [...holeMatches(policy, way).map(({ rule }) => rule), ...nftCut(holeNames(policy), way, family)],
    allow: policy.allow
      .filter(({ to }) => to.ipVersion === family)
      .flatMap((row) => allowRules(row, way).flatMap(nftTexts))
      .map((match) => `${match}${allowed}`),
    chatter: policy.localChatter === 'ignore' ? NFT_CHATTER[family].map((match) => `${match}${allowed}`) : [],
    pass: [
      `ether ${way === 'up' ? 'saddr' : 'daddr'} @pass_mac jump ${way}_pass${family}`,
      `meta protocol @pass_all jump ${way}_pass${family}`,
    ],
    direct: open ? nftDirect(policy, way, family, far) : [],
  };
  return [
    ...formChains(policy, learned, way, family, {
      odd: [
        ...nftEssential(policy, learned, 'odd', family, way),
        ...(open ? nftTexts(groupsMatch(policy, family)).map((match) => `${match}${allowed}`) : []),
      ],
      leak: `${count(way, 'leak', 'fragment')} goto ${end}`,
    }),
    {
      name: `${way}_plain${family}`,
      why: 'tunnels first: they are nearly everything; then plumbing, then what the policy opens',
      rules: [
        ...(way === 'down' ? nftNobodys(policy, learned, family) : []),
        ...nftTunnels(policy, way, family),
        ...nftEssential(policy, learned, 'plain', family, way),
        ...OPENINGS.flatMap((opening) => opens[opening]),
        `goto ${way}_leak`,
      ],
    },
    {
      name: `${way}_pass${family}`,
      why: "what a captive portal needs: the network's own resolver, the ports and places of login pages",
      rules: passRules(learned, way, family)
        .flatMap(nftTexts)
        .map((rule) => `${rule}goto ${way}_pass`),
    },
  ];
}

/** Neighbour discovery, where not any neighbour may be looked for. */
function discoveryChains(policy: Policy, learned: LearnedState, way: Way): NftChain[] {
  const accept = `${count(way, 'plumbing', 'nd')} accept`;
  const open = isOpenProfile(policy);
  if (way === 'down') return nftAsked(learned, open, accept);
  if (open) return [];
  return [
    nftSolicit(policy, learned, accept),
    ...nftOwnAddresses(learned, accept),
    {
      name: 'up_answer',
      why: 'to the router and whoever may ask',
      rules: answerRules(policy, learned, accept),
    },
  ];
}

/** Networks of allow rules and, during a pass, of the link are near, too; a set of single addresses cannot hold them. */
function answerRules(policy: Policy, learned: LearnedState, accept: string): string[] {
  const near = ['ip6 daddr fe80::/10', ...nftNear(policy, 'ip6 daddr'), 'ip6 daddr ff02::1', NFT_TO_ASKER];
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

function nftDirect(policy: Policy, way: Way, family: 4 | 6, far: string): string[] {
  const split = policy.profile === 'split';
  const answered = needsAnswer(policy);
  const port = way === 'up' ? 'dport' : 'sport';
  const next = way === 'up' ? `${way}_question${family}` : `${way}_allowed`;
  const open = answered ? `answered${family}` : 'allowed';
  const held = `udp sport 53 ${count('down', 'allowed', 'dns')} goto held`;
  return [
    `${far} @exposed${family} goto ${way}_leak`,
    `ether ${way === 'up' ? 'saddr' : 'daddr'} . ${far} @shut${family} goto ${way}_leak`,
    ...(answered && way === 'down' ? [held] : []),
    ...(split ? [`meta l4proto { tcp, udp } th ${port} 53 goto ${next}`] : []),
    ...directRules(way, family, split).flatMap(({ match, opens }) =>
      nftTexts(match).map((text) => `${text}goto ${way}_${opens ? open : 'leak'}`),
    ),
  ];
}

/** The question for an endpoint's own name, byte for byte but for case, and its answers. */
function holeMatches(policy: Policy, way: Way): ReturnType<typeof inPieces>[] {
  return holeNames(policy).map((host, at) => {
    const { least, most } = holeLengths(host);
    const head =
      way === 'down'
        ? 'udp sport 53 @th,80,1 0x1 @th,96,16 0x1 '
        : `udp dport 53 udp length ${least}-${most} ${NFT_DNS_QUERY} `;
    return inPieces(`${way}_name_${at}`, head, nftHost('th', 8 + 12, host), cutLearns(way));
  });
}

/** Split: the must-tunnel names, at every offset at which they can stand. */
function questionChains(policy: Policy, way: Way): NftChain[] {
  if (policy.profile !== 'split' || way === 'down') return [];
  const { prefix, longest } = nameScan(policy);
  const scan = heldForms(policy).flatMap(({ suffix, itself }, nth) => {
    const bytes = wireName(suffix);
    // Two bytes more than in a datagram: over TCP a length stands in front.
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
      why: 'an ordinary question, short enough to be read whole',
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

/** Counts an IP packet by its kind, as src/policy/compile/counted.ts does, and ends. */
function classifyChain(way: Way, verdict: 'allowed' | 'pass' | 'leak', end: string): NftChain {
  const port = way === 'up' ? 'dport' : 'sport';
  const named = (kind: string): string => `"${counterName(way, verdict, kind)}"`;
  const ports = PORT_KINDS.map(([transport, number, kind]) => `${transport} . ${number} : ${named(kind)}`);
  const protocols = PROTOCOL_KINDS.map(([number, kind]) => `${number} : ${named(kind)}`);
  const rules = [
    ...MESSAGE_KINDS.flatMap(([types, kind]) =>
      nftTexts([is(icmp[6].type, ...types)]).map((match) => `${match}${count(way, verdict, kind)} ${end}`),
    ),
    ...nftCountChatter((kind) => counterName(way, verdict, kind)).map((rule) => `${rule}${end}`),
    `counter name meta l4proto . th ${port} map { ${ports.join(', ')} } ${end}`,
    `counter name meta l4proto map { ${protocols.join(', ')} } ${end}`,
    `meta l4proto 0-255 ${count(way, verdict, 'other-ip')} ${end}`,
    // No protocol is known where the IP header does not hold together.
    `${count(way, verdict, 'malformed')} ${end}`,
  ];
  return { name: `${way}_${verdict}`, rules };
}
