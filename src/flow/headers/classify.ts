// The kind of a frame by its headers alone (IANA port registry). A port only suggests a kind; the content may correct it.

import { EtherType } from '../../wire/link/ethernet.ts';
import { Protocol } from '../../wire/ip/ip.ts';
import type { ParsedPacket } from '../parsed-packet.ts';
import type { Kind } from '../kinds.ts';
import { isListenerDiscovery, isNeighbourDiscovery } from '../../wire/ip/icmp.ts';

/**
 * The kind of a frame by its headers alone (EtherType, IP protocol, ICMPv6 type, IANA's ports), for frames whose payload is unreadable or
 * has not been read yet. A later fragment is `fragment`; what no kind fits is `l2-other`, `other-ip`, `tcp` or `udp`.
 */
export function kindOfHeaders(packet: ParsedPacket): Kind {
  if (packet.malformed !== undefined) return 'malformed';
  if (packet.ipVersion === 0) return kindOfLink(packet);
  if (packet.fragmentOffset > 0) return 'fragment';
  return kindOfIp(packet);
}

function kindOfLink(packet: ParsedPacket): Kind {
  if (packet.vlanTags > 0) return 'vlan';
  switch (packet.etherType) {
    case EtherType.ARP:
      return 'arp';
    case EtherType.EAPOL:
      return 'eapol';
    case EtherType.PPPOE_DISCOVERY:
    case EtherType.PPPOE_SESSION:
      return 'pppoe';
    default:
      return 'l2-other';
  }
}

function kindOfIp(packet: ParsedPacket): Kind {
  switch (packet.protocol) {
    case Protocol.UDP:
      return kindOfUdpPort(packet.destinationPort) ?? kindOfUdpPort(packet.sourcePort) ?? 'udp';
    case Protocol.TCP:
      return kindOfTcpPort(packet.destinationPort) ?? kindOfTcpPort(packet.sourcePort) ?? 'tcp';
    case Protocol.ICMP:
      return packet.ipVersion === 4 ? 'icmp' : 'other-ip';
    case Protocol.ICMPV6:
      return packet.ipVersion === 6 ? kindOfIcmp6(packet.icmpType) : 'other-ip';
    case Protocol.IGMP:
      return 'igmp-mld';
    case Protocol.IPIP:
      return 'ipip';
    case Protocol.IPV6:
      return packet.ipVersion === 4 ? '6in4' : 'ipip';
    case Protocol.GRE:
      return 'gre';
    case Protocol.L2TP:
      return 'l2tp';
    case Protocol.ESP:
    case Protocol.AH:
      return 'ipsec';
    default:
      return 'other-ip';
  }
}

function kindOfIcmp6(type: number): Kind {
  if (isNeighbourDiscovery(type)) return 'nd';
  if (isListenerDiscovery(type)) return 'igmp-mld';
  return 'icmp';
}

/**
 * The kind that a UDP port suggests (IANA port registry; 784 and 8472 are former ports of DoQ and of VXLAN in Linux); undefined for other
 * ports.
 */
export function kindOfUdpPort(port: number): Kind | undefined {
  switch (port) {
    case 53:
      return 'dns';
    case 67:
    case 68:
      return 'dhcp';
    case 123:
      return 'ntp';
    case 137:
      return 'nbns';
    case 443:
      return 'quic';
    case 500:
    case 4500:
      return 'ipsec';
    case 546:
    case 547:
      return 'dhcp6';
    case 853:
    case 784:
      return 'doq';
    case 1701:
      return 'l2tp';
    case 1900:
      return 'ssdp';
    case 3478:
      return 'stun';
    case 3544:
      return 'teredo';
    case 4789:
    case 8472:
      return 'vxlan';
    case 5353:
      return 'mdns';
    case 5355:
      return 'llmnr';
    default:
      return undefined;
  }
}

/** The kind that a TCP port suggests. No port suggests a tunnel: only a handshake makes a flow `ssh`, `socks` or `pptp`. */
function kindOfTcpPort(port: number): Kind | undefined {
  switch (port) {
    case 53:
      return 'dns';
    case 80:
      return 'http';
    case 443:
      return 'tls';
    case 853:
      return 'dot';
    case 5355:
      return 'llmnr';
    default:
      return undefined;
  }
}
