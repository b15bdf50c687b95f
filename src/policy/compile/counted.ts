// The kind that the kernel counts a frame as, by addresses, protocol and port, and the names of its counters. One table for both ruleset
// and judge, so that they cannot drift apart. Payload is not read: TLS on port 8443 is counted as `tcp`.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { KINDS } from '../../flow/kinds.ts';
import type { Kind } from '../../flow/kinds.ts';
import { DISCOVERY_KINDS, discoveryKind } from '../filter/discovery.ts';
import { hasBadHeader, isTooShort } from '../filter/form.ts';
import { EtherType } from '../../wire/link/ethernet.ts';
import { Protocol } from '../../wire/ip/ip.ts';
import { LISTENER_DISCOVERY, NEIGHBOUR_DISCOVERY } from '../../wire/ip/icmp.ts';

/** `up` from lan to wan, `down` from wan to lan. */
export type Direction = 'up' | 'down';

/** Verdicts that the kernel counts separately; `pass` is a leak let through by a captive-portal exception. */
export type CountedVerdict = 'tunnel' | 'essential' | 'allowed' | 'pass' | 'leak';

/** Transport, port and kind: IANA's service names and port numbers, and usual ports of tunnels. */
export const PORT_KINDS: readonly (readonly ['udp' | 'tcp', number, Kind])[] = [
  ['udp', 53, 'dns'],
  ['tcp', 53, 'dns'],
  ['udp', 67, 'dhcp'],
  ['udp', 68, 'dhcp'],
  ['udp', 80, 'quic'],
  ['tcp', 80, 'http'],
  ['udp', 123, 'ntp'],
  ['tcp', 22, 'ssh'],
  ['udp', 443, 'quic'],
  ['tcp', 443, 'tls'],
  ['udp', 500, 'ipsec'],
  ['udp', 546, 'dhcp6'],
  ['udp', 547, 'dhcp6'],
  ['udp', 853, 'doq'],
  ['tcp', 853, 'dot'],
  ['tcp', 1080, 'socks'],
  ['udp', 1194, 'openvpn'],
  ['tcp', 1194, 'openvpn'],
  ['udp', 1701, 'l2tp'],
  ['tcp', 1723, 'pptp'],
  ['tcp', 3128, 'http-proxy'],
  ['udp', 3478, 'stun'],
  ['udp', 3544, 'teredo'],
  ['udp', 4500, 'ipsec'],
  ['udp', 4789, 'vxlan'],
  ['tcp', 9001, 'tor'],
  ['udp', 51820, 'wireguard'],
];

/** IANA's IP protocol numbers; ICMP of the other family is counted as ICMP, too. */
export const PROTOCOL_KINDS: readonly (readonly [number, Kind])[] = [
  [Protocol.ICMP, 'icmp'],
  [Protocol.IGMP, 'igmp-mld'],
  [Protocol.IPIP, 'ipip'],
  [Protocol.TCP, 'tcp'],
  [Protocol.UDP, 'udp'],
  [Protocol.IPV6, '6in4'],
  [Protocol.GRE, 'gre'],
  [Protocol.ESP, 'ipsec'],
  [Protocol.AH, 'ipsec'],
  [Protocol.ICMPV6, 'icmp'],
  [Protocol.L2TP, 'l2tp'],
];

/** Types of ICMPv6 messages (RFC 2710, RFC 3810, RFC 4861) and the kind that they are counted as. */
export const MESSAGE_KINDS: readonly (readonly [readonly number[], Kind])[] = [
  [LISTENER_DISCOVERY, 'igmp-mld'],
  [NEIGHBOUR_DISCOVERY, 'nd'],
];

const BY_PORT = new Map(
  PORT_KINDS.map(([transport, port, kind]) => [
    portKey(transport === 'udp' ? Protocol.UDP : Protocol.TCP, port),
    kind,
  ]),
);
const BY_PROTOCOL = new Map(PROTOCOL_KINDS);

function portKey(protocol: number, port: number): number {
  return protocol * 65536 + port;
}

/**
 * The kind that the kernel counts a whole packet to this port (up) or from it (down) as; the transport itself where the table above has no
 * row for the port.
 */
export function portKind(transport: 'udp' | 'tcp', port: number): Kind {
  return BY_PORT.get(portKey(transport === 'udp' ? Protocol.UDP : Protocol.TCP, port)) ?? transport;
}

/**
 * The kind that the kernel counts this frame as, by its outer ether type, its destination port on the way up and its source port on the way
 * down. Every frame has one: `other-ip` or `l2-other` where no row of the tables above fits.
 */
export function countedKind(packet: ParsedPacket, direction: Direction): Kind {
  if (isKeptGroup(packet.destinationMac)) return 'l2-other';
  switch (packet.outerEtherType) {
    case EtherType.IPV4:
    case EtherType.IPV6:
      return countedIpKind(packet, direction);
    case EtherType.ARP:
      return 'arp';
    case EtherType.EAPOL:
      return 'eapol';
    case EtherType.VLAN:
    case EtherType.QINQ:
      return 'vlan';
    case EtherType.PPPOE_DISCOVERY:
    case EtherType.PPPOE_SESSION:
      return 'pppoe';
    default:
      return 'l2-other';
  }
}

/**
 * Whether the destination, as a 48-bit number, is one of the link-local groups that end at the bridge (IEEE 802.1Q-2022 table 8-1): all of
 * 01:80:c2:00:00:00 to :0f but 0 (STP, forwarded while STP is off) and 3 (EAPOL, forwarded by `group_fwd_mask`).
 */
export function isKeptGroup(destinationMac: number): boolean {
  const group = destinationMac - 0x0180c2000000;
  return group >= 1 && group <= 15 && group !== 3;
}

function countedIpKind(packet: ParsedPacket, direction: Direction): Kind {
  if (hasBadHeader(packet)) return 'malformed';
  if (packet.fragmentOffset > 0 && !packet.nestedFragment) return 'fragment';
  if (isTooShort(packet)) return 'malformed';
  if (packet.protocol === Protocol.ICMPV6)
    for (const [types, kind] of MESSAGE_KINDS) if (types.includes(packet.icmpType)) return kind;
  const discovery = discoveryKind(packet);
  if (discovery !== undefined) return discovery;
  const port = direction === 'up' ? packet.destinationPort : packet.sourcePort;
  return BY_PORT.get(portKey(packet.protocol, port)) ?? BY_PROTOCOL.get(packet.protocol) ?? 'other-ip';
}

/** Whether it is PAUSE or LLDP, by group address: no bridge forwards them, whatever its settings (IEEE 802.1Q-2022 table 8-1). */
export function isOfCable({ destinationMac }: ParsedPacket): boolean {
  return destinationMac === 0x0180c2000001 || destinationMac === 0x0180c200000e;
}

/**
 * PAUSE, LLDP, and frames whose source address no station can have (a group, or zero): the bridge takes or drops them
 * before any hook (net/bridge/br_input.c), so they neither cross nor are counted.
 */
export function isUncounted(packet: ParsedPacket): boolean {
  return isOfCable(packet) || !isStation(packet.sourceMac);
}

/** Whether a MAC address, as a 48-bit number, can be a sender's: neither zero nor a group (IEEE 802.3 section 3.2.3). */
export function isStation(mac: number): boolean {
  return mac !== 0 && (Math.floor(mac / 0x10000000000) & 1) === 0;
}

/** Every kind that has a counter for each direction and each of the verdicts `allowed`, `pass` and `leak`; in the order of `KINDS`. */
export const COUNTED_KINDS: readonly Kind[] = KINDS.filter((kind) =>
  [
    ...[...PORT_KINDS, ...PROTOCOL_KINDS, ...MESSAGE_KINDS].map((row) => row[row.length - 1]),
    ...DISCOVERY_KINDS,
    ...['arp', 'eapol', 'other-ip', 'fragment', 'vlan', 'pppoe', 'l2-other', 'malformed'],
  ].includes(kind),
);

/**
 * Name of a counter in the ruleset, as `counterOf` reads it: `up_leak_igmp_mld`; for tunnels `up_tunnel_0` (by index in the policy) or
 * `up_tunnel_fragment`. Hyphens of a kind become underscores, since nft names have none.
 */
export function counterName(direction: Direction, verdict: CountedVerdict, what: string | number): string {
  return `${direction}_${verdict}_${String(what).replaceAll('-', '_')}`;
}

/** What a named counter of the ruleset counts: frames of one direction and verdict, of one kind or tunnel. */
export interface CounterMeaning {
  readonly direction: Direction;
  readonly verdict: CountedVerdict;
  /** Of `tunnel` counters: the index of the tunnel, or -1 for fragments, which have no port to identify it by. */
  readonly tunnel?: number;
  /** Of all other counters; undefined for `tunnel`. */
  readonly kind?: Kind;
}

/**
 * What a counter of the ruleset counts, from its name; undefined for `leak_dropped` and other sums, and for unknown names. Does not throw.
 */
export function counterOf(name: string): CounterMeaning | undefined {
  const match = /^(up|down)_(tunnel|essential|allowed|pass|leak)_(\w+)$/.exec(name);
  if (match === null) return undefined;
  const direction = match[1] === 'up' ? 'up' : 'down';
  const what = match[3] ?? '';
  if (match[2] === 'tunnel') {
    if (what !== 'fragment' && !/^\d+$/.test(what)) return undefined;
    return { direction, verdict: 'tunnel', tunnel: what === 'fragment' ? -1 : Number(what) };
  }
  const kind = KINDS.find((known) => known.replaceAll('-', '_') === what);
  const verdict = (['essential', 'allowed', 'pass', 'leak'] as const).find((known) => known === match[2]);
  return kind === undefined || verdict === undefined ? undefined : { direction, verdict, kind };
}
