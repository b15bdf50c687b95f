// Where an IPv4 address is in an IPv6 address, for each length of a NAT64 prefix. Follows RFC 6052 section 2.2 and RFC 7050 section 3.

/** Prefix lengths in bits (RFC 6052 section 2.2). */
export const NAT64_LENGTHS = [96, 64, 56, 48, 40, 32] as const;
/** Bits of a NAT64 prefix. */
export type Nat64Length = (typeof NAT64_LENGTHS)[number];

/** The name that every system asks for to find out how the network translates IPv4 addresses (RFC 7050 section 3). */
export const NAT64_NAME = 'ipv4only.arpa';

/** The two IPv4 addresses of that name (RFC 7050 section 8.2). */
const WELL_KNOWN: ReadonlySet<number> = new Set([0xc00000aa, 0xc00000ab]);

/** Bit offsets of the four octets; bits 64 to 71 are never part of the IPv4 address. */
function octetsAt(length: Nat64Length): readonly number[] {
  return [0, 8, 16, 24].map((bits) => {
    const at = length + bits;
    return length < 96 && at >= 64 ? at + 8 : at;
  });
}

/** The IPv6 address of an IPv4 address (a 32-bit number) behind the prefix `words`/`length` (RFC 6052 section 2.2); a new array. */
export function embed(words: Uint32Array, length: Nat64Length, ipv4: number): Uint32Array {
  const found = prefixBits(words, length);
  octetsAt(length).forEach((at, place) => {
    const octet = (ipv4 >>> (24 - 8 * place)) & 0xff;
    found[at >>> 5] = ((found[at >>> 5] ?? 0) | (octet << (24 - (at & 31)))) >>> 0;
  });
  return found;
}

/** Prefix lengths after which the IPv4 address is contiguous: only then an IPv4 network is one IPv6 network, too. */
export const WHOLE_LENGTHS = [96, 64, 32] as const;
export type WholeLength = (typeof WHOLE_LENGTHS)[number];

/** Prefix length in IPv6 of an IPv4 network of `bits` behind such a prefix; undefined where it is not one network. */
export function embeddedBits(length: Nat64Length, bits: number): number | undefined {
  if (!WHOLE_LENGTHS.some((whole) => whole === length)) return undefined;
  return length === 64 ? length + 8 + bits : length + bits;
}

function prefixBits(words: Uint32Array, length: number): Uint32Array {
  return words.map((word, at) => {
    const bits = length - 32 * at;
    return bits >= 32 ? word : bits <= 0 ? 0 : (word & (0xffffffff << (32 - bits))) >>> 0;
  });
}

function embeddedIn(words: Uint32Array, length: Nat64Length): number {
  return octetsAt(length).reduce(
    (ipv4, at) => ((ipv4 << 8) | (((words[at >>> 5] ?? 0) >>> (24 - (at & 31))) & 0xff)) >>> 0,
    0,
  );
}

/**
 * The NAT64 prefix from an AAAA answer (four 32-bit words) for `ipv4only.arpa`, its length in bits; undefined where it contains no
 * well-known address, or two prefixes are possible (RFC 7050 section 3).
 */
export function prefixOfAnswer(
  words: Uint32Array,
): { readonly words: Uint32Array; readonly length: Nat64Length } | undefined {
  // Bits 64 to 71 are zero in every such address (RFC 6052 section 2.2).
  if ((words[2] ?? 0) >>> 24 !== 0) return undefined;
  const found = NAT64_LENGTHS.filter((length) => WELL_KNOWN.has(embeddedIn(words, length)));
  const [length] = found;
  return length === undefined || found.length > 1 ? undefined : { words: prefixBits(words, length), length };
}
