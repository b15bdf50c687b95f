// Knows: what a tunnel protocol's packets look like, once for each of the three compilers, side by side.
// Must not know: addresses, rules, verdicts. Follows the WireGuard white paper (5.4), the OpenVPN wire protocol,
// RFC 7296, RFC 3948 and RFC 9329. nft can compare a field with a constant, never two fields: `exact` says what only BPF and the judge see.
// Over TCP a segment alone shows little: what its stream begins with is read by src/flow/streams/first-bytes.ts, which sets `facts.foreign`.

import type { Facts } from '../../flow/facts.ts';
import { WIREGUARD_LENGTHS, isWireguardShape } from '../../wire/vpn/wireguard.ts';
import type { Way } from '../compile/counted.ts';
import { STREAM_SHAPES, isReadable } from './readable.ts';
import { MESH_SHAPES, acceptsMesh, bpfMesh, isMeshShape, nftMesh } from './mesh-shapes.ts';
import type { MeshShape } from './mesh-shapes.ts';
import type { TunnelProtocol } from '../../flow/kinds.ts';
import type { Transport, TunnelForm } from '../policy.ts';
import { acceptsForm, bpfForm, isFormAnswer, nftForm, quotedForm } from './wireguard-forms.ts';
import { Protocol } from '../../wire/ip/ip.ts';

/** A shape, and what a tunnel's configuration makes of it. */
export interface Formed {
  readonly shape: Shape;
  readonly form?: TunnelForm | undefined;
}

/** Bytes 4 to 8 of a DNS query: one question, no answer. */
const ONE_QUESTION = 0x00010000;

/** Every shape, in the order in which the ruleset lists its chains. */
export const SHAPES = [
  'wireguard',
  'openvpn',
  'isakmp',
  'natt',
  'udp',
  ...STREAM_SHAPES,
  ...MESH_SHAPES,
] as const;
export type Shape = (typeof SHAPES)[number];

/** What a protocol's packets are shaped like, over the transports that it speaks. */
const SHAPES_OF: Readonly<Record<TunnelProtocol, Readonly<Partial<Record<Transport, Shape>>>>> = {
  wireguard: { udp: 'wireguard' },
  openvpn: { udp: 'openvpn', tcp: 'openvpn_tcp' },
  ipsec: { udp: 'isakmp', tcp: 'ike_tcp' },
  tor: { tcp: 'tor' },
  opaque: { udp: 'udp', tcp: 'tcp' },
  tailscale: { udp: 'tailscale' },
  nebula: { udp: 'nebula' },
  zerotier: { udp: 'zerotier' },
};

/** IPsec but over TCP: it has two ports, and ESP beside them. */
export function hasEsp(shape: Shape | undefined): boolean {
  return shape === 'isakmp' || shape === 'natt';
}

export function shapeOf(protocol: TunnelProtocol, transport: Transport, port: number): Shape {
  const shape = SHAPES_OF[protocol][transport] ?? transport;
  return shape === 'isakmp' && port === 4500 ? 'natt' : shape;
}

export function transportsOf(protocol: TunnelProtocol): readonly string[] {
  return Object.keys(SHAPES_OF[protocol]);
}

/** What the kernel's rule for this shape accepts; `exactly` is stricter. */
export function kernelAccepts({ shape, form }: Formed, facts: Facts, way: Way): boolean {
  const head = facts.payloadHead;
  // What the packet itself holds from UDP's header on: behind it nft would read Ethernet's trailer.
  const room = facts.ipLength - (facts.ipVersion === 4 ? 20 : 40) - (facts.fragmentHeader ? 8 : 0);
  const holdsHead = room >= 20;
  if (isMeshShape(shape)) {
    if (shape === 'tailscale' && holdsHead && isWireguard(facts, facts.udpLength - 8)) return true;
    const own = form?.kind === 'zerotier' ? form : undefined;
    return room >= 9 && acceptsMesh(shape, own, facts, way, () => holdsHead && !isDnsQuery(facts));
  }
  if (form !== undefined && form.kind !== 'zerotier')
    return acceptsForm(form, facts, () => holdsHead && !isDnsQuery(facts));
  switch (shape) {
    case 'wireguard':
      return holdsHead && isWireguard(facts, facts.udpLength - 8);
    case 'openvpn': {
      const opcode = head >>> 27;
      return holdsHead && facts.udpLength >= 22 && opcode >= 1 && opcode <= 11 && !isDnsQuery(facts);
    }
    case 'isakmp':
      return holdsHead && facts.udpLength >= 36 && !isDnsQuery(facts);
    case 'natt':
      if (facts.udpLength === 9) return room >= 9 && head >>> 24 === 0xff;
      if (!holdsHead) return false;
      return head === 0 ? facts.udpLength >= 40 : head >= 256 && facts.udpLength >= 24 && !isDnsQuery(facts);
    case 'udp':
      return facts.udpLength >= 8;
    case 'tcp':
    case 'openvpn_tcp':
    case 'tor':
    case 'ike_tcp':
      if (facts.ipLength < (facts.ipVersion === 4 ? 40 : 60)) return false;
      return way === 'down' || !isReadable(shape, facts);
  }
}

/**
 * Nothing readable hides behind the datagram: its length is what IP says. The kernel cannot compare the two, so such a
 * frame crosses and is called a leak.
 */
export function fillsPacket(facts: Facts): boolean {
  if (facts.malformed !== undefined) return false;
  if (facts.udpLength < 0 || facts.moreFragments) return true;
  const header = (facts.ipVersion === 4 ? 20 : 40) + (facts.fragmentHeader ? 8 : 0);
  return facts.ipLength - header === facts.udpLength;
}

/**
 * A DNS query with the ID 0x0400 has one question where the receiver's index stands; one session in 2^32 has that index, for two
 * minutes.
 */
function isWireguard(facts: Facts, length: number): boolean {
  const { payloadHead, payloadHead2 } = facts;
  return (
    isWireguardShape(payloadHead, length) && (payloadHead !== 0x04000000 || payloadHead2 !== ONE_QUESTION)
  );
}

/** Of a packet that is quoted: no more of it is there than the first bytes. */
export function quotedAccepts(of: Formed, facts: Facts): boolean {
  const { form } = of;
  return form === undefined || form.kind === 'zerotier'
    ? kernelAccepts(of, facts, 'down')
    : quotedForm(form, facts);
}

/** A server's answer to a handshake, of a frame that has the shape: the filter shows it, so that a tap can say when a silence ended. */
export function isHandshakeAnswer({ shape, form }: Formed, facts: Facts): boolean {
  if (form !== undefined && form.kind !== 'zerotier') return isFormAnswer(form, facts);
  return (shape === 'wireguard' || shape === 'tailscale') && facts.payloadHead === 0x02000000;
}

const SYN = 2;

/**
 * Frames of a tunnel that the filter shows all the same: answers to handshakes, and what a client says over TCP, by which is known
 * whose stream it is. Of its acknowledgements without data and of all that comes back nothing needs to be read.
 */
export function isShown(of: Formed, facts: Facts, way: Way): boolean {
  if (facts.fragmentOffset > 0) return false;
  if (facts.protocol !== Protocol.TCP) return isHandshakeAnswer(of, facts);
  return way === 'up' && ((facts.tcpFlags & SYN) !== 0 || facts.payloadLength > 0);
}

/**
 * The header of an ordinary DNS query (RFC 1035 section 4.1.1): no flag but RD, AD, CD, one question, no answer, no
 * authority, at most one additional record. 2^-75 for random bytes; a session identifier is no DNS header.
 */
export function isDnsQuery(facts: Facts): boolean {
  return (
    (facts.payloadHead & 0xfecf) === 0 &&
    facts.payloadHead2 === ONE_QUESTION &&
    facts.payloadHead3 >>> 1 === 0
  );
}

export const NFT_DNS_QUERY = '@th,80,7 0x0 @th,88,2 0x0 @th,92,4 0x0 @th,96,32 0x10000 @th,128,32 0x0-0x1';

/** The first twelve payload bytes, which the rules read, are the packet's own (first fragments: the fragment chains). */
const NFT_HOLDS_HEAD = ['ip length < 40 goto foreign', 'ip6 length < 20 goto foreign'];

const NFT_STREAM = ['tcp doff >= 5 ip length >= 40 return', 'tcp doff >= 5 ip6 length >= 20 return'];

/** Rules of a shape's chain: `return` accepts, falling off the end goes to `foreign`. */
export function nftShape({ shape, form }: Formed, lan: string): readonly string[] {
  if (isMeshShape(shape)) {
    const { first, rest } = nftMesh(shape, form?.kind === 'zerotier' ? form : undefined, lan);
    const own = shape === 'tailscale' ? NFT_WIREGUARD : [];
    return [...first, ...NFT_HOLDS_HEAD, ...own, `${NFT_DNS_QUERY} goto foreign`, ...rest];
  }
  if (form === undefined || form.kind === 'zerotier') return NFT_SHAPES[shape];
  const { first, rest } = nftForm(form);
  return [...first, ...NFT_HOLDS_HEAD, `${NFT_DNS_QUERY} goto foreign`, ...rest];
}

const [INITIATION, RESPONSE, COOKIE, DATA] = WIREGUARD_LENGTHS;

const NFT_WIREGUARD = [
  `@th,64,32 0x4000000 @th,96,32 != 0x10000 udp length >= ${8 + DATA} return`,
  `@th,64,32 0x1000000 udp length ${8 + INITIATION} return`,
  `@th,64,32 0x2000000 udp length ${8 + RESPONSE} return`,
  `@th,64,32 0x3000000 udp length ${8 + COOKIE} return`,
];

const NFT_SHAPES: Readonly<Record<Exclude<Shape, MeshShape>, readonly string[]>> = {
  wireguard: [...NFT_HOLDS_HEAD, ...NFT_WIREGUARD],
  openvpn: [...NFT_HOLDS_HEAD, `${NFT_DNS_QUERY} goto foreign`, '@th,64,8 0x8-0x5f udp length >= 22 return'],
  isakmp: [...NFT_HOLDS_HEAD, `${NFT_DNS_QUERY} goto foreign`, 'udp length >= 36 return'],
  natt: [
    'ip length < 29 goto foreign',
    'ip6 length < 9 goto foreign',
    `udp length 9 @th,64,8 0xff return`,
    `udp length 9 goto foreign`,
    ...NFT_HOLDS_HEAD,
    `@th,64,32 0x0 udp length >= 40 return`,
    `${NFT_DNS_QUERY} goto foreign`,
    '@th,64,32 >= 0x100 udp length >= 24 return',
  ],
  udp: ['udp length >= 8 return'],
  tcp: NFT_STREAM,
  openvpn_tcp: NFT_STREAM,
  tor: NFT_STREAM,
  ike_tcp: NFT_STREAM,
};

/**
 * The same for a capture filter; `at` gives `size` bytes at `offset` behind the UDP header, in libpcap's words. Here
 * two fields can be compared: what a frame carries behind its datagram must not be hidden. Nor is `isHandshakeAnswer`.
 */
export function bpfShape(
  { shape, form }: Formed,
  at: (offset: number, size: 1 | 2 | 4) => string,
  holdsBytes: (bytes: number) => string,
): string {
  const length = at(-4, 2);
  const dnsQuery = `(${at(2, 2)} & 0xfecf = 0 and ${at(4, 4)} = 0x10000 and ${at(8, 4)} <= 1)`;
  // Of a form whose data cannot be told nothing is hidden.
  if (form !== undefined && form.kind !== 'zerotier')
    return `(${bpfForm(form, at, holdsBytes) || 'len = 0'} and not ${dnsQuery})`;
  switch (shape) {
    case 'wireguard':
    case 'tailscale': {
      const handshakes = [
        [1, INITIATION],
        [3, COOKIE],
      ].map(([type = 0, bytes = 0]) => `(${length} = ${8 + bytes} and ${at(0, 4)} = 0x${type}000000)`);
      return `((${length} >= ${8 + DATA} and ${at(0, 4)} = 0x4000000 and ${at(4, 4)} != 0x10000) or ${handshakes.join(' or ')})`;
    }
    case 'openvpn':
      return `(${length} >= 22 and ${at(0, 1)} >= 8 and ${at(0, 1)} <= 0x5f and not ${dnsQuery})`;
    case 'isakmp':
      return `(${length} >= 36 and not ${dnsQuery})`;
    case 'natt':
      return `((${length} = 9 and ${at(0, 1)} = 0xff) or (${length} >= 40 and ${at(0, 4)} = 0) or (${length} >= 24 and ${at(0, 4)} >= 256 and not ${dnsQuery}))`;
    case 'udp':
      return `(${length} >= 8)`;
    case 'tcp':
    case 'openvpn_tcp':
    case 'tor':
    case 'ike_tcp':
      return '';
    case 'nebula':
    case 'zerotier':
      return `(${bpfMesh(shape, at, length)} and not ${dnsQuery})`;
  }
}
