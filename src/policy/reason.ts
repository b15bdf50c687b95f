// Describes a frame in plain words from its parsed packet. Verdicts carry the text; log, history and page reuse it.

import { SNAP } from '../flow/parsed-packet.ts';
import type { ParsedPacket } from '../flow/parsed-packet.ts';
import type { Kind } from '../flow/kinds.ts';
import { addressText, macText } from '../wire/ip/address.ts';
import type { JudgedEndpoint } from './servers/hosts.ts';
import type { Direction } from './compile/counted.ts';
import { EtherType } from '../wire/link/ethernet.ts';
import { Icmp6 } from '../wire/ip/icmp.ts';
import { Protocol } from '../wire/ip/ip.ts';

const WORDS: Readonly<Record<Kind, string>> = {
  tunnel: 'tunnel packet',
  arp: 'ARP',
  dhcp: 'DHCP',
  dhcp6: 'DHCPv6',
  nd: 'neighbour discovery',
  eapol: '802.1X',
  dns: 'DNS',
  mdns: 'mDNS',
  llmnr: 'LLMNR',
  nbns: 'NetBIOS name service',
  ssdp: 'SSDP',
  dot: 'DNS over TLS',
  doq: 'DNS over QUIC',
  doh: 'DNS over HTTPS',
  dnscrypt: 'DNSCrypt',
  http: 'HTTP',
  tls: 'TLS',
  quic: 'QUIC',
  stun: 'STUN',
  ntp: 'NTP',
  icmp: 'ICMP',
  tcp: 'TCP',
  udp: 'UDP',
  'igmp-mld': 'multicast group membership',
  pptp: 'PPTP',
  gre: 'GRE',
  l2tp: 'L2TP',
  ipip: 'IP-in-IP',
  '6in4': 'IPv6-in-IPv4',
  teredo: 'Teredo',
  vxlan: 'VXLAN',
  socks: 'SOCKS',
  'http-proxy': 'HTTP proxy request',
  wireguard: 'WireGuard',
  openvpn: 'OpenVPN',
  ipsec: 'IPsec',
  tor: 'Tor',
  ssh: 'SSH',
  dtls: 'DTLS',
  'other-ip': 'IP protocol',
  fragment: 'IP fragment',
  vlan: 'VLAN-tagged frame',
  pppoe: 'PPPoE frame',
  'l2-other': 'frame that is not IP',
  malformed: 'malformed frame',
};

/** Protocols between two machines on one cable, by EtherType (IEEE 802.3 annex 31B, 802.1AB, 802.3 clause 57, 802.1AE). */
const LINK_WORDS: ReadonlyMap<number, string> = new Map([
  [0x8808, 'PAUSE (flow control on the cable)'],
  [0x88cc, 'LLDP (describes the machine to the next one on the cable)'],
  [0x8809, 'slow protocol (LACP, OAM) on the cable'],
  [0x88e5, 'MACsec'],
]);

/**
 * The frame in words: `DNS question for bank.example to 192.0.2.53`, `TLS for www.example to 203.0.113.5:443`. Names and addresses are the
 * frame's own, before any redaction; a name from the wire has no control characters (src/wire/names/name-text.ts).
 */
export function describe(packet: ParsedPacket, direction: Direction): string {
  const { findings, kind } = packet;
  const name = findings.names[0]?.name ?? packet.flowName;
  let words = WORDS[kind];
  if (kind === 'other-ip') words += ` ${packet.protocol}`;
  if (kind === 'l2-other' && packet.etherType > 0)
    words =
      LINK_WORDS.get(packet.etherType) ??
      `${words} (type 0x${packet.etherType.toString(16).padStart(4, '0')})`;
  const asks = kind === 'dns' && findings.names.length > 0;
  if (asks) words += ' question';
  if (findings.suspected === true) words = `what looks like ${asks ? 'a ' : ''}${words}`;
  if (name !== '') words += ` for ${name}`;
  if (findings.detail !== undefined) words += ` (${findings.detail})`;
  if (direction === 'down') return `${words} from ${sourceText(packet)}`;
  // An advertisement says who has its target address; a solicitation asks for it.
  return isAdvertisement(packet)
    ? `${words} that claims ${destinationOf(packet)}`
    : `${words} to ${farText.of(packet)}`;
}

/** RFC 4861 section 4.4. */
const isAdvertisement = ({ ipVersion, protocol, icmpType }: ParsedPacket): boolean =>
  ipVersion === 6 && protocol === Protocol.ICMPV6 && icmpType === Icmp6.NEIGHBOUR_ADVERTISEMENT;

/** Texts of a frame's far end, as the reasons write them; `mac` is lower case with colons. */
export const farText = {
  mac: macText,
  /** `203.0.113.5:443`, `[2001:db8::5]:443`; the port is left out where it is the usual one of the kind, or there is none. */
  of(packet: ParsedPacket): string {
    return withPort(destinationOf(packet), packet, packet.destinationPort);
  },
} as const;

function sourceText(packet: ParsedPacket): string {
  if (packet.ipVersion === 0) return macText(packet.sourceMac);
  return withPort(addressText(packet.ipVersion, packet.source), packet, packet.sourcePort);
}

const USUAL_PORTS: ReadonlySet<number> = new Set([53, 67, 68, 546, 547, 5353, 5355]);

function withPort(address: string, packet: ParsedPacket, port: number): string {
  if (port < 0 || USUAL_PORTS.has(port)) return address;
  return packet.ipVersion === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

/**
 * The destination IP address, or for ARP (RFC 826) and neighbour discovery (RFC 4861) the address that is asked for or claimed; the MAC
 * address of frames without IP. Without port.
 */
export function destinationOf(packet: ParsedPacket): string {
  if (packet.outerEtherType === EtherType.ARP && packet.arpOperation > 0)
    return addressText(4, packet.destination);
  if (
    isAdvertisement(packet) ||
    (packet.ipVersion === 6 &&
      packet.protocol === Protocol.ICMPV6 &&
      packet.icmpType === Icmp6.NEIGHBOUR_SOLICITATION)
  )
    return addressText(6, packet.target);
  return packet.ipVersion === 0
    ? macText(packet.destinationMac)
    : addressText(packet.ipVersion, packet.destination);
}

/**
 * What Eve learns: the name if the frame or its flow shows one, for multicast membership the groups (joined by `, `), else the destination;
 * with the protocol where that is a MAC address of a frame that is not IP (`… (type 0x88cc)`).
 */
export function exposureOf(packet: ParsedPacket): string {
  const name = packet.findings.names[0]?.name ?? packet.flowName;
  if (name !== '') return name;
  const { groups } = packet.findings;
  if (packet.kind === 'igmp-mld' && groups !== undefined) return groups.join(', ');
  return `${destinationOf(packet)}${protocolSuffix(packet)}`;
}

/**
 * For frames with nothing but a MAC address, the protocol as well: a user who accepts one such protocol in the list has not accepted
 * the others. The redaction (src/guard/history/privacy.ts) parses these forms.
 */
function protocolSuffix({ kind, etherType, llc }: ParsedPacket): string {
  if (kind !== 'l2-other') return '';
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  if (etherType > 0) return ` (type 0x${hex(etherType, 4)})`;
  if (llc >= SNAP) return ` (SNAP 0x${hex(llc - SNAP, 10)})`;
  return llc < 0 ? '' : ` (LLC 0x${hex(llc, 4)})`;
}

/** `outside the tunnel udp:198.51.100.7:51820`, or how many endpoints there are; to follow a description of a frame. */
export function outside(endpoints: readonly JudgedEndpoint[]): string {
  const [first, ...more] = endpoints;
  if (first === undefined) return 'and the policy has no tunnel yet';
  return more.length === 0
    ? `outside the tunnel ${first.text}`
    : `outside the ${endpoints.length} tunnel endpoints`;
}
