// Knows: numbers of link types in capture files, and how each begins. Must not know: IP, policy.
// Follows the tcpdump.org link-layer header type registry (draft-ietf-opsawg-pcaplinktype).

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
  RADIOTAP: 127,
  AVS: 163,
  PPI: 192,
  IPV4: 228,
  IPV6: 229,
  NFLOG: 239,
  PKTAP: 258,
  LINUX_SLL2: 276,
} as const;

const READ: ReadonlySet<number> = new Set(Object.values(LinkType));

/** Whether frames of a link type are read; those of any other stay unknown, which is a leak. */
export function isReadLinkType(linkType: number): boolean {
  return READ.has(linkType);
}
