// How a client's first QUIC datagrams become its ClientHello: keys, packets, CRYPTO data in any order. The caller keeps one object per
// client address and port. RFC 9000 sections 7.5 and 12.2, RFC 9001 sections 4.3 and 5.2. At most 16 KiB of CRYPTO data and 16
// datagrams that do not open.

import { clientInitialKeys, type QuicCrypto, type QuicKeys } from './quic-crypto.ts';
import { googleHello, googleVersion } from './quic-google.ts';
import {
  cryptoFrames,
  initialPacket,
  longHeader,
  longPacketEnd,
  openInitial,
  type InitialPacket,
  type LongHeader,
} from './quic-initial.ts';
import { isGoogleVersion, isQuicVersion, quicVersions, type QuicVersion } from './quic-versions.ts';
import { clientHello } from '../tls/tls-client-hello.ts';

/** What a QUIC client says in its Initial packets, which anyone on the path can decrypt. */
export interface QuicHello {
  /** The version field of the packet, unsigned 32 bits. */
  readonly version: number;
  /** For example `v1`, `draft-29`, `Q046`; with a question mark when the packet's version is reserved or unknown. */
  readonly versionName: string;
  /** As hostText writes it; absent when the hello has none or it has not come. */
  readonly serverName?: string;
  /** Protocol names as in ClientHello; empty with Google's own handshake. */
  readonly alpn: readonly string[];
  /** When set, `serverName` is the outer one. */
  readonly encryptedHello?: 'ech' | 'esni';
  /** Whether the whole hello was there. */
  readonly complete: boolean;
}

/**
 * `need-more`: an Initial was opened, but the hello is not complete. `not-client`: the datagram has no client Initial that opens.
 * `spent`: too many such datagrams.
 */
export type QuicOutcome = QuicHello | 'need-more' | 'not-client' | 'spent';

const MAX_REFUSALS = 16;
const MAX_CRYPTO = 16384;
const MAX_RANGES = 64;
const SMALLEST_INITIAL = 1200;

/**
 * Whether a UDP payload looks like QUIC with a long header (RFC 8999 section 5.1) of a version that clients send, or Google's QUIC with a
 * version, as the first datagram of a flow must. A version negotiation packet counts when it has a list of versions.
 */
export function isQuicLong(bytes: Uint8Array, start: number, end: number): boolean {
  if (googleVersion(bytes, start, end) !== 0) return true;
  const header = longHeader(bytes, start, end);
  if (header === undefined) return false;
  if (header.version === 0) return end > header.next && (end - header.next) % 4 === 0;
  return isQuicVersion(header.version);
}

/**
 * Whether a UDP payload may be a client's first with an unknown version: long header, size of an Initial (1200 octets, RFC 9000 section
 * 14.1), a destination ID of at least eight octets (section 7.2).
 */
export function isQuicInitialSize(bytes: Uint8Array, start: number, end: number): boolean {
  const header = longHeader(bytes, start, end);
  if (header === undefined || header.version === 0 || end - start < SMALLEST_INITIAL) return false;
  // RFC 9000 section 7.2: a client's first destination ID has at least eight octets.
  return ((bytes[start] ?? 0) & 0x40) !== 0 && header.destinationIdEnd - header.destinationIdStart >= 8;
}

/** Collects one client's handshake octets. Keep it until `accept` returns a hello or `spent`, then drop it. */
export class QuicClientFlow {
  readonly #crypto: QuicCrypto;
  #keys: QuicKeys | undefined;
  #keysVersion: QuicVersion | undefined;
  #refusals = 0;
  #stream = new Uint8Array(0);
  /** The ranges of the stream that have come: start and end alternately, ascending, with gaps between ranges. */
  #filled: number[] = [];
  #version = 0;
  #google: QuicHello | undefined;
  /** All packets of a datagram have the same connection ID (RFC 9000 section 12.2), so keys are derived once per datagram. */
  #mayDerive = true;
  /** The hello in the first `#readTo` octets. */
  #hello: QuicHello | undefined;
  #readTo = 0;

  constructor(crypto: QuicCrypto) {
    this.#crypto = crypto;
  }

  /**
   * Takes one UDP payload of the client and says how far its hello is (RFC 9001 section 5.2). A server's datagram does no harm, as no key
   * opens it, but counts among the 16 that do not open. The octets are copied as needed. Throws only what the crypto throws.
   */
  accept(bytes: Uint8Array, start: number, end: number): QuicOutcome {
    if (this.#refusals >= MAX_REFUSALS) return 'spent';
    const google = googleVersion(bytes, start, end);
    const opened =
      google !== 0 ? this.#takeGoogle(google, bytes, start, end) : this.#takeAll(bytes, start, end);
    if (!opened) {
      this.#refusals += 1;
      return this.#refusals >= MAX_REFUSALS ? 'spent' : 'not-client';
    }
    const hello = this.partial();
    return hello?.complete === true ? hello : 'need-more';
  }

  /** The hello so far, for when nothing more will come; undefined when nothing of it could be read. */
  partial(): QuicHello | undefined {
    if (this.#google !== undefined) return this.#google;
    if (this.#filled[0] !== 0 || this.#keysVersion === undefined) return undefined;
    // Repeated data is not parsed again.
    const length = this.#filled[1] ?? 0;
    if (length !== this.#readTo) {
      this.#readTo = length;
      this.#hello = this.#helloOf(length, this.#keysVersion);
    }
    return this.#hello;
  }

  #helloOf(length: number, { name }: QuicVersion): QuicHello | undefined {
    const hello = clientHello(this.#stream, 0, length);
    if (hello === undefined) return undefined;
    return {
      version: this.#version,
      versionName: name,
      alpn: hello.alpn,
      complete: hello.complete,
      ...(hello.serverName === undefined ? {} : { serverName: hello.serverName }),
      ...(hello.encryptedHello === undefined ? {} : { encryptedHello: hello.encryptedHello }),
    };
  }

  #takeGoogle(version: number, bytes: Uint8Array, start: number, end: number): boolean {
    return this.#keepGoogle(version, versionText(version), bytes, start, end);
  }

  #keepGoogle(version: number, versionName: string, bytes: Uint8Array, start: number, end: number): boolean {
    const hello = googleHello(bytes, start, end);
    if (hello === undefined) return false;
    const named = hello.serverName === undefined ? {} : { serverName: hello.serverName };
    this.#google = { version, versionName, alpn: [], complete: true, ...named };
    return true;
  }

  /** Takes every packet of a datagram; true when one of them was opened. */
  #takeAll(bytes: Uint8Array, start: number, end: number): boolean {
    let opened = false;
    let at = start;
    this.#mayDerive = true;
    while (at < end) {
      const header = longHeader(bytes, at, end);
      if (header === undefined || header.version === 0 || isGoogleVersion(header.version)) break;
      const versions = quicVersions(header.version).filter((version) => version.initialType === header.type);
      const packet = versions.length === 0 ? undefined : initialPacket(bytes, header, end);
      if (packet !== undefined && this.#takePacket(bytes, packet, versions)) opened = true;
      const next = packet?.end ?? longPacketEnd(bytes, header, end);
      if (next <= at) break;
      at = next;
    }
    return opened;
  }

  #takePacket(bytes: Uint8Array, packet: InitialPacket, versions: readonly QuicVersion[]): boolean {
    const frames = this.#openWithKnown(bytes, packet) ?? this.#openWithOwn(bytes, packet, versions);
    if (frames === undefined) return false;
    this.#version = packet.header.version;
    const mixed = this.#keysVersion?.carriage === 'mixed';
    cryptoFrames(frames, mixed, (offset, start, end) => {
      this.#keep(offset, frames.subarray(start, end));
    });
    if (mixed) this.#keepGoogle(this.#version, this.#keysVersion?.name ?? '', frames, 0, frames.length);
    return true;
  }

  #openWithKnown(bytes: Uint8Array, packet: InitialPacket): Uint8Array | undefined {
    return this.#keys === undefined ? undefined : openInitial(this.#crypto, this.#keys, bytes, packet);
  }

  /** Derives keys from the packet's destination ID, for the first packet, or the first after a Retry or on a reused port. */
  #openWithOwn(
    bytes: Uint8Array,
    packet: InitialPacket,
    versions: readonly QuicVersion[],
  ): Uint8Array | undefined {
    if (!this.#mayDerive) return undefined;
    this.#mayDerive = false;
    const id = idOf(bytes, packet.header);
    for (const version of versions) {
      const keys = clientInitialKeys(this.#crypto, version.schedule, id);
      const frames = openInitial(this.#crypto, keys, bytes, packet);
      if (frames === undefined) continue;
      this.#keys = keys;
      this.#keysVersion = version;
      this.#filled = [];
      this.#readTo = 0;
      return frames;
    }
    return undefined;
  }

  #keep(offset: number, data: Uint8Array): void {
    const end = offset + data.length;
    // Past the limit the hello stays incomplete. The frame is then QUIC to an unknown name, which is a leak all the same.
    if (data.length === 0 || end > MAX_CRYPTO || this.#filled.length >= 2 * MAX_RANGES) return;
    if (end > this.#stream.length) {
      const larger = new Uint8Array(Math.min(MAX_CRYPTO, Math.max(2048, 2 * end)));
      larger.set(this.#stream);
      this.#stream = larger;
    }
    this.#stream.set(data, offset);
    this.#filled = merged(this.#filled, offset, end);
  }
}

/** The ranges with one more added, merged where they touch. */
function merged(filled: readonly number[], start: number, end: number): number[] {
  const result: number[] = [];
  let from = start;
  let to = end;
  let placed = false;
  for (let i = 0; i + 1 < filled.length; i += 2) {
    const a = filled[i] ?? 0;
    const b = filled[i + 1] ?? 0;
    if (b < from) {
      result.push(a, b);
    } else if (a > to) {
      if (!placed) result.push(from, to);
      placed = true;
      result.push(a, b);
    } else {
      from = Math.min(from, a);
      to = Math.max(to, b);
    }
  }
  if (!placed) result.push(from, to);
  return result;
}

function idOf(bytes: Uint8Array, header: LongHeader): Uint8Array {
  return bytes.subarray(header.destinationIdStart, header.destinationIdEnd);
}

function versionText(version: number): string {
  return String.fromCharCode(version >>> 24, (version >>> 16) & 255, (version >>> 8) & 255, version & 255);
}
