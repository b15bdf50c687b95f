// Knows: a frame as a bridge's hook has it in hand: which bytes are where, what the kernel has found out about them, and what it cannot
// read because the frame ends. Must not know: rules. Follows net/core/skbuff.c (skb_vlan_untag), net/bridge/netfilter/nf_tables_bridge.c,
// include/net/netfilter/nf_tables_ipv4.h and _ipv6.h, net/ipv6/exthdrs_core.c (ipv6_find_hdr), net/netfilter/nft_payload.c of Linux 6.18.
//
//   tag     in front of the network header one tag (0x8100, 0x88a8) that the kernel has taken off, or none
//   n0 …    bytes from the network header on; t0 … from the transport header on
//   len     what skb->len is in a bridge's hook: bytes from the network header to the frame's end, its filling included
//
// A kind of frame fixes what decides where headers are, so that formulas have bytes at fixed places. The kinds together are all frames of
// 14 to 9,216 bytes. Behind more than one IPv6 extension header, or a long one, the transport header may be anywhere: its bytes and what
// the kernel found there are then free, which is more frames than there are, never fewer.

import { FALSE, TRUE, add, and, between, bool, bv, bvand, concat, eq, extract, ite, not, or, ule, ult, variable, zext } from './expr.ts';
import type { Node } from './expr.ts';

export type Way = 'up' | 'down';

export const ETHER = { ip: 0x0800, ip6: 0x86dd, arp: 0x0806, eapol: 0x888e, tag: 0x8100, serviceTag: 0x88a8 } as const;
/** Next headers behind which ipv6_find_hdr looks on, but for 59, which ends a packet. */
const EXTENSIONS = [0, 43, 44, 51, 60] as const;
const MOST_BYTES = 9216;

/** `4`: without options; `4 odd`: any other first byte; `6`: no extension header, `6 piece`: a fragment header first, `6 odd`: another first. */
export const CONTENTS = ['4', '4 odd', '6', '6 piece', '6 odd', 'arp', 'eapol', 'other'] as const;
export type Content = (typeof CONTENTS)[number];

export interface Kind {
  readonly way: Way;
  readonly tagged: boolean;
  readonly content: Content;
}

export const KINDS: readonly Kind[] = (['up', 'down'] as const).flatMap((way) =>
  [false, true].flatMap((tagged) => CONTENTS.map((content) => ({ way, tagged, content }))),
);

/** Bytes that may not be there: `holds(end)` says whether those before `end` are. */
export interface Header {
  readonly byte: (at: number) => Node;
  readonly holds: (end: number) => Node;
}

export interface ExtensionHeader extends Header {
  readonly found: Node;
}

export class Frame {
  readonly kind: Kind;
  /** Destination, source, type, and with a tag what stands in it and the type behind it. */
  readonly link: Header;
  readonly network: Header;
  readonly transport: Header;
  readonly inner: Header;
  readonly length = variable('len', 16);
  /** What the kernel calls the frame's protocol: of 802.3 it makes numbers of its own. */
  readonly protocol: Node;
  /** The transport protocol is known: IP's header holds together. */
  readonly isKnown: Node;
  readonly transportProtocol: Node;
  /** A fragment that is not the first: there is no transport header. */
  readonly isLater: Node;
  /** What this kind of frames is. */
  readonly premise: Node;
  /** A mark that a rule has set or has not. */
  readonly mark = variable('mark', 32);
  readonly #members = new Map<string, { key: Node; is: Node }[]>();

  constructor(kind: Kind) {
    this.kind = kind;
    const { tagged, content } = kind;
    const fixed = fixedBytes(content);
    const n = (at: number): Node => fixed.get(at) ?? variable(`n${at}`, 8);
    this.network = { byte: n, holds: (end) => ule(bv(16, end), this.length) };
    const type = typeOf(content);
    const tag = variable('tag', 16);
    this.link = {
      byte: (at) => {
        if (at < 12) return variable(at < 6 ? `d${at}` : `s${at - 6}`, 8);
        if (!tagged) return at < 14 ? part(type, at - 12) : n(at - 14);
        if (at < 14) return part(variable('tagged', 16), at - 12);
        if (at < 16) return part(tag, at - 14);
        return at < 18 ? part(type, at - 16) : n(at - 18);
      },
      holds: (end) => (end <= (tagged ? 18 : 14) ? TRUE : this.network.holds(end - (tagged ? 18 : 14))),
    };
    const is8023 = ult(type, bv(16, 0x600));
    this.protocol = ite(is8023, ite(eq(concat(n(0), n(1)), bv(16, 0xffff)), bv(16, 1), bv(16, 4)), type);
    const walk = this.#walk(n);
    this.isKnown = walk.isKnown;
    this.transportProtocol = walk.protocol;
    this.isLater = walk.isLater;
    this.transport = {
      byte: walk.byte,
      holds: (end) => and(walk.isKnown, not(walk.isLater), walk.holds(end)),
    };
    this.inner = this.#innerHeader();
    const least = tagged ? 2 : 0;
    this.premise = and(
      between(this.length, least, MOST_BYTES - (tagged ? 18 : 14)),
      tagged ? or(eq(variable('tagged', 16), bv(16, ETHER.tag)), eq(variable('tagged', 16), bv(16, ETHER.serviceTag))) : TRUE,
      content === 'other'
        ? and(...[ETHER.ip, ETHER.ip6, ETHER.arp, ETHER.eapol, ...(tagged ? [] : [ETHER.tag, ETHER.serviceTag])].map((one) => not(eq(type, bv(16, one)))))
        : TRUE,
      // RESULTS.md, findings: of a message that the frame cuts short the kernel reads what is there.
      content === 'arp' ? this.network.holds(28) : TRUE,
      content === '4 odd' ? not(eq(n(0), bv(8, 0x45))) : TRUE,
      content === '6' ? and(...EXTENSIONS.map((one) => not(eq(n(6), bv(8, one))))) : TRUE,
      content === '6 odd' ? or(...EXTENSIONS.filter((one) => one !== 44).map((one) => eq(n(6), bv(8, one)))) : TRUE,
    );
  }

  /** What skb_find says of the first extension header of this type. */
  extension(type: number): ExtensionHeader {
    const { byte: n, holds } = this.network;
    const { content } = this.kind;
    if (type !== 0 && type !== 44) throw new Error(`extension header ${type}`);
    if (content !== '6' && content !== '6 piece' && content !== '6 odd') return NOWHERE;
    if (content === '6') return NOWHERE;
    const deep = variable(`deep ${type} found`, 0);
    const next = eq(n(40), bv(8, type));
    const ends = not(isExtension(n(40)));
    let at40: Node;
    let at48: Node;
    let further: Node;
    if (content === '6 piece') {
      const first = eq(bvand(concat(n(42), n(43)), bv(16, 0xfff8)), bv(16, 0));
      at40 = type === 44 ? holds(44) : FALSE;
      const goesOn = and(bool(type !== 44), holds(44), first);
      at48 = and(goesOn, next, holds(50));
      further = and(goesOn, not(next), not(ends));
    } else {
      at40 = type === 0 ? and(eq(n(6), bv(8, 0)), holds(42)) : FALSE;
      const goesOn = and(type === 0 ? not(eq(n(6), bv(8, 0))) : TRUE, holds(42));
      const short = and(not(eq(n(6), bv(8, 51))), eq(n(41), bv(8, 0)));
      at48 = and(goesOn, short, next, holds(type === 44 ? 52 : 50));
      further = and(goesOn, not(and(short, or(next, ends))));
    }
    return {
      found: or(at40, at48, and(further, deep)),
      byte: (at) => ite(at40, n(40 + at), ite(at48, n(48 + at), variable(`deep ${type} ${at}`, 8))),
      holds: (end) => or(and(at40, holds(40 + end)), and(at48, holds(48 + end)), and(not(at40), not(at48), variable(`deep ${type} holds ${end}`, 0))),
    };
  }

  /** Whether a set that rules fill has this; nobody knows, but of equal keys it says the same. */
  isMember(set: string, key: Node): Node {
    const known = this.#members.get(set) ?? [];
    this.#members.set(set, known);
    const found = known.find((one) => one.key === key);
    if (found !== undefined) return found.is;
    const is = variable(`${set} has ${known.length}`, 0);
    known.push({ key, is });
    return is;
  }

  /** That equal keys are members alike. */
  congruence(): Node {
    return and(
      ...[...this.#members.values()].flatMap((list) =>
        list.flatMap((a, at) => list.slice(at + 1).map((b) => (a.key.width === b.key.width ? or(not(eq(a.key, b.key)), eq(a.is, b.is)) : TRUE))),
      ),
    );
  }

  #walk(n: (at: number) => Node): Walk {
    const { content } = this.kind;
    const { holds } = this.network;
    if (content === '4' || content === '4 odd') {
      const total = concat(n(2), n(3));
      const words = extract(n(0), 0, 4);
      const header = zext(concat(words, bv(2, 0)), 16);
      const isKnown = and(
        holds(20),
        eq(extract(n(0), 4, 4), bv(4, 4)),
        ule(bv(4, 5), words),
        ule(total, this.length),
        ule(header, total),
      );
      const sizes = content === '4' ? [5] : [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
      return {
        isKnown,
        protocol: n(9),
        isLater: not(eq(bvand(concat(n(6), n(7)), bv(16, 0x1fff)), bv(16, 0))),
        byte: (at) => sizes.map((size) => [size, n(4 * size + at)] as const).reduceRight((other, [size, byte]) => ite(eq(words, bv(4, size)), byte, other), n(20 + at)),
        holds: (end) => ule(add(header, bv(16, end)), this.length),
      };
    }
    if (content !== '6' && content !== '6 piece' && content !== '6 odd')
      return { isKnown: FALSE, protocol: bv(8, 0), isLater: FALSE, byte: () => bv(8, 0), holds: () => FALSE };
    const whole = and(
      holds(40),
      eq(extract(n(0), 4, 4), bv(4, 6)),
      ule(add(zext(concat(n(4), n(5)), 32), bv(32, 40)), zext(this.length, 32)),
    );
    if (content === '6')
      return { isKnown: whole, protocol: n(6), isLater: FALSE, byte: (at) => n(40 + at), holds: (end) => holds(40 + end) };
    const ends = not(isExtension(n(40)));
    const isAh = eq(n(40), bv(8, 51));
    const deep = { ok: variable('deep ok', 0), protocol: variable('deep protocol', 8), isLater: variable('deep later', 0), at: variable('deep at', 16) };
    const deepByte = (at: number): Node => variable(`deep t${at}`, 8);
    const deepHolds = (end: number): Node => ule(add(zext(deep.at, 32), bv(32, end)), zext(this.length, 32));
    if (content === '6 piece') {
      const later = not(eq(bvand(concat(n(42), n(43)), bv(16, 0xfff8)), bv(16, 0)));
      const isDeep = and(not(later), not(ends), not(isAh));
      return {
        isKnown: and(whole, holds(44), or(ends, and(not(later), isAh, holds(50)), and(isDeep, deep.ok))),
        protocol: ite(isDeep, deep.protocol, n(40)),
        isLater: or(later, and(isDeep, deep.isLater)),
        byte: (at) => ite(isDeep, deepByte(at), n(48 + at)),
        holds: (end) => or(and(isDeep, deepHolds(end)), and(not(isDeep), holds(48 + end))),
      };
    }
    // An authentication header ends the walk where it stands (IP6_FH_F_AUTH).
    const first = eq(n(6), bv(8, 51));
    const short = and(not(first), eq(n(41), bv(8, 0)));
    const at48 = and(short, or(ends, isAh));
    const isDeep = and(not(first), not(at48));
    return {
      isKnown: and(whole, holds(42), or(first, and(at48, or(ends, holds(50))), and(isDeep, deep.ok))),
      protocol: ite(first, bv(8, 51), ite(at48, n(40), deep.protocol)),
      isLater: and(isDeep, deep.isLater),
      byte: (at) => ite(first, n(40 + at), ite(at48, n(48 + at), deepByte(at))),
      holds: (end) => or(and(first, holds(40 + end)), and(at48, holds(48 + end)), and(isDeep, deepHolds(end))),
    };
  }

  /** What nft calls inner header: behind UDP's, behind TCP's with its options, inside of IP in IP. */
  #innerHeader(): Header {
    const { byte: t, holds } = this.transport;
    const is = (number: number): Node => eq(this.transportProtocol, bv(8, number));
    const words = extract(t(12), 4, 4);
    const sizes = Array.from({ length: 16 }, (_, at) => at);
    const grown = (end: number): Node => or(...sizes.map((size) => and(eq(words, bv(4, size)), holds(4 * size + end))));
    return {
      byte: (at) =>
        ite(is(17), t(8 + at), ite(is(6), sizes.map((size) => [size, t(4 * size + at)] as const).reduceRight((other, [size, byte]) => ite(eq(words, bv(4, size)), byte, other), t(at)), ite(is(4), t(at), variable(`gre ${at}`, 8)))),
      holds: (end) => or(and(is(17), holds(8 + end)), and(is(6), holds(20), grown(end)), and(is(4), holds(end)), and(is(47), variable(`gre holds ${end}`, 0))),
    };
  }
}

interface Walk {
  readonly isKnown: Node;
  readonly protocol: Node;
  readonly isLater: Node;
  readonly byte: (at: number) => Node;
  readonly holds: (end: number) => Node;
}

const NOWHERE: ExtensionHeader = { found: FALSE, byte: () => bv(8, 0), holds: () => FALSE };

function isExtension(next: Node): Node {
  return or(...EXTENSIONS.map((one) => eq(next, bv(8, one))));
}

function typeOf(content: Content): Node {
  switch (content) {
    case '4':
    case '4 odd':
      return bv(16, ETHER.ip);
    case '6':
    case '6 piece':
    case '6 odd':
      return bv(16, ETHER.ip6);
    case 'arp':
      return bv(16, ETHER.arp);
    case 'eapol':
      return bv(16, ETHER.eapol);
    case 'other':
      return variable('type', 16);
  }
}

/** Bytes behind the network header that the kind says. */
function fixedBytes(content: Content): ReadonlyMap<number, Node> {
  if (content === '4') return new Map([[0, bv(8, 0x45)]]);
  return content === '6 piece' ? new Map([[6, bv(8, 44)]]) : new Map();
}

/** One of the two bytes of a number. */
function part(number: Node, at: number): Node {
  return extract(number, 8 - 8 * at, 8);
}

/** The frame's bytes as they are on the wire where the variables have these values. */
export function bytesOfFrame(kind: Kind, valueOf: (name: string, width: number) => bigint): Uint8Array {
  const head = kind.tagged ? 18 : 14;
  const length = Number(valueOf('len', 16));
  const bytes = new Uint8Array(head + length);
  const fixed = fixedBytes(kind.content);
  for (let at = 0; at < 12; at += 1) bytes[at] = Number(valueOf(at < 6 ? `d${at}` : `s${at - 6}`, 8));
  const type = typeOf(kind.content);
  const put = (at: number, value: bigint): void => {
    bytes[at] = Number(value >> 8n);
    bytes[at + 1] = Number(value & 0xffn);
  };
  if (kind.tagged) {
    put(12, valueOf('tagged', 16));
    put(14, valueOf('tag', 16));
  }
  put(head - 2, type.op === 'const' ? type.value : valueOf('type', 16));
  for (let at = 0; at < length; at += 1) {
    const known = fixed.get(at);
    bytes[head + at] = Number(known?.value ?? valueOf(`n${at}`, 8));
  }
  return bytes;
}

/** Whether a model needs more than the frame's own bytes: then it may be of no frame. */
export function isFree(name: string): boolean {
  return name.startsWith('deep ') || name.startsWith('gre ');
}

/** The variables' values of a frame as it is on the wire; undefined where it is of another kind. */
export function kindOfBytes(bytes: Uint8Array, way: Way): Kind | undefined {
  if (bytes.length < 14) return undefined;
  const at = (i: number): number => bytes[i] ?? 0;
  let type = (at(12) << 8) | at(13);
  const tagged = type === ETHER.tag || type === ETHER.serviceTag;
  if (tagged) {
    if (bytes.length < 20) return undefined;
    type = (at(16) << 8) | at(17);
  }
  const head = tagged ? 18 : 14;
  const first = bytes.length > head ? at(head) : 0;
  const next = bytes.length > head + 6 ? at(head + 6) : 0;
  const content = ((): Content => {
    switch (type) {
      case ETHER.ip:
        return first === 0x45 ? '4' : '4 odd';
      case ETHER.ip6:
        return next === 44 ? '6 piece' : EXTENSIONS.some((one) => one === next) ? '6 odd' : '6';
      case ETHER.arp:
        return 'arp';
      case ETHER.eapol:
        return 'eapol';
      default:
        return 'other';
    }
  })();
  return { way, tagged, content };
}

/** What a frame's variables are. Bytes behind its end are 0: nothing reads them. */
export function valuesOfBytes(kind: Kind, bytes: Uint8Array): (name: string) => bigint {
  const head = kind.tagged ? 18 : 14;
  const word = (at: number): bigint => BigInt(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
  return (name) => {
    if (name === 'len') return BigInt(bytes.length - head);
    if (name === 'type') return word(head - 2);
    if (name === 'tagged') return word(12);
    if (name === 'tag') return word(14);
    const found = /^([dsn])(\d+)$/.exec(name);
    if (found === null) return 0n;
    const at = Number(found[2]);
    return BigInt(bytes[found[1] === 'd' ? at : found[1] === 's' ? 6 + at : head + at] ?? 0);
  };
}
