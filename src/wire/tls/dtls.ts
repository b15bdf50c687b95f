// DTLS records and hello messages: RFC 4347 (1.0), RFC 6347 (1.2), RFC 9147 (1.3, whose hellos look like 1.2), RFC 5764 (SRTP),
// RFC 8833 (WebRTC's protocol names), draft-mavrogiannopoulos-openconnect (AnyConnect's old version octets and session resumption).

import { u16, u24, u32 } from '../octets.ts';

/** A hello message of a DTLS handshake. */
export interface DtlsHello {
  readonly message: 'client-hello' | 'hello-verify' | 'server-hello';
  /** The message's version (not the record's): 0xfeff (1.0), 0xfefd (1.2 and 1.3) or 0x0100 (AnyConnect's old OpenSSL). */
  readonly version: number;
  /** supported_versions contains DTLS 1.3. */
  readonly tls13: boolean;
  /** In octets, 0 to 32. */
  readonly sessionIdLength: number;
  /** In octets; 0 in a server's hello. */
  readonly cookieLength: number;
  /** How many cipher suites there are: 1 in a server's hello, 0 in a hello-verify. */
  readonly cipherSuites: number;
  /** This was only the first fragment. */
  readonly fragment?: true;
  /** The handshake is for the media keys of a call (use_srtp, or WebRTC's names), so not a VPN. Undefined: some extensions are missing. */
  readonly media: boolean | undefined;
}

const RECORD = 13;
const HANDSHAKE = 12;
const EXTENSION_SRTP = 14;
const EXTENSION_ALPN = 16;
const EXTENSION_VERSIONS = 43;

/** Whether two octets are a version of DTLS. */
function isDtlsVersion(version: number): boolean {
  return version === 0xfeff || version === 0xfefd || version === 0x0100;
}

/** In octets. Longer hellos are not reassembled; real ones are shorter. */
const LONGEST_HELLO = 0x1000;
const MAX_FRAGMENTS = 32;

/** Reassembles a fragmented hello (RFC 6347 section 4.2.3) from the datagrams of one side, in any order. */
export class DtlsHelloReassembly {
  /** The announced length. No memory is reserved for it, as any datagram can announce a large one. */
  #length = -1;
  #type = 0;
  #sequence = -1;
  /** At most MAX_FRAGMENTS: real hellos have few. */
  #pieces: { readonly from: number; readonly bytes: Uint8Array }[] = [];

  /**
   * Adds copies of the hello's fragments in a UDP payload; returns the hello if that completes it, undefined otherwise and for anything
   * else. Hellos above 4 KiB or 32 fragments are not completed; a fragment of another hello begins anew. Never throws.
   */
  take(bytes: Uint8Array, start: number, end: number): DtlsHello | undefined {
    let at = start;
    while (at + RECORD + HANDSHAKE <= end && bytes[at] === 22) {
      const recordEnd = at + RECORD + u16(bytes, at + 11);
      if (!isDtlsVersion(u16(bytes, at + 1)) || u16(bytes, at + 3) !== 0 || recordEnd > end) return undefined;
      const hello = this.#fragment(bytes, at + RECORD, recordEnd);
      if (hello !== undefined) return hello;
      at = recordEnd;
    }
    return undefined;
  }

  #fragment(bytes: Uint8Array, at: number, end: number): DtlsHello | undefined {
    const type = bytes[at] ?? 0;
    const length = u24(bytes, at + 1);
    const sequence = u16(bytes, at + 4);
    const offset = u24(bytes, at + 6);
    const fragment = u24(bytes, at + 9);
    const isHello = type === 1 || type === 2;
    if (!isHello || fragment === length || length > LONGEST_HELLO || offset + fragment > length)
      return undefined;
    if (at + HANDSHAKE + fragment > end) return undefined;
    if (this.#length !== length || this.#type !== type || this.#sequence !== sequence) {
      this.#length = length;
      this.#pieces = [];
      this.#type = type;
      this.#sequence = sequence;
    }
    const held = this.#pieces.reduce((sum, piece) => sum + piece.bytes.length, 0);
    if (this.#pieces.length >= MAX_FRAGMENTS || held + fragment > LONGEST_HELLO) return undefined;
    this.#pieces.push({ from: offset, bytes: bytes.slice(at + HANDSHAKE, at + HANDSHAKE + fragment) });
    let covered = 0;
    for (const { from, bytes: piece } of this.#pieces.sort((a, b) => a.from - b.from)) {
      if (from > covered) return undefined;
      covered = Math.max(covered, from + piece.length);
    }
    if (covered < length) return undefined;
    const joined = new Uint8Array(length);
    for (const { from, bytes: piece } of this.#pieces) joined.set(piece, from);
    const body = { bytes: joined, at: 0, end: length, whole: true };
    this.#length = -1;
    this.#pieces = [];
    if (!isDtlsVersion(u16(body.bytes, 0))) return undefined;
    return type === 1 ? clientHello(body) : serverHello(body);
  }
}

/**
 * The hello in the first record of a UDP payload (RFC 6347 sections 4.1 and 4.2), or undefined, also when the record is cut off. If the
 * hello is fragmented, only its first fragment is read, and `fragment` is set. Never throws.
 */
export function dtlsHello(bytes: Uint8Array, start: number, end: number): DtlsHello | undefined {
  if (end - start < RECORD + HANDSHAKE || bytes[start] !== 22) return undefined;
  const recordEnd = start + RECORD + u16(bytes, start + 11);
  // A hello is never encrypted: epoch 0 (RFC 6347 section 4.1).
  if (!isDtlsVersion(u16(bytes, start + 1)) || u16(bytes, start + 3) !== 0 || recordEnd > end)
    return undefined;
  const at = start + RECORD;
  const length = u24(bytes, at + 1);
  const offset = u24(bytes, at + 6);
  const fragment = u24(bytes, at + 9);
  const bodyEnd = at + HANDSHAKE + fragment;
  if (offset !== 0 || fragment > length || bodyEnd > recordEnd || length > 0x4000) return undefined;
  const body = { bytes, at: at + HANDSHAKE, end: bodyEnd, whole: fragment === length };
  if (!isDtlsVersion(u16(bytes, body.at)) || body.at + 2 > bodyEnd) return undefined;
  const found = [undefined, clientHello, serverHello, helloVerify][bytes[at] ?? 0]?.(body);
  return found === undefined || body.whole ? found : { ...found, fragment: true };
}

interface Body {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly end: number;
  readonly whole: boolean;
}

function clientHello({ bytes, at, end, whole }: Body): DtlsHello | undefined {
  const sessionAt = at + 34;
  const sessionIdLength = bytes[sessionAt] ?? 0;
  const cookieAt = sessionAt + 1 + sessionIdLength;
  if (cookieAt >= end || sessionIdLength > 32) return undefined;
  const cookieLength = bytes[cookieAt] ?? 0;
  const suitesAt = cookieAt + 1 + cookieLength;
  if (suitesAt + 2 > end) return undefined;
  const suites = u16(bytes, suitesAt);
  if (suites === 0 || suites % 2 !== 0) return undefined;
  const compressionAt = suitesAt + 2 + suites;
  if (compressionAt >= end) {
    return whole
      ? undefined
      : hello('client-hello', bytes, at, { sessionIdLength, cookieLength, suites: suites / 2 }, CUT);
  }
  const extensionsAt = compressionAt + 1 + (bytes[compressionAt] ?? 0);
  if (extensionsAt > end) return undefined;
  const extensions = readExtensions(bytes, extensionsAt, end, whole);
  return hello('client-hello', bytes, at, { sessionIdLength, cookieLength, suites: suites / 2 }, extensions);
}

function serverHello({ bytes, at, end, whole }: Body): DtlsHello | undefined {
  const sessionAt = at + 34;
  const sessionIdLength = bytes[sessionAt] ?? 0;
  const extensionsAt = sessionAt + 1 + sessionIdLength + 3;
  if (sessionIdLength > 32 || extensionsAt > end) return undefined;
  const extensions = readExtensions(bytes, extensionsAt, end, whole);
  return hello('server-hello', bytes, at, { sessionIdLength, cookieLength: 0, suites: 1 }, extensions);
}

function helloVerify({ bytes, at, end, whole }: Body): DtlsHello | undefined {
  const cookieLength = bytes[at + 2] ?? 0;
  if (!whole || at + 3 + cookieLength !== end || cookieLength === 0) return undefined;
  return hello('hello-verify', bytes, at, { sessionIdLength: 0, cookieLength, suites: 0 }, CUT);
}

interface Extensions {
  readonly media: boolean | undefined;
  readonly tls13: boolean;
}
const CUT: Extensions = { media: undefined, tls13: false };

function hello(
  message: DtlsHello['message'],
  bytes: Uint8Array,
  at: number,
  lengths: { readonly sessionIdLength: number; readonly cookieLength: number; readonly suites: number },
  extensions: Extensions,
): DtlsHello {
  const { sessionIdLength, cookieLength, suites } = lengths;
  return {
    message,
    version: u16(bytes, at),
    sessionIdLength,
    cookieLength,
    cipherSuites: suites,
    ...extensions,
  };
}

function readExtensions(bytes: Uint8Array, from: number, end: number, whole: boolean): Extensions {
  let media = false;
  let tls13 = false;
  let at = from + 2;
  while (at + 4 <= end) {
    const type = u16(bytes, at);
    const next = at + 4 + u16(bytes, at + 2);
    if (next > end) return { media: media ? true : undefined, tls13 };
    if (type === EXTENSION_SRTP) media = true;
    if (type === EXTENSION_ALPN && namesWebrtc(bytes, at + 4, next)) media = true;
    if (type === EXTENSION_VERSIONS) tls13 = tls13 || namesTls13(bytes, at + 4, next);
    at = next;
  }
  return { media: media || whole ? media : undefined, tls13 };
}

/** Whether "webrtc" or "c-webrtc" is among the protocol names (RFC 8833 section 3). */
function namesWebrtc(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start + 2;
  while (at < end) {
    const length = bytes[at] ?? 0;
    const name = at + 1 + (length === 8 ? 2 : 0);
    const fits = (length === 6 || length === 8) && at + 1 + length <= end;
    if (fits && u32(bytes, name) === 0x77656272 && u16(bytes, name + 4) === 0x7463) return true;
    at += 1 + length;
  }
  return false;
}

/** Whether 0xfefc is in supported_versions: a list from a client, a single version from a server. */
function namesTls13(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = end - start === 2 ? start : start + 1; at + 2 <= end; at += 2) {
    if (u16(bytes, at) === 0xfefc) return true;
  }
  return false;
}
