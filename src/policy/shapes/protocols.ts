// Knows: what each tunnel protocol's packets look like, as data: the judge, the ruleset and the capture filter are made of it (shape.ts).
// Must not know: addresses, rules, verdicts, how anything is compared. Follows the WireGuard white paper (5.4), the OpenVPN wire protocol,
// RFC 7296, RFC 3948 and RFC 9329; of meshes Tailscale's disco (wire/wireguard.ts) and its STUN client (RFC 8489 with SOFTWARE "tailnode"),
// Nebula's header of version 1, and ZeroTier's of version 1, in which nothing is constant but the addresses of its nodes.
// A mesh has no server: its packets go to whoever a peer is, so their form is all that tells them.

import type { TunnelProtocol } from '../../flow/kinds.ts';
import { WIREGUARD_LENGTHS } from '../../wire/vpn/wireguard.ts';
import type { Direction } from '../compile/counted.ts';
import type { Range } from '../filter/match.ts';
import { bits, otherBits } from '../filter/payload.ts';
import type { Bits } from '../filter/payload.ts';
import { HELLO, QUERY, REQUESTS, SSH_BANNERS } from './readable.ts';

/** One sort of packet. */
export interface Packet {
  /** Of UDP's payload, bytes. */
  readonly length: Range;
  readonly bits?: readonly Bits[];
  /** Where one side alone sends it. */
  readonly direction?: Direction;
  /**
   * So many bytes of the payload must be the packet's own, where others than the first twelve are compared. `whole`: of IPv6 no packet
   * with a fragment header, for whoever fits its packets to the path has none; else there is room for one.
   */
  readonly held?: { readonly bytes: number; readonly whole: boolean };
  /** Those that have these bits besides are left in the kernel by the capture filter; without it all are shown. */
  readonly hidden?: readonly Bits[];
  /** A server's answer to a handshake. */
  readonly isAnswer?: true;
}

/** What goes over UDP. */
export interface Datagrams {
  /** Of any length, whatever it begins with. */
  readonly short?: readonly Packet[];
  /** Of twelve bytes at least; no DNS query has these constants. */
  readonly certain?: readonly Packet[];
  /** Of twelve bytes at least, but for what has the header of an ordinary DNS query. */
  readonly others?: readonly Packet[];
}

/** What goes over TCP: how no segment of a client's begins. */
export interface Stream {
  readonly readable: readonly (readonly Bits[])[];
}

export const atLeast = (length: number): Range => ({ first: length, last: Infinity });
export const exactly = (length: number): Range => ({ first: length, last: length });

/** The four messages, data first, behind one of the beginnings that each may have. */
export function wireguardPackets(beginnings: (type: number) => readonly Bits[]): readonly Packet[] {
  return [4, 1, 2, 3].flatMap((type) =>
    beginnings(type).map((beginning): Packet => {
      const length = WIREGUARD_LENGTHS[type - 1] ?? 0;
      // One question where the receiver's index stands is a DNS query's; one session in 2^32 has that index, for two minutes.
      if (type === 4)
        return { bits: [beginning, otherBits(32, 32, 0x10000)], length: atLeast(length), hidden: [] };
      const message = { bits: [beginning], length: exactly(length) };
      return type === 2 ? { ...message, isAnswer: true } : { ...message, hidden: [] };
    }),
  );
}

const WIREGUARD = wireguardPackets((type) => [bits(0, 32, type * 0x1000000)]);

const STUN_COOKIE = bits(33, 31, 0x2112a442);
/** Behind the transaction: SOFTWARE of eight letters, and FINGERPRINT. One bit of each is left out, or nft would list two as one match. */
const STUN_WORDS = [
  bits(161, 31, 0x00220008),
  bits(193, 31, 0x7461696c),
  bits(225, 31, 0x6e6f6465),
  bits(257, 31, 0x00280004),
];

/** A later fragment says so where a sender's address would be, then which of how many it is (two to seven), then how far it came. */
const ZEROTIER_PIECE: readonly Bits[] = [
  bits(104, 8, 0xff),
  {
    at: 112,
    width: 8,
    among: [2, 3, 4, 5, 6, 7].map((total) => ({ first: (total << 4) | 1, last: (total << 4) | (total - 1) })),
  },
  bits(120, 8, 0, 7),
];

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

/** Going up it is from the client's own node, coming down to it. */
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
  // Operation codes 1 to 11, and any key.
  openvpn: { others: [{ bits: [bits(0, 8, 0x08, 0x5f)], length: atLeast(14), hidden: [] }] },
  isakmp: { others: [{ length: atLeast(28), hidden: [] }] },
  // What keeps a way open; IKE behind a marker of zeros; ESP (RFC 3948 section 2).
  natt: {
    short: [{ bits: [bits(0, 8, 0xff)], length: exactly(1), hidden: [] }],
    certain: [{ bits: [bits(0, 32, 0)], length: atLeast(32), hidden: [] }],
    others: [{ bits: [bits(0, 32, 0x100, Infinity)], length: atLeast(16), hidden: [] }],
  },
  udp: { short: [{ length: atLeast(0), hidden: [] }] },
  // SSH may well be what an opaque stream is, and TLS is what Tor looks like: only their first bytes as a whole can tell.
  tcp: { readable: [QUERY, ...REQUESTS] },
  openvpn_tcp: { readable: [HELLO, QUERY, ...REQUESTS, ...SSH_BANNERS] },
  tor: { readable: [QUERY, ...REQUESTS, ...SSH_BANNERS] },
  /**
   * ESP behind its length is a plain question's header where 13 bits of its index are zero, its sequence number is 65536 and its counter
   * begins with zeros: dropped again and again as TCP repeats it, that one packet would end the tunnel.
   */
  ike_tcp: { readable: [HELLO, ...REQUESTS, ...SSH_BANNERS] },
  tailscale: {
    certain: WIREGUARD,
    others: [
      // Disco: a header, and a box with its tag and two bytes at least.
      { bits: [bits(0, 48, 0x5453f09f92ac)], length: atLeast(62 + 18) },
      {
        direction: 'up',
        bits: [bits(0, 32, 0x00010014), STUN_COOKIE, ...STUN_WORDS],
        length: exactly(40),
        held: { bytes: 40, whole: true },
      },
      // From an address of its own on, to a server's name and software beside it.
      { direction: 'down', bits: [bits(0, 16, 0x0101), STUN_COOKIE], length: { first: 32, last: 132 } },
    ],
  },
  nebula: {
    // What keeps a way open.
    short: [{ bits: [bits(0, 8, 0, 1)], length: exactly(1) }],
    // Version 1 and a type, one of two sorts, two octets of zeros. Of the types data is hidden.
    others: [
      {
        bits: [bits(0, 8, 0x10, 0x16), bits(8, 8, 0, 1), bits(16, 16, 0)],
        length: atLeast(16),
        hidden: [bits(0, 8, 0x11)],
      },
    ],
  },
  // Each tunnel's own node tells its packets.
  zerotier: {},
} as const satisfies Readonly<Record<string, Datagrams | Stream>>;

export type Shape = keyof typeof PACKETS;

/** Over which transports each protocol goes, shaped how; and what is held where its peers may be anywhere, if they may be. */
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
      'held is the form of its packets, not whom they are for; a program that makes such packets gets out',
  },
  openvpn: { udp: 'openvpn', tcp: 'openvpn_tcp', anywhere: undefined },
  ipsec: { udp: 'isakmp', tcp: 'ike_tcp', anywhere: undefined },
  tor: { udp: undefined, tcp: 'tor', anywhere: undefined },
  opaque: { udp: 'udp', tcp: 'tcp', anywhere: undefined },
  tailscale: {
    udp: 'tailscale',
    tcp: undefined,
    anywhere:
      'held is the form of its packets, not whom they are for; whoever is asked for a way is told that Tailscale is used here, and a program that makes such packets gets out',
  },
  nebula: {
    udp: 'nebula',
    tcp: undefined,
    anywhere:
      'held are 28 bits of each packet, not whom it is for; a program that makes such packets gets out',
  },
  zerotier: {
    udp: 'zerotier',
    tcp: undefined,
    anywhere:
      "held is the number of this device's node, not whom a packet is for; of another program's packets one in a hundred thousand passes for a fragment, and a program that makes such packets gets out",
  },
};
