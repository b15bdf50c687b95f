// Knows: which vendor a MAC address was registered to, by the list of the package oui-data (IEEE MA-L, MA-M, MA-S). Must not
// know: whose device it is. The list stays on disk: it is searched when a device is first seen, which is rare.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** Hexadecimal digits of a registered prefix, longest first. */
const PREFIXES = [9, 7, 6] as const;

/** Name of the vendor, in its registered spelling; undefined for prefixes that nobody registered, and without the list. */
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
