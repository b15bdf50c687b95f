// Types of ICMP messages, and codes: RFC 792, 4443, 2710, 3810 (MLD) and 4861 (neighbour discovery).

/** The ICMPv4 type "destination unreachable", and its code "fragmentation needed" (RFC 792). */
export const Icmp = { UNREACHABLE: 3, FRAGMENTATION_NEEDED: 4 } as const;

/** ICMPv6 types. */
export const Icmp6 = {
  UNREACHABLE: 1,
  PACKET_TOO_BIG: 2,
  MLD_QUERY: 130,
  MLD_REPORT: 131,
  MLD_DONE: 132,
  ROUTER_SOLICITATION: 133,
  ROUTER_ADVERTISEMENT: 134,
  NEIGHBOUR_SOLICITATION: 135,
  NEIGHBOUR_ADVERTISEMENT: 136,
  REDIRECT: 137,
  MLD2_REPORT: 143,
} as const;

/** The ICMPv6 types of neighbour discovery (RFC 4861). */
export const NEIGHBOUR_DISCOVERY: readonly number[] = [
  Icmp6.ROUTER_SOLICITATION,
  Icmp6.ROUTER_ADVERTISEMENT,
  Icmp6.NEIGHBOUR_SOLICITATION,
  Icmp6.NEIGHBOUR_ADVERTISEMENT,
  Icmp6.REDIRECT,
];
/** The ICMPv6 types of multicast listener discovery (RFC 2710, 3810). */
export const LISTENER_DISCOVERY: readonly number[] = [
  Icmp6.MLD_QUERY,
  Icmp6.MLD_REPORT,
  Icmp6.MLD_DONE,
  Icmp6.MLD2_REPORT,
];

/** Whether an ICMPv6 type is one of NEIGHBOUR_DISCOVERY, 133 to 137 (RFC 4861 section 4). */
export function isNeighbourDiscovery(type: number): boolean {
  return NEIGHBOUR_DISCOVERY.includes(type);
}

/** Whether an ICMPv6 type is one of LISTENER_DISCOVERY: 130 to 132 (RFC 2710 section 3) and 143 (RFC 3810). */
export function isListenerDiscovery(type: number): boolean {
  return LISTENER_DISCOVERY.includes(type);
}
