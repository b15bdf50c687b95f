// IP directly inside IP: RFC 2003 (protocol 4), RFC 4213 and 2473 (protocol 41).

import { INNER_IPV4, INNER_IPV6, innerIp, type Inner } from './inner.ts';

const PROTOCOL_IPIP = 4;
const PROTOCOL_IPV6 = 41;

/**
 * The packet in the payload, from `start` to before `end`, of IP protocol 4 (IPv4 inside, RFC 2003) or 41 (IPv6 inside, RFC 2473);
 * undefined for other protocols, when the payload's version is not the one that the protocol number announces, and when its header is
 * cut off. Never throws.
 */
export function ipInIp(protocol: number, bytes: Uint8Array, start: number, end: number): Inner | undefined {
  const inner = innerIp(bytes, start, end);
  const announced = protocol === PROTOCOL_IPIP ? INNER_IPV4 : INNER_IPV6;
  if (protocol !== PROTOCOL_IPIP && protocol !== PROTOCOL_IPV6) return undefined;
  return inner?.etherType === announced ? inner : undefined;
}
