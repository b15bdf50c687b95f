// EtherTypes: IEEE 802.3 clause 3.2.6, 802.1Q, RFC 1042 (SNAP), RFC 2516 (PPPoE), RFC 3032 (MPLS).

/** EtherTypes in host order, as `u16` reads them. */
export const EtherType = {
  IPV4: 0x0800,
  ARP: 0x0806,
  VLAN: 0x8100,
  QINQ: 0x88a8,
  QINQ_OLD: 0x9100,
  IPV6: 0x86dd,
  MPLS: 0x8847,
  MPLS_MULTICAST: 0x8848,
  PPPOE_DISCOVERY: 0x8863,
  PPPOE_SESSION: 0x8864,
  EAPOL: 0x888e,
} as const;

/** Smaller values are 802.3 lengths, not types. */
export const FIRST_ETHERTYPE = 0x0600;

/** Octets of an untagged Ethernet header. */
export const HEADER_LENGTH = 14;

/** Whether an EtherType announces a VLAN tag: the two numbers of IEEE 802.1Q or the older 0x9100 for stacked tags. */
export function isTag(etherType: number): boolean {
  return etherType === EtherType.VLAN || etherType === EtherType.QINQ || etherType === EtherType.QINQ_OLD;
}
