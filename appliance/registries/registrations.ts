// Finds the network of an address, the country in which it is registered and its operator, in the tables of two packages:
// @ip-location-db/asn-country (data of the NRO, CC BY 4.0) and @ip-location-db/asn (data of Route Views and DB-IP, CC BY 4.0).
// Nothing is sent to a server: the tables are local files sorted by address, and a lookup reads a few dozen of their lines.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Registration } from '../../src/guard/history/dossier.ts';
import { formatPrefix, networkAround } from '../../src/guard/attacks/networks.ts';
import { parseAddress } from '../../src/wire/ip/address.ts';

const COUNTRIES = { package: '@ip-location-db/asn-country', file: 'asn-country' };
const OPERATORS = { package: '@ip-location-db/asn', file: 'asn' };
/** Maximum length of a line in bytes; operator names are its longest part. */
const MAX_LINE_BYTES = 512;

/**
 * The registration of an address of either family, by its text: the network as `prefix/len` or `first - last`, the country as two letters
 * (where the network is registered, not where the machine is), and the operator's name or null. Undefined when `text` is not an address or
 * is not in the table, or when the table is not installed. Reads the files each time; never throws.
 */
export function registrationOf(text: string): Registration | undefined {
  const country = find(COUNTRIES, text);
  if (country === undefined) return undefined;
  const operator = find(OPERATORS, text);
  return {
    network: rangeText(country.first, country.last),
    country: country.rest.trim(),
    operator: operator === undefined ? null : operatorIn(operator.rest),
  };
}

interface Found {
  readonly first: string;
  readonly last: string;
  /** The rest of the line after the range. */
  readonly rest: string;
}

function find(table: typeof COUNTRIES, text: string): Found | undefined {
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  try {
    const folder = dirname(createRequire(import.meta.url).resolve(`${table.package}/package.json`));
    return lookUp(join(folder, `${table.file}-ipv${String(address.ipVersion)}.csv`), address.words);
  } catch {
    return undefined;
  }
}

/** Parses `13335,"Cloudflare, Inc."`: the name is quoted if it contains a comma, and quotes in it are doubled (RFC 4180 section 2). */
function operatorIn(rest: string): string | null {
  const [, name = ''] = /^\d+,(.*)$/.exec(rest.trimEnd()) ?? [];
  const plain = /^"(.*)"$/.exec(name)?.[1]?.replaceAll('""', '"') ?? name;
  return plain === '' ? null : plain;
}

function lookUp(path: string, wanted: Uint32Array): Found | undefined {
  const file = openSync(path, 'r');
  try {
    let low = 0;
    let high = fstatSync(file).size;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const line = lineAround(file, middle);
      const [, first = '', last = '', rest = ''] = /^([^,]*),([^,]*),(.*)$/.exec(line.text) ?? [];
      const [from, to] = [parseAddress(first)?.words, parseAddress(last)?.words];
      if (from === undefined || to === undefined) return undefined;
      if (compare(wanted, from) < 0) high = line.start;
      else if (compare(wanted, to) > 0) low = line.end;
      else return { first, last, rest };
    }
    return undefined;
  } finally {
    closeSync(file);
  }
}

/** The range as a prefix if it is one, otherwise `first - last`. */
function rangeText(first: string, last: string): string {
  const [from, to] = [parseAddress(first), parseAddress(last)];
  const bits = from?.ipVersion === 4 ? 32 : 128;
  for (let length = 0; from !== undefined && to !== undefined && length <= bits; length += 1) {
    const network = networkAround(first, length);
    if (network === undefined || compare(network.words, from.words) !== 0) continue;
    const above = networkAround(last, length);
    if (above === undefined || compare(above.words, network.words) !== 0) continue;
    return isLastOf(to.words, network.bits) ? formatPrefix(network) : `${first} - ${last}`;
  }
  return `${first} - ${last}`;
}

/** Whether every bit after the prefix is 1. */
function isLastOf(words: Uint32Array, bits: number): boolean {
  for (let at = bits; at < 128; at += 1)
    if ((((words[at >>> 5] ?? 0) >>> (31 - (at & 31))) & 1) === 0) return false;
  return true;
}

/** The line that contains the byte at offset `at`; `end` is the offset of the next line. */
function lineAround(
  file: number,
  at: number,
): { readonly text: string; readonly start: number; readonly end: number } {
  const from = Math.max(0, at - MAX_LINE_BYTES);
  const bytes = Buffer.alloc(2 * MAX_LINE_BYTES);
  const read = bytes.subarray(0, readSync(file, bytes, 0, bytes.length, from));
  const before = at === 0 ? -1 : read.lastIndexOf('\n', at - from - 1);
  const after = read.indexOf('\n', at - from);
  const end = after < 0 ? read.length : after;
  return { text: read.toString('utf8', before + 1, end), start: from + before + 1, end: from + end + 1 };
}

function compare(a: Uint32Array, b: Uint32Array): number {
  for (let at = 0; at < 4; at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
