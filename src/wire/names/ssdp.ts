// SSDP's searches and announcements (UPnP Device Architecture 2.0 section 1). HOST is not read: it is always the multicast address.

import { printable, startsWith } from '../octets.ts';

/**
 * What a search, an announcement or a response says about its sender: values as `printable` writes them, without blanks around them; absent
 * when the field is missing or empty. Of a repeated field the first counts.
 */
export interface SsdpMessage {
  readonly type: 'search' | 'notify' | 'response';
  /** ST of a search or response, NT of an announcement. */
  readonly target?: string;
  readonly userAgent?: string;
  readonly server?: string;
  /** LOCATION: the URL of the device's description. */
  readonly location?: string;
  /** USN: the device's UUID and the service. */
  readonly uniqueName?: string;
}

const LONGEST_MESSAGE = 4096;
const LONGEST_VALUE = 512;
const LF = 0x0a;

/**
 * The message in a UDP payload (UPnP Device Architecture 2.0 section 1), or undefined when the first line is not one of SSDP's three. Lines
 * are cut at 512 octets, messages at 4096; a last line without line feed is not read. Never throws.
 */
export function ssdpMessage(bytes: Uint8Array, start: number, end: number): SsdpMessage | undefined {
  const type = startsWith(bytes, start, end, 'M-SEARCH * ')
    ? 'search'
    : startsWith(bytes, start, end, 'NOTIFY * ')
      ? 'notify'
      : startsWith(bytes, start, end, 'HTTP/1.1 200 ')
        ? 'response'
        : undefined;
  if (type === undefined) return undefined;
  const fields = new Map<string, string>();
  const stop = Math.min(end, start + LONGEST_MESSAGE);
  let line = start;
  for (let at = start; at < stop; at += 1) {
    if (bytes[at] !== LF) continue;
    readField(printable(bytes, line, Math.min(at, line + LONGEST_VALUE)), fields);
    line = at + 1;
  }
  const field = <Key extends string>(key: Key, name: string): Partial<Record<Key, string>> => {
    const value = fields.get(name);
    const record: Partial<Record<Key, string>> = {};
    if (value !== undefined && value !== '') record[key] = value;
    return record;
  };
  return {
    type,
    ...field('target', type === 'notify' ? 'nt' : 'st'),
    ...field('userAgent', 'user-agent'),
    ...field('server', 'server'),
    ...field('location', 'location'),
    ...field('uniqueName', 'usn'),
  };
}

/** The carriage return at the end of `line` has become the text `\013`. */
function readField(line: string, fields: Map<string, string>): void {
  const colon = line.indexOf(':');
  if (colon <= 0) return;
  const name = line.slice(0, colon).trim().toLowerCase();
  const value = line.slice(colon + 1).replace(/\\013$/, '');
  if (!fields.has(name)) fields.set(name, value.trim());
}
