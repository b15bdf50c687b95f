// The fields that are read from one frame. One ParsedPacket is reused for every frame of a source. Apart from `bytes`, nothing here keeps
// a view of the capture buffer, so a copy (`copyPacket`) stays valid without it. Addresses are four 32-bit words in network
// order, IPv4 as the last word of ::ffff:0:0/96; compare `ipVersion` too, or an IPv4-mapped IPv6 address would pass for IPv4.

import type { DnsAnswer } from '../wire/names/dns-answers.ts';
import type { HttpRedirect } from '../wire/application/http-redirect.ts';
import type { Kind, Name } from './kinds.ts';

/** Why a frame does not parse; the kind is then `malformed`. */
export type MalformedReason =
  | 'ethernet-short'
  | 'tag-short'
  | 'ip-short'
  | 'ip-version'
  | 'ip-header-length'
  | 'ip-total-length'
  | 'ip6-extension'
  | 'udp-short'
  | 'udp-length'
  | 'tcp-short'
  | 'tcp-offset'
  | 'icmp-short'
  | 'arp-short';

/** What a frame says about the machine that sent it (DHCP, 802.1X); absent is what it does not say. */
export interface Identity {
  /** DHCP's host name or FQDN, in lower case without trailing dot. */
  readonly hostName?: string;
  /** DHCP's vendor class, with `\ddd` for what is not printable. */
  readonly vendorClass?: string;
  /** DHCPv4's client identifier or DHCPv6's DUID in lower-case hexadecimal. */
  readonly clientId?: string;
  /** The numbers of the options that it asks for, decimal, with commas, in its order. */
  readonly fingerprint?: string;
  /** DHCPv4's requested address, `a.b.c.d`. */
  readonly previousAddress?: string;
  /** The name under which it logs in to the switch (802.1X). */
  readonly account?: string;
}

/** What a DHCP server or a router tells the client; rule T reads it. Addresses are `a.b.c.d` or RFC 5952 text. */
export interface NetworkOffer {
  /** The DHCPv4 server's or the router's address; a DHCPv6 server's DUID in hexadecimal. */
  readonly server: string;
  /** The address that the client gets; in a router advertisement the first prefix. */
  readonly address?: string;
  /** Out of 32 with DHCPv4, out of 128 in a router advertisement. */
  readonly prefixLength?: number;
  /** DHCPv4 acknowledgement: the client's hardware address, as a 48-bit number; 0 if it has another length. */
  readonly client?: number;
  /** DHCPv4 acknowledgement: the transaction id of the client's request (RFC 2131 section 4.1). */
  readonly transaction?: number;
  /** Router advertisement: the on-link prefixes as `address/length`; `own` if clients form addresses from it (SLAAC, RFC 4862). */
  readonly prefixes?: readonly { readonly network: string; readonly own: boolean }[];
  readonly router?: string;
  /** DHCP: of the address, 0xffffffff means infinity. Router advertisement: the router's lifetime, 0 if it is no default router. */
  readonly leaseSeconds?: number;
  /** Routes (DHCP options 121 and 249, RFC 4191, redirects) as `network/length via router`. */
  readonly routes?: readonly string[];
  /** The captive portal's URL (RFC 8910), with `\ddd` for what is not printable. */
  readonly captivePortal?: string;
  /** Host and port of that URL. */
  readonly portal?: HttpRedirect;
  readonly resolvers?: readonly string[];
}

/**
 * A tunnel protocol recognised by its handshake, whatever its address. `confidence` is 0 to 1 (from 0.5 on the frame gets the protocol's
 * kind), `why` a text for people.
 */
export interface Recognition {
  readonly protocol: 'wireguard' | 'openvpn' | 'ipsec' | 'tor' | 'ssh' | 'dtls' | 'sstp' | 'opaque';
  readonly variant?: string;
  readonly confidence: number;
  readonly why: string;
  /** Which end is the server: the frame's source or its destination. */
  readonly server: 'source' | 'destination';
  /** The other end has answered with something that only the receiver of the handshake can know. */
  readonly answered?: true;
  /** `server` is a guess from the ports, as nothing shows which end began. */
  readonly guessed?: true;
}

/** What the application decoders found; NO_FINDINGS when they found nothing. */
export interface Findings {
  /** In the order in which they were found. */
  readonly names: readonly Name[];
  /** The answers of DNS responses, in their order. */
  readonly answers: readonly DnsAnswer[];
  readonly identity?: Identity;
  /** DHCPv4 request: its transaction id, unsigned 32 bits. A discover has none here, as only requests are acknowledged. */
  readonly leaseRequest?: number;
  readonly offer?: NetworkOffer;
  readonly recognition?: Recognition;
  /** The groups in a multicast membership report as texts, in order, at most eight and then `and more`. */
  readonly groups?: readonly string[];
  /** Where an unencrypted HTTP response redirects to. */
  readonly redirect?: HttpRedirect;
  /** A text for people that explains the kind: "asks for A", "ALPN h2". */
  readonly detail?: string;
  /** `detail` is about earlier frames of the flow, too: an incident that has begun is reported again. */
  readonly late?: true;
  /** The kind rests on a heuristic; such a kind never makes a frame safe. */
  readonly suspected?: true;
}

/** Nothing was found in this frame, and the kind of its flow rests on a heuristic. */
export const SUSPECTED: Findings = Object.freeze({
  names: Object.freeze([]),
  answers: Object.freeze([]),
  suspected: true,
});

/** Nothing was found; compared by identity. */
export const NO_FINDINGS: Findings = Object.freeze({ names: Object.freeze([]), answers: Object.freeze([]) });

/**
 * `link`: an IGMP or MLD report or leave about link-local groups only. `any`: a query, or a message about other groups or about
 * sources. `none`: not such a message, or not in the form in which hosts send it.
 */
export type Membership = 'none' | 'any' | 'link';

/** Payload octets of the shortest Ethernet frame (IEEE 802.3 section 4.2.3.3), without and with a tag of four octets. */
export const PADDED_LENGTHS: readonly number[] = [46, 42];

/** How many group records a packet filter can check: the last one's group ends within the 255 octets that it can reach. */
export const MAX_RECORDS = 8;

/** Stands for the EtherType of frames with an 802.3 length, which have none on the wire. */
export const LLC = 0;
/** Added to SNAP's organisation code and protocol, so that the sum is never mistaken for LLC's service access points. */
export const SNAP = 0x10000000000;

/** The shared empty list of questions. */
export const NO_QUESTIONS: readonly (string | undefined)[] = Object.freeze([]);

/** One connection, identified by the object itself. The code that counts connections sets the fields. */
export class Connection {
  isKnown = false;
  /** The names found in it. */
  names: readonly string[] = [];
}

/** Which field of a frame from the network contains an address that no client here has. */
export type UnassignedField = '' | 'destination' | 'target';

/** The fields of one frame. A numeric field is -1 where the frame does not have it. No methods, as taps send packets as plain values. */
export class ParsedPacket {
  /** Internal to the header reader: the frame was plain UDP, so that the next one may take the shortcut (headers-plain.ts). */
  plain = false;
  /** Octets of the frame on the wire without frame check sequence, as the capture says; `captured` may be fewer. */
  length = 0;
  captured = 0;
  /** 48-bit MAC addresses as numbers; 0 on links without them. */
  sourceMac = 0;
  destinationMac = 0;
  /**
   * The first EtherType, as a bridge sees it: 0x8100 and 0x88a8 mean that the frame is tagged, LLC (0) that it has an 802.3 length. A
   * single tag of VLAN 0 does not count as a tag, here and in `etherType` and `vlanTags`.
   */
  outerEtherType = -1;
  /**
   * For frames without an EtherType: LLC's two service access points or, with an organisation's SNAP protocol, `SNAP` plus its 40 bits
   * (organisation code and protocol); -1 if they were not captured.
   */
  llc = -1;
  /** The EtherType after all 802.1Q and 802.1ad tags. */
  etherType = -1;
  /** How many tags there are, from 0 to 8. */
  vlanTags = 0;
  malformed: MalformedReason | undefined = undefined;

  /** 0 when the frame is not IP. */
  ipVersion: 0 | 4 | 6 = 0;
  source = new Uint32Array(4);
  destination = new Uint32Array(4);
  /** Hop limit or TTL. */
  hopLimit = -1;
  /** The IPv4 header has options, or IPv6 has a hop-by-hop header. */
  ipOptions = false;
  /** The upper-layer protocol, after all IPv6 extension headers. */
  protocol = -1;
  /** How many IPv6 extension headers (hop-by-hop, routing, destination, AH, fragment) were read. */
  extensionCount = 0;
  /** In octets, a multiple of 8; if above 0, there is no upper-layer header in this frame. */
  fragmentOffset = 0;
  moreFragments = false;
  /** There is an IPv6 fragment header (also of an atomic fragment). */
  fragmentHeader = false;
  /** The fragment fields are from a second fragment header; a packet filter only sees the first (ipv6_find_hdr). */
  nestedFragment = false;
  /** 16 bits in IPv4, 32 in IPv6's fragment header; 0 without one. */
  fragmentIdentification = 0;
  /** The length of the IP packet by its length field, in octets, including the header. */
  ipLength = -1;
  /** The UDP header's length field; in a first fragment it is the length of the whole datagram. */
  udpLength = -1;

  sourcePort = -1;
  destinationPort = -1;
  /** The octet of flags (`TcpFlag`). */
  tcpFlags = -1;
  /** Unsigned 32 bits (RFC 9293 section 3.4); 0 in frames without TCP. */
  tcpSequence = 0;
  tcpAcknowledgment = 0;
  icmpType = -1;
  icmpCode = -1;
  /** Only for Ethernet/IPv4 (RFC 826); `source` and `destination` are then sender and target, `ipVersion` stays 0. */
  arpOperation = -1;
  /** The target of a neighbour solicitation, advertisement or redirect (RFC 4861 sections 4.3 to 4.5). */
  target = new Uint32Array(4);
  /**
   * The frame could carry hidden data: octets after a message of ARP, IGMP or ICMPv6 that are not the zeros that pad a short
   * frame, or a field of a BOOTP request that only a server fills in.
   */
  hasExtraData = false;
  /** Which groups an IGMP or MLD message is about (src/flow/headers/headers-membership.ts). */
  membership: Membership = 'none';
  /**
   * In "port unreachable" that quotes a UDP packet: its source port, its length fields in octets (IPv6's with the header), how many octets
   * of its payload are there and the first twelve of them, as in payloadHead. `quotedPort` is otherwise -1, also if the quoted packet has
   * IP options or is a fragment that is not the first.
   */
  quotedPort = -1;
  quotedIpLength = 0;
  quotedUdpLength = 0;
  quotedPayload = 0;
  quotedHead = 0;
  quotedHead2 = 0;
  quotedHead3 = 0;
  /** The quoted packet went the other way between the same two addresses, and nothing follows it. */
  quotesReply = false;
  /**
   * The frame goes to a peer that contacted this client a moment ago: 802.1X, a neighbour advertisement in reply, or a
   * neighbour solicitation for the peer. Not read from the frame, but set by src/policy/filter/recent-peers.ts.
   */
  solicited = false;
  /** The source, or target, is an address that a client has just checked for duplicates (RFC 4862 section 5.4); set likewise. */
  tentativeSource = false;
  tentativeTarget = false;
  /**
   * Which field of a frame from the network has an address that no client here has. Not read from the frame, but set by the reader of the
   * port.
   */
  unassignedField: UnassignedField = '';

  /** The offset of the upper-layer header; like payloadOffset, only valid as long as the buffer. */
  upperOffset = 0;
  /** Where the upper-layer payload begins and ends in the buffer given to the reader; meaningless once that buffer is gone. */
  payloadOffset = 0;
  payloadEnd = 0;
  /** The payload length by the UDP length field or by IP, whether captured or not. */
  payloadLength = 0;
  /** The first four payload octets as a big-endian number, with zeros for missing ones; then octets 4 to 7 and 8 to 11. */
  payloadHead = 0;
  payloadHead2 = 0;
  payloadHead3 = 0;
  /**
   * Octets 236 to 239 of the payload of a datagram to a BOOTP port, big endian: the magic cookie, if it is DHCP (RFC 2131 section 3);
   * otherwise 0.
   */
  bootpCookie = 0;

  /**
   * The direction according to the kernel; undefined in a capture. A frame from the network can have any addresses, so it decides
   * nothing about what a client says. Not read from the frame, but set by the reader of the port.
   */
  direction: 'up' | 'down' | undefined = undefined;
  /** The frame goes from the server of its flow to the client, as far as the flow table knows. */
  fromServer = false;
  /** The name found in this flow, perhaps in earlier frames, or ''. It is not counted again, but anyone on the path has learned it. */
  flowName = '';
  /** The frame's connection; undefined if its beginning was not seen and no name has been found in it since. */
  connection: Connection | undefined = undefined;
  /** The name in a TCP segment to port 53 that consists of whole queries for it (src/wire/names/dns-stream.ts); otherwise ''. */
  wholeQuestion = '';
  /** The names in a TCP segment to port 53 that consists of one or two whole queries; undefined in place of an unreadable name. */
  questions: readonly (string | undefined)[] = NO_QUESTIONS;
  /**
   * The far end's address was in an answer for a name that this client may ask for in the clear, or has been in use since. Not read from
   * the frame, but set by src/policy/filter/answered.ts.
   */
  answered = false;

  /** The frame is of a TCP stream to a tunnel endpoint that did not begin as the tunnel's protocol does. */
  foreign = false;

  kind: Kind = 'malformed';
  findings: Findings = NO_FINDINGS;

  /** The buffer that the frame was read from, to which `payloadOffset` refers. Copies do not keep it. */
  bytes: Uint8Array | undefined = undefined;
}

/** The octet, 0 to 255, at `at` of the upper-layer payload, counted from 0, or -1 if it was not captured or the buffer is gone. */
export function payloadByte(
  { bytes, payloadOffset, payloadEnd }: Readonly<ParsedPacket>,
  at: number,
): number {
  const place = payloadOffset + at;
  return place < payloadEnd ? (bytes?.[place] ?? -1) : -1;
}

/**
 * Copies the beginning of the original's captured payload, at most `maxLength` octets, into a new buffer of `copy`, and sets the offsets of
 * its payload to that; `payloadLength` stays that of the wire. If the original's buffer is gone, `copy` has none.
 */
export function keepPayload(
  copy: ParsedPacket,
  { bytes, payloadOffset, payloadEnd }: Readonly<ParsedPacket>,
  maxLength: number,
): void {
  copy.bytes = bytes?.slice(payloadOffset, Math.min(payloadEnd, payloadOffset + maxLength));
  copy.payloadOffset = 0;
  copy.payloadEnd = copy.bytes?.length ?? 0;
}

/**
 * Copies a packet, so that it outlives the buffer and the next frame, into `into` or a new one, and returns that. The copy has neither
 * buffer nor connection, so its offsets refer to nothing; findings are shared with the original and never changed. Copying field by field
 * takes a twentieth of the time of Object.assign.
 */
export function copyPacket(from: Readonly<ParsedPacket>, into = new ParsedPacket()): ParsedPacket {
  into.source.set(from.source);
  into.destination.set(from.destination);
  into.target.set(from.target);
  into.connection = undefined;
  into.bytes = undefined;
  into.plain = from.plain;
  into.length = from.length;
  into.captured = from.captured;
  into.sourceMac = from.sourceMac;
  into.destinationMac = from.destinationMac;
  into.outerEtherType = from.outerEtherType;
  into.llc = from.llc;
  into.etherType = from.etherType;
  into.vlanTags = from.vlanTags;
  into.malformed = from.malformed;
  into.ipVersion = from.ipVersion;
  into.hopLimit = from.hopLimit;
  into.ipOptions = from.ipOptions;
  into.protocol = from.protocol;
  into.extensionCount = from.extensionCount;
  into.fragmentOffset = from.fragmentOffset;
  into.moreFragments = from.moreFragments;
  into.fragmentHeader = from.fragmentHeader;
  into.nestedFragment = from.nestedFragment;
  into.fragmentIdentification = from.fragmentIdentification;
  into.ipLength = from.ipLength;
  into.udpLength = from.udpLength;
  into.sourcePort = from.sourcePort;
  into.destinationPort = from.destinationPort;
  into.tcpFlags = from.tcpFlags;
  into.tcpSequence = from.tcpSequence;
  into.tcpAcknowledgment = from.tcpAcknowledgment;
  into.icmpType = from.icmpType;
  into.icmpCode = from.icmpCode;
  into.arpOperation = from.arpOperation;
  into.hasExtraData = from.hasExtraData;
  into.membership = from.membership;
  into.quotedPort = from.quotedPort;
  into.quotedIpLength = from.quotedIpLength;
  into.quotedUdpLength = from.quotedUdpLength;
  into.quotedPayload = from.quotedPayload;
  into.quotedHead = from.quotedHead;
  into.quotedHead2 = from.quotedHead2;
  into.quotedHead3 = from.quotedHead3;
  into.quotesReply = from.quotesReply;
  into.solicited = from.solicited;
  into.tentativeSource = from.tentativeSource;
  into.tentativeTarget = from.tentativeTarget;
  into.unassignedField = from.unassignedField;
  into.upperOffset = from.upperOffset;
  into.payloadOffset = from.payloadOffset;
  into.payloadEnd = from.payloadEnd;
  into.payloadLength = from.payloadLength;
  into.payloadHead = from.payloadHead;
  into.payloadHead2 = from.payloadHead2;
  into.payloadHead3 = from.payloadHead3;
  into.bootpCookie = from.bootpCookie;
  into.direction = from.direction;
  into.fromServer = from.fromServer;
  into.flowName = from.flowName;
  into.wholeQuestion = from.wholeQuestion;
  into.questions = from.questions;
  into.answered = from.answered;
  into.foreign = from.foreign;
  into.kind = from.kind;
  into.findings = from.findings;
  return into;
}
