// THE SPECIFICATION: what may cross the bridge, as a formula over a frame's bytes, the way it goes, and the box's state.
// It is written from README.md ("What it guarantees", "What crosses in block mode besides the tunnel", "Profiles") and from the RFCs
// that those name, not from the compilers; test/proof proves that the kernel's bytecode says the same of every frame.
//
// A list is read from above: the first line whose formula holds says what a frame is. What no line takes is a leak, and does not cross.
// A frame that is too short for a field has no such field, and no line that asks for it holds.

import type { LearnedState } from '../../src/policy/servers/learned.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { ETHER } from './frame.ts';
import type { Frame } from './frame.ts';
import { hasShape } from './spec-shapes.ts';
import { ownQuestion, ownQuestionByTcp, plainQuestion, plainSegment } from './spec-questions.ts';
import { allowOf, packet } from './spec-state.ts';
import type { ParsedPacket, Server } from './spec-state.ts';
import {
  ALWAYS,
  bits,
  both,
  either,
  familyOf,
  fieldsOf,
  is,
  isAtLeast,
  isFrom,
  isIn,
  isMasked,
  isHeld,
  isZero,
  macOf,
  no,
  padded,
} from './terms.ts';
import type { Field, Fields, Formula } from './terms.ts';

export interface BoxState {
  readonly mode: 'block' | 'watch';
  readonly learned: LearnedState;
  /** MAC addresses of the box, and of the frames by which it proves itself. */
  readonly boxMacs: readonly string[];
  readonly canary: readonly string[];
}

/** Why a frame crosses. `held`: allowed, and handed on by the daemon. */
export const REASONS = ['tunnel', 'essential', 'allowed', 'pass', 'held', 'leak'] as const;
export type Reason = (typeof REASONS)[number];
/** A frame crosses where it is something that may, and where it may leave besides. */
export interface Specified {
  /** For each reason the frames that are so; of what is for the box itself, or pretends to be, nothing is judged. */
  readonly is: ReadonlyMap<Reason, Formula>;
  /** Guarantees 4 and 5: no frame that the box forges crosses, and none that bears an address of its own. */
  readonly mayLeave: Formula;
  /** What the kernel itself learns, and when: nothing else opens anything later. */
  readonly learns: readonly { readonly set: string; readonly key: Formula; readonly when: Formula }[];
}
/** What the kernel learns from a frame of this line: in which set, what, and of which frames of the line alone. */
interface Lesson {
  readonly set: string;
  readonly key: readonly Field[];
  readonly only: Formula;
}
type Line = readonly [Reason, Formula, ...(readonly Lesson[])];

export function specification(frame: Frame, policy: Policy, state: BoxState): Specified {
  const f = fieldsOf(frame);
  const k = packet(policy, state.learned);
  const { way } = frame.kind;
  const { form } = frame.kind.content;
  const lines = ((): readonly Line[] => {
    switch (form) {
      case '4':
        return [
          ...fragments(f, frame, k, 4),
          ['leak', isPiece4(f)],
          ['leak', no(isAtLeast(f.ip[4].length, 28))],
          ...whole(f, frame, k, 4),
        ];
      case '4 odd':
        return odd4(f, frame, k);
      case '6':
        return [
          ['leak', no(isAtLeast(f.ip[6].length, 8))],
          ['leak', no(is(f.network(6, 1), 6, 17, 50, 58))],
          ...whole(f, frame, k, 6),
        ];
      case '6 piece':
        return fragments(f, frame, k, 6);
      case '6 odd':
        return odd6(f, frame, k);
      case 'arp':
        return [['essential', way === 'up' ? arpUp(f, frame, k) : arpDown(f, frame, k)]];
      case 'eapol':
        return [
          way === 'up'
            ? ['essential', eapolUp(f, frame)]
            : ['essential', eapolDown(f), { set: 'authenticator', key: [f.mac.source], only: ALWAYS }],
        ];
      case 'short':
      case 'other':
        return [];
    }
  })();
  // A tag is no tunnel's; one of VLAN 0 gives a priority, and counts as none (IEEE 802.1Q section 6.9).
  const isPlain = frame.kind.tag === 'none' ? ALWAYS : isPriority(frame);
  const judged = both(
    no(isOneOf(f.mac.destination, state.boxMacs)),
    way === 'up' ? no(isOneOf(f.mac.source, state.boxMacs)) : ALWAYS,
  );
  const mayLeave = both(
    no(isOneOf(f.mac.source, state.canary)),
    no(isOneOf(f.mac.destination, state.boxMacs)),
    no(bearsBox(f, frame, k)),
  );
  const found = new Map<Reason, Formula>(REASONS.map((reason) => [reason, either()]));
  let rest: Formula = isPlain;
  const learns: { set: string; key: Formula; when: Formula }[] = [];
  for (const [reason, formula, ...lessons] of lines) {
    for (const { set, key, only } of lessons)
      learns.push({
        set,
        key: padded(...key),
        when: both(judged, rest, formula, only, ...key.map(({ there }) => there)),
      });
    found.set(reason, either(found.get(reason) ?? either(), both(judged, rest, formula)));
    rest = both(rest, no(formula));
  }
  found.set('leak', either(found.get('leak') ?? either(), both(judged, either(no(isPlain), rest))));
  return { is: found, mayLeave, learns };
}

/** Whether the state lets a frame cross that is such. */
export function mayCross(reason: Reason, { mode }: BoxState): boolean {
  return mode === 'watch' || (reason !== 'leak' && reason !== 'held');
}

const isOneOf = (mac: Field, list: readonly string[]): Formula => is(mac, ...list.map(macOf));

function isPriority(frame: Frame): Formula {
  const { link } = frame;
  const type = { value: link.byte(12), there: link.holds(14) };
  const low = { value: link.byte(13), there: link.holds(14) };
  const id = [
    is({ value: link.byte(15), there: link.holds(16) }, 0),
    isMasked({ value: link.byte(14), there: link.holds(16) }, 0x0f, 0),
  ];
  const inner = [
    [0x81, 0x00],
    [0x88, 0xa8],
    [0x91, 0x00],
  ].map(([a = 0, b = 0]) =>
    both(
      is({ value: link.byte(16), there: link.holds(17) }, a),
      is({ value: link.byte(17), there: link.holds(18) }, b),
    ),
  );
  // 802.1ad's tag is a provider's, and none of its own behind it; a number below 1536 is a length.
  return both(
    is(type, 0x81),
    is(low, 0x00),
    ...id,
    no(either(...inner)),
    isAtLeast({ value: link.byte(16), there: link.holds(17) }, 6),
  );
}

// ---- Guarantee 5: no frame that bears an address of the box crosses, in any mode, whatever its tags.

function bearsBox(f: Fields, frame: Frame, k: ParsedPacket): Formula {
  const { form, type } = frame.kind.content;
  const tagged = frame.kind.tag !== 'none';
  const at = (place: number): Formula => isIn(f.network(place, 4), ...k.box);
  if (!tagged && type === ETHER.ip) return either(at(12), at(16));
  if (!tagged && type === ETHER.arp) return either(at(14), at(24));
  if (k.box.length === 0 || (!tagged && form !== 'other')) return either();
  // Behind a tag or a length (802.3): what stands there may be ARP or IPv4, behind up to two tags more, SNAP, or both.
  const places = [0, 4, 8, 12, 16].map((in_) => either(...[12, 14, 16, 24].map((to) => at(in_ + to))));
  const tags = [0x8100, 0x88a8, 0x9100];
  const deeper = both(is(f.network(6, 2), ...tags), is(f.network(10, 2), ...tags));
  const hides = either(...places, deeper);
  return tagged ? hides : both(isFrom({ value: frame.link.byte(12), there: ALWAYS }, 0, 5), hides);
}

// ---- IP packets without options or extension headers, whole.

const isPiece4 = (f: Fields): Formula => no(isMasked(f.ip[4].pieces, 0x3fff, 0));

function whole(f: Fields, frame: Frame, k: ParsedPacket, family: 4 | 6): readonly Line[] {
  const up = frame.kind.way === 'up';
  const far = up ? f.ip[family].destination : f.ip[family].source;
  const port = up ? f.port.destination : f.port.source;
  const here = servers(f, frame, k, family, f.protocol);
  const isEsp = both(is(f.protocol, 50), isIn(far, ...k.esp));
  return [
    [
      'leak',
      up
        ? either()
        : both(isUnassigned(f, k, family), no(family === 4 ? is(f.udp.destination, 68) : either())),
    ],
    // A tunnel is its server's address, its port, and the form of its packets: what goes there and has not the form is foreign (rule F).
    ['tunnel', here.tunnel],
    ['leak', here.at],
    ['tunnel', isEsp],
    up
      ? [
          'essential',
          essentialUp(f, frame, k, family),
          { set: 'tried6', key: [f.target], only: family === 6 && !k.isOpen ? triesAddress(f) : either() },
        ]
      : [
          'essential',
          essentialDown(f, frame, k, family),
          {
            set: 'recent_peer6',
            key: [f.ip[6].source],
            only:
              family === 6 ? both(discovery(f, 135), isIn(f.ip[6].source, '2000::/3', 'fc00::/7')) : either(),
          },
        ],
    // What the policy names: resolvers and proxies, the question for a server's own name, `allow` rows, link-local discovery that it ignores.
    [
      'allowed',
      either(
        ...k.designated.map(({ address, protocol, port: number }) =>
          both(isIn(far, address), is(f.protocol, protocol), is(port, number)),
        ),
      ),
    ],
    [
      'allowed',
      either(...k.ownNames.map((name) => ownQuestion(f, frame.kind.way, name))),
      ...ownLessons(f, frame, up, family),
    ],
    [
      'allowed',
      both(is(up ? f.tcp.destination : f.tcp.source, 53), ownQuestionByTcp(f, frame, k.ownNames, family)),
    ],
    ['allowed', either(...k.allow.map((row) => allowOf(f, row, frame.kind.way, family)))],
    ['allowed', k.ignoresDiscovery ? chatter(f, family) : either()],
    ['pass', both(hasPass(f, frame, k), passRules(f, k, far, up, family))],
    ...(k.isOpen ? direct(f, frame, k, family, far, port) : []),
  ];
}

/** The servers in their order, the narrowest first: the first that a packet goes to decides. */
function servers(
  f: Fields,
  frame: Frame,
  k: ParsedPacket,
  family: 4 | 6,
  protocol: Field,
): { readonly tunnel: Formula; readonly at: Formula } {
  const { way } = frame.kind;
  const far = way === 'up' ? f.ip[family].destination : f.ip[family].source;
  const port = way === 'up' ? f.port.destination : f.port.source;
  let tunnel: Formula = either();
  let at: Formula = either();
  for (const server of k.servers) {
    if (familyOf(server.address) !== family) continue;
    const goes = both(
      isIn(far, server.address),
      is(protocol, server.protocol),
      isFrom(port, server.port, server.lastPort),
    );
    tunnel = either(tunnel, both(goes, no(at), hasShape(f, frame, server.shape, family)));
    at = either(at, goes);
  }
  return { tunnel, at };
}

// ---- Fragments: only a tunnel's. TCP finds its path MTU itself, so no fragment of it is a tunnel's.

function fragments(f: Fields, frame: Frame, k: ParsedPacket, family: 4 | 6): readonly Line[] {
  const up = frame.kind.way === 'up';
  const far = up ? f.ip[family].destination : f.ip[family].source;
  const isLater =
    family === 4 ? no(isMasked(f.ip[4].pieces, 0x1fff, 0)) : no(isMasked(f.ip[6].pieces, 0xfff8, 0));
  const isFirst = family === 4 ? isAtLeast(f.ip[4].length, 40) : isAtLeast(f.ip[6].length, 28);
  const protocol =
    family === 4 ? f.protocol : { value: frame.network.byte(40), there: frame.extension(44).found };
  const here = servers(f, frame, k, family, protocol);
  const goesTo = (one: Server): Formula => both(isIn(far, one.address), is(f.protocol, one.protocol));
  const toServer = either(
    ...k.servers.filter((one) => one.protocol === 17 && familyOf(one.address) === family).map(goesTo),
    both(is(f.protocol, 50), isIn(far, ...k.esp)),
  );
  const isEsp = both(is(f.protocol, 50), is(protocol, 50), isIn(far, ...k.esp));
  return [
    // A fragment header is no part of a packet that has no room for it.
    ['leak', family === 6 ? no(isAtLeast(f.ip[6].length, 8)) : either()],
    // An extension header behind the fragment header is no tunnel's (a membership report in one would be no report).
    [
      'leak',
      family === 6 ? either(no(frame.network.holds(41)), is(f.network(40, 1), 0, 43, 44, 51, 60)) : either(),
    ],
    ['leak', up ? either() : both(isPiece(f, family), isUnassigned(f, k, family))],
    // Of a later fragment the kernel has neither port nor form: it crosses by address and protocol, or no large packet of a tunnel
    // could. That is why a fragment to the tunnel's host may cross: it is nothing to whoever has not the first piece, which must be
    // the tunnel's by port and form.
    ['tunnel', both(frame.isLater, toServer)],
    ['leak', isLater],
    ['leak', both(isPiece(f, family), either(is(f.protocol, 6), no(isFirst)))],
    ['tunnel', both(isPiece(f, family), either(here.tunnel, both(isEsp, no(here.at))))],
    ['leak', isPiece(f, family)],
  ];
}

const isPiece = (f: Fields, family: 4 | 6): Formula => (family === 4 ? isPiece4(f) : ALWAYS);

// ---- CVE-2019-14899: what comes down to an address that no client has on this link, though they are known.

function isUnassigned(f: Fields, k: ParsedPacket, family: 4 | 6): Formula {
  const known = family === 4 ? k.known4 : k.settled6;
  const mine = family === 4 ? k.mine4 : k.mine6;
  if (known.length === 0 || k.isOpen) return either();
  const to = f.ip[family].destination;
  const groups = family === 4 ? ['224.0.0.0/4', '255.255.255.255'] : ['fe80::/10', 'ff00::/8'];
  const told = either(
    isOneOf(f.mac.destination, known),
    isMasked({ value: f.mac.destination.value, there: ALWAYS }, 2 ** 40, 2 ** 40),
  );
  return both(to.there, no(isIn(to, ...mine)), no(isIn(to, ...groups)), told);
}

// ---- Essential traffic: the table of README.md, row by row.

function essentialUp(f: Fields, frame: Frame, k: ParsedPacket, family: 4 | 6): Formula {
  const { udp, ip } = f;
  // DHCPv4 request of at most 576 bytes, fields of servers empty; broadcast, or the server of a lease, by address and MAC.
  if (family === 4) {
    const toServer = either(
      isIn(ip[4].destination, '255.255.255.255'),
      ...k.dhcpServers.map(({ address, mac }) =>
        both(isIn(ip[4].destination, address), is(f.mac.destination, macOf(mac))),
      ),
    );
    const request = both(
      is(udp.source, 68),
      is(udp.destination, 67),
      toServer,
      isFrom(ip[4].length, 0, 576),
      isFrom(udp.length, 248, 556),
    );
    const boot = both(is(f.payload(0, 4), 0x01010600), is(f.payload(236, 4), 0x63825363));
    const empty = both(isZero(f.payload(16, 12)), isZero(f.payload(34, 10)), isZero(f.payload(44, 192)));
    return either(both(request, boot, empty), portUnreachable(f, k, 4));
  }
  // DHCPv6 message of a client: link-local to ff02::1:2 alone.
  const dhcp = both(
    is(udp.source, 546),
    is(udp.destination, 547),
    isIn(ip[6].source, 'fe80::/10'),
    isIn(ip[6].destination, 'ff02::1:2'),
    isAtLeast(udp.length, 12),
    is(f.payload(0, 1), 1, 3, 4, 5, 6, 8, 9, 11),
  );
  return either(dhcp, routerSolicitation(f, frame, k), neighbourUp(f, frame, k), portUnreachable(f, k, 6));
}

function essentialDown(f: Fields, frame: Frame, k: ParsedPacket, family: 4 | 6): Formula {
  const { udp, ip } = f;
  if (family === 4) {
    const dhcp = both(
      is(udp.destination, 68),
      isAtLeast(udp.length, 248),
      is(f.payload(0, 3), 0x020106),
      is(f.payload(236, 4), 0x63825363),
    );
    // "Fragmentation needed": any router, to an address that a client has here.
    const isClients = k.isOpen || k.mine4.length === 0 ? ALWAYS : isIn(ip[4].destination, ...k.mine4);
    const tooBig = both(is(f.icmp[4].type, 3), is(f.icmp[4].code, 4), isClients);
    const igmp = both(is(f.protocol, 2), is(ip[4].hops, 1), isIn(ip[4].destination, '224.0.0.0/4'));
    return either(dhcp, tooBig, igmp);
  }
  const local = (place: Field): Formula => isIn(place, 'fe80::/10');
  const dhcp = both(
    is(udp.destination, 546),
    local(ip[6].source),
    local(ip[6].destination),
    isAtLeast(udp.length, 12),
    is(f.payload(0, 1), 2, 7, 10),
  );
  const tooBig = both(is(f.icmp[6].type, 2), is(f.icmp[6].code, 0));
  const nd = (type: number): Formula => discovery(f, type);
  return either(
    dhcp,
    tooBig,
    both(nd(134), local(ip[6].source)),
    both(nd(135), k.isOpen ? ALWAYS : isAsked(f, frame, k)),
    nd(136),
  );
}

/** Hop limit 255 proves that no router was crossed (RFC 4861 section 3.1). */
const discovery = (f: Fields, type: number): Formula =>
  both(is(f.icmp[6].type, type), is(f.icmp[6].code, 0), is(f.ip[6].hops, 255));
/** The packet is so long, and nothing stands behind it. */
const isWhole6 = (f: Fields, ...lengths: readonly number[]): Formula =>
  either(...lengths.map((length) => both(is(f.ip[6].length, length), is(f.held, 40 + length))));

/** Router solicitation, one option at most, to ff02::2; by a client all of whose addresses are known from one of these. */
function routerSolicitation(f: Fields, frame: Frame, k: ParsedPacket): Formula {
  const form = both(discovery(f, 133), isWhole6(f, 8, 16), isIn(f.ip[6].destination, 'ff02::2'));
  return both(form, k.isOpen ? ALWAYS : either(isIn(f.ip[6].source, '::'), no(isForeign(f, frame, k))));
}

const SOLICITED = 'ff02::1:ff00:0/104';

/** Duplicate address detection (from ::), of what an interface can be given. */
function triesAddress(f: Fields): Formula {
  const asks = both(discovery(f, 135), isWhole6(f, 24, 32));
  return both(
    asks,
    isIn(f.ip[6].source, '::'),
    isIn(f.ip[6].destination, SOLICITED),
    isIn(f.target, '2000::/3', 'fc00::/7', 'fe80::/10'),
  );
}

/** Who has asked whom for a server's name; and with whom a client may speak by TCP, for its answer to that was cut (TC). */
function ownLessons(f: Fields, frame: Frame, up: boolean, family: 4 | 6): readonly Lesson[] {
  const { source, destination } = f.ip[family];
  if (up) return [{ set: `asked${family}`, key: [source, destination, f.udp.source], only: ALWAYS }];
  const wasAsked = isHeld(frame, `asked${family}`, destination, source, f.udp.destination);
  return [
    {
      set: `cut${family}`,
      key: [destination, source],
      only: both(isMasked(f.payload(2, 1), 0x02, 0x02), wasAsked),
    },
  ];
}

function neighbourUp(f: Fields, frame: Frame, k: ParsedPacket): Formula {
  const { source, destination } = f.ip[6];
  const [asks, answers] = [135, 136].map((type) => both(discovery(f, type), isWhole6(f, 24, 32)));
  if (k.isOpen) return either(asks ?? either(), answers ?? either());
  const [target, mac] = [f.target, f.mac.source];
  const none = isIn(source, '::');
  const rows = (place: Field): Formula =>
    either(
      ...k.nearRows.map(({ network, client }) =>
        both(isIn(place, network), client === undefined ? ALWAYS : is(mac, macOf(client))),
      ),
      both(hasPass(f, frame, k), isIn(place, ...k.passLinks)),
    );
  // Routers that announced themselves, an endpoint or `allow` row; without a known router any link-local address.
  const router = either(isIn(target, ...k.near6), k.seeksRouter ? isIn(target, 'fe80::/10') : either());
  const looked = either(rows(target), both(isIn(destination, 'fe80::/10', SOLICITED, ...k.near6), router));
  const foreign = isForeign(f, frame, k);
  // One of the addresses that the client tried for doubles on this link, of no tunnel.
  const isOnLink = k.links6.length === 0 ? ALWAYS : either(isIn(target, 'fe80::/10', ...k.links6));
  const own = either(
    isIn(target, ...k.mine6),
    isHeld(frame, 'tried6', target),
    both(no(isOneOf(mac, k.settled6)), isOnLink),
  );
  const recentPeer = either(
    isIn(destination, 'fe80::/10', 'ff02::1', ...k.near6),
    rows(destination),
    isHeld(frame, 'recent_peer6', destination),
  );
  return either(
    triesAddress(f),
    both(asks ?? either(), no(none), no(foreign), looked),
    both(answers ?? either(), no(foreign), own, recentPeer),
  );
}

/** From an address that a client whose addresses are known has not. */
function isForeign(f: Fields, frame: Frame, k: ParsedPacket): Formula {
  const { source } = f.ip[6];
  return both(
    isOneOf(f.mac.source, k.settled6),
    no(isIn(source, ...k.mine6)),
    no(isHeld(frame, 'tried6', source)),
  );
}

/** Solicitations for what a client may have on this link. */
function isAsked(f: Fields, frame: Frame, k: ParsedPacket): Formula {
  const known = either(isIn(f.target, ...k.mine6), isHeld(frame, 'tried6', f.target));
  if (!k.isUnsettled6) return known;
  return k.links6.length === 0 ? ALWAYS : either(known, isIn(f.target, 'fe80::/10', ...k.links6));
}

/** "Port unreachable" of at most 576 bytes (IPv6: 1280), which quotes a packet from a tunnel's port, to a tunnel's server. */
function portUnreachable(f: Fields, k: ParsedPacket, family: 4 | 6): Formula {
  if (k.udpPorts.length === 0) return either();
  const { destination, length } = f.ip[family];
  const report =
    family === 4
      ? both(is(f.icmp[4].type, 3), is(f.icmp[4].code, 3), isFrom(length, 56, 576))
      : both(is(f.icmp[6].type, 1), is(f.icmp[6].code, 4), isFrom(length, 56, 1240));
  const server = either(
    isIn(destination, ...(family === 4 ? k.near4 : k.near6)),
    isIn(destination, ...k.networks),
    isIn(destination, '64:ff9b::/96'),
  );
  const quotes =
    family === 4
      ? both(is(f.payload(0, 1), 0x45), isZero(bits13(f.payload(6, 2))), is(f.payload(9, 1), 17))
      : both(is(high4(f.payload(0, 1)), 6), is(f.payload(6, 1), 17));
  const from = f.payload(family === 4 ? 20 : 40, 2);
  return both(
    report,
    server,
    quotes,
    either(...k.udpPorts.map(([first, last]) => isFrom(from, first, last))),
  );
}

const bits13 = (one: Field): Field => bits(one, 3, 13);
const high4 = (one: Field): Field => bits(one, 0, 4);

// ---- ARP (RFC 826, 5227).

const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16'];

function arpUp(f: Fields, frame: Frame, k: ParsedPacket): Formula {
  const { sender, target, operation } = f.arp;
  const mac = f.mac.source;
  // Nothing behind it but the zeros that fill a frame up.
  const bare = either(
    is(f.held, 28),
    both(is(f.held, 42), isZero(f.network(28, 14))),
    both(is(f.held, 46), isZero(f.network(28, 18))),
  );
  const [asks, answers] = [is(operation, 1), is(operation, 2)];
  const form = both(is(f.arp.form, 0x000108000604n), either(asks, answers));
  if (k.isOpen) return both(bare, form);
  const owns = (place: Field): Formula =>
    either(...k.own4.map((one) => both(is(mac, macOf(one.mac)), isIn(place, one.address))));
  const fromItself = either(
    owns(sender),
    both(asks, isIn(sender, '0.0.0.0')),
    both(no(isOneOf(mac, k.known4)), isIn(sender, ...PRIVATE)),
  );
  const rows = either(
    ...k.nearRows.map(({ network, client }) =>
      both(isIn(target, network), client === undefined ? ALWAYS : is(mac, macOf(client))),
    ),
  );
  const wanted = either(
    answers,
    isIn(target, ...k.near4),
    rows,
    both(hasPass(f, frame, k), isIn(target, ...k.passLinks)),
    owns(target),
    both(isIn(sender, '0.0.0.0'), isIn(target, '169.254.0.0/16')),
    both(no(isOneOf(mac, k.settled4)), isIn(target, ...PRIVATE)),
  );
  return both(bare, form, fromItself, wanted);
}

function arpDown(f: Fields, frame: Frame, k: ParsedPacket): Formula {
  const { sender, target, operation } = f.arp;
  const mac = f.mac.destination;
  const [asks, answers] = [is(operation, 1), is(operation, 2)];
  const form = both(is(f.arp.form, 0x000108000604n), either(asks, answers));
  if (k.isOpen) return form;
  const asked = either(
    isIn(target, ...k.mine4, ...k.near4),
    k.own4.length === 0 ? isIn(target, ...PRIVATE) : either(),
  );
  const rows = either(
    ...k.nearRows.map(({ network, client }) =>
      both(isIn(sender, network), client === undefined ? ALWAYS : is(mac, macOf(client))),
    ),
  );
  const told = either(
    isIn(sender, ...k.near4, ...k.mine4, '169.254.0.0/16'),
    rows,
    both(hasPass(f, frame, k), isIn(sender, ...k.passLinks)),
    both(no(isOneOf(mac, k.settled4)), isIn(sender, ...PRIVATE)),
  );
  return both(form, either(both(asks, asked), both(answers, told)));
}

// ---- 802.1X: the PAE group, or whom it came from a moment ago.

const PAE = 0x0180c2000003n;
const eapolUp = (f: Fields, frame: Frame): Formula =>
  either(is(f.mac.destination, PAE), isHeld(frame, 'authenticator', f.mac.destination));
const eapolDown = (f: Fields): Formula =>
  either(is(f.mac.destination, PAE), isMasked(f.mac.destination, 2 ** 40, 0));

// ---- Options and extension headers: reports about groups of the link alone, with a router alert (RFC 2113, 2711).

function odd4(f: Fields, frame: Frame, k: ParsedPacket): readonly Line[] {
  const { ip } = f;
  const alert = both(
    is(f.network(0, 1), 0x46),
    is(f.network(20, 4), 0x94040000n),
    is(f.protocol, 2),
    is(ip[4].hops, 1),
  );
  const about =
    frame.kind.way === 'up'
      ? igmpUp(f)
      : both(isAtLeast(ip[4].length, 32), isIn(ip[4].destination, '224.0.0.0/4'));
  const toGroup = k.isAnswered ? isIn(ip[4].destination, '224.0.0.0/4') : ALWAYS;
  return [
    ['leak', either(no(isMasked(ip[4].pieces, 0x3fff, 0)), no(isAtLeast(ip[4].length, 28)))],
    ['essential', both(alert, about)],
    ['allowed', k.isOpen ? both(is(f.protocol, 2), toGroup) : either()],
  ];
}

function igmpUp(f: Fields): Formula {
  const { destination, length } = f.ip[4];
  const so = (bytes: number): Formula =>
    both(
      is(length, bytes),
      either(
        is(f.held, bytes),
        ...[42, 46]
          .filter((all) => all > bytes)
          .map((all) => both(is(f.held, all), isZero(f.network(bytes, all - bytes)))),
      ),
    );
  const ofLink = is(f.network(28, 3), 0xe00000);
  const report = both(
    so(32),
    is(f.network(24, 1), 0x12, 0x16),
    is(f.network(25, 1), 0),
    isIn(destination, '224.0.0.0/24'),
    ofLink,
  );
  const leave = both(so(32), is(f.network(24, 2), 0x1700), isIn(destination, '224.0.0.2'), ofLink);
  const record = (at: number): Formula =>
    both(isFrom(f.network(at, 1), 1, 6), is(f.network(at + 1, 6), 0xe00000));
  const newer = EIGHT.map((count) =>
    both(
      so(32 + 8 * count),
      is(f.network(24, 2), 0x2200),
      isIn(destination, '224.0.0.22'),
      is(f.network(28, 4), count),
      ...EIGHT.slice(0, count).map((nth) => record(24 + 8 * nth)),
    ),
  );
  return either(report, leave, ...newer);
}

const EIGHT = [1, 2, 3, 4, 5, 6, 7, 8] as const;
const LINK_GROUPS = ['ff02::/112', 'ff02::1:2', 'ff02::1:3', SOLICITED];

function odd6(f: Fields, frame: Frame, k: ParsedPacket): readonly Line[] {
  const { ip } = f;
  const isPiece_ = frame.extension(44).found;
  // Hop-by-hop alone, of eight bytes: the alert and two of padding, in either order; from link-local or none.
  const alert = both(
    is(f.network(6, 1), 0),
    is(ip[6].hops, 1),
    is(f.network(40, 2), 0x3a00),
    is(f.network(42, 6), 0x010005020000n, 0x050200000100n),
    isIn(ip[6].source, '::', 'fe80::/10'),
  );
  const down = both(
    isAtLeast(ip[6].length, 32),
    is(f.icmp[6].type, 130, 131, 132, 143),
    is(f.icmp[6].code, 0),
    isIn(ip[6].destination, 'ff00::/8'),
  );
  const toGroup = k.isAnswered ? isIn(ip[6].destination, 'ff00::/8') : ALWAYS;
  return [
    ['leak', either(no(isAtLeast(ip[6].length, 8)), isPiece_)],
    ['essential', both(alert, frame.kind.way === 'up' ? mldUp(f) : down)],
    ['allowed', k.isOpen ? both(is(f.icmp[6].type, 130, 131, 132, 143), toGroup) : either()],
  ];
}

function mldUp(f: Fields): Formula {
  const { destination } = f.ip[6];
  const { type, code } = f.icmp[6];
  const old = both(
    isWhole6(f, 32),
    is(code, 0),
    isZero(f.transport(4, 2)),
    isIn(f.transport(8, 16), ...LINK_GROUPS),
    isZero(f.transport(6, 2)),
  );
  const report = both(old, is(type, 131), isIn(destination, ...LINK_GROUPS));
  const done = both(old, is(type, 132), isIn(destination, 'ff02::2'));
  const record = (at: number): Formula =>
    both(
      isFrom(f.transport(at, 1), 1, 6),
      isZero(f.transport(at + 1, 3)),
      isIn(f.transport(at + 4, 16), ...LINK_GROUPS),
    );
  const newer = EIGHT.map((count) =>
    both(
      isWhole6(f, 16 + 20 * count),
      is(type, 143),
      is(code, 0),
      isIn(destination, 'ff02::16'),
      is(f.transport(4, 4), count),
      ...EIGHT.slice(0, count).map((nth) => record(8 + 20 * (nth - 1))),
    ),
  );
  return either(report, done, ...newer);
}

// ---- A pass: what a captive portal's login needs, while it lasts.

function hasPass(f: Fields, frame: Frame, k: ParsedPacket): Formula {
  if (k.passForAll) return ALWAYS;
  return isOneOf(frame.kind.way === 'up' ? f.mac.source : f.mac.destination, k.passFor);
}

const LOGIN_PORTS = [
  80, 443, 1000, 1003, 2050, 3990, 4990, 8000, 8001, 8002, 8003, 8080, 8081, 8088, 8443, 8843, 8880, 9997,
  9998,
];

function passRules(f: Fields, k: ParsedPacket, far: Field, up: boolean, family: 4 | 6): Formula {
  const [tcp, port] = up ? [f.tcp.destination, f.port.destination] : [f.tcp.source, f.port.source];
  const dns = both(is(f.protocol, 6, 17), is(port, 53), isIn(far, ...k.resolvers));
  const isTcp = is(f.protocol, 6);
  const here = both(isIn(far, ...k.passLinks), isTcp);
  const portal = either(
    ...k.portals
      .filter(({ address }) => familyOf(address) === family)
      .map(({ address, port: number }) => both(isIn(far, address), number === 0 ? isTcp : is(tcp, number))),
  );
  return either(dns, is(tcp, ...LOGIN_PORTS), here, portal);
}

// ---- Profiles in which other traffic may go past the tunnel.

/** Names, encrypted DNS, essential traffic out of bounds, tunnels that are none. */
const CLOSED = {
  udp: [53, 853, 5353, 5355, 137, 1900, 67, 68, 546, 547, 1701, 3544, 4789],
  tcp: [53, 853, 5353, 5355, 1723],
} as const;

function direct(
  f: Fields,
  frame: Frame,
  k: ParsedPacket,
  family: 4 | 6,
  far: Field,
  port: Field,
): readonly Line[] {
  const up = frame.kind.way === 'up';
  const mac = up ? f.mac.source : f.mac.destination;
  const shut = either(
    isIn(far, ...k.exposed),
    ...k.shut.map(({ client, address }) => both(is(mac, macOf(client)), isIn(far, address))),
  );
  const isName = both(is(f.protocol, 6, 17), is(port, 53));
  const question = up
    ? either(
        both(is(f.protocol, 17), plainQuestion(f, k)),
        both(is(f.protocol, 6), plainSegment(f, k, family)),
      )
    : ALWAYS;
  const isClosed = either(
    both(is(f.protocol, 17), is(port, ...CLOSED.udp)),
    both(is(f.protocol, 6), is(port, ...CLOSED.tcp)),
  );
  const neighbours = family === 6 ? is(f.icmp[6].type, 133, 134, 135, 136, 137) : either();
  const other = either(both(is(f.protocol, 6, 17, ...(family === 4 ? [1, 2] : [58])), no(neighbours)));
  const answered = either(
    ...k.answered.map(({ client, address }) => both(is(mac, macOf(client)), isIn(far, address))),
    isHeld(frame, `inuse${family}`, mac, far),
  );
  return [
    ['leak', shut],
    ['held', k.isAnswered && !up ? is(f.udp.source, 53) : either()],
    ['allowed', k.isSplit ? both(isName, question) : either()],
    ['leak', either(k.isSplit ? isName : either(), isClosed)],
    [
      'allowed',
      both(other, k.isAnswered ? answered : ALWAYS),
      { set: `inuse${family}`, key: [mac, far], only: k.isAnswered && up ? ALWAYS : either() },
    ],
  ];
}

function chatter(f: Fields, family: 4 | 6): Formula {
  const to = (four: string, six: string, port: number): Formula =>
    both(isIn(f.ip[family].destination, four, six), is(f.udp.destination, port));
  const groups = either(
    to('224.0.0.251', 'ff02::fb', 5353),
    to('224.0.0.252', 'ff02::1:3', 5355),
    to('239.255.255.250', 'ff02::c', 1900),
  );
  return either(
    groups,
    family === 4 ? both(is(f.mac.destination, 0xffffffffffffn), is(f.udp.destination, 137)) : either(),
  );
}
