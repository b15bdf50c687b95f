// DHCPv6 messages and the options that identify a client or steer its traffic. Relayed messages are not unpacked.
// RFC 8415 sections 8, 11 and 21, RFC 4704 (client FQDN), RFC 3646 (DNS servers).

import { ipv6TextAt } from './address-octets.ts';
import { nameText } from '../names/name-text.ts';
import { printable, u16, u32 } from '../octets.ts';

const CLIENT_ID = 1;
const SERVER_ID = 2;
const IA_NA = 3;
const IA_ADDRESS = 5;
const OPTION_REQUEST = 6;
const VENDOR_CLASS = 16;
const RESOLVERS = 23;
const CLIENT_FQDN = 39;
const CAPTIVE_PORTAL = 103;
const LAST_TYPE = 36;
const MAX_OPTIONS = 256;

interface Piece {
  readonly code: number;
  readonly start: number;
  readonly end: number;
}

/**
 * One DHCPv6 message (RFC 8415 section 8), the payload of UDP. Options are indexed once; getters copy what they return and never throw.
 * They give undefined, or an empty list, when the option is absent; of several instances they read the first. Addresses are RFC 5952 texts.
 */
export class Dhcp6View {
  readonly #bytes: Uint8Array;
  /** From 1 (solicit) to 36 (RFC 8415 section 7.3 and its successors in the IANA registry). */
  readonly messageType: number;
  readonly #pieces: Piece[];
  /** An option runs past the end, or there are too many; the options before that are kept. */
  readonly malformed: boolean;

  private constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.messageType = bytes[start] ?? 0;
    const header = this.messageType === 12 || this.messageType === 13 ? 34 : 4;
    const indexed = pieces(bytes, start + header, end);
    this.#pieces = indexed.found;
    this.malformed = indexed.malformed;
  }

  /**
   * The message in `bytes` from `start` to before `end`; undefined when it has fewer than four octets or its type is not assigned.
   * Keeps a reference to `bytes`; never throws.
   */
  static of(bytes: Uint8Array, start: number, end: number): Dhcp6View | undefined {
    const type = bytes[start] ?? 0;
    return end - start < 4 || type === 0 || type > LAST_TYPE ? undefined : new Dhcp6View(bytes, start, end);
  }

  /** Whether a server sends this type: advertise, reply, reconfigure (RFC 8415 section 7.3). */
  get reply(): boolean {
    return this.messageType === 2 || this.messageType === 7 || this.messageType === 10;
  }
  /** Option 1 (RFC 8415 section 21.2) in lower-case hexadecimal without separators. It is the same on every network. */
  get clientDuid(): string | undefined {
    return this.#hex(CLIENT_ID);
  }
  /** Option 2 (RFC 8415 section 21.3) in lower-case hexadecimal without separators. */
  get serverDuid(): string | undefined {
    return this.#hex(SERVER_ID);
  }
  /**
   * Option 39 (RFC 4704 section 4) without its octet of flags: the name in lower case without trailing dot; undefined for labels that do
   * not fit.
   */
  get clientFqdn(): string | undefined {
    const piece = this.#first(CLIENT_FQDN);
    if (piece === undefined) return undefined;
    const labels: string[] = [];
    let at = piece.start + 1;
    while (at < piece.end && this.#bytes[at] !== 0) {
      const next = at + 1 + (this.#bytes[at] ?? 0);
      if (next > piece.end || next - at > 64) return undefined;
      labels.push(nameText(this.#bytes, at + 1, next));
      at = next;
    }
    return labels.length === 0 ? undefined : labels.join('.');
  }
  /** Option 16 (RFC 8415 section 21.16) without its enterprise number: the first class, as `printable` writes it. */
  get vendorClass(): string | undefined {
    const piece = this.#first(VENDOR_CLASS);
    if (piece === undefined || piece.start + 6 > piece.end) return undefined;
    const stop = Math.min(piece.end, piece.start + 6 + u16(this.#bytes, piece.start + 4));
    return printable(this.#bytes, piece.start + 6, stop);
  }
  /**
   * Option 6 (RFC 8415 section 21.7) as comma-separated decimal numbers in the client's order: the usual fingerprint of an operating
   * system.
   */
  get optionRequest(): string | undefined {
    const piece = this.#first(OPTION_REQUEST);
    if (piece === undefined) return undefined;
    const codes: number[] = [];
    for (let at = piece.start; at + 2 <= piece.end; at += 2) codes.push(u16(this.#bytes, at));
    return codes.join(',');
  }
  /** Option 23 (RFC 3646 section 3), the preferred resolver first. */
  get resolvers(): readonly string[] {
    const found: string[] = [];
    const piece = this.#first(RESOLVERS);
    if (piece === undefined) return found;
    for (let at = piece.start; at + 16 <= piece.end; at += 16) found.push(ipv6TextAt(this.#bytes, at));
    return found;
  }
  /**
   * Addresses of the non-temporary associations (RFC 8415 sections 21.4 and 21.6), with their valid lifetimes in seconds; 0xffffffff
   * means infinity.
   */
  get addresses(): readonly { readonly address: string; readonly validSeconds: number }[] {
    const bytes = this.#bytes;
    return this.#pieces
      .filter((piece) => piece.code === IA_NA)
      .flatMap((piece) => pieces(bytes, piece.start + 12, piece.end).found)
      .filter((piece) => piece.code === IA_ADDRESS && piece.end - piece.start >= 24)
      .map(({ start }) => ({ address: ipv6TextAt(bytes, start), validSeconds: u32(bytes, start + 20) }));
  }
  /** The URI in option 103 (RFC 8910 section 2.2) as `printable` writes it. */
  get captivePortal(): string | undefined {
    const piece = this.#first(CAPTIVE_PORTAL);
    return piece === undefined ? undefined : printable(this.#bytes, piece.start, piece.end);
  }

  #first(code: number): Piece | undefined {
    return this.#pieces.find((piece) => piece.code === code);
  }

  #hex(code: number): string | undefined {
    const piece = this.#first(code);
    if (piece === undefined) return undefined;
    const octets = this.#bytes.subarray(piece.start, piece.end);
    return Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join('');
  }
}

function pieces(bytes: Uint8Array, start: number, end: number): { found: Piece[]; malformed: boolean } {
  const found: Piece[] = [];
  let at = start;
  while (at + 4 <= end && found.length < MAX_OPTIONS) {
    const next = at + 4 + u16(bytes, at + 2);
    if (next > end) return { found, malformed: true };
    found.push({ code: u16(bytes, at), start: at + 4, end: next });
    at = next;
  }
  return { found, malformed: at !== end };
}
