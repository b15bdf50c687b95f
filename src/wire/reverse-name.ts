// Knows: the names under which names of addresses are asked for. Must not know: messages, policy.
// Follows RFC 1035 section 3.5 (in-addr.arpa) and RFC 3596 section 2.5 (ip6.arpa).

import { addressText, parseAddress } from './address.ts';

const IPV4 = '.in-addr.arpa';
const IPV6 = '.ip6.arpa';
const NIBBLES = 32;

/** The address that `4.3.2.1.in-addr.arpa` is about; undefined for a name that is about none, or about a network. */
export function reverseAddress(name: string): string | undefined {
  if (name.endsWith(IPV4)) return textOf(name.slice(0, -IPV4.length).split('.').reverse().join('.'));
  if (!name.endsWith(IPV6)) return undefined;
  const nibbles = name.slice(0, -IPV6.length).split('.').reverse();
  if (nibbles.length !== NIBBLES || nibbles.some((nibble) => !/^[0-9a-f]$/.test(nibble))) return undefined;
  return textOf(nibbles.join('').replace(/....(?=.)/g, '$&:'));
}

function textOf(text: string): string | undefined {
  const parsed = parseAddress(text);
  return parsed === undefined ? undefined : addressText(parsed.ipVersion, parsed.words);
}
