// Knows: how the description of packets (protocols.ts) becomes the judge's function, nft's rules and BPF's terms.
// Must not know: addresses, rules, verdicts, any protocol. nft can compare a field with a constant, never two fields: `fillsPacket` says
// what only BPF and the judge see. Over TCP a segment alone shows little: what its stream begins with is read by
// src/flow/streams/first-bytes.ts, which sets `packet.foreign`.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import type { TunnelProtocol } from '../../flow/kinds.ts';
import type { Direction } from '../compile/counted.ts';
import { bpfBits, compareBits, hasBits, nftBits } from '../filter/payload.ts';
import type { BpfField, Compared } from '../filter/payload.ts';
import type { Transport, TunnelForm } from '../policy.ts';
import { DNS_QUERY, HEAD } from './readable.ts';
import { PACKETS, PROTOCOLS, zerotierPackets } from './protocols.ts';
import type { Datagrams, Packet, Shape, Stream } from './protocols.ts';
import { wireguardForm } from './wireguard-forms.ts';
import { IPV4_HEADER, IPV6_HEADER, Protocol, TCP_HEADER, UDP_HEADER } from '../../wire/ip/ip.ts';

/** A shape, and what a tunnel's configuration makes of it. */
export interface Formed {
  readonly shape: Shape;
  readonly form?: TunnelForm | undefined;
}

export const SHAPES = Object.keys(PACKETS) as readonly Shape[];

/** IPsec but over TCP: it has two ports, and ESP beside them. */
export function hasEsp(shape: Shape | undefined): boolean {
  return shape === 'isakmp' || shape === 'natt';
}

/** Of an endpoint that a policy may have: the schema asks `transportsOf`. */
export function shapeOf(protocol: TunnelProtocol, transport: Transport, port: number): Shape {
  const shape = PROTOCOLS[protocol][transport];
  if (shape === undefined) throw new Error(`${protocol} does not run over ${transport}`);
  return shape === 'isakmp' && port === 4500 ? 'natt' : shape;
}

export function transportsOf(protocol: TunnelProtocol): readonly Transport[] {
  return (['udp', 'tcp'] as const).filter((transport) => PROTOCOLS[protocol][transport] !== undefined);
}

export function isStream(shape: Shape): boolean {
  return 'readable' in PACKETS[shape];
}

function datagramsOf({ shape, form }: Formed): Datagrams {
  if (form?.kind === 'zerotier') return zerotierPackets(form);
  if (form !== undefined) return wireguardForm(form);
  const packets: Datagrams | Stream = PACKETS[shape];
  return 'readable' in packets ? {} : packets;
}

/** A description as frames are compared with it. */
interface Compiled {
  readonly short: readonly Matcher[];
  /** What the packet must hold from UDP's header on, before any of `short` is looked for. */
  readonly shortRoom: number;
  readonly certain: readonly Matcher[];
  readonly others: readonly Matcher[];
  /** Undefined where it is no stream. */
  readonly readable: readonly Compared[] | undefined;
}

interface Matcher {
  readonly first: number;
  readonly last: number;
  readonly direction: Direction | undefined;
  /** Of the IP packet, by its version; 0 where nothing is asked. */
  readonly held4: number;
  readonly held6: number;
  readonly whole: boolean;
  readonly bits: Compared;
  readonly isAnswer: boolean;
}

function compile({ short = [], certain = [], others = [] }: Datagrams): Compiled {
  return {
    short: short.map(matcherOf),
    shortRoom: readsByte(short) ? UDP_HEADER + 1 : 0,
    certain: certain.map(matcherOf),
    others: others.map(matcherOf),
    readable: undefined,
  };
}

function matcherOf({ length, direction, held, bits = [], isAnswer }: Packet): Matcher {
  const room = held === undefined ? 0 : UDP_HEADER + held.bytes + (held.whole ? 0 : PIECE_HEADER);
  return {
    first: UDP_HEADER + length.first,
    last: Math.min(UDP_HEADER + length.last, 0xffff),
    direction,
    held4: held === undefined ? 0 : IPV4_HEADER + UDP_HEADER + held.bytes,
    held6: held === undefined ? 0 : IPV6_HEADER + room,
    whole: held?.whole === true,
    bits: compareBits(bits),
    isAnswer: isAnswer === true,
  };
}

/** IPv6's fragment header (RFC 8200 section 4.5). */
const PIECE_HEADER = 8;

function readsByte(short: readonly Packet[]): boolean {
  return short.some(({ bits, held }) => bits !== undefined && held === undefined);
}

const OF_SHAPE = Object.fromEntries(
  SHAPES.map((shape) => {
    const packets: Datagrams | Stream = PACKETS[shape];
    const readable = 'readable' in packets ? packets.readable.map(compareBits) : undefined;
    return [shape, { ...compile(datagramsOf({ shape })), readable }];
  }),
) as Readonly<Record<Shape, Compiled>>;

/** Asked for each packet. */
const ofForm = new WeakMap<TunnelForm, Compiled>();

function compiledOf(of: Formed): Compiled {
  if (of.form === undefined) return OF_SHAPE[of.shape];
  const known = ofForm.get(of.form) ?? compile(datagramsOf(of));
  ofForm.set(of.form, known);
  return known;
}

/** What the kernel's rule for this shape accepts. Allocates nothing. */
export function kernelAccepts(of: Formed, packet: ParsedPacket, direction: Direction): boolean {
  const compiled = compiledOf(of);
  const { short, shortRoom, certain, others, readable } = compiled;
  const header = packet.ipVersion === 4 ? IPV4_HEADER : IPV6_HEADER;
  if (readable !== undefined) {
    if (packet.ipLength < header + TCP_HEADER) return false;
    return direction === 'down' || packet.payloadLength < HEAD || !beginsWith(packet, readable);
  }
  // What the packet itself holds from UDP's header on: behind it nft would read Ethernet's trailer.
  const room = packet.ipLength - header - (packet.fragmentHeader ? PIECE_HEADER : 0);
  if (room >= shortRoom && isOne(short, packet, direction)) return true;
  if (room < UDP_HEADER + HEAD) return false;
  return (
    isOne(certain, packet, direction) ||
    (others.length > 0 && !isDnsQuery(packet) && isOne(others, packet, direction))
  );
}

function beginsWith(packet: ParsedPacket, readable: readonly Compared[]): boolean {
  for (const bits of readable) if (hasBits(packet, bits)) return true;
  return false;
}

function isOne(packets: readonly Matcher[], packet: ParsedPacket, direction: Direction): boolean {
  for (const octets of packets) if (isPacket(octets, packet, direction)) return true;
  return false;
}

function isPacket(octets: Matcher, packet: ParsedPacket, direction: Direction): boolean {
  const { udpLength } = packet;
  if (udpLength < octets.first || udpLength > octets.last) return false;
  if (octets.direction !== undefined && octets.direction !== direction) return false;
  if (packet.ipLength < (packet.ipVersion === 4 ? octets.held4 : octets.held6)) return false;
  if (octets.whole && packet.fragmentHeader) return false;
  return hasBits(packet, octets.bits);
}

/**
 * Nothing readable hides behind the datagram: its length is what IP says. The kernel cannot compare the two, so such a
 * frame crosses and is called a leak.
 */
export function fillsPacket(packet: ParsedPacket): boolean {
  if (packet.malformed !== undefined) return false;
  if (packet.udpLength < 0 || packet.moreFragments) return true;
  const header =
    (packet.ipVersion === 4 ? IPV4_HEADER : IPV6_HEADER) + (packet.fragmentHeader ? PIECE_HEADER : 0);
  return packet.ipLength - header === packet.udpLength;
}

/** Of a packet that is quoted: no more of it is there than the first bytes, which say nothing of AmneziaWG's. */
export function quotedAccepts(of: Formed, packet: ParsedPacket): boolean {
  if (of.form?.kind !== 'amnezia') return kernelAccepts(of, packet, 'down');
  const { short, others } = compiledOf(of);
  return [...short, ...others].some(
    ({ first, last }) => packet.udpLength >= first && packet.udpLength <= last,
  );
}

/** A server's answer to a handshake, of a frame that has the shape: the filter shows it, so that a tap can say when a silence ended. */
export function isHandshakeAnswer(of: Formed, packet: ParsedPacket): boolean {
  const { certain, others } = compiledOf(of);
  const isAnswer = (octets: Matcher): boolean => octets.isAnswer && isPacket(octets, packet, 'down');
  return certain.some(isAnswer) || others.some(isAnswer);
}

const SYN = 2;

/**
 * Frames of a tunnel that the filter shows all the same: answers to handshakes, and what a client says over TCP, by which is known
 * whose stream it is. Of its acknowledgements without data and of all that comes back nothing needs to be read.
 */
export function isShown(of: Formed, packet: ParsedPacket, direction: Direction): boolean {
  if (packet.fragmentOffset > 0) return false;
  if (packet.protocol !== Protocol.TCP) return isHandshakeAnswer(of, packet);
  return direction === 'up' && ((packet.tcpFlags & SYN) !== 0 || packet.payloadLength > 0);
}

const QUERY = compareBits(DNS_QUERY);

/** Whether a payload begins as an ordinary DNS query (readable.ts). */
export function isDnsQuery(packet: ParsedPacket): boolean {
  return hasBits(packet, QUERY);
}

export const NFT_DNS_QUERY = nftBits(DNS_QUERY, 'th');

/** The first bytes of the payload, which the rules read, are the packet's own (first fragments: the fragment chains). */
function nftRoom(bytes: number): readonly string[] {
  return [
    `ip length < ${IPV4_HEADER + UDP_HEADER + bytes} goto foreign`,
    `ip6 length < ${UDP_HEADER + bytes} goto foreign`,
  ];
}

const NFT_STREAM = ['tcp doff >= 5 ip length >= 40 return', 'tcp doff >= 5 ip6 length >= 20 return'];

/** Rules of a shape's chain: `return` accepts, falling off the end goes to `foreign`. */
export function nftShape(of: Formed, lan: string): readonly string[] {
  if (isStream(of.shape)) return NFT_STREAM;
  const { short = [], certain = [], others = [] } = datagramsOf(of);
  const rules = (packets: readonly Packet[]): readonly string[] =>
    packets.flatMap((octets) => nftPacket(octets, lan));
  return [
    ...(readsByte(short) ? nftRoom(1) : []),
    ...rules(short),
    ...(certain.length + others.length > 0 ? nftRoom(HEAD) : []),
    ...rules(certain),
    ...(others.length > 0 ? [`${NFT_DNS_QUERY} goto foreign`, ...rules(others)] : []),
  ];
}

function nftPacket({ length, bits = [], direction, held }: Packet, lan: string): readonly string[] {
  const { first, last } = { first: UDP_HEADER + length.first, last: UDP_HEADER + length.last };
  const span = last === Infinity ? `>= ${first}` : first === last ? String(first) : `${first}-${last}`;
  const rule = [
    ...(direction === undefined ? [] : [`iifname ${direction === 'up' ? '' : '!= '}"${lan}"`]),
    ...(bits.length === 0 ? [] : [nftBits(bits, 'th')]),
    `udp length ${span} return`,
  ].join(' ');
  if (held === undefined) return [rule];
  const least = UDP_HEADER + held.bytes;
  const six = held.whole ? `ip6 nexthdr 17 ip6 length >= ${least}` : `ip6 length >= ${PIECE_HEADER + least}`;
  return [`ip length >= ${IPV4_HEADER + least} ${rule}`, `${six} ${rule}`];
}

/** Matches of a client's segments that are not the tunnel's, behind TCP's options wherever they end. */
export function nftReadable(shape: Shape): readonly string[] {
  const packets: Datagrams | Stream = PACKETS[shape];
  return 'readable' in packets ? packets.readable.map((bits) => nftBits(bits, 'ih')) : [];
}

/** That the bytes which were compared are the packet's: one rule for each length of TCP's header, as two fields cannot be compared. */
export const NFT_WHOLE_HEAD: readonly string[] = Array.from({ length: 11 }, (_, at) => at + 5).flatMap(
  (doff) => [
    `tcp doff ${doff} ip length >= ${IPV4_HEADER + 4 * doff + HEAD}`,
    `tcp doff ${doff} ip6 length >= ${4 * doff + HEAD}`,
  ],
);

/**
 * The same for a capture filter; `holdsBytes` says that so much payload is in the packet. Here two fields can be compared: what a
 * frame carries behind its datagram must not be hidden. Nor is `isHandshakeAnswer`.
 */
export function bpfShape(of: Formed, field: BpfField, holdsBytes: (bytes: number) => string): string {
  const { short = [], certain = [], others = [] } = datagramsOf(of);
  const texts = (packets: readonly Packet[], least: number): readonly string[] =>
    packets.flatMap((octets) => bpfPacket(octets, least, field, holdsBytes));
  const hidden = [...texts(short, 0), ...texts(certain, HEAD)];
  const query = bpfBits(QUERY, field).join(' and ');
  const unless = texts(others, HEAD).map((text) => `(${text} and not (${query}))`);
  const all = [...hidden, ...unless];
  return all.length === 0 ? '(len = 0)' : `(${all.join(' or ')})`;
}

function bpfPacket(
  { length, bits = [], held, hidden }: Packet,
  least: number,
  field: BpfField,
  holdsBytes: (bytes: number) => string,
): readonly string[] {
  if (hidden === undefined) return [];
  const udpLength = field(-4, 2);
  const [first, last] = [UDP_HEADER + Math.max(least, length.first), UDP_HEADER + length.last];
  const span = last === Infinity ? `${udpLength} >= ${first}` : `${udpLength} - ${first} <= ${last - first}`;
  return [
    [
      first === last ? `${udpLength} = ${first}` : span,
      ...(held === undefined ? [] : [holdsBytes(held.bytes)]),
      ...bpfBits(compareBits([...bits, ...hidden]), field),
    ].join(' and '),
  ].map((text) => `(${text})`);
}
