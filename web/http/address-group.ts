// Knows: which remote addresses are one visitor as far as limits go. Must not know: what is limited.

import { isIPv6 } from 'node:net';

/** An IPv6 machine has a whole /64 to choose addresses from (RFC 8981): they count as one. */
export function addressGroup(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address;
  const [head = '', tail = ''] = address.split('%')[0]?.split('::') ?? [];
  const [before, after] = [head.split(':').filter(Boolean), tail.split(':').filter(Boolean)];
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  return [...before, ...zeros, ...after].slice(0, 4).join(':');
}
