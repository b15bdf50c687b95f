// Knows: the fixed set of fields that are read from one frame. Must not know: policy, verdicts, I/O.
// One Facts object is reused for every frame of a source: nothing here keeps a view of the capture buffer,
// so a copy of it (`copyPacket`) stays true when the buffer is gone. Addresses are four 32-bit words, network
// order, IPv4 as the last word of ::ffff:0:0/96; compare `ipVersion` too, or a mapped IPv6 address would pass for IPv4.

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

/** What a frame says about the machine that sent it (DHCP options, link-layer discovery). */
export interface Identity {
  readonly hostName?: string;
  readonly vendorClass?: string;
  readonly clientId?: string;
  readonly fingerprint?: string;
  readonly previousAddress?: string;
  /** The name that it logs in to the switch with (802.1X). */
  readonly account?: string;
}

/** What a DHCP server or a router says to the client (rule T reads it). */
export interface NetworkOffer {
  readonly server: string;
  readonly address?: string;
  readonly prefixLength?: number;
  /** Of a DHCPv4 acknowledgement: the client's hardware address, as a number. */
  readonly client?: number;
  /** And the number that the client has asked with (RFC 2131 section 4.1). */
  readonly transaction?: number;
  /** Of a router advertisement: the prefixes that are on the link, `own` where a client makes an address in it. */
  readonly prefixes?: readonly { readonly network: string; readonly own: boolean }[];
  readonly router?: string;
  readonly leaseSeconds?: number;
  /** Destinations of options 121 and 249 as `net/len via router`. */
  readonly routes?: readonly string[];
  /** Option 114, RFC 8910. */
  readonly captivePortal?: string;
  /** Where that is. */
  readonly portal?: HttpRedirect;
  readonly resolvers?: readonly string[];
}

/** A tunnel protocol recognised by its handshake, whatever its address. `confidence` is 0 to 1. */
export interface Recognition {
  readonly protocol: 'wireguard' | 'openvpn' | 'ipsec' | 'tor' | 'ssh' | 'dtls' | 'sstp' | 'opaque';
  readonly variant?: string;
  readonly confidence: number;
  readonly why: string;
  /** Which end is the server: the frame's source or its destination. */
  readonly server: 'source' | 'destination';
  /** The other end has answered with what only who received the handshake can know. */
  readonly answered?: true;
  /** `server` is a guess by the ports: nothing seen says who began. */
  readonly guessed?: true;
}

/** What the application decoders found; shared frozen default when they found nothing. */
export interface Findings {
  readonly names: readonly Name[];
  readonly answers: readonly DnsAnswer[];
  readonly identity?: Identity;
  /** Of a DHCPv4 request, which is acknowledged: the number that it asks with. A discovery is offered something, no more. */
  readonly leaseRequest?: number;
  readonly offer?: NetworkOffer;
  readonly recognition?: Recognition;
  /** Groups that a report of membership is about, in order. */
  readonly groups?: readonly string[];
  /** Where a response in the clear sends its reader. */
  readonly redirect?: HttpRedirect;
  /** More words for the reason: "asks for A", "ALPN h2", "suspected: address of a DoH provider". */
  readonly detail?: string;
  /** `detail` is about what was told before: an incident that has begun is told anew. */
  readonly late?: true;
  /** True when the kind rests on a heuristic; such a kind never makes a frame safe. */
  readonly suspected?: true;
}

/** Nothing was found in this frame, and its kind rests on a heuristic of its flow. */
export const SUSPECTED: Findings = Object.freeze({
  names: Object.freeze([]),
  answers: Object.freeze([]),
  suspected: true,
});

export const NO_FINDINGS: Findings = Object.freeze({ names: Object.freeze([]), answers: Object.freeze([]) });

/**
 * `link`: a report, or a leave, that names nothing but groups of the link itself. `any`: a query, or what is about other
 * groups, or about sources. `none`: not a message of this sort, or not in the form in which a host sends it.
 */
export type Membership = 'none' | 'any' | 'link';

/** As long as the shortest Ethernet frame makes it (IEEE 802.3 section 4.2.3.3), and where a tag has taken four of these bytes. */
export const PADDED: readonly number[] = [46, 42];

/** As many records as a filter can look at: the last one's group ends within the 255 bytes that it reaches. */
export const MOST_RECORDS = 8;

/** EtherType 802.3 length frames are given: there is none on the wire. */
export const LLC = 0;
/** What is added to an organisation's code and protocol, so that they are never taken for access points. */
export const SNAP = 0x10000000000;

export const NO_QUESTIONS: readonly (string | undefined)[] = Object.freeze([]);

/** One connection, known by being the same object, and what whoever counts connections has noted of it. */
export class Connection {
  isKnown = false;
  /** Names that it has shown. */
  names: readonly string[] = [];
}

/** Which field of a frame from the network has an address that no client has here. */
export type ForNobody = '' | 'destination' | 'target';

/** The fields of one frame. All numbers; -1 where a field does not exist in this frame. No methods: a tap tells of them as plain values. */
export class ParsedPacket {
  /** Of the reader's own: the frame was plain, so that the next may be read by what differs (headers-plain.ts). */
  plain = false;
  /** Bytes on the wire, as the capture says; `captured` may be less. */
  length = 0;
  captured = 0;
  /** 48-bit MAC addresses as numbers; 0 on links without them. */
  sourceMac = 0;
  destinationMac = 0;
  /** First EtherType, as a bridge sees it: 0x8100 and 0x88a8 here mean tagged. LLC (0) for 802.3 length frames. */
  outerEtherType = -1;
  /**
   * Of what has no EtherType: LLC's two access points or, where an organisation's own protocol stands behind them, `SNAP` and its 40
   * bits; -1 where neither was captured.
   */
  llc = -1;
  /** A single tag of VLAN 0 is no tag: it is passed over, here and below. EtherType behind all 802.1Q/802.1ad tags. */
  etherType = -1;
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
  /** Upper-layer protocol behind all IPv6 extension headers. */
  protocol = -1;
  /** How many IPv6 extension headers (hop-by-hop, routing, destination, AH, fragment) were read. */
  extensionCount = 0;
  /** Fragment offset in bytes; > 0: there is no upper-layer header in this frame. */
  fragmentOffset = 0;
  moreFragments = false;
  /** An IPv6 fragment header is present (also an atomic one). */
  fragmentHeader = false;
  /** It is the second one that says so, behind one of a first fragment: a filter looks at the first alone (ipv6_find_hdr). */
  nestedFragment = false;
  fragmentIdentification = 0;
  /** The whole packet by IP's own length field, header included. */
  ipLength = -1;
  /** The UDP header's length field: in a first fragment that of the whole datagram. */
  udpLength = -1;

  sourcePort = -1;
  destinationPort = -1;
  tcpFlags = -1;
  tcpSequence = 0;
  tcpAcknowledgment = 0;
  icmpType = -1;
  icmpCode = -1;
  /** Only for Ethernet/IPv4 (RFC 826); `source` and `destination` then hold sender and target, `ipVersion` stays 0. */
  arpOperation = -1;
  /** What a neighbour solicitation, advertisement or redirect is about (RFC 4861 sections 4.3 to 4.5). */
  target = new Uint32Array(4);
  /**
   * There is something in a place that the message needs not: bytes behind a message of ARP, IGMP or ICMPv6 other than the
   * zeros that fill a short frame up, or a field of a BOOTP request that only a server writes.
   */
  spare = false;
  /** What an IGMP or MLD message is about (src/flow/headers/headers-membership.ts). */
  membership: Membership = 'none';
  /**
   * Of "port unreachable" that quotes a UDP packet: the port which that came from, its lengths, the beginning of its payload,
   * and how much of this is there; else -1. Not for IP options or fragments.
   */
  quotedPort = -1;
  quotedIpLength = 0;
  quotedUdpLength = 0;
  quotedPayload = 0;
  quotedHead = 0;
  quotedHead2 = 0;
  quotedHead3 = 0;
  /** The quoted packet went between the same two addresses the other way, and nothing stands behind it. */
  quotesReply = false;
  /**
   * The frame goes to somebody who came to this client a moment ago: 802.1X, a neighbour advertisement that answers, or a
   * solicitation that looks for the one who asked (src/policy/filter/recent-peers.ts).
   * Not read from the frame, but set by who remembers what came.
   */
  solicited = false;
  /** Neighbour discovery from, and about, an address that a client tried a moment ago; set by the same. */
  triedSource = false;
  triedTarget = false;
  /** It comes down to an address that no client has here, or asks a client alone for one: which of them is meant. Set by who judges it. */
  forNobody: ForNobody = '';

  /** Where the upper-layer header lies; like payloadOffset, only while the buffer lasts. */
  upperOffset = 0;
  /** Where the upper-layer payload lies in the buffer given to the reader; meaningless once that buffer is gone. */
  payloadOffset = 0;
  payloadEnd = 0;
  /** Payload length by the UDP length field or by IP, as far as it was captured or not. */
  payloadLength = 0;
  /** First four payload bytes, big endian, zero filled when there are fewer; then bytes 4 to 7 and 8 to 11. */
  payloadHead = 0;
  payloadHead2 = 0;
  payloadHead3 = 0;
  /** Bytes 236 to 239 of a datagram to or from the BOOTP ports: DHCP's magic cookie, if it is DHCP (RFC 2131 section 3). */
  bootpCookie = 0;

  /**
   * Which way the kernel says that the frame goes; undefined where nobody knows (a capture). What comes down may be anybody's, whatever
   * addresses it bears, so it settles nothing about what a client says. Not read from the frame, but set by who reads its port.
   */
  direction: 'up' | 'down' | undefined = undefined;
  /** The frame goes from the server of its flow to the client, as far as the flow table knows. */
  fromServer = false;
  /** The name that earlier frames of this flow have shown, or ''. It is not counted again, but it is what Eve learns. */
  flowName = '';
  /** The connection that the frame is of; undefined where none was seen to begin, and nothing in it has shown a name since. */
  connection: Connection | undefined = undefined;
  /** Name of a TCP segment to port 53 that is whole questions for it and nothing else (src/wire/names/dns-stream.ts); '' for any other. */
  wholeQuestion = '';
  /** Names of a TCP segment to port 53 that is one whole question or two, and nothing else; undefined for a name that cannot be read. */
  questions: readonly (string | undefined)[] = NO_QUESTIONS;
  /**
   * The far end's address was given as the answer to a name that this client may ask for in the clear, or is in use since
   * (src/policy/filter/answered.ts). Not read from the frame, but set by who remembers answers.
   */
  answered = false;

  /** Of a TCP stream to a tunnel's endpoint: what it began with is not the tunnel's own. */
  foreign = false;

  kind: Kind = 'malformed';
  findings: Findings = NO_FINDINGS;

  /** What `payloadOffset` counts in: the buffer that the frame was read from, which no copy keeps. */
  bytes: Uint8Array | undefined = undefined;
}

/** A byte of the upper-layer payload, or -1 where there is none, or the buffer is gone. What a tap tells of has no methods. */
export function payloadByte(
  { bytes, payloadOffset, payloadEnd }: Readonly<ParsedPacket>,
  at: number,
): number {
  const place = payloadOffset + at;
  return place < payloadEnd ? (bytes?.[place] ?? -1) : -1;
}

/** Lets a copy keep the beginning of the payload that its original has, `most` bytes at most. */
export function keepPayload(
  copy: ParsedPacket,
  { bytes, payloadOffset, payloadEnd }: Readonly<ParsedPacket>,
  most: number,
): void {
  copy.bytes = bytes?.slice(payloadOffset, Math.min(payloadEnd, payloadOffset + most));
  copy.payloadOffset = 0;
  copy.payloadEnd = copy.bytes?.length ?? 0;
}

/**
 * A copy that outlives the buffer and the next frame; written over `into`, where it is given. It has neither buffer nor connection. Field by
 * field, which takes a twentieth of Object.assign's time.
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
  into.spare = from.spare;
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
  into.triedSource = from.triedSource;
  into.triedTarget = from.triedTarget;
  into.forNobody = from.forNobody;
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
