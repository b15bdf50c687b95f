// The ClientHello message: what a client says before encryption begins. Record headers must be removed first (tls-record.ts).
// RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2, RFC 6066 section 3 (server name), RFC 7301 (ALPN),
// RFC 9849 (Encrypted ClientHello) and its drafts' numbers, RFC 6101 appendix E (SSL 2 form).

import { hostText, nameText } from '../names/name-text.ts';
import { u16, u24 } from '../octets.ts';

/** What a ClientHello says in the clear. */
export interface ClientHello {
  /** The version field; 0x0303 with TLS 1.3, whose real versions are in `versions`. */
  readonly legacyVersion: number;
  /** The supported_versions extension without GREASE values; empty before TLS 1.3. */
  readonly versions: readonly number[];
  /** 16-bit numbers in the client's order, with GREASE values; empty in an SSL 2 hello. */
  readonly cipherSuites: readonly number[];
  /** The host name, as hostText writes it. With `encryptedHello` it is the outer one. */
  readonly serverName?: string;
  /** Protocol names (RFC 7301) in the client's order as nameText writes them, so in lower case, without GREASE values. */
  readonly alpn: readonly string[];
  /** There is an encrypted inner hello, or the client pretends to have one (GREASE); from outside they look the same. */
  readonly encryptedHello?: 'ech' | 'esni';
  /** Data may follow before the server has answered (RFC 8446 section 4.2.10). */
  readonly earlyData?: true;
  /** Whether the whole message was there; otherwise the fields are those before the cut. */
  readonly complete: boolean;
}

const CLIENT_HELLO = 1;
const HANDSHAKE_HEADER = 4;

const SERVER_NAME = 0;
const ALPN = 16;
const EARLY_DATA = 42;
const SUPPORTED_VERSIONS = 43;
const ECH = new Set([0xfe0d, 0xfe08, 0xfe09, 0xfe0a, 0xff02, 0xff03]);
const ESNI = 0xffce;

type Draft = { -readonly [K in keyof ClientHello]: ClientHello[K] };

const NO_NUMBERS: readonly number[] = Object.freeze([]);
const NO_TEXTS: readonly string[] = Object.freeze([]);

/**
 * The ClientHello whose handshake header is at `start`, with contiguous handshake octets to `end` (record headers
 * removed). Undefined for another message, a version that is not TLS, or contradictory lengths. When octets are missing
 * at the end, the result has what could be read, and `complete` is false; `legacyVersion` is 0 if even that is missing. RFC 8446 section
 * 4.1.2. Never throws.
 */
export function clientHello(bytes: Uint8Array, start: number, end: number): ClientHello | undefined {
  if (end - start < HANDSHAKE_HEADER || bytes[start] !== CLIENT_HELLO) return undefined;
  return helloBody(bytes, start + HANDSHAKE_HEADER, end, u24(bytes, start + 1));
}

/**
 * The SSL 2 hello at `start` of a stream, which offers SSL 2, SSL 3 or TLS (RFC 6101 appendix E.1); undefined when its lengths do not add
 * up or its fixed part of eleven octets is cut off. It has a version but no names. Never throws.
 */
export function ssl2ClientHello(bytes: Uint8Array, start: number, end: number): ClientHello | undefined {
  if (end - start < 11 || ((bytes[start] ?? 0) & 0x80) === 0 || bytes[start + 2] !== CLIENT_HELLO)
    return undefined;
  const length = u16(bytes, start) & 0x7fff;
  const version = u16(bytes, start + 3);
  const ciphers = u16(bytes, start + 5);
  const session = u16(bytes, start + 7);
  const challenge = u16(bytes, start + 9);
  const known = version === 2 || (version >= 0x0300 && version <= 0x0303);
  if (!known || ciphers === 0 || ciphers % 3 !== 0 || challenge < 16 || challenge > 32) return undefined;
  if (length !== 9 + ciphers + session + challenge) return undefined;
  const complete = start + 2 + length <= end;
  return { legacyVersion: version, versions: [], cipherSuites: [], alpn: [], complete };
}

function helloBody(bytes: Uint8Array, body: number, end: number, length: number): ClientHello | undefined {
  const whole = body + length <= end;
  const stop = whole ? body + length : end;
  const legacyVersion = body + 2 > stop ? 0 : u16(bytes, body);
  if (legacyVersion !== 0 && legacyVersion >>> 8 !== 3) return undefined;
  const hello: Draft = {
    legacyVersion,
    versions: NO_NUMBERS,
    cipherSuites: NO_NUMBERS,
    alpn: NO_TEXTS,
    complete: false,
  };
  const cut = whole ? undefined : hello;

  const session = body + 34;
  if (session >= stop) return cut;
  if ((bytes[session] ?? 0) > 32) return undefined;
  let at = session + 1 + (bytes[session] ?? 0);
  if (at + 2 > stop) return cut;
  const ciphersEnd = at + 2 + u16(bytes, at);
  if (u16(bytes, at) % 2 !== 0) return undefined;
  hello.cipherSuites = words(bytes, at + 2, Math.min(ciphersEnd, stop));
  if (ciphersEnd >= stop) return cut;
  at = ciphersEnd + 1 + (bytes[ciphersEnd] ?? 0);
  if (at > stop) return cut;
  hello.complete = whole;
  // Old clients send no extensions at all.
  if (at + 2 > stop) return hello;
  const extensionsEnd = at + 2 + u16(bytes, at);
  if (whole && extensionsEnd > stop) return undefined;
  readExtensions(bytes, at + 2, Math.min(extensionsEnd, stop), hello);
  return hello;
}

/** Reads extensions up to the first that is cut off; an extension with contradictory lengths is skipped. */
function readExtensions(bytes: Uint8Array, start: number, end: number, draft: Draft): void {
  let at = start;
  while (at + 4 <= end) {
    const type = u16(bytes, at);
    const data = at + 4;
    const next = data + u16(bytes, at + 2);
    if (next > end) return;
    if (type === SERVER_NAME) readServerName(bytes, data, next, draft);
    else if (type === ALPN) draft.alpn = protocols(bytes, data, next);
    else if (type === SUPPORTED_VERSIONS) draft.versions = words(bytes, data + 1, next).filter(isNotGrease);
    else if (type === EARLY_DATA) draft.earlyData = true;
    else if (ECH.has(type)) draft.encryptedHello = 'ech';
    else if (type === ESNI) draft.encryptedHello ??= 'esni';
    at = next;
  }
}

/** The first host_name of the list (RFC 6066 section 3 allows only one). */
function readServerName(bytes: Uint8Array, data: number, end: number, draft: Draft): void {
  let at = data + 2;
  while (at + 3 <= end) {
    const next = at + 3 + u16(bytes, at + 1);
    if (next > end) return;
    if (bytes[at] === 0 && next > at + 3) {
      draft.serverName ??= hostText(bytes, at + 3, next);
      return;
    }
    at = next;
  }
}

function protocols(bytes: Uint8Array, data: number, end: number): string[] {
  const found: string[] = [];
  let at = data + 2;
  while (at < end) {
    const next = at + 1 + (bytes[at] ?? 0);
    if (next > end) break;
    const name = nameText(bytes, at + 1, next);
    if (!isGreaseProtocol(bytes, at, next)) found.push(name);
    at = next;
  }
  return found;
}

function words(bytes: Uint8Array, start: number, end: number): number[] {
  const count = Math.max(0, (end - start) >> 1);
  const found = new Array<number>(count);
  for (let n = 0; n < count; n += 1) found[n] = u16(bytes, start + 2 * n);
  return found;
}

/** GREASE values (RFC 8701) have two equal octets that end in hexadecimal a. */
function isNotGrease(value: number): boolean {
  return (value & 0x0f0f) !== 0x0a0a || value >>> 8 !== (value & 255);
}

function isGreaseProtocol(bytes: Uint8Array, at: number, next: number): boolean {
  return next - at === 3 && !isNotGrease(u16(bytes, at + 1));
}
