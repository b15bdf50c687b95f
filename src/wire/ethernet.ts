// Knows: EtherTypes and the layout of what follows them. Must not know: IP, policy.
// Follows IEEE 802.3 clause 3.2.6, 802.1Q, RFC 1042 (SNAP), RFC 2516 (PPPoE), RFC 1661 and 1332 (PPP), RFC 3032 (MPLS).

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

/** Values below are 802.3 lengths, not types. */
export const FIRST_ETHERTYPE = 0x0600;

export const HEADER_LENGTH = 14;

export function isTag(etherType: number): boolean {
  return etherType === EtherType.VLAN || etherType === EtherType.QINQ || etherType === EtherType.QINQ_OLD;
}

/** EtherType of a PPP protocol number; -1 for control protocols and what is not IP. */
export function etherTypeOfPpp(protocol: number): number {
  if (protocol === 0x0021) return EtherType.IPV4;
  if (protocol === 0x0057) return EtherType.IPV6;
  return -1;
}

/**
 * Where the payload of a PPP frame begins (RFC 1662: address and control bytes may be there or compressed away, and so
 * may the protocol's first byte); more than `end` when the frame is too short.
 */
export function pppPayload(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  if (end - at >= 2 && (bytes[at] === 0xff || bytes[at] === 0x0f) && (bytes[at + 1] ?? 0xff) <= 0x03) at += 2;
  const compressed = at < end && ((bytes[at] ?? 0) & 1) === 1;
  return at + (compressed ? 1 : 2);
}

/** The protocol number in front of the `payload` that pppPayload found. */
export function pppProtocol(bytes: Uint8Array, start: number, payload: number): number {
  const low = bytes[payload - 1] ?? 0;
  const high = payload - 2 >= start ? (bytes[payload - 2] ?? 0) : 0;
  return (high & 1) === 1 ? low : (high << 8) | low;
}
