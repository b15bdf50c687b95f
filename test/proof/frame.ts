// Knows: a frame as a bridge's hook has it in hand: which bytes are where, what the kernel has found out about them, and what it cannot
// read because the frame ends. Must not know: rules. Follows net/core/skbuff.c (skb_vlan_untag), net/bridge/netfilter/nf_tables_bridge.c,
// include/net/netfilter/nf_tables_ipv4.h and _ipv6.h, net/ipv6/exthdrs_core.c (ipv6_find_hdr), net/netfilter/nft_payload.c of Linux 6.18.
//
//   tag     in front of the network header one tag (0x8100, 0x88a8) that the kernel has taken off, or none
//   n0 …    bytes from the network header on; t0 … from the transport header on; c0 … what TCP carries
//   len     what skb->len is in a bridge's hook: bytes from the network header to the frame's end, its filling included
//
// A kind of frame fixes what decides where headers are, so that formulas have bytes at fixed places. The kinds together are all frames of
// 14 to 9,216 bytes. Behind more than one IPv6 extension header, or a long one, the transport header may be anywhere: its bytes and what
// the kernel found there are then free, which is more frames than there are, never fewer.

import {
  FALSE,
  TRUE,
  add,
  and,
  between,
  bool,
  bv,
  bvand,
  concat,
  eq,
  extract,
  ite,
  not,
  or,
  sub,
  ule,
  ult,
  variable,
  zext,
} from './expr.ts';
import type { Node } from './expr.ts';

export type Way = 'up' | 'down';

export const ETHER = {
  ip: 0x0800,
  ip6: 0x86dd,
  arp: 0x0806,
  eapol: 0x888e,
  tag: 0x8100,
  serviceTag: 0x88a8,
} as const;
/** Next headers behind which ipv6_find_hdr looks on, but for 59, which ends a packet. */
const EXTENSIONS = [0, 43, 44, 51, 60] as const;
const MOST_BYTES = 9216;

/** What an IP packet is before its transport: without options or extension headers, with some, a fragment header first; too short for any. */
type Form = '4' | '4 odd' | '6' | '6 piece' | '6 odd' | 'short' | 'arp' | 'eapol' | 'other';

/** What is fixed of a frame. */
export interface Content {
  readonly name: string;
  readonly form: Form;
  /** Absent: any that no other content has. */
  readonly type?: number;
  /** Bytes behind the network header. */
  readonly fixed: ReadonlyMap<number, number>;
  /** One byte that is none of these. */
  readonly except?: readonly [number, readonly number[]];
  /** One byte that is one of these. */
  readonly among?: readonly [number, readonly number[]];
  /** Bytes behind the network header, at least and at most. */
  readonly least: number;
  readonly most: number;
}

const MOST_HELD = MOST_BYTES - 14;

function content(
  name: string,
  form: Form,
  type: number | undefined,
  more: Partial<Content> & { readonly bytes?: Readonly<Record<number, number>> } = {},
): Content {
  const { bytes = {}, ...rest } = more;
  const fixed = new Map(Object.entries(bytes).map(([at, value]) => [Number(at), value]));
  return { name, form, ...(type === undefined ? {} : { type }), fixed, least: 0, most: MOST_HELD, ...rest };
}

const four = (name: string, form: Form, more: Parameters<typeof content>[3]): Content =>
  content(name, form, ETHER.ip, { least: 20, ...more });
const six = (name: string, form: Form, more: Parameters<typeof content>[3]): Content =>
  content(name, form, ETHER.ip6, { least: 40, ...more });

export const CONTENTS: readonly Content[] = [
  ...[17, 6, 1, 50].map((protocol) => four(`4/${protocol}`, '4', { bytes: { 0: 0x45, 9: protocol } })),
  four('4/other', '4', { bytes: { 0: 0x45 }, except: [9, [17, 6, 1, 50]] }),
  four('4 alert', '4 odd', { bytes: { 0: 0x46 } }),
  four('4 odd', '4 odd', { except: [0, [0x45, 0x46]] }),
  ...[17, 6, 58, 50].map((protocol) => six(`6/${protocol}`, '6', { bytes: { 6: protocol } })),
  six('6/other', '6', { except: [6, [17, 6, 58, 50, ...EXTENSIONS]] }),
  ...[17, 6, 50].map((protocol) => six(`6 piece/${protocol}`, '6 piece', { bytes: { 6: 44, 40: protocol } })),
  six('6 piece/other', '6 piece', { bytes: { 6: 44 }, except: [40, [17, 6, 50, ...EXTENSIONS]] }),
  six('6 piece/extension', '6 piece', { bytes: { 6: 44 }, among: [40, EXTENSIONS] }),
  ...[0, 43, 51, 60].map((next) => six(`6 extension ${next}`, '6 odd', { bytes: { 6: next } })),
  content('4 short', 'short', ETHER.ip, { most: 19 }),
  content('6 short', 'short', ETHER.ip6, { most: 39 }),
  content('arp', 'arp', ETHER.arp),
  content('eapol', 'eapol', ETHER.eapol),
  content('other', 'other', undefined),
];

/** No tag; one of VLAN 0 that the kernel has taken off; any other. */
type Tag = 'none' | 'priority' | 'other';

export interface Kind {
  readonly way: Way;
  readonly tag: Tag;
  readonly content: Content;
}

const ANY = content('any', 'other', undefined);

export const KINDS: readonly Kind[] = (['up', 'down'] as const).flatMap((way) => [
  ...(['none', 'priority'] as const).flatMap((tag) => CONTENTS.map((one) => ({ way, tag, content: one }))),
  { way, tag: 'other' as const, content: ANY },
]);

export const kindText = ({ way, tag, content: { name } }: Kind): string =>
  `${way}, ${name}${tag === 'none' ? '' : `, ${tag} tag`}`;

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
  readonly #transportHolds: (end: number) => Node;
  readonly #members = new Map<string, { key: Node; is: Node }[]>();

  constructor(kind: Kind) {
    this.kind = kind;
    const { tag: tagged, content: what } = kind;
    const n = (at: number): Node => {
      const fixed = what.fixed.get(at);
      return fixed === undefined ? variable(`n${at}`, 8) : bv(8, fixed);
    };
    this.network = { byte: n, holds: (end) => (end <= what.least ? TRUE : ule(bv(16, end), this.length)) };
    const type = what.type === undefined ? variable('type', 16) : bv(16, what.type);
    const outer = tagged === 'priority' ? bv(16, ETHER.tag) : variable('tagged', 16);
    const tag = tagged === 'priority' ? concat(variable('priority', 4), bv(12, 0)) : variable('tag', 16);
    this.link = {
      byte: (at) => {
        if (at < 12) return variable(at < 6 ? `d${at}` : `s${at - 6}`, 8);
        if (tagged === 'none') return at < 14 ? part(type, at - 12) : n(at - 14);
        if (at < 14) return part(outer, at - 12);
        if (at < 16) return part(tag, at - 14);
        return at < 18 ? part(type, at - 16) : n(at - 18);
      },
      holds: (end) => {
        const head = tagged === 'none' ? 14 : 18;
        return end <= head ? TRUE : this.network.holds(end - head);
      },
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
    this.#transportHolds = walk.holds;
    this.inner = this.#innerHeader();
    const others = [
      ETHER.ip,
      ETHER.ip6,
      ETHER.arp,
      ETHER.eapol,
      ...(tagged === 'none' ? [ETHER.tag, ETHER.serviceTag] : []),
    ];
    const none = ([at, values]: readonly [number, readonly number[]]): Node =>
      and(...values.map((one) => not(eq(n(at), bv(8, one)))));
    this.premise = and(
      between(this.length, what.least, what.most),
      what.type === undefined && what !== ANY
        ? and(...others.map((one) => not(eq(type, bv(16, one)))))
        : TRUE,
      what.except === undefined ? TRUE : none(what.except),
      what.among === undefined ? TRUE : not(none(what.among)),
      tagged === 'other'
        ? or(
            eq(outer, bv(16, ETHER.serviceTag)),
            and(eq(outer, bv(16, ETHER.tag)), not(eq(extract(tag, 0, 12), bv(12, 0)))),
          )
        : TRUE,
      // RESULTS.md, findings: of a message that the frame cuts short the kernel reads what is there.
      what.form === 'arp' ? this.network.holds(28) : TRUE,
    );
  }

  /**
   * What a payload instruction reads behind the network header of a later fragment: one of 1, 2 or 4 bytes does not ask whether there is
   * a transport header (nft_payload_fast_eval), unless the bytes are not in one piece; of IPv6 the kernel then counts from the network
   * header. Whether it is so is free: it is of no kernel's interface.
   */
  laterRead(at: number, length: number): { readonly bytes: readonly Node[]; readonly there: Node } {
    const { form } = this.kind.content;
    if (this.isLater === FALSE || ![1, 2, 4].includes(length)) return { bytes: [], there: FALSE };
    const reads = variable('deep reads later fragments', 0);
    const isFour = form === '4' || form === '4 odd';
    const bytes = Array.from({ length }, (_, i) =>
      isFour ? this.transport.byte(at + i) : this.network.byte(at + i),
    );
    const there = isFour ? this.#transportHolds(at + length) : this.network.holds(at + length);
    return { bytes, there: and(this.isKnown, this.isLater, reads, there) };
  }

  /** What skb_find says of the first extension header of this type. */
  extension(type: number): ExtensionHeader {
    if (this.kind.content === ANY) {
      const found = variable(`deep ${type} found`, 0);
      return { found, byte: (at) => variable(`deep ${type} ${at}`, 8), holds: () => found };
    }
    const { byte: n, holds } = this.network;
    const { form: content } = this.kind.content;
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
      holds: (end) =>
        or(
          and(at40, holds(40 + end)),
          and(at48, holds(48 + end)),
          and(not(at40), not(at48), variable(`deep ${type} holds ${end}`, 0)),
        ),
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
        list.flatMap((a, at) =>
          list
            .slice(at + 1)
            .map((b) => (a.key.width === b.key.width ? or(not(eq(a.key, b.key)), eq(a.is, b.is)) : TRUE)),
        ),
      ),
    );
  }

  #walk(n: (at: number) => Node): Walk {
    const { form: content } = this.kind.content;
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
        byte: (at) =>
          sizes
            .map((size) => [size, n(4 * size + at)] as const)
            .reduceRight((other, [size, byte]) => ite(eq(words, bv(4, size)), byte, other), n(20 + at)),
        holds: (end) => ule(add(header, bv(16, end)), this.length),
      };
    }
    if (this.kind.content === ANY) {
      // Whatever stands behind a tag that is none of the box's affair: what the kernel makes of it is free.
      return {
        isKnown: variable('deep known', 0),
        protocol: variable('deep protocol', 8),
        isLater: variable('deep later', 0),
        byte: (at) => variable(`deep t${at}`, 8),
        holds: (end) => variable(`deep holds ${end}`, 0),
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
      return {
        isKnown: whole,
        protocol: n(6),
        isLater: FALSE,
        byte: (at) => n(40 + at),
        holds: (end) => holds(40 + end),
      };
    const ends = not(isExtension(n(40)));
    const isAh = eq(n(40), bv(8, 51));
    const deep = {
      ok: variable('deep ok', 0),
      protocol: variable('deep protocol', 8),
      isLater: variable('deep later', 0),
      at: variable('deep at', 16),
    };
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
      holds: (end) =>
        or(and(first, holds(40 + end)), and(at48, holds(48 + end)), and(isDeep, deepHolds(end))),
    };
  }

  /** What nft calls inner header: behind UDP's, behind TCP's with its options, inside of IP in IP. */
  #innerHeader(): Header {
    const { byte: t, holds } = this.transport;
    const is = (number: number): Node => eq(this.transportProtocol, bv(8, number));
    const words = extract(t(12), 4, 4);
    const start = contentStart(this.kind.content);
    const tcp = start === undefined ? this.#behindWords(words) : this.#content(words, start);
    return {
      byte: (at) =>
        ite(is(17), t(8 + at), ite(is(6), tcp.byte(at), ite(is(4), t(at), variable(`gre ${at}`, 8)))),
      holds: (end) =>
        or(
          and(is(17), holds(8 + end)),
          and(is(6), holds(20), tcp.holds(end)),
          and(is(4), holds(end)),
          and(is(47), variable(`gre holds ${end}`, 0)),
        ),
    };
  }

  /**
   * What TCP carries, where its header begins at a fixed place: bytes of their own, wherever they are. So they may differ from what is read
   * of them behind the transport header: more frames than there are, never fewer.
   */
  #content(words: Node, start: number): Header {
    const rest = sub(zext(this.length, 17), add(bv(17, start), zext(concat(words, bv(2, 0)), 17)));
    return {
      byte: (at) => variable(`c${at}`, 8),
      holds: (end) => and(ult(rest, bv(17, 0x10000)), ule(bv(17, end), rest)),
    };
  }

  #behindWords(words: Node): Header {
    const { byte: t, holds } = this.transport;
    const sizes = Array.from({ length: 16 }, (_, at) => at);
    return {
      byte: (at) =>
        sizes
          .map((size) => [size, t(4 * size + at)] as const)
          .reduceRight((other, [size, byte]) => ite(eq(words, bv(4, size)), byte, other), t(at)),
      holds: (end) => or(...sizes.map((size) => and(eq(words, bv(4, size)), holds(4 * size + end)))),
    };
  }
}

/** Where a TCP header may begin, behind the network header. */
function contentStart({ form }: Content): number | undefined {
  return form === '4' ? 20 : form === '6' ? 40 : undefined;
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

/** One of the two bytes of a number. */
function part(number: Node, at: number): Node {
  return extract(number, 8 - 8 * at, 8);
}

/** The frame's bytes as they are on the wire where the variables have these values. */
export function bytesOfFrame({ tag, content: what }: Kind, valueOf: (name: string) => bigint): Uint8Array {
  const head = tag === 'none' ? 14 : 18;
  const length = Number(valueOf('len'));
  const bytes = new Uint8Array(head + length);
  for (let at = 0; at < 12; at += 1) bytes[at] = Number(valueOf(at < 6 ? `d${at}` : `s${at - 6}`));
  const put = (at: number, value: bigint): void => {
    bytes[at] = Number(value >> 8n);
    bytes[at + 1] = Number(value & 0xffn);
  };
  if (tag !== 'none') {
    put(12, tag === 'priority' ? BigInt(ETHER.tag) : valueOf('tagged'));
    put(14, tag === 'priority' ? valueOf('priority') << 12n : valueOf('tag'));
  }
  put(head - 2, what.type === undefined ? valueOf('type') : BigInt(what.type));
  for (let at = 0; at < length; at += 1) bytes[head + at] = what.fixed.get(at) ?? Number(valueOf(`n${at}`));
  const content = contentOf(what, bytes, head);
  for (let at = content; at < bytes.length; at += 1) bytes[at] = Number(valueOf(`c${at - content}`));
  return bytes;
}

/** Where what TCP carries begins in a frame; behind its end where there is none of its own. */
function contentOf(what: Content, bytes: Uint8Array, head: number): number {
  const start = contentStart(what);
  if (start === undefined || bytes[head + (start === 20 ? 9 : 6)] !== 6) return bytes.length;
  const words = (bytes[head + start + 12] ?? 0) >> 4;
  return words < 5 ? bytes.length : head + start + 4 * words;
}

/** Which kind of frames it is one of, behind any tag by what stands there; undefined where it has less than a header. */
export function kindOfBytes(bytes: Uint8Array, way: Way): Kind | undefined {
  if (bytes.length < 14) return undefined;
  const word = (at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const isTagged = word(12) === ETHER.tag || word(12) === ETHER.serviceTag;
  if (isTagged && bytes.length < 20) return undefined;
  const tag = !isTagged ? 'none' : word(12) === ETHER.tag && (word(14) & 0xfff) === 0 ? 'priority' : 'other';
  const head = isTagged ? 18 : 14;
  const n = (at: number): number => bytes[head + at] ?? 0;
  const length = bytes.length - head;
  const found = CONTENTS.find(
    ({ type, fixed, except, among, least, most }) =>
      (type === undefined || type === word(head - 2)) &&
      length >= least &&
      length <= most &&
      [...fixed].every(([at, value]) => n(at) === value) &&
      (except === undefined || !except[1].includes(n(except[0]))) &&
      (among === undefined || among[1].includes(n(among[0]))),
  );
  return found === undefined ? undefined : { way, tag, content: found };
}

/** What a frame's variables are; 0 for what is not its own. Bytes behind its end nothing reads. */
export function valuesOfBytes({ tag, content: what }: Kind, bytes: Uint8Array): (name: string) => bigint {
  const head = tag === 'none' ? 14 : 18;
  const word = (at: number): bigint => BigInt(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
  return (name) => {
    if (name === 'len') return BigInt(bytes.length - head);
    if (name === 'type') return word(head - 2);
    if (name === 'tagged') return word(12);
    if (name === 'tag') return word(14);
    if (name === 'priority') return word(14) >> 12n;
    const found = /^([dsnc])(\d+)$/.exec(name);
    if (found === null) return 0n;
    const start = { d: 0, s: 6, n: head, c: contentOf(what, bytes, head) }[found[1] as 'd' | 's' | 'n' | 'c'];
    return BigInt(bytes[start + Number(found[2])] ?? 0);
  };
}

/** A variable that is no byte of the frame: what the kernel finds where the model does not follow it. */
export function isFree(name: string): boolean {
  return name.startsWith('deep ') || name.startsWith('gre ');
}
