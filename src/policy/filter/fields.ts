// The header fields that rules compare: how the judge reads each from a parsed packet, and how nft writes it. A field of a header that the
// frame does not have reads as -1, and nft's rule does not match there: `udp dport` is a port of UDP alone, while `th dport` reads the same
// bytes of any transport header.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { macText } from '../../wire/ip/address.ts';
import { IPV6_HEADER, Protocol, UDP_HEADER } from '../../wire/ip/ip.ts';

/** A header field whose value is a number in network byte order (MAC addresses as 48 bits). */
export interface NumberField {
  readonly nft: string;
  /** Its value; -1 where the frame has no such field. */
  readonly read: (packet: ParsedPacket) => number;
  /** A value as nft writes it; decimal if absent. */
  readonly text?: (value: number) => string;
}

/** A header field that holds an IP address. */
export interface AddressField {
  readonly nft: string;
  /** Four 32-bit words, with an IPv4 address in the last; the array is reused for the next frame. */
  readonly read: (packet: ParsedPacket) => Uint32Array;
}

/** A number as nft writes raw matches: `0x3fa`, without leading zeros. */
export const hex = (value: number): string => `0x${value.toString(16)}`;

/** Names of IP protocols as nft lists them. */
const PROTOCOL_NAMES = new Map<number, string>([
  [Protocol.ICMP, 'icmp'],
  [Protocol.IGMP, 'igmp'],
  [Protocol.TCP, 'tcp'],
  [Protocol.UDP, 'udp'],
  [Protocol.ICMPV6, 'ipv6-icmp'],
]);

/** Operations of ARP (RFC 826). */
export const Arp = { REQUEST: 1, REPLY: 2 } as const;
const ARP_NAMES = new Map<number, string>([
  [Arp.REQUEST, 'request'],
  [Arp.REPLY, 'reply'],
]);

/** The IP protocol number after all extension headers (IANA's protocol numbers). */
export const protocol: NumberField = {
  nft: 'meta l4proto',
  read: (packet) => packet.protocol,
  text: (value) => PROTOCOL_NAMES.get(value) ?? String(value),
};

/** MAC addresses as 48-bit numbers; nft writes them lower case with colons. */
export const ether = {
  source: { nft: 'ether saddr', read: (packet) => packet.sourceMac, text: macText },
  destination: { nft: 'ether daddr', read: (packet) => packet.destinationMac, text: macText },
} as const satisfies Record<string, NumberField>;

/** Addresses by family; each family has its own chains. */
export const address = {
  4: {
    source: { nft: 'ip saddr', read: (packet) => packet.source },
    destination: { nft: 'ip daddr', read: (packet) => packet.destination },
  },
  6: {
    source: { nft: 'ip6 saddr', read: (packet) => packet.source },
    destination: { nft: 'ip6 daddr', read: (packet) => packet.destination },
  },
} as const satisfies Record<4 | 6, Record<string, AddressField>>;

/** ARP for Ethernet and IPv4 (RFC 826). */
export const arp = {
  operation: {
    nft: 'arp operation',
    read: (packet) => packet.arpOperation,
    text: (value) => ARP_NAMES.get(value) ?? String(value),
  },
  sender: { nft: 'arp saddr ip', read: (packet) => packet.source },
  target: { nft: 'arp daddr ip', read: (packet) => packet.destination },
} as const satisfies Record<'operation', NumberField> & Record<'sender' | 'target', AddressField>;

/** Bytes; IPv6 does not count its own header (RFC 8200 section 3). */
export const ipLength = {
  4: { nft: 'ip length', read: (packet) => packet.ipLength },
  6: { nft: 'ip6 length', read: (packet) => packet.ipLength - IPV6_HEADER },
} as const satisfies Record<4 | 6, NumberField>;

/** Hops left: TTL (RFC 791) or hop limit (RFC 8200). */
export const hopLimit = {
  4: { nft: 'ip ttl', read: (packet) => packet.hopLimit },
  6: { nft: 'ip6 hoplimit', read: (packet) => packet.hopLimit },
} as const satisfies Record<4 | 6, NumberField>;

function portsOf(transport: 'tcp' | 'udp', number: number) {
  return {
    source: {
      nft: `${transport} sport`,
      read: (packet) => (packet.protocol === number ? packet.sourcePort : -1),
    },
    destination: {
      nft: `${transport} dport`,
      read: (packet) => (packet.protocol === number ? packet.destinationPort : -1),
    },
  } as const satisfies Record<string, NumberField>;
}

/** Ports of TCP and UDP; -1 where the frame shows none, as a later fragment. */
export const port = {
  tcp: portsOf('tcp', Protocol.TCP),
  udp: portsOf('udp', Protocol.UDP),
  /** Only after a match of the protocol. */
  th: {
    source: { nft: 'th sport', read: (packet) => packet.sourcePort },
    destination: { nft: 'th dport', read: (packet) => packet.destinationPort },
  },
} as const satisfies Record<string, Record<string, NumberField>>;

/** Bits of the transport header, or after it. */
function raw(byte: number, bits: number): string {
  return `@th,${8 * byte},${bits}`;
}

/**
 * UDP (RFC 768); length in bytes with its header of eight. Payload only after a match of UDP ports; read from the first byte, big-endian.
 */
export const udp = {
  length: { nft: 'udp length', read: (packet) => packet.udpLength },
  payloadByte: { nft: raw(UDP_HEADER, 8), read: (packet) => packet.payloadHead >>> 24 },
  payload24: { nft: raw(UDP_HEADER, 24), read: (packet) => packet.payloadHead >>> 8, text: hex },
  payload32: { nft: raw(UDP_HEADER, 32), read: (packet) => packet.payloadHead, text: hex },
  /** After BOOTP's fixed part (RFC 2131 section 3). */
  bootpCookie: { nft: raw(UDP_HEADER + 236, 32), read: (packet) => packet.bootpCookie, text: hex },
} as const satisfies Record<string, NumberField>;

function messageOf(nft: string, number: number) {
  return {
    type: { nft: `${nft} type`, read: (packet) => (packet.protocol === number ? packet.icmpType : -1) },
    code: { nft: `${nft} code`, read: (packet) => (packet.protocol === number ? packet.icmpCode : -1) },
  } as const satisfies Record<string, NumberField>;
}

/** Type and code of ICMP (RFC 792) and ICMPv6 (RFC 4443). */
export const icmp = { 4: messageOf('icmp', Protocol.ICMP), 6: messageOf('icmpv6', Protocol.ICMPV6) } as const;

/**
 * Source port of the UDP packet that "port unreachable" quotes with its IP header, after its own eight bytes (RFC 792, RFC 4443 section
 * 3.1).
 */
export const quotedPort = {
  4: { nft: raw(8 + 20, 16), read: (packet) => packet.quotedPort },
  6: { nft: raw(8 + IPV6_HEADER, 16), read: (packet) => packet.quotedPort },
} as const satisfies Record<4 | 6, NumberField>;
