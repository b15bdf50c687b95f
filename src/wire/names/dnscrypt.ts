// DNSCrypt's magic octets, certificates and padding: draft-denis-dprive-dnscrypt (version 2, X25519) and the Anonymized DNSCrypt
// specification (relays). A query begins with eight octets that its resolver chose, so it can be recognised only by the resolver's
// certificate or by the answer.

import { allZero, startsWith, u16, u32 } from '../octets.ts';

const CLIENT_MAGIC = 8;
const PUBLIC_KEY = 32;
const HALF_NONCE = 12;
const NONCE = 24;
const TAG = 16;
const RESOLVER_MAGIC = 'r6fnvWj8';
/** Client magics that are the default of widespread resolver software. */
const USUAL_MAGIC = ['q6fnvWj8', 'q6fnvWJ8', '7PYqwfzt'] as const;
/** Relayed queries begin with ten octets that no DNS header can have: eight of 0xff, two of 0. */
const RELAY_PREFIX = 10;

/**
 * Whether a UDP payload is a resolver's answer: its magic, the full nonce, a tag and 12 octets or more (draft-denis-dprive-dnscrypt).
 * Certain on any port.
 */
export function isDnscryptResponse(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start >= CLIENT_MAGIC + NONCE + TAG + 12 && startsWith(bytes, start, end, RESOLVER_MAGIC);
}

/**
 * Whether a UDP payload from `start` to before `end` has the length of a query (draft-denis-dprive-dnscrypt): magic, public key, half a
 * nonce, a tag and a text, where the text or the whole payload is padded to a multiple of 64 octets. One length in 32 fits by chance.
 */
export function hasDnscryptQueryLength(start: number, end: number): boolean {
  const length = end - start;
  const text = length - (CLIENT_MAGIC + PUBLIC_KEY + HALF_NONCE + TAG);
  // The specification pads the text; widely used clients pad the whole datagram instead.
  return text >= 64 && (text % 64 === 0 || length % 64 === 0);
}

/**
 * Whether a UDP payload is a query with the given client magic (8 octets from a certificate) or, without one, with a usual magic
 * (USUAL_MAGIC); draft-denis-dprive-dnscrypt.
 */
export function isDnscryptQuery(bytes: Uint8Array, start: number, end: number, magic?: Uint8Array): boolean {
  if (!hasDnscryptQueryLength(start, end)) return false;
  if (magic === undefined) return USUAL_MAGIC.some((text) => startsWith(bytes, start, end, text));
  return magic.length === CLIENT_MAGIC && magic.every((octet, i) => bytes[start + i] === octet);
}

/**
 * Whether a UDP payload is the answer to the query with this half nonce (12 octets), which it repeats (draft-denis-dprive-dnscrypt). That
 * proves both are DNSCrypt.
 */
export function answersDnscryptQuery(
  nonce: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (!isDnscryptResponse(bytes, start, end) || nonce.length !== HALF_NONCE) return false;
  return nonce.every((octet, i) => bytes[start + CLIENT_MAGIC + i] === octet);
}

/**
 * A copy of the half nonce (12 octets, after magic and public key; draft-denis-dprive-dnscrypt) of a possible query in a UDP payload, or
 * undefined if a query cannot have this length. Never throws.
 */
export function dnscryptQueryNonce(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  if (!hasDnscryptQueryLength(start, end)) return undefined;
  const at = start + CLIENT_MAGIC + PUBLIC_KEY;
  return bytes.slice(at, at + HALF_NONCE);
}

/** The resolver that a relayed query is for, and where the query begins. */
export interface DnscryptRelay {
  /** Four words in network order, of an IPv6 or IPv4-mapped address. */
  readonly address: Uint32Array;
  readonly port: number;
  /** The offset in `bytes` after the relay header of 28 octets. */
  readonly queryOffset: number;
}

/**
 * The relay header of an anonymised query at the start of a UDP payload (the Anonymized DNSCrypt specification); undefined without its ten
 * magic octets or with fewer than 12 octets after it. Never throws.
 */
export function dnscryptRelay(bytes: Uint8Array, start: number, end: number): DnscryptRelay | undefined {
  if (end - start < RELAY_PREFIX + 18 + 12) return undefined;
  if (u32(bytes, start) !== 0xffffffff || u32(bytes, start + 4) !== 0xffffffff) return undefined;
  if (!allZero(bytes, start + 8, start + RELAY_PREFIX)) return undefined;
  const at = start + RELAY_PREFIX;
  const address = Uint32Array.of(u32(bytes, at), u32(bytes, at + 4), u32(bytes, at + 8), u32(bytes, at + 12));
  return { address, port: u16(bytes, at + 16), queryOffset: at + 18 };
}

const LABEL = 'dnscrypt-cert';

/**
 * Whether a DNS name (case-insensitive, with or without final dot) is one of DNSCrypt certificates (draft-denis-dprive-dnscrypt):
 * `2.dnscrypt-cert.…`.
 */
export function isDnscryptCertificateName(name: string): boolean {
  const [version = '', label = '', next] = name.toLowerCase().split('.', 3);
  return /^[12]$/.test(version) && label === LABEL && next !== undefined && next !== '';
}

/** Octets of a certificate: magic and two versions (8), signature (64), resolver key (32), client magic (8), serial and validity (12). */
const CERTIFICATE = 124;

/**
 * Copies of the client magics (8 octets each) in the certificates of a DNS answer (TXT records of `2.dnscrypt-cert.…`,
 * draft-denis-dprive-dnscrypt): of every "DNSC" with construction 1 (XSalsa20), 2 (XChaCha20) or 3 and minor version 0, in the message's
 * order, at most eight. Signatures are not checked. Never throws.
 */
export function dnscryptClientMagics(bytes: Uint8Array, start: number, end: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = start; at + CERTIFICATE <= end && found.length < 8; at += 1) {
    if (bytes[at] !== 0x44 || !startsWith(bytes, at, end, 'DNSC')) continue;
    const construction = u16(bytes, at + 4);
    if (construction < 1 || construction > 3 || u16(bytes, at + 6) !== 0) continue;
    found.push(bytes.slice(at + 104, at + 112));
    at += CERTIFICATE - 1;
  }
  return found;
}
