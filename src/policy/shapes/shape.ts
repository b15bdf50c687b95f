// Compiles the description of packets (protocols.ts) into the judge's function, nft's rules and BPF's terms. nft can compare a field with
// a constant, but not two fields: `fillsPacket` does what only BPF and the judge can. Over TCP one segment shows little: the first bytes of
// a stream are read by src/flow/streams/first-bytes.ts, which sets `packet.foreign`.

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

/** A shape, and how a tunnel's configuration changes it. */
export interface Formed {
  readonly shape: Shape;
  readonly form?: TunnelForm | undefined;
}

/** Every shape, in the order in which the ruleset lists its chains. */
export const SHAPES = Object.keys(PACKETS) as readonly Shape[];

/** Whether it is IPsec over UDP, which has two ports, and ESP as well. */
export function hasEsp(shape: Shape | undefined): boolean {
  return shape === 'isakmp' || shape === 'natt';
}

/**
 * The shape at an endpoint; IPsec's at port 4500 is that of NAT traversal (RFC 3948). Throws where the protocol does not run over the
 * transport (the schema has checked that by `transportsOf`).
 */
export function shapeOf(protocol: TunnelProtocol, transport: Transport, port: number): Shape {
  const shape = PROTOCOLS[protocol][transport];
  if (shape === undefined) throw new Error(`${protocol} does not run over ${transport}`);
  return shape === 'isakmp' && port === 4500 ? 'natt' : shape;
}

/** The transports that a protocol runs over, UDP first. */
export function transportsOf(protocol: TunnelProtocol): readonly Transport[] {
  return (['udp', 'tcp'] as const).filter((transport) => PROTOCOLS[protocol][transport] !== undefined);
}

/** Whether it is a shape over TCP. */
export function isStream(shape: Shape): boolean {
  return 'readable' in PACKETS[shape];
}

function datagramsOf({ shape, form }: Formed): Datagrams {
  if (form?.kind === 'zerotier') return zerotierPackets(form);
  if (form !== undefined) return wireguardForm(form);
  const packets: Datagrams | Stream = PACKETS[shape];
  return 'readable' in packets ? {} : packets;
}

/** A description compiled for comparing frames with it. */
interface Compiled {
  readonly short: readonly Matcher[];
  /** Bytes that the packet must hold from the UDP header on before it is compared with `short`. */
  readonly shortRoom: number;
  readonly certain: readonly Matcher[];
  readonly others: readonly Matcher[];
  /** Undefined for UDP. */
  readonly readable: readonly Compared[] | undefined;
}

interface Matcher {
  readonly first: number;
  readonly last: number;
  readonly direction: Direction | undefined;
  /** Least length of the IPv4 or IPv6 packet in bytes; 0 for none. */
  readonly held4: number;
  readonly held6: number;
  readonly whole: boolean;
  readonly bits: Compared;
  readonly handshake: Packet['handshake'] | undefined;
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

function matcherOf({ length, direction, held, bits = [], handshake }: Packet): Matcher {
  const room = held === undefined ? 0 : UDP_HEADER + held.bytes + (held.whole ? 0 : FRAGMENT_HEADER);
  return {
    first: UDP_HEADER + length.first,
    last: Math.min(UDP_HEADER + length.last, 0xffff),
    direction,
    held4: held === undefined ? 0 : IPV4_HEADER + UDP_HEADER + held.bytes,
    held6: held === undefined ? 0 : IPV6_HEADER + room,
    whole: held?.whole === true,
    bits: compareBits(bits),
    handshake,
  };
}

/** IPv6's fragment header (RFC 8200 section 4.5). */
const FRAGMENT_HEADER = 8;

function readsByte(short: readonly Packet[]): boolean {
  return short.some(({ bits, held }) => bits !== undefined && held === undefined);
}

/** Compiled when first needed: a policy has few of them. */
const ofShape: Partial<Record<Shape, Compiled>> = {};

function compileShape(shape: Shape): Compiled {
  const packets: Datagrams | Stream = PACKETS[shape];
  const readable = 'readable' in packets ? packets.readable.map(compareBits) : undefined;
  const compiled = { ...compile(datagramsOf({ shape })), readable };
  ofShape[shape] = compiled;
  return compiled;
}

/** Remembered, because it is needed for each packet. */
const ofForm = new WeakMap<TunnelForm, Compiled>();

function compiledOf(of: Formed): Compiled {
  if (of.form === undefined) return ofShape[of.shape] ?? compileShape(of.shape);
  const known = ofForm.get(of.form) ?? compile(datagramsOf(of));
  ofForm.set(of.form, known);
  return known;
}

/** Whether the kernel's rules for this shape (`nftShape`) accept the packet, which is whole or a first fragment. Allocates nothing. */
export function kernelAccepts(of: Formed, packet: ParsedPacket, direction: Direction): boolean {
  const compiled = compiledOf(of);
  const { short, shortRoom, certain, others, readable } = compiled;
  const header = packet.ipVersion === 4 ? IPV4_HEADER : IPV6_HEADER;
  if (readable !== undefined) {
    if (packet.ipLength < header + TCP_HEADER) return false;
    return direction === 'down' || packet.payloadLength < HEAD || !beginsWith(packet, readable);
  }
  // Bytes that the packet itself holds from the UDP header on: after its end nft would read the frame's padding.
  const room = packet.ipLength - header - (packet.fragmentHeader ? FRAGMENT_HEADER : 0);
  if (room >= shortRoom && matchesAny(short, packet, direction)) return true;
  if (room < UDP_HEADER + HEAD) return false;
  return (
    matchesAny(certain, packet, direction) ||
    (others.length > 0 && !isDnsQuery(packet) && matchesAny(others, packet, direction))
  );
}

function beginsWith(packet: ParsedPacket, readable: readonly Compared[]): boolean {
  for (const bits of readable) if (hasBits(packet, bits)) return true;
  return false;
}

function matchesAny(packets: readonly Matcher[], packet: ParsedPacket, direction: Direction): boolean {
  for (const matcher of packets) if (isPacket(matcher, packet, direction)) return true;
  return false;
}

function isPacket(matcher: Matcher, packet: ParsedPacket, direction: Direction): boolean {
  const { udpLength } = packet;
  if (udpLength < matcher.first || udpLength > matcher.last) return false;
  if (matcher.direction !== undefined && matcher.direction !== direction) return false;
  if (packet.ipLength < (packet.ipVersion === 4 ? matcher.held4 : matcher.held6)) return false;
  if (matcher.whole && packet.fragmentHeader) return false;
  return hasBits(packet, matcher.bits);
}

/**
 * Whether the datagram fills the IP packet, so that nothing readable can hide after it; true for packets without UDP length and for
 * fragments that others follow, false for malformed ones. The kernel cannot compare the two lengths: a frame of which this is false
 * crosses, and is reported as a leak.
 */
export function fillsPacket(packet: ParsedPacket): boolean {
  if (packet.malformed !== undefined) return false;
  if (packet.udpLength < 0 || packet.moreFragments) return true;
  const header =
    (packet.ipVersion === 4 ? IPV4_HEADER : IPV6_HEADER) + (packet.fragmentHeader ? FRAGMENT_HEADER : 0);
  return packet.ipLength - header === packet.udpLength;
}

/** The same for a packet quoted by ICMP, of which only the first bytes are there; AmneziaWG's packets show only their length in them. */
export function quotedAccepts(of: Formed, packet: ParsedPacket): boolean {
  if (of.form?.kind !== 'amnezia') return kernelAccepts(of, packet, 'down');
  const { short, others } = compiledOf(of);
  return [...short, ...others].some(
    ({ first, last }) => packet.udpLength >= first && packet.udpLength <= last,
  );
}

/**
 * Which message of a handshake a frame of this shape is; undefined for others. The capture filter shows both, in either direction, so
 * that a tap sees when a silence ends, and that a client asks in vain.
 */
export function handshakeOf(of: Formed, packet: ParsedPacket): 'begin' | 'answer' | undefined {
  const { certain, others } = compiledOf(of);
  const isIt = (matcher: Matcher): boolean =>
    matcher.handshake !== undefined && isPacket(matcher, packet, 'down');
  return (certain.find(isIt) ?? others.find(isIt))?.handshake;
}

const SYN = 2;

/**
 * Whether the capture filter shows a frame of a tunnel: handshakes, and over TCP a client's SYN and data, which tell whether
 * the stream is the tunnel's. Acknowledgements without data and everything that comes down need not be read.
 */
export function isShown(of: Formed, packet: ParsedPacket, direction: Direction): boolean {
  if (packet.fragmentOffset > 0) return false;
  if (packet.protocol !== Protocol.TCP) return handshakeOf(of, packet) !== undefined;
  return direction === 'up' && ((packet.tcpFlags & SYN) !== 0 || packet.payloadLength > 0);
}

const QUERY = compareBits(DNS_QUERY);

/** Whether the payload begins with the header of an ordinary DNS query (RFC 1035 section 4.1.1, readable.ts). */
export function isDnsQuery(packet: ParsedPacket): boolean {
  return hasBits(packet, QUERY);
}

/** nft match for a datagram that begins with the header of an ordinary DNS query. */
export const NFT_DNS_QUERY = nftBits(DNS_QUERY, 'th');

/** Ends a packet that is too short to hold the payload bytes that the rules read (first fragments are checked in the fragment chains). */
function nftRoom(bytes: number): readonly string[] {
  return [
    `ip length < ${IPV4_HEADER + UDP_HEADER + bytes} goto foreign`,
    `ip6 length < ${UDP_HEADER + bytes} goto foreign`,
  ];
}

const NFT_STREAM = ['tcp doff >= 5 ip length >= 40 return', 'tcp doff >= 5 ip6 length >= 20 return'];

/** Rules of a shape's chain: `return` accepts; the caller ends the chain with a jump to `foreign`. `lan` is the name of the lan port. */
export function nftShape(of: Formed, lan: string): readonly string[] {
  if (isStream(of.shape)) return NFT_STREAM;
  const { short = [], certain = [], others = [] } = datagramsOf(of);
  const rules = (packets: readonly Packet[]): readonly string[] =>
    packets.flatMap((matcher) => nftPacket(matcher, lan));
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
  const bytes = UDP_HEADER + held.bytes;
  const six = held.whole
    ? `ip6 nexthdr 17 ip6 length >= ${bytes}`
    : `ip6 length >= ${FRAGMENT_HEADER + bytes}`;
  return [`ip length >= ${IPV4_HEADER + bytes} ${rule}`, `${six} ${rule}`];
}

/** nft matches, each for a rule of its own, for a client's segments that are not the tunnel's, after the TCP options; none for UDP. */
export function nftReadable(shape: Shape): readonly string[] {
  const packets: Datagrams | Stream = PACKETS[shape];
  return 'readable' in packets ? packets.readable.map((bits) => nftBits(bits, 'ih')) : [];
}

/** nft matches that the compared bytes belong to the packet: one for each TCP header length, because two fields cannot be compared. */
export const NFT_WHOLE_HEAD: readonly string[] = Array.from({ length: 11 }, (_, at) => at + 5).flatMap(
  (doff) => [
    `tcp doff ${doff} ip length >= ${IPV4_HEADER + 4 * doff + HEAD}`,
    `tcp doff ${doff} ip6 length >= ${4 * doff + HEAD}`,
  ],
);

/**
 * The shape as a term of pcap-filter(7), for packets that a capture filter hides; `(len = 0)`, which never holds, where it shows all.
 * `holdsBytes` makes the term that the packet has so many bytes of payload. BPF can compare two fields: a frame that carries bytes after
 * its datagram is not hidden, nor is a handshake.
 */
export function bpfShape(of: Formed, field: BpfField, holdsBytes: (bytes: number) => string): string {
  const { short = [], certain = [], others = [] } = datagramsOf(of);
  const texts = (packets: readonly Packet[], minLength: number): readonly string[] =>
    packets.flatMap((matcher) => bpfPacket(matcher, minLength, field, holdsBytes));
  const hidden = [...texts(short, 0), ...texts(certain, HEAD)];
  const query = bpfBits(QUERY, field).join(' and ');
  const unless = texts(others, HEAD).map((text) => `(${text} and not (${query}))`);
  const all = [...hidden, ...unless];
  return all.length === 0 ? '(len = 0)' : `(${all.join(' or ')})`;
}

function bpfPacket(
  { length, bits = [], held, hidden }: Packet,
  minLength: number,
  field: BpfField,
  holdsBytes: (bytes: number) => string,
): readonly string[] {
  if (hidden === undefined) return [];
  const udpLength = field(-4, 2);
  const [first, last] = [UDP_HEADER + Math.max(minLength, length.first), UDP_HEADER + length.last];
  const span = last === Infinity ? `${udpLength} >= ${first}` : `${udpLength} - ${first} <= ${last - first}`;
  return [
    [
      first === last ? `${udpLength} = ${first}` : span,
      ...(held === undefined ? [] : [holdsBytes(held.bytes)]),
      ...bpfBits(compareBits([...bits, ...hidden]), field),
    ].join(' and '),
  ].map((text) => `(${text})`);
}
