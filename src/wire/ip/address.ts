// Link-layer and IP addresses as numbers and as text: RFC 4291 and RFC 5952 (text of IPv6), RFC 7042 (text of MAC addresses).
// An IP address is four 32-bit words in network order; IPv4 is the last word of ::ffff:0:0/96. A MAC address is a 48-bit number.

/** An address and its family, which tells IPv4 from an IPv4-mapped IPv6 address. */
export interface IpAddress {
  readonly ipVersion: 4 | 6;
  /** Four 32-bit words in network order; an IPv4 address is in the last one, after 0, 0 and MAPPED_PREFIX. */
  readonly words: Uint32Array;
}

/** The third word of an IPv4 address held in four words (RFC 4291 section 2.5.5.2). */
export const MAPPED_PREFIX = 0xffff;

/** Cache of recent texts, indexed by the address's lowest octet: a client talks to few addresses at a time. */
const RECENT = 256;
const recentWords = new Uint32Array(RECENT);
const recentTexts = new Array<string>(RECENT).fill('0.0.0.0');

/** Text `a.b.c.d` of the IPv4 address in one 32-bit word, whose highest octet comes first (RFC 791); the word may be signed. */
export function ipv4Text(word: number): string {
  const at = word & (RECENT - 1);
  const recent = recentTexts[at];
  if (recent !== undefined && recentWords[at] === word >>> 0) return recent;
  const text = dotted(word);
  recentWords[at] = word;
  recentTexts[at] = text;
  return text;
}

function dotted(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}

/** The same cache for IPv6, four words per address. */
const recentWords6 = new Uint32Array(4 * RECENT);
const recentTexts6 = new Array<string>(RECENT).fill('::');

/** RFC 5952 text of an IPv6 address: lower case, the first longest run of two or more zero groups shortened. */
function ipv6Text(words: Uint32Array): string {
  // No destructuring, which would go through an iterator.
  const w0 = words[0] ?? 0;
  const w1 = words[1] ?? 0;
  const w2 = words[2] ?? 0;
  const w3 = words[3] ?? 0;
  const at = (w3 ^ (w3 >>> 16) ^ w2 ^ w1) & (RECENT - 1);
  const first = 4 * at;
  const isRecent =
    recentWords6[first + 3] === w3 &&
    recentWords6[first + 2] === w2 &&
    recentWords6[first + 1] === w1 &&
    recentWords6[first] === w0;
  if (isRecent) return recentTexts6[at] ?? '::';
  const text = shortened(words);
  recentWords6.set(words, first);
  recentTexts6[at] = text;
  return text;
}

function shortened(words: Uint32Array): string {
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = words;
  if (w0 === 0 && w1 === 0 && w2 === MAPPED_PREFIX) return `::ffff:${ipv4Text(w3)}`;
  const groups = [
    w0 >>> 16,
    w0 & 0xffff,
    w1 >>> 16,
    w1 & 0xffff,
    w2 >>> 16,
    w2 & 0xffff,
    w3 >>> 16,
    w3 & 0xffff,
  ];
  let best = -1;
  let bestLength = 1;
  for (let at = 0; at < 8;) {
    let end = at;
    while (end < 8 && groups[end] === 0) end += 1;
    if (end - at > bestLength) {
      best = at;
      bestLength = end - at;
    }
    at = end + 1;
  }
  const hex = groups.map((group) => group.toString(16));
  if (best < 0) return hex.join(':');
  return `${hex.slice(0, best).join(':')}::${hex.slice(best + bestLength).join(':')}`;
}

/**
 * Text of an address: `a.b.c.d`, or RFC 5952 for every `ipVersion` but 4. `words` has four words for IPv4, too, with the address in the
 * last.
 */
export function addressText(ipVersion: number, words: Uint32Array): string {
  return ipVersion === 4 ? ipv4Text(words[3] ?? 0) : ipv6Text(words);
}

/**
 * An endpoint as policy files and reports write it: `udp:198.51.100.7:51820`, `udp:[2001:db8::7]:51820`. `words` are four, with IPv4
 * in the last; `port` is written as it is.
 */
export function endpointText(transport: string, ipVersion: number, words: Uint32Array, port: number): string {
  const host = addressText(ipVersion, words);
  return `${transport}:${ipVersion === 6 ? `[${host}]` : host}:${port}`;
}

/** The character `.` minus the character `0`. */
const DOT = -2;

/**
 * The unsigned 32-bit word of an IPv4 address, first number in the highest octet; undefined for anything but four decimal numbers
 * from 0 to 255 with dots between them and without leading zeros (RFC 6943 section 3.1.1). Never throws.
 */
export function parseIpv4(text: string): number | undefined {
  if (text.length > '255.255.255.255'.length) return undefined;
  let word = 0;
  let [octet, digits, octets] = [0, 0, 0];
  for (let at = 0; at <= text.length; at += 1) {
    // The end of the text closes the last number like a dot.
    const digit = at === text.length ? DOT : text.charCodeAt(at) - 0x30;
    if (digit >= 0 && digit <= 9) {
      // A leading zero means octal to some parsers and decimal to others, so it is refused (RFC 6943 section 3.1.1).
      if (digits > 0 && octet === 0) return undefined;
      octet = octet * 10 + digit;
      digits += 1;
      continue;
    }
    if (digit !== DOT || digits === 0 || octet > 255) return undefined;
    word = word * 256 + octet;
    [octet, digits] = [0, 0];
    octets += 1;
  }
  return octets === 4 ? word : undefined;
}

/**
 * The four words, in network order, of an IPv6 address in any form of RFC 4291 section 2.2, so it may end in dotted IPv4; undefined
 * for other text and for zone identifiers. Never throws.
 */
export function parseIpv6(text: string): Uint32Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  const words = new Uint32Array(4);
  for (let at = 0; at < 4; at += 1) words[at] = (groups[2 * at] ?? 0) * 65536 + (groups[2 * at + 1] ?? 0);
  return words;
}

function parseGroups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [at, part] of parts.entries()) {
    if (mayEndInIpv4 && at === parts.length - 1 && part.includes('.')) {
      const word = parseIpv4(part);
      if (word === undefined) return undefined;
      groups.push(word >>> 16, word & 0xffff);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups.length <= 8 ? groups : undefined;
}

/** The address that the text is: IPv6 if it has a colon (parseIpv6), otherwise IPv4 (parseIpv4). Undefined for other text; never throws. */
export function parseAddress(text: string): IpAddress | undefined {
  if (text.includes(':')) {
    const words = parseIpv6(text);
    return words === undefined ? undefined : { ipVersion: 6, words };
  }
  const word = parseIpv4(text);
  return word === undefined ? undefined : { ipVersion: 4, words: ipv4Words(word) };
}

/** A new array of the four words of an IPv4 address: `word` last, after 0, 0 and MAPPED_PREFIX (RFC 4291 section 2.5.5.2). */
export function ipv4Words(word: number): Uint32Array {
  return Uint32Array.of(0, 0, MAPPED_PREFIX, word);
}

/** Hexadecimal text of every octet, computed once: during a flood from many senders every frame needs it. */
const OCTETS = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'));

/** A 48-bit MAC address as lower-case text with colons, the highest octet first: `02:00:5e:10:00:01` (RFC 7042). */
export function macText(mac: number): string {
  const [high, low] = [Math.floor(mac / 2 ** 32), mac >>> 0];
  const octet = (value: number): string => OCTETS[value & 0xff] ?? '';
  return `${octet(high >>> 8)}:${octet(high)}:${octet(low >>> 24)}:${octet(low >>> 16)}:${octet(low >>> 8)}:${octet(low)}`;
}

/**
 * The 48-bit number of a MAC address, the first octet highest: six pairs of hexadecimal digits of either case, all separated by colons or
 * all by hyphens (RFC 7042 section 2.1). Undefined for other text; never throws.
 */
export function parseMac(text: string): number | undefined {
  if (!/^[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i.test(text)) return undefined;
  return parseInt(text.replace(/[:-]/g, ''), 16);
}

/** The bit that marks a group MAC address (IEEE 802.3 section 3.2.3). */
const GROUP = 0x01_00_00_00_00_00;

/** Whether a 48-bit MAC address is multicast or broadcast: the lowest bit of its first octet (IEEE 802.3 section 3.2.3). */
export function isGroup(mac: number): boolean {
  return Math.floor(mac / GROUP) % 2 === 1;
}

/** Whether an address is `::` (RFC 4291 section 2.5.2), all four words zero; 0.0.0.0 is not, as its third word is MAPPED_PREFIX. */
export function isUnspecified([w0, w1, w2, w3]: Uint32Array): boolean {
  return w0 === 0 && w1 === 0 && w2 === 0 && w3 === 0;
}

/** Whether an IPv6 address, four words, is in fe80::/10 (RFC 4291 section 2.5.6). */
export function isLinkLocal([first = 0]: Uint32Array): boolean {
  return (first & 0xffc00000) >>> 0 === 0xfe800000;
}

/** Whether two addresses, four words each, are equal; the caller compares families. */
export function sameAddress(a: Uint32Array, b: Uint32Array): boolean {
  return a[3] === b[3] && a[2] === b[2] && a[1] === b[1] && a[0] === b[0];
}

/**
 * Whether an address is in a network (RFC 4291 section 2.3), four words each. `bits` is the prefix length out of 128: an IPv4 prefix of
 * length n is 96 + n here. Bits of `network` after the prefix do not matter. The caller compares families.
 */
export function inNetwork(address: Uint32Array, network: Uint32Array, bits: number): boolean {
  for (let at = 0; at < 4; at += 1) {
    const here = Math.min(32, bits - 32 * at);
    if (here <= 0) return true;
    const mask = here === 32 ? 0xffffffff : ~(0xffffffff >>> here);
    if ((((address[at] ?? 0) ^ (network[at] ?? 0)) & mask) !== 0) return false;
  }
  return true;
}

/**
 * The network address, four new words: all but the first `bits` of the 128 bits cleared (RFC 4291 section 2.3). An IPv4 prefix of length n
 * is 96 + n here.
 */
export function networkOf(address: Uint32Array, bits: number): Uint32Array {
  const network = new Uint32Array(4);
  for (let at = 0; at < 4; at += 1) {
    const here = Math.min(32, bits - 32 * at);
    if (here > 0) network[at] = (address[at] ?? 0) & (here === 32 ? 0xffffffff : ~(0xffffffff >>> here));
  }
  return network;
}

const REVERSE4 = '.in-addr.arpa';
const REVERSE6 = '.ip6.arpa';
const NIBBLES = 32;

/**
 * The text of the address in a reverse lookup's name, `1.2.3.4` for `4.3.2.1.in-addr.arpa` (RFC 1035 section 3.5, RFC 3596
 * section 2.5). The name is in lower case without trailing dot. Undefined for other names and for those of a network; never throws.
 */
export function reverseAddress(name: string): string | undefined {
  if (name.endsWith(REVERSE4)) return textOf(name.slice(0, -REVERSE4.length).split('.').reverse().join('.'));
  if (!name.endsWith(REVERSE6)) return undefined;
  const nibbles = name.slice(0, -REVERSE6.length).split('.').reverse();
  if (nibbles.length !== NIBBLES || nibbles.some((nibble) => !/^[0-9a-f]$/.test(nibble))) return undefined;
  return textOf(nibbles.join('').replace(/....(?=.)/g, '$&:'));
}

function textOf(text: string): string | undefined {
  const parsed = parseAddress(text);
  return parsed === undefined ? undefined : addressText(parsed.ipVersion, parsed.words);
}
