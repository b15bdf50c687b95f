// Knows: numbers of link types in capture files, and how each begins. Must not know: IP, policy.
// Follows the tcpdump.org link-layer header type registry (draft-ietf-opsawg-pcaplinktype).

export const LinkType = {
  NULL: 0,
  ETHERNET: 1,
  PPP: 9,
  RAW_BSD: 12,
  RAW_OPENBSD: 14,
  PPP_HDLC: 50,
  PPPOE: 51,
  RAW: 101,
  CISCO_HDLC: 104,
  IEEE802_11: 105,
  LOOP: 108,
  LINUX_SLL: 113,
  RADIOTAP: 127,
  PPI: 192,
  IPV4: 228,
  IPV6: 229,
  LINUX_SLL2: 276,
} as const;
