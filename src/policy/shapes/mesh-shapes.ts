// Knows: what the packets of meshes (Tailscale, Nebula, ZeroTier) look like, for the judge, the ruleset and the filter side by side.
// Must not know: addresses, verdicts. A mesh has no server: its packets go to whoever a peer is, so their form is all that tells them.
// Follows Tailscale's disco (wire/wireguard.ts) and its STUN client (RFC 8489 with SOFTWARE "tailnode"), Nebula's header of version 1, and
// ZeroTier's packet header of version 1, in which nothing is constant but the addresses of its nodes.

import type { Facts } from '../../flow/facts.ts';
import type { Way } from '../compile/counted.ts';

export const MESH_SHAPES = ['tailscale', 'nebula', 'zerotier'] as const;
export type MeshShape = (typeof MESH_SHAPES)[number];

export function isMeshShape(shape: string): shape is MeshShape {
  return (MESH_SHAPES as readonly string[]).includes(shape);
}

/** Of ZeroTier: the address of the client's own node, ten hexadecimal digits. */
export interface ZerotierForm {
  readonly kind: 'zerotier';
  readonly address: number;
}

/** Ten digits, as `zerotier-cli info` says them. A first octet of 255 is no node's (it says "fragment"). */
export function zerotierForm(text: string): ZerotierForm | undefined {
  if (!/^[0-9a-f]{10}$/i.test(text) || /^ff|^0{10}$/i.test(text)) return undefined;
  return { kind: 'zerotier', address: parseInt(text, 16) };
}

/**
 * So many bytes of the payload are the packet's own: behind it nft would read the frame's padding. Of IPv6 no packet with a fragment
 * header: whoever fits its packets to the path has none.
 */
function holds(facts: Facts, bytes: number): boolean {
  if (facts.ipVersion === 4) return facts.ipLength >= 28 + bytes;
  return !facts.fragmentHeader && facts.ipLength >= 48 + bytes;
}

function nftHolds(bytes: number, rule: string): string[] {
  return [`ip length >= ${28 + bytes} ${rule}`, `ip6 nexthdr 17 ip6 length >= ${8 + bytes} ${rule}`];
}

/** Disco's first six octets, and the least that such a message has. */
const DISCO = { head: 0x5453f09f, next: 0x92ac, udpLength: 8 + 62 + 18 };
/** RFC 8489 section 5. */
const STUN_COOKIE = 0x2112a442;
const STUN_REQUEST = 0x00010014;
const STUN_ANSWER = 0x0101;
/** 20 octets of header, SOFTWARE and FINGERPRINT. */
const STUN_LENGTH = 8 + 40;
/** From an address of its own on, to a server's name and software beside it. */
const STUN_ANSWER_LENGTHS = { least: 8 + 32, most: 8 + 132 };
/** Behind the transaction: SOFTWARE of eight letters, and FINGERPRINT. One bit of each is left out, or nft would list two as one match. */
const STUN_WORDS: readonly (readonly [number, number])[] = [
  [20, 0x00220008],
  [24, 0x7461696c],
  [28, 0x6e6f6465],
  [32, 0x00280004],
];

function word(facts: Facts, at: number): number {
  const [a, b, c, d] = [0, 1, 2, 3].map((i) => facts.payloadByte(at + i)) as [number, number, number, number];
  return ((a << 24) | (b << 16) | (c << 8) | d) & 0x7fffffff;
}

/** What Tailscale says besides WireGuard: it looks for its peers, and asks relays which address it has. */
function isTailscale(facts: Facts, way: Way): boolean {
  const { payloadHead, payloadHead2, udpLength } = facts;
  if (payloadHead === DISCO.head) return payloadHead2 >>> 16 === DISCO.next && udpLength >= DISCO.udpLength;
  if ((payloadHead2 & 0x7fffffff) !== STUN_COOKIE) return false;
  if (way === 'down') {
    const { least, most } = STUN_ANSWER_LENGTHS;
    return payloadHead >>> 16 === STUN_ANSWER && udpLength >= least && udpLength <= most;
  }
  if (payloadHead !== STUN_REQUEST || udpLength !== STUN_LENGTH || !holds(facts, STUN_LENGTH - 8))
    return false;
  return STUN_WORDS.every(([at, value]) => word(facts, at) === value);
}

function nftTailscale(lan: string): readonly string[] {
  const cookie = `@th,97,31 0x${STUN_COOKIE.toString(16)}`;
  const words = STUN_WORDS.map(([at, value]) => `@th,${64 + 8 * at + 1},31 0x${value.toString(16)}`);
  const { least, most } = STUN_ANSWER_LENGTHS;
  return [
    `@th,64,48 0x${(DISCO.head * 0x10000 + DISCO.next).toString(16)} udp length >= ${DISCO.udpLength} return`,
    ...nftHolds(
      STUN_LENGTH - 8,
      `iifname "${lan}" @th,64,32 0x${STUN_REQUEST.toString(16)} ${cookie} ${words.join(' ')} udp length ${STUN_LENGTH} return`,
    ),
    `iifname != "${lan}" @th,64,16 0x${STUN_ANSWER.toString(16)} ${cookie} udp length ${least}-${most} return`,
  ];
}

/** Types of Nebula's messages: handshake, data, error, lighthouse, test, end, control. */
const NEBULA_TYPES = { first: 0x10, last: 0x16 };
const NEBULA_HEADER = 8 + 16;
/** What keeps a way open: one octet. */
const NEBULA_PUNCH = 9;

/** Version 1 and a type, one of two sorts, two octets of zeros. `mayBe`: enough is there, and it is no DNS query. */
function isNebula({ payloadHead, udpLength }: Facts, mayBe: () => boolean): boolean {
  if (udpLength === NEBULA_PUNCH) return payloadHead >>> 24 <= 1;
  const type = payloadHead >>> 24;
  if (type < NEBULA_TYPES.first || type > NEBULA_TYPES.last || (payloadHead & 0xfeffff) !== 0) return false;
  return udpLength >= NEBULA_HEADER && mayBe();
}

const NFT_NEBULA = {
  first: [
    'ip length < 29 goto foreign',
    'ip6 length < 9 goto foreign',
    `udp length ${NEBULA_PUNCH} @th,64,8 0x0-0x1 return`,
  ],
  rest: [
    `@th,64,8 0x${NEBULA_TYPES.first.toString(16)}-0x${NEBULA_TYPES.last.toString(16)} @th,72,8 0x0-0x1 @th,80,16 0x0 udp length >= ${NEBULA_HEADER} return`,
  ],
};

/** A later fragment says so where a sender's address would be, then which of how many it is (two to seven), then how far it came. */
const ZEROTIER_PIECES = [2, 3, 4, 5, 6, 7].map((total) => ({
  first: (total << 4) | 1,
  last: (total << 4) | (total - 1),
}));
const ZEROTIER_LEAST = { packet: 8 + 28, piece: 8 + 17 };

/** Going up it is from the client's own node, coming down to it. */
function isZerotier({ address }: ZerotierForm, facts: Facts, way: Way): boolean {
  const { udpLength } = facts;
  const at = (place: number): number => facts.payloadByte(place);
  const node = (place: number): number =>
    [0, 1, 2, 3, 4].reduce((number, i) => number * 256 + at(place + i), 0);
  if (way === 'down') return udpLength >= ZEROTIER_LEAST.piece && holds(facts, 13) && node(8) === address;
  if (!holds(facts, 18) || udpLength < ZEROTIER_LEAST.piece) return false;
  if (at(13) !== 0xff) return udpLength >= ZEROTIER_LEAST.packet && node(13) === address;
  return at(15) <= 7 && ZEROTIER_PIECES.some(({ first, last }) => first <= at(14) && at(14) <= last);
}

function nftZerotier({ address }: ZerotierForm, lan: string): readonly string[] {
  const node = `0x${address.toString(16)}`;
  const pieces = ZEROTIER_PIECES.map(({ first, last }) =>
    first === last ? `0x${first.toString(16)}` : `0x${first.toString(16)}-0x${last.toString(16)}`,
  );
  return [
    ...nftHolds(13, `iifname != "${lan}" @th,128,40 ${node} udp length >= ${ZEROTIER_LEAST.piece} return`),
    ...nftHolds(18, `iifname "${lan}" @th,168,40 ${node} udp length >= ${ZEROTIER_LEAST.packet} return`),
    ...nftHolds(
      18,
      `iifname "${lan}" @th,168,8 0xff @th,176,8 { ${pieces.join(', ')} } @th,184,8 0x0-0x7 udp length >= ${ZEROTIER_LEAST.piece} return`,
    ),
  ];
}

/** Whether a mesh's packet has its form, but for what of Tailscale's is WireGuard's own. */
export function acceptsMesh(
  shape: MeshShape,
  form: ZerotierForm | undefined,
  facts: Facts,
  way: Way,
  mayBe: () => boolean,
): boolean {
  switch (shape) {
    case 'nebula':
      return isNebula(facts, mayBe);
    case 'tailscale':
      return mayBe() && isTailscale(facts, way);
    case 'zerotier':
      return mayBe() && form !== undefined && isZerotier(form, facts, way);
  }
}

/** Rules that return for what is the mesh's: `first` before it is asked whether the beginning of a packet is there. */
export function nftMesh(
  shape: MeshShape,
  form: ZerotierForm | undefined,
  lan: string,
): { readonly first: readonly string[]; readonly rest: readonly string[] } {
  switch (shape) {
    case 'tailscale':
      return { first: [], rest: nftTailscale(lan) };
    case 'zerotier':
      return { first: [], rest: form === undefined ? [] : nftZerotier(form, lan) };
    case 'nebula':
      return NFT_NEBULA;
  }
}

/** For a capture filter; of Nebula data alone is hidden, of ZeroTier nothing: which way a packet goes the filter does not ask there. */
export function bpfMesh(
  shape: Exclude<MeshShape, 'tailscale'>,
  at: (offset: number, size: 1 | 2 | 4) => string,
  length: string,
): string {
  switch (shape) {
    case 'nebula':
      return `(${length} >= ${NEBULA_HEADER} and ${at(0, 4)} & 0xfffeffff = 0x11000000)`;
    case 'zerotier':
      return 'len = 0';
  }
}
