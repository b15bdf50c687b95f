// Knows: how a client's first QUIC datagrams become its ClientHello: keys, packets, CRYPTO octets in any order.
// Must not know: UDP, addresses, tables of flows (the caller keeps one object per client address and port), policy.
// Follows RFC 9000 sections 7.5 and 12.2, RFC 9001 sections 4.3 and 5.2. Bounded: 16 KiB of CRYPTO octets, 16 refusals.

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

/** What a QUIC client says in what Eve can open. */
export interface QuicHello {
  readonly version: number;
  /** `v1`, `draft-29`, `Q046`; with a question mark when the packet's version is reserved or unknown. */
  readonly versionName: string;
  readonly serverName?: string;
  readonly alpn: readonly string[];
  /** Then `serverName` is the outer one. */
  readonly encryptedHello?: 'ech' | 'esni';
  readonly complete: boolean;
}

/** `need-more`: an Initial that fits, hello not whole. `not-client`: nothing here is a client's Initial. `spent`: bounds reached. */
export type QuicOutcome = QuicHello | 'need-more' | 'not-client' | 'spent';

const MOST_REFUSALS = 16;
const MOST_CRYPTO = 16384;
const MOST_RANGES = 64;
const SMALLEST_INITIAL = 1200;

/**
 * Whether a datagram looks like QUIC with a long header, or Google's with a version: what a flow's first datagram has.
 * A version negotiation packet counts when it has a list of versions.
 */
export function isQuicLong(bytes: Uint8Array, start: number, end: number): boolean {
  if (googleVersion(bytes, start, end) !== 0) return true;
  const header = longHeader(bytes, start, end);
  if (header === undefined) return false;
  if (header.version === 0) return end > header.next && (end - header.next) % 4 === 0;
  return isQuicVersion(header.version);
}

/** Whether a datagram may be the first of a client with an unknown version: long header, Initial's size, sane IDs. */
export function isQuicInitialSize(bytes: Uint8Array, start: number, end: number): boolean {
  const header = longHeader(bytes, start, end);
  if (header === undefined || header.version === 0 || end - start < SMALLEST_INITIAL) return false;
  // RFC 9000 section 7.2: a client's first destination ID has at least eight octets.
  return ((bytes[start] ?? 0) & 0x40) !== 0 && header.destinationIdEnd - header.destinationIdStart >= 8;
}

/** Collects one client's handshake octets. Keep it until `accept` gives a hello or `spent`, then drop it. */
export class QuicClientFlow {
  readonly #crypto: QuicCrypto;
  #keys: QuicKeys | undefined;
  #keysVersion: QuicVersion | undefined;
  #refusals = 0;
  #stream = new Uint8Array(0);
  /** What of the stream is filled: start and end by turns, ascending, apart from each other. */
  #filled: number[] = [];
  #version = 0;
  #google: QuicHello | undefined;
  /** Packets of one datagram have one client's ID (RFC 9000 section 12.2): keys are derived once for it. */
  #mayDerive = true;
  /** What the octets up to there tell. */
  #hello: QuicHello | undefined;
  #readTo = 0;

  constructor(crypto: QuicCrypto) {
    this.#crypto = crypto;
  }

  /** Takes one datagram of the client's. A server's does no harm: no key opens it. */
  accept(bytes: Uint8Array, start: number, end: number): QuicOutcome {
    if (this.#refusals >= MOST_REFUSALS) return 'spent';
    const google = googleVersion(bytes, start, end);
    const opened =
      google !== 0 ? this.#takeGoogle(google, bytes, start, end) : this.#takeAll(bytes, start, end);
    if (!opened) {
      this.#refusals += 1;
      return this.#refusals >= MOST_REFUSALS ? 'spent' : 'not-client';
    }
    const hello = this.partial();
    return hello?.complete === true ? hello : 'need-more';
  }

  /** What the octets so far tell, for when no more will come; undefined when they tell nothing. */
  partial(): QuicHello | undefined {
    if (this.#google !== undefined) return this.#google;
    if (this.#filled[0] !== 0 || this.#keysVersion === undefined) return undefined;
    // What has not grown tells nothing new, however often it is sent.
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

  /** Every packet of a datagram; true when one of them was opened. */
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

  /** The packet's own destination ID makes the keys: the first packet, or the first after a Retry or on a reused port. */
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
    // Beyond the bound the hello stays incomplete: the frame is QUIC to an unknown name, which is a leak all the same.
    if (data.length === 0 || end > MOST_CRYPTO || this.#filled.length >= 2 * MOST_RANGES) return;
    if (end > this.#stream.length) {
      const larger = new Uint8Array(Math.min(MOST_CRYPTO, Math.max(2048, 2 * end)));
      larger.set(this.#stream);
      this.#stream = larger;
    }
    this.#stream.set(data, offset);
    this.#filled = merged(this.#filled, offset, end);
  }
}

/** The ranges with one more, joined where they touch. */
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
