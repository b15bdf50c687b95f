// Groups remote addresses for limits per client.

import { isIPv6 } from 'node:net';

/**
 * A key for limits per client: an IPv4 address as it is, also a mapped one (`::ffff:a.b.c.d`), or the first 64 bits of an IPv6 address as
 * four groups: a machine can choose any address of its /64 (RFC 8981). Text that is no address is returned unchanged. Never throws.
 */
export function addressGroup(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address;
  const [head = '', tail = ''] = address.split('%')[0]?.split('::') ?? [];
  const [before, after] = [head.split(':').filter(Boolean), tail.split(':').filter(Boolean)];
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  return [...before, ...zeros, ...after].slice(0, 4).join(':');
}
