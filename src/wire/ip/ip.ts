// Protocol numbers and fixed header sizes of IP: RFC 791, RFC 8200 and the IANA protocol numbers.

/** Numbers of the IPv4 protocol field and of IPv6's next header field. */
export const Protocol = {
  HOP_BY_HOP: 0,
  ICMP: 1,
  IGMP: 2,
  IPIP: 4,
  TCP: 6,
  UDP: 17,
  IPV6: 41,
  ROUTING: 43,
  FRAGMENT: 44,
  GRE: 47,
  ESP: 50,
  AH: 51,
  ICMPV6: 58,
  NO_NEXT: 59,
  DESTINATION_OPTIONS: 60,
  ETHERIP: 97,
  L2TP: 115,
  SCTP: 132,
  MPLS_IN_IP: 137,
} as const;

/** Header lengths in octets, without options. */
export const IPV4_HEADER = 20;
export const IPV6_HEADER = 40;
export const UDP_HEADER = 8;
export const TCP_HEADER = 20;

/** Router alert: the IPv4 option (RFC 2113) and the IPv6 hop-by-hop option (RFC 2711). */
export const ROUTER_ALERT_V4 = 148;
export const ROUTER_ALERT_V6 = 5;

/** Bits of TCP's octet of flags (RFC 9293 section 3.1). */
export const TcpFlag = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16 } as const;
