// Which addresses a client may look up on its link, for the judge and the ruleset: RFC 826, 5227, 4861. Asking who has an address tells
// the whole link that it is wanted: a destination in the clear. So a client may only ask for what it needs to use its tunnel, and only
// claim its own address.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import {
  addressText,
  inNetwork,
  isLinkLocal,
  isUnspecified,
  parseAddress,
  parseMac,
} from '../../wire/ip/address.ts';
import { clientAndNetwork, prefixText } from './allow.ts';
import type { Direction } from '../compile/counted.ts';
import { nftNear, nftNearTarget } from '../compile/server-groups.ts';
import type { Place } from '../compile/server-groups.ts';
import { isOpenProfile } from './direct.ts';
import { Arp, arp, ether } from './fields.ts';
import type { AddressField } from './fields.ts';
import {
  anyOf,
  byDirection,
  is,
  isIn,
  isInNetwork,
  named,
  networkOfText,
  nftTexts,
  predicateOf,
} from './match.ts';
import type { Named, Predicate, Term } from './match.ts';
import { isTranslated } from '../servers/hosts.ts';
import type { Host } from '../servers/hosts.ts';
import type { LearnedNeighbour, LearnedState } from '../servers/learned.ts';
import { bootstrapNames } from '../servers/names.ts';
import type { NftChain } from '../compile/nft-model.ts';
import { once } from '../compile/per-policy.ts';
import { FIXED_ADDRESS } from '../policy.ts';
import type { AllowRule, Policy } from '../policy.ts';
import { NFT_FOREIGN_SOURCE, compileOwnAddresses } from './own-addresses.ts';
import { compilePasses, nftPassOpen, openLinks } from './passes.ts';
import { EtherType } from '../../wire/link/ethernet.ts';
import { Icmp6 } from '../../wire/ip/icmp.ts';
import { Protocol } from '../../wire/ip/ip.ts';

/** What a client may look up while its gateway is not known: networks that are not on the internet (RFC 1918, 6598, 3927). */
const LINK_LOCAL4 = '169.254.0.0/16';
const PRIVATE4 = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', LINK_LOCAL4];

/** What may be looked up on the link, for one policy and learned state (src/policy/filter/neighbours.ts). */
export interface Neighbours {
  /** Whether an ARP packet for Ethernet and IPv4 (RFC 826) may cross. */
  mayResolve4(packet: ParsedPacket, direction: Direction): boolean;
  /** Whether a router solicitation may go up. */
  mayAskRouter(packet: ParsedPacket): boolean;
  /** Whether a neighbour solicitation or advertisement may go up; hop limit and length have been checked. */
  mayResolve6(packet: ParsedPacket): boolean;
  /** Whether a neighbour solicitation may come down; its hop limit has been checked. */
  mayBeAsked6(packet: ParsedPacket): boolean;
  /** Whether the packet's IPv4 destination is a known address of a client. */
  isClient4(packet: ParsedPacket): boolean;
  /**
   * Whether the packet's destination may be looked up: it is in the sets `near4` and `near6`, a network of servers, or behind NAT64's
   * prefix.
   */
  isNear(packet: ParsedPacket): boolean;
  /** Whether ARP or IPv4 has an address of the box as sender or target: it is judged like any other frame, but never crosses. */
  bearsBox(packet: ParsedPacket): boolean;
}

/** IPv4 addresses of the box: the fixed one, then those that it was given, each once; none without a management address. */
export function boxAddresses(policy: Policy, learned: LearnedState): readonly string[] {
  if (policy.management.address === 'none') return [];
  return [...new Set([FIXED_ADDRESS, ...learned.box])];
}

/**
 * Learned addresses on the link, with their remaining seconds. The network's own resolver is one only where it may be asked, and only with
 * a private IPv4 address.
 */
export function learnedNeighbours(policy: Policy, learned: LearnedState): readonly LearnedNeighbour[] {
  const asks = bootstrapNames(policy).length > 0 || learned.passes.length > 0;
  const near = learned.resolvers.filter(({ address }) => {
    const parsed = asks ? parseAddress(address) : undefined;
    return parsed?.ipVersion === 4 && isPrivate4(parsed.words);
  });
  return [...learned.neighbours, ...near];
}

const PRIVATE_NETWORKS = PRIVATE4.map(networkOfText);

function isPrivate4(words: Uint32Array): boolean {
  return PRIVATE_NETWORKS.some((network) => isInNetwork(words, network));
}

/** Whether no router has been learned: any link-local address may then be one. */
function isRouterUnknown(learned: LearnedState): boolean {
  return !learned.neighbours.some(({ address }) => address.includes(':'));
}

/**
 * Networks whose hosts a client may look up, of one family or both: those of allow rules (also for one client alone), and networks of
 * servers, of which any may be on the link.
 */
export function nearNetworks(policy: Policy, family?: 4 | 6): readonly Pick<AllowRule, 'to' | 'client'>[] {
  return everyNearNetwork(policy).filter(({ to }) => family === undefined || to.ipVersion === family);
}

const everyNearNetwork = once((policy: Policy): readonly Pick<AllowRule, 'to' | 'client'>[] => {
  const servers = policy.tunnels.flatMap(({ endpoints }) =>
    endpoints.flatMap(({ hostIs, host, length }): Pick<AllowRule, 'to'>[] =>
      // A network of all addresses (peers at any address) makes no host near.
      length === undefined || length === 0
        ? []
        : [{ to: { ipVersion: hostIs === 'ipv6' ? 6 : 4, address: host, length } }],
    ),
  );
  const distinct = new Map(servers.map((server) => [`${server.to.address}/${server.to.length}`, server]));
  return [...policy.allow, ...distinct.values()];
});

/** Servers' addresses that may be on the link. */
export interface NearHosts {
  /** IPv4 addresses as 32-bit numbers. */
  readonly four: ReadonlySet<number>;
  /** IPv6 addresses as `addressText` writes them. */
  readonly six: ReadonlySet<string>;
  /** Networks of servers. */
  readonly networks: readonly Host[];
}

/** Those of the hosts that may be looked up on the link; not those behind a NAT64 prefix, and no network of all addresses. */
export function nearHosts(hosts: readonly Host[]): NearHosts {
  const own = hosts.filter(({ isTranslated }) => isTranslated !== true);
  const single = own.filter(({ bits }) => bits === 128);
  return {
    four: new Set(single.filter(({ ipVersion }) => ipVersion === 4).map(({ words }) => words[3] ?? 0)),
    six: new Set(single.filter(({ ipVersion }) => ipVersion === 6).map(({ words }) => addressText(6, words))),
    // Peers at any address (prefix length 0) make no host near.
    networks: own.filter(
      ({ bits, protocol, ipVersion }) =>
        bits < 128 && bits > (ipVersion === 4 ? 96 : 0) && protocol === Protocol.UDP,
    ),
  };
}

/**
 * The judge's tests, which say what the kernel's sets and chains do. `fixed` are the servers that the policy names by address, `hosts` the
 * others.
 */
export function compileNeighbours(
  policy: Policy,
  learned: LearnedState,
  fixed: NearHosts,
  hosts: readonly Host[],
): Neighbours {
  const box = new Set(boxAddresses(policy, learned).map(wordOf));
  const other = nearHosts(hosts);
  const servers = [...fixed.networks, ...other.networks];
  const others4 = new Set([
    ...other.four,
    ...learnedNeighbours(policy, learned)
      .filter(({ address }) => !address.includes(':'))
      .map(({ address }) => wordOf(address)),
    ...box,
  ]);
  const others6 = new Set([
    ...other.six,
    ...learned.neighbours.flatMap(({ address }) => {
      const words = address.includes(':') ? parseAddress(address)?.words : undefined;
      return words === undefined ? [] : [addressText(6, words)];
    }),
  ]);
  const near4 = { has: (word: number) => others4.has(word) || fixed.four.has(word) };
  const near6 = { has: (text: string) => others6.has(text) || fixed.six.has(text) };
  const allow = nearNetworks(policy, 6).map(({ to, client: only }) => ({
    network: networkOfText(prefixText(to)),
    client: only === undefined ? -1 : (parseMac(only) ?? -1),
  }));
  const own = new Map<number, Set<number>>();
  for (const { mac, address } of learned.own) {
    const key = parseMac(mac) ?? -1;
    own.set(key, (own.get(key) ?? new Set()).add(wordOf(address)));
  }
  const mine = new Set(learned.own.map(({ address }) => wordOf(address)));
  const settled = new Set(learned.settled.map(({ mac }) => parseMac(mac)));
  const anyRouter = isRouterUnknown(learned);
  const passes = compilePasses(learned);
  const mayLogIn = (words: Uint32Array, client: number): boolean =>
    passes.isOpenFor(client) && passes.isOnLink6(words);
  const own6 = compileOwnAddresses(learned);

  const isAllowed = (words: Uint32Array, client: number): boolean =>
    allow.some((row) => (row.client < 0 || row.client === client) && isInNetwork(words, row.network));

  const known: Known = {
    isOwn: (client, address) => own.get(client)?.has(address[3] ?? 0) === true,
    isKnown: (client) => own.has(client),
    isSettled: (client) => settled.has(client),
    isMine: (address) => mine.has(address[3] ?? 0),
    isNear: (address) => near4.has(address[3] ?? 0),
    isOpenFor: (client) => passes.isOpenFor(client),
  };
  const arpTests = byDirection((direction) => {
    const { form, about } = arpRules(policy, learned, direction);
    const any = (rules: readonly ArpRule[]): Predicate =>
      anyOf(rules.map((rule) => predicateOf(rule, known)));
    return { form: any(form), about: any(about) };
  });

  function mayResolve6(packet: ParsedPacket): boolean {
    const { destination, target, sourceMac } = packet;
    if (!own6.speaksAsItself(packet)) return false;
    if (packet.icmpType === Icmp6.NEIGHBOUR_ADVERTISEMENT) {
      return (
        packet.solicited ||
        isLinkLocal(destination) ||
        isAllNodes(destination) ||
        near6.has(addressText(6, destination)) ||
        isAllowed(destination, sourceMac) ||
        mayLogIn(destination, sourceMac)
      );
    }
    const toGroup = isSolicitedNode(destination);
    if (isUnspecified(packet.source)) return toGroup;
    // A host that asked a moment ago may only be answered: looking it up would show that the client is about to go there.
    if (isAllowed(target, sourceMac) || mayLogIn(target, sourceMac)) return true;
    if (!toGroup && !isLinkLocal(destination) && !near6.has(addressText(6, destination))) return false;
    return near6.has(addressText(6, target)) || (anyRouter && isLinkLocal(target));
  }

  return {
    mayResolve4: (packet, direction) => arpTests[direction].form(packet) && arpTests[direction].about(packet),
    mayResolve6,
    mayAskRouter: (packet) => own6.speaksAsItself(packet),
    mayBeAsked6: (packet) => own6.isAsked(packet),
    isNear: ({ ipVersion, destination }) =>
      (ipVersion === 4 ? near4.has(destination[3] ?? 0) : near6.has(addressText(6, destination))) ||
      isTranslated(ipVersion, destination) ||
      servers.some((net) => net.ipVersion === ipVersion && inNetwork(destination, net.words, net.bits)),
    isClient4: ({ destination }) => mine.has(destination[3] ?? 0),
    bearsBox: ({ outerEtherType, source, destination }) =>
      box.size > 0 &&
      (outerEtherType === EtherType.ARP || outerEtherType === EtherType.IPV4) &&
      (box.has(source[3] ?? 0) || box.has(destination[3] ?? 0)),
  };
}

/** What the judge looks up where the kernel has sets (own4, known, settled, mine4, near4, pass_mac). */
interface Known {
  isOwn(client: number, address: Uint32Array): boolean;
  isKnown(client: number): boolean;
  isSettled(client: number): boolean;
  isMine(address: Uint32Array): boolean;
  isNear(address: Uint32Array): boolean;
  isOpenFor(client: number): boolean;
}

type ArpRule = readonly Term<Known>[];

/** ARP for Ethernet and IPv4; other ARP has no operation in ParsedPacket. */
const ARP_FORM = named('arp htype 1 arp ptype ip arp hlen 6 arp plen 4', () => true);
const ARP: ArpRule = [ARP_FORM, is(arp.operation, Arp.REQUEST, Arp.REPLY)];
const [REQUEST, REPLY] = [is(arp.operation, Arp.REQUEST), is(arp.operation, Arp.REPLY)];

/** One rule of each list must hold: `form` for message and sender, `about` for the address that it is about. */
interface ArpRules {
  readonly form: readonly ArpRule[];
  readonly about: readonly ArpRule[];
}

function arpRules(policy: Policy, learned: LearnedState, direction: Direction): ArpRules {
  if (isOpenProfile(policy)) return { form: [ARP], about: [[]] };
  return direction === 'up' ? arpUp(policy, learned) : arpDown(policy, learned);
}

function arpUp(policy: Policy, learned: LearnedState): ArpRules {
  const { sender, target } = arp;
  const near = named<Known>(nftNear(policy, target.nft), (packet, known) => known.isNear(packet.destination));
  const unknown = named<Known>('ether saddr != @known', (packet, known) => !known.isKnown(packet.sourceMac));
  const unsettled = named<Known>(
    'ether saddr != @settled',
    (packet, known) => !known.isSettled(packet.sourceMac),
  );
  const isOwn = (field: AddressField): Named<Known> =>
    named(`ether saddr . ${field.nft} @own4`, (packet, known) =>
      known.isOwn(packet.sourceMac, field.read(packet)),
    );
  return {
    // From the client's own address, or from none yet; a client that is not known yet may have any private address.
    form: [
      [...ARP, isOwn(sender)],
      [ARP_FORM, REQUEST, isIn(sender, '0.0.0.0')],
      [...ARP, unknown, isIn(sender, ...PRIVATE4)],
    ],
    about: [
      [REPLY],
      [near],
      ...nearNetworks(policy, 4).map((row) => clientAndNetwork(row, ether.source, target)),
      ...arpOfPass(learned, 'saddr', target),
      [isOwn(target)],
      // A probe of a link-local address (RFC 5227 section 2.1.1, RFC 3927 section 2.2.1).
      [isIn(sender, '0.0.0.0'), isIn(target, LINK_LOCAL4)],
      [unsettled, isIn(target, ...PRIVATE4)],
    ],
  };
}

/** Requests for a client's own addresses, replies from those it may ask for: the addresses inside its tunnel are not to be found out. */
function arpDown(policy: Policy, learned: LearnedState): ArpRules {
  const { sender, target } = arp;
  const near = (field: AddressField & { readonly nft: Place }): Named<Known> =>
    named(nftNear(policy, field.nft), (packet, known) => known.isNear(field.read(packet)));
  const mine = (field: AddressField): Named<Known> =>
    named(`${field.nft} @mine4`, (packet, known) => known.isMine(field.read(packet)));
  const unsettled = named<Known>(
    'ether daddr != @settled',
    (packet, known) => !known.isSettled(packet.destinationMac),
  );
  const answers: readonly ArpRule[] = [
    [near(sender)],
    [mine(sender)],
    [isIn(sender, LINK_LOCAL4)],
    ...nearNetworks(policy, 4).map((row) => clientAndNetwork(row, ether.destination, sender)),
    ...arpOfPass(learned, 'daddr', sender),
    [unsettled, isIn(sender, ...PRIVATE4)],
  ];
  return {
    form: [ARP],
    about: [
      [REQUEST, mine(target)],
      [REQUEST, near(target)],
      ...(learned.own.length === 0 ? [[REQUEST, isIn(target, ...PRIVATE4)]] : []),
      ...answers.map((rule) => [REPLY, ...rule]),
    ],
  };
}

/** What else a client may look up during a captive-portal exception: any host on its link may have the login page. */
function arpOfPass(
  learned: LearnedState,
  client: 'saddr' | 'daddr',
  field: AddressField,
): readonly ArpRule[] {
  const open = named<Known>(nftPassOpen(learned, client), (packet, known) =>
    known.isOpenFor(client === 'saddr' ? packet.sourceMac : packet.destinationMac),
  );
  return openLinks(learned)
    .filter(({ network }) => !network.includes(':'))
    .map(({ network }) => [open, isIn(field, network)]);
}

/**
 * The chains for ARP in one direction, the first named `up_arp` or `down_arp`; frames out of bounds end in `leak` (counter and verdict).
 */
export function nftArp(
  policy: Policy,
  learned: LearnedState,
  direction: Direction,
  leak: string,
): NftChain[] {
  const accept = `counter name ${direction}_essential_arp accept`;
  const { form, about } = arpRules(policy, learned, direction);
  const open = isOpenProfile(policy);
  const next = direction === 'up' ? 'up_arp_for' : 'down_arp_is';
  const why = {
    up: "from the client's own address, or from none yet; a client that is not known yet may have any private address",
    down: "requests for a client's own addresses, replies from those it may ask for: not the addresses inside its tunnel",
  };
  const whose = form.flatMap(nftTexts).map((text) => `${text}${open ? accept : `jump ${next}`}`);
  const rules = [...(direction === 'up' ? spareRules(leak) : []), ...whose, leak];
  if (open) return [{ name: `${direction}_arp`, rules }];
  const whom = about.flatMap(nftTexts).map((text) => `${text}${accept}`);
  return [
    { name: `${direction}_arp`, why: why[direction], rules },
    direction === 'up'
      ? {
          name: next,
          why: 'for the gateway and other addresses that are needed to reach the tunnel',
          rules: whom,
        }
      : { name: next, rules: whom },
  ];
}

/** After the message only zeros that pad the shortest frame. */
function spareRules(leak: string): string[] {
  return [
    `meta length != { 28, 42, 46 } ${leak}`,
    // A tag, which the kernel has stripped, takes four bytes of the padding.
    `meta length 42 @nh,224,112 != 0x0 ${leak}`,
    `meta length 46 @nh,224,128 != 0x0 ${leak}`,
    `meta length 46 @nh,352,16 != 0x0 ${leak}`,
  ];
}

function client(rule: Pick<AllowRule, 'client'>, field: 'saddr' | 'daddr'): string {
  return rule.client === undefined ? '' : `ether ${field} ${rule.client} `;
}

/**
 * The chain `up_solicit` for the targets that a solicitation may have (RFC 4861 section 4.3), each rule ending in `accept` (counter and
 * verdict); it returns for others.
 */
export function nftSolicit(policy: Policy, learned: LearnedState, accept: string): NftChain {
  const groups = [
    ...['fe80::/10', 'ff02::1:ff00:0/104'].map((to) => `ip6 daddr ${to}`),
    ...nftNear(policy, 'ip6 daddr'),
  ];
  const allowed = nearNetworks(policy, 6);
  return {
    name: 'up_solicit',
    why: 'duplicate address detection, the router, an endpoint on the link',
    rules: [
      'ip6 saddr :: ip6 daddr ff02::1:ff00:0/104 jump up_tries',
      // The unspecified source is for duplicate address detection only (RFC 4861 section 4.3).
      'ip6 saddr :: return',
      NFT_FOREIGN_SOURCE,
      ...allowed.map((rule) => `${client(rule, 'saddr')}${targetIn(rule.to)}${accept}`),
      ...openLinks(learned)
        .filter(({ network }) => network.includes(':'))
        .flatMap(({ network }) => {
          const [address = '', length = ''] = network.split('/');
          const target = targetIn({ address, length: Number(length) });
          return nftPassOpen(learned, 'saddr').map((open) => `${open} ${target}${accept}`);
        }),
      ...groups.flatMap((to) => [
        ...nftNearTarget(policy).map((target) => `${to} ${target} ${accept}`),
        ...(isRouterUnknown(learned) ? [`${to} @th,64,10 0x3fa ${accept}`] : []),
      ]),
    ],
  };
}

/** A match for the prefix of the target, in words that every version of nft lists alike. */
function targetIn(to: { readonly address: string; readonly length: number }): string {
  const words = parseAddress(to.address)?.words ?? new Uint32Array(4);
  return [...words]
    .map((word, at) => {
      const bits = Math.min(32, to.length - 32 * at);
      return bits <= 0 ? '' : `@th,${64 + 32 * at},${bits} 0x${(word >>> (32 - bits)).toString(16)} `;
    })
    .join('');
}

/** The key of an IPv6 address in sets of raw 128-bit targets: `0x` and its digits without leading zeros, as nft lists numbers. */
export function targetKey(address: string): string {
  const digits = [...wordsOf(address)].map((word) => word.toString(16).padStart(8, '0')).join('');
  return `0x${digits.replace(/^0+(?=.)/, '')}`;
}

/** The key of the first 64 bits of an IPv6 address, as two raw words: `0x20010db8 . 0x1`. */
export function prefixKey(address: string): string {
  const [first = 0, second = 0] = wordsOf(address);
  return `0x${first.toString(16)} . 0x${second.toString(16)}`;
}

function isSolicitedNode([w0 = 0, w1 = 0, w2 = 0, w3 = 0]: Uint32Array): boolean {
  return w0 === 0xff020000 && w1 === 0 && w2 === 1 && w3 >>> 24 === 0xff;
}

function isAllNodes([w0 = 0, w1 = 0, w2 = 0, w3 = 0]: Uint32Array): boolean {
  return w0 === 0xff020000 && w1 === 0 && w2 === 0 && w3 === 1;
}

function wordsOf(address: string): Uint32Array {
  return parseAddress(address)?.words ?? new Uint32Array(4);
}

function wordOf(address: string): number {
  return wordsOf(address)[3] ?? 0;
}
