// Finds the vendor of a MAC address in the list of the package oui-data (IEEE MA-L, MA-M, MA-S). The list is not kept in memory: it
// is needed only when a device is first seen, which is rare.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** Lengths of registered prefixes in hexadecimal digits, longest first. */
const PREFIXES = [9, 7, 6] as const;

/**
 * The vendor's name as registered at the IEEE, by the longest registered prefix (36, 28 or 24 bits); undefined for an unregistered prefix,
 * or when the list is not installed. `mac`: with colons, in either case. Reads the whole list each time. Never throws.
 */
export function vendorOf(mac: string): string | undefined {
  const digits = mac.replaceAll(':', '').toUpperCase();
  let list: Buffer;
  try {
    list = readFileSync(createRequire(import.meta.url).resolve('oui-data'));
  } catch {
    return undefined;
  }
  for (const length of PREFIXES) {
    const key = `"${digits.slice(0, length)}": "`;
    const at = list.indexOf(key, 0, 'latin1');
    if (at < 0) continue;
    const end = list.indexOf('\n', at);
    const [name = ''] = list.toString('utf8', at + key.length, end).split(/\\n|",?$/);
    return name.replaceAll('\\"', '"');
  }
  return undefined;
}
