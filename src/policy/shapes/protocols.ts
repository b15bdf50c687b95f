// What the packets of each tunnel protocol look like, as data. The judge, the ruleset and the capture filter are made from it (shape.ts).
// Follows the WireGuard white paper (5.4), the OpenVPN wire protocol, RFC 7296, RFC 3948 and RFC 9329; for meshes Tailscale's disco
// (wire/wireguard.ts) and its STUN client (RFC 8489 with SOFTWARE "tailnode"), Nebula's header version 1, and ZeroTier's version 1, in
// which nothing is constant but the addresses of its nodes. A mesh has no server, since its packets go to any peer, so they can be
// recognized by their form alone.

import type { TunnelProtocol } from '../../flow/kinds.ts';
import { WIREGUARD_LENGTHS } from '../../wire/vpn/wireguard.ts';
import type { Direction } from '../compile/counted.ts';
import type { Range } from '../filter/match.ts';
import { bits, otherBits } from '../filter/payload.ts';
import type { Bits } from '../filter/payload.ts';
import { HELLO, QUERY, REQUESTS, SSH_BANNERS } from './readable.ts';

/** One type of packet. */
export interface Packet {
  /** Bytes of UDP payload, both ends inclusive. */
  readonly length: Range;
  /** All must hold; absent: any payload of that length. */
  readonly bits?: readonly Bits[];
  /** Present where only one side sends it. */
  readonly direction?: Direction;
  /**
   * Where more than the first twelve bytes are compared: how many bytes of payload the IP packet itself must hold. `whole`: IPv6 packets
   * with a fragment header do not match (a program that fits its packets to the path MTU sends none); else they may have one.
   */
  readonly held?: { readonly bytes: number; readonly whole: boolean };
  /** The capture filter hides those packets that also have these bits from the taps; if absent, it shows all. */
  readonly hidden?: readonly Bits[];
  /** The client's first message of a handshake, or the server's response. The capture filter must show both. */
  readonly handshake?: 'begin' | 'answer';
}

/** A protocol's packets over UDP. */
export interface Datagrams {
  /** Any length, also where the payload begins as a DNS query. */
  readonly short?: readonly Packet[];
  /** At least twelve bytes, with constants that no DNS query has. */
  readonly certain?: readonly Packet[];
  /** At least twelve bytes, without the header of an ordinary DNS query. */
  readonly others?: readonly Packet[];
}

/** A protocol over TCP: beginnings that no segment from the client has. */
export interface Stream {
  readonly readable: readonly (readonly Bits[])[];
}

/** So many bytes or more. */
export const atLeast = (length: number): Range => ({ first: length, last: Infinity });
/** So many bytes, neither more nor fewer. */
export const exactly = (length: number): Range => ({ first: length, last: length });

/**
 * WireGuard's four messages (white paper, 5.4), data first. `beginnings` gives the constants that a message of a type (1 to 4) may begin
 * with.
 */
export function wireguardPackets(beginnings: (type: number) => readonly Bits[]): readonly Packet[] {
  return [4, 1, 2, 3].flatMap((type) =>
    beginnings(type).map((beginning): Packet => {
      const length = WIREGUARD_LENGTHS[type - 1] ?? 0;
      // 0x10000 in the receiver index is the question and answer count of a DNS query; one session in 2^32 has that index, for two minutes.
      if (type === 4)
        return { bits: [beginning, otherBits(32, 32, 0x10000)], length: atLeast(length), hidden: [] };
      const message = { bits: [beginning], length: exactly(length) };
      if (type === 3) return { ...message, hidden: [] };
      return { ...message, handshake: type === 1 ? 'begin' : 'answer' };
    }),
  );
}

const WIREGUARD = wireguardPackets((type) => [bits(0, 32, type * 0x1000000)]);

const STUN_COOKIE = bits(33, 31, 0x2112a442);
/**
 * After the transaction ID: SOFTWARE of eight letters, and FINGERPRINT. One bit of each is left out, or nft would list two as one match.
 */
const STUN_WORDS = [
  bits(161, 31, 0x00220008),
  bits(193, 31, 0x7461696c),
  bits(225, 31, 0x6e6f6465),
  bits(257, 31, 0x00280004),
];

/** A later fragment: 0xff in place of the sender's address, then the number of fragments (two to seven) and its own, then its hop count. */
const ZEROTIER_PIECE: readonly Bits[] = [
  bits(104, 8, 0xff),
  {
    at: 112,
    width: 8,
    among: [2, 3, 4, 5, 6, 7].map((total) => ({ first: (total << 4) | 1, last: (total << 4) | (total - 1) })),
  },
  bits(120, 8, 0, 7),
];

/** ZeroTier: the 40-bit address of the client's own node. */
export interface ZerotierForm {
  readonly kind: 'zerotier';
  /** As a number. */
  readonly address: number;
}

/**
 * From ten hexadecimal digits, as `zerotier-cli info` shows them; else undefined. No node has a first octet of 255, which marks a fragment.
 */
export function zerotierForm(text: string): ZerotierForm | undefined {
  if (!/^[0-9a-f]{10}$/i.test(text) || /^ff|^0{10}$/i.test(text)) return undefined;
  return { kind: 'zerotier', address: parseInt(text, 16) };
}

/** Packets that go up from the client's own node or come down to it (ZeroTier's version 1). */
export function zerotierPackets({ address }: ZerotierForm): Datagrams {
  const held = (bytes: number) => ({ bytes, whole: true });
  return {
    others: [
      { direction: 'down', bits: [bits(64, 40, address)], length: atLeast(17), held: held(13) },
      { direction: 'up', bits: [bits(104, 40, address)], length: atLeast(28), held: held(18) },
      { direction: 'up', bits: ZEROTIER_PIECE, length: atLeast(17), held: held(18) },
    ],
  };
}

/** Every shape, in the order in which the ruleset lists its chains. */
export const PACKETS = {
  wireguard: { certain: WIREGUARD },
  // Operation codes 1 to 11, with any key ID.
  openvpn: { others: [{ bits: [bits(0, 8, 0x08, 0x5f)], length: atLeast(14), hidden: [] }] },
  isakmp: { others: [{ length: atLeast(28), hidden: [] }] },
  // Keepalive; IKE after a marker of zeros; ESP (RFC 3948 section 2).
  natt: {
    short: [{ bits: [bits(0, 8, 0xff)], length: exactly(1), hidden: [] }],
    certain: [{ bits: [bits(0, 32, 0)], length: atLeast(32), hidden: [] }],
    others: [{ bits: [bits(0, 32, 0x100, Infinity)], length: atLeast(16), hidden: [] }],
  },
  udp: { short: [{ length: atLeast(0), hidden: [] }] },
  // An opaque stream may well be SSH or TLS, and Tor looks like TLS: only the first bytes of the whole stream can tell them apart.
  tcp: { readable: [QUERY, ...REQUESTS] },
  openvpn_tcp: { readable: [HELLO, QUERY, ...REQUESTS, ...SSH_BANNERS] },
  tor: { readable: [QUERY, ...REQUESTS, ...SSH_BANNERS] },
  /**
   * QUERY is missing on purpose. ESP after its length field has the header of an ordinary DNS query where 13 bits of its SPI are zero, its
   * sequence number is 65536 and its IV counter begins with zeros. TCP would repeat that packet, it would be dropped each time, and the
   * tunnel would end.
   */
  ike_tcp: { readable: [HELLO, ...REQUESTS, ...SSH_BANNERS] },
  tailscale: {
    certain: WIREGUARD,
    others: [
      // Disco: a header, then an encrypted box of a tag and at least two bytes.
      { bits: [bits(0, 48, 0x5453f09f92ac)], length: atLeast(62 + 18) },
      {
        direction: 'up',
        bits: [bits(0, 32, 0x00010014), STUN_COOKIE, ...STUN_WORDS],
        length: exactly(40),
        held: { bytes: 40, whole: true },
      },
      // A response with an address, and at most a server's name and software besides.
      { direction: 'down', bits: [bits(0, 16, 0x0101), STUN_COOKIE], length: { first: 32, last: 132 } },
    ],
  },
  nebula: {
    // Keepalive.
    short: [{ bits: [bits(0, 8, 0, 1)], length: exactly(1) }],
    // Version 1 and type, a subtype of 0 or 1, two zero octets. Only data is hidden.
    others: [
      {
        bits: [bits(0, 8, 0x10, 0x16), bits(8, 8, 0, 1), bits(16, 16, 0)],
        length: atLeast(16),
        hidden: [bits(0, 8, 0x11)],
      },
    ],
  },
  // Made for each tunnel from the address of its node (zerotierPackets).
  zerotier: {},
} as const satisfies Readonly<Record<string, Datagrams | Stream>>;

/** Name of a shape. */
export type Shape = keyof typeof PACKETS;

/**
 * The shape of each protocol over each transport, and the limits of protection where its peers may be at any address (undefined: they may
 * not).
 */
export const PROTOCOLS: Readonly<
  Record<
    TunnelProtocol,
    Readonly<Record<'udp' | 'tcp', Shape | undefined>> & { readonly anywhere: string | undefined }
  >
> = {
  wireguard: {
    udp: 'wireguard',
    tcp: undefined,
    anywhere:
      'only the form of its packets is checked, not where they go; a program that makes such packets gets out',
  },
  openvpn: { udp: 'openvpn', tcp: 'openvpn_tcp', anywhere: undefined },
  ipsec: { udp: 'isakmp', tcp: 'ike_tcp', anywhere: undefined },
  tor: { udp: undefined, tcp: 'tor', anywhere: undefined },
  opaque: { udp: 'udp', tcp: 'tcp', anywhere: undefined },
  tailscale: {
    udp: 'tailscale',
    tcp: undefined,
    anywhere:
      'only the form of its packets is checked, not where they go; every STUN server that is asked learns that Tailscale is used here, and a program that makes such packets gets out',
  },
  nebula: {
    udp: 'nebula',
    tcp: undefined,
    anywhere:
      'only 28 bits of each packet are checked, not where it goes; a program that makes such packets gets out',
  },
  zerotier: {
    udp: 'zerotier',
    tcp: undefined,
    anywhere:
      "only the address of this device's node is checked, not where a packet goes; one in a hundred thousand packets of other programs passes for a fragment, and a program that makes such packets gets out",
  },
};
