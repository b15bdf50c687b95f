// Numbers of link types in capture files: the tcpdump.org link-layer header type registry (draft-ietf-opsawg-pcaplinktype).

/** The link types that are decoded, as capture files number them. */
export const LinkType = {
  NULL: 0,
  ETHERNET: 1,
  TOKEN_RING: 6,
  PPP: 9,
  FDDI: 10,
  ATM_RFC1483: 11,
  RAW_BSD: 12,
  RAW_OPENBSD: 14,
  PPP_HDLC: 50,
  PPPOE: 51,
  RAW: 101,
  CISCO_HDLC: 104,
  IEEE802_11: 105,
  FRAME_RELAY: 107,
  LOOP: 108,
  ENC: 109,
  LINUX_SLL: 113,
  PRISM: 119,
  IP_OVER_FC: 122,
  SUNATM: 123,
  RADIOTAP: 127,
  IP_OVER_FIREWIRE: 138,
  AVS: 163,
  PPP_PPPD: 166,
  PPI: 192,
  ERF: 197,
  PPP_WITH_DIRECTION: 204,
  CISCO_HDLC_WITH_DIRECTION: 205,
  FRAME_RELAY_WITH_DIRECTION: 206,
  MPLS: 219,
  IPV4: 228,
  IPV6: 229,
  NFLOG: 239,
  NETANALYZER: 240,
  PKTAP: 258,
  ETHERNET_MPACKET: 274,
  LINUX_SLL2: 276,
} as const;

const READ: ReadonlySet<number> = new Set(Object.values(LinkType));

/**
 * Whether frames of a link type, a number of the tcpdump.org registry, are decoded. Frames of other types are of unknown kind, which is a
 * leak.
 */
export function isReadLinkType(linkType: number): boolean {
  return READ.has(linkType);
}
