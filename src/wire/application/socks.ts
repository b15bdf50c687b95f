// The first messages of SOCKS 4, 4a and 5, and the destination in them.
// RFC 1928 (SOCKS 5), RFC 1929 (user and password), and the SOCKS 4 and 4a memoranda.

import { ipv4TextAt, ipv6TextAt } from '../ip/address-octets.ts';
import { ipv4Text } from '../ip/address.ts';
import { hostText } from '../names/name-text.ts';
import { u16, u32 } from '../octets.ts';

/** A request to connect, bind or relay UDP. */
export interface SocksRequest {
  readonly version: 4 | 5;
  readonly command: 'connect' | 'bind' | 'udp';
  /** Host name as `hostText` writes it, or an address as `a.b.c.d` or RFC 5952 text; without brackets. */
  readonly host: string;
  readonly port: number;
  /** `host` is a name. */
  readonly named: boolean;
  /** Offset in `bytes` after the request. */
  readonly end: number;
}

/** `greeting`: a SOCKS 5 client offers authentication methods; its request follows. `need-more`: ask again with more of the stream. */
export type SocksOutcome = SocksRequest | 'greeting' | 'need-more' | 'not-socks';

const COMMANDS = [undefined, 'connect', 'bind', 'udp'] as const;
const LONGEST_USER = 255;
const LONGEST_HOST = 255;

/**
 * The client's first message, at `start` of its stream: a SOCKS 4 request (the SOCKS 4 and 4a memoranda), or the greeting of SOCKS 5 (RFC
 * 1928 section 3). User and host of SOCKS 4 are limited to 255 octets each. Never throws.
 */
export function socksOpening(bytes: Uint8Array, start: number, end: number): SocksOutcome {
  if (end <= start) return 'need-more';
  if (bytes[start] === 4) return socks4Request(bytes, start, end);
  if (bytes[start] !== 5) return 'not-socks';
  const methods = bytes[start + 1] ?? 0;
  if (end - start < 2) return 'need-more';
  if (methods === 0 || methods > 16) return 'not-socks';
  if (end - start < 2 + methods) return 'need-more';
  for (let at = start + 2; at < start + 2 + methods; at += 1) {
    // RFC 1928 section 3: methods below 10 are assigned, 0x80 to 0xfe are private, and a client may not offer 0xff.
    const method = bytes[at] ?? 0;
    if ((method > 9 && method < 0x80) || method === 0xff) return 'not-socks';
  }
  return 'greeting';
}

/**
 * How many octets the SOCKS 5 greeting at `start` has (RFC 1928 section 3), 0 without a whole one; never throws. Some clients send the
 * request right after it.
 */
export function socks5GreetingLength(bytes: Uint8Array, start: number, end: number): number {
  return socksOpening(bytes, start, end) === 'greeting' ? 2 + (bytes[start + 1] ?? 0) : 0;
}

/** The request of SOCKS 5 (RFC 1928 section 4) at `start`, which follows greeting and authentication; never `greeting`. Never throws. */
export function socks5Request(bytes: Uint8Array, start: number, end: number): SocksOutcome {
  const length = end - start;
  const command = COMMANDS[bytes[start + 1] ?? 0];
  if (length >= 1 && bytes[start] !== 5) return 'not-socks';
  if (length >= 3 && (command === undefined || bytes[start + 2] !== 0)) return 'not-socks';
  if (length < 5 || command === undefined) return 'need-more';
  const kind = bytes[start + 3] ?? 0;
  const data = start + 4;
  const width = kind === 1 ? 4 : kind === 4 ? 16 : kind === 3 ? 1 + (bytes[data] ?? 0) : 0;
  if (width === 0 || (kind === 3 && width === 1)) return 'not-socks';
  const portAt = data + width;
  if (portAt + 2 > end) return 'need-more';
  const host =
    kind === 1
      ? ipv4TextAt(bytes, data)
      : kind === 3
        ? hostText(bytes, data + 1, portAt)
        : ipv6TextAt(bytes, data);
  return { version: 5, command, host, port: u16(bytes, portAt), named: kind === 3, end: portAt + 2 };
}

/** An address 0.0.0.x where x is not 0 means that a name follows the user (SOCKS 4a). */
function socks4Request(bytes: Uint8Array, start: number, end: number): SocksOutcome {
  const length = end - start;
  const command = bytes[start + 1] === 1 ? 'connect' : bytes[start + 1] === 2 ? 'bind' : undefined;
  if (length >= 2 && command === undefined) return 'not-socks';
  if (length < 9 || command === undefined) return 'need-more';
  const port = u16(bytes, start + 2);
  const address = u32(bytes, start + 4);
  const userEnd = terminator(bytes, start + 8, end, LONGEST_USER);
  if (userEnd < 0) return end - start - 8 > LONGEST_USER ? 'not-socks' : 'need-more';
  if (address === 0 || address > 255) {
    return { version: 4, command, host: ipv4Text(address), port, named: false, end: userEnd + 1 };
  }
  const hostEnd = terminator(bytes, userEnd + 1, end, LONGEST_HOST);
  if (hostEnd < 0) return end - userEnd - 1 > LONGEST_HOST ? 'not-socks' : 'need-more';
  const host = hostText(bytes, userEnd + 1, hostEnd);
  return host === '' ? 'not-socks' : { version: 4, command, host, port, named: true, end: hostEnd + 1 };
}

function terminator(bytes: Uint8Array, start: number, end: number, maxLength: number): number {
  for (let at = start; at < Math.min(end, start + maxLength + 1); at += 1) if (bytes[at] === 0) return at;
  return -1;
}
