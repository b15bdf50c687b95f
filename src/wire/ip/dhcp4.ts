// DHCPv4 messages and the options that identify a client or steer its traffic.
// RFC 2131, RFC 2132, RFC 3396 (split options), RFC 3442 (routes), RFC 4702 (FQDN), RFC 8910 (captive portal).

import { ipv4TextAt } from './address-octets.ts';
import { ipv4Text } from './address.ts';
import { hostText, nameText } from '../names/name-text.ts';
import { printable, u16, u32 } from '../octets.ts';

/** Types of messages in option 53 (RFC 2132 section 9.6). */
export const DHCP_OFFER = 2;
export const DHCP_REQUEST = 3;
export const DHCP_ACK = 5;

/** A route of option 121 (RFC 3442) or 249: the destination and its next hop, both as `a.b.c.d`. */
export interface ClasslessRoute {
  /** The destination as sent: bits after the prefix need not be zero. */
  readonly network: string;
  /** From 0, a default route, to 32. */
  readonly prefixLength: number;
  readonly router: string;
}

const FIXED_LENGTH = 236;
const MAGIC_COOKIE = 0x63825363;
const SERVER_NAME = 44;
const BOOT_FILE = 108;
const OVERLOAD = 52;
const MAX_OPTIONS = 512;

interface Piece {
  readonly code: number;
  readonly start: number;
  readonly end: number;
}

/**
 * One BOOTP or DHCP message (RFC 2131 section 2), the payload of UDP. Options are indexed once; getters copy what they return and never
 * throw. They give undefined, or an empty list, when the option is absent, empty or of a wrong length. Addresses are texts `a.b.c.d`.
 */
export class Dhcp4View {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #pieces: Piece[] = [];
  /** An option runs past its field, the end option is missing, or there are too many options; the options before that are kept. */
  malformed = false;

  private constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#start = start;
    if (end - start < FIXED_LENGTH + 4 || u32(bytes, start + FIXED_LENGTH) !== MAGIC_COOKIE) return;
    this.#index(start + FIXED_LENGTH + 4, end);
    const overload = this.#number(OVERLOAD, 1) ?? 0;
    // RFC 2131 section 4.1: the boot file field is read first, then the server name.
    if ((overload & 1) !== 0) this.#index(start + BOOT_FILE, start + FIXED_LENGTH);
    if ((overload & 2) !== 0) this.#index(start + SERVER_NAME, start + BOOT_FILE);
  }

  /**
   * The message in `bytes` from `start` to before `end`; undefined when it is not BOOTP: below 236 octets, an operation other than 1
   * and 2, a hardware address above 16 octets. Without the magic cookie it has no options. Keeps a reference to `bytes`; never throws.
   */
  static of(bytes: Uint8Array, start: number, end: number): Dhcp4View | undefined {
    if (end - start < FIXED_LENGTH) return undefined;
    const operation = bytes[start];
    if ((operation !== 1 && operation !== 2) || (bytes[start + 2] ?? 0) > 16) return undefined;
    return new Dhcp4View(bytes, start, end);
  }

  /** Whether the message is from a server (BOOTREPLY). */
  get reply(): boolean {
    return this.#bytes[this.#start] === 2;
  }
  /** The client's random transaction number (xid), unsigned 32 bits, which the answer repeats. */
  get transaction(): number {
    return u32(this.#bytes, this.#start + 4);
  }
  /** The client's hardware address as a 48-bit number; 0 when it has another length. */
  get clientMac(): number {
    if (this.#bytes[this.#start + 2] !== 6) return 0;
    return u16(this.#bytes, this.#start + 28) * 0x100000000 + u32(this.#bytes, this.#start + 30);
  }
  /** The address that the server assigns (yiaddr); undefined for 0.0.0.0. */
  get yourAddress(): string | undefined {
    return this.#fixedAddress(16);
  }
  /** Option 53 (RFC 2132 section 9.6), such as DHCP_OFFER; 0 for plain BOOTP. */
  get messageType(): number {
    return this.#number(53, 1) ?? 0;
  }
  /** Option 12 (RFC 2132 section 3.14), in lower case like every name (`hostText`). */
  get hostName(): string | undefined {
    return this.#name(12);
  }
  /**
   * Option 81 without its flags: a name in DNS encoding or, from some older clients, in ASCII (RFC 4702 section 2.3). In lower case,
   * without trailing dot; undefined for labels that do not fit.
   */
  get clientFqdn(): string | undefined {
    const value = this.option(81);
    if (value === undefined || value.length < 4) return undefined;
    return ((value[0] ?? 0) & 4) !== 0
      ? uncompressedName(value, 3)
      : hostText(value, 3, textEnd(value)) || undefined;
  }
  /** Option 60 (RFC 2132 section 9.13) as `printable` writes it, without null octets at its end. */
  get vendorClass(): string | undefined {
    return this.#text(60);
  }
  /** Option 61 in lower-case hexadecimal without separators; the first octet is its type (RFC 2132 section 9.14). */
  get clientId(): string | undefined {
    const value = this.option(61);
    return value === undefined ? undefined : hex(value);
  }
  /**
   * Option 55 (RFC 2132 section 9.8) as comma-separated decimal numbers in the client's order: the usual fingerprint of an operating
   * system.
   */
  get parameterList(): string | undefined {
    return this.option(55)?.join(',');
  }
  /** Option 50 (RFC 2132 section 9.1): the address that the client had before, perhaps on another network. */
  get requestedAddress(): string | undefined {
    return this.#addresses(50)[0];
  }
  /** Option 54: the server that the message is from or for (RFC 2132 section 9.7). */
  get serverIdentifier(): string | undefined {
    return this.#addresses(54)[0];
  }
  /** Option 51 (RFC 2132 section 9.2), the length of the lease in seconds; 0xffffffff means infinity. */
  get leaseSeconds(): number | undefined {
    return this.#number(51, 4);
  }
  /** Option 3 (RFC 2132 section 3.5), the preferred router first. */
  get routers(): readonly string[] {
    return this.#addresses(3);
  }
  /** Option 6 (RFC 2132 section 3.8), the preferred resolver first. */
  get resolvers(): readonly string[] {
    return this.#addresses(6);
  }
  /** Option 1 (RFC 2132 section 3.3) as a prefix length from 0 to 32; undefined when absent or not contiguous. */
  get prefixLength(): number | undefined {
    const mask = this.#number(1, 4);
    if (mask === undefined) return undefined;
    const length = Math.clz32(~mask >>> 0);
    const expected = length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
    return mask === expected ? length : undefined;
  }
  /** The URI in option 114 (RFC 8910 section 2.1) as `printable` writes it; 160 was its number in RFC 7710. */
  get captivePortal(): string | undefined {
    return this.#text(114) ?? this.#text(160);
  }
  /**
   * The routes of options 121 (RFC 3442) and 249 up to the first that is malformed or incomplete. Any of them can steer traffic around
   * a tunnel (TunnelVision, CVE-2024-3661).
   */
  get routes(): readonly ClasslessRoute[] {
    return [...this.#routes(121), ...this.#routes(249)];
  }

  /** The octets of an option, with split instances joined (RFC 3396); undefined when it is absent. */
  option(code: number): Uint8Array | undefined {
    const pieces = this.#pieces.filter((piece) => piece.code === code);
    if (pieces.length === 0) return undefined;
    const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.end - piece.start, 0));
    let at = 0;
    for (const piece of pieces) {
      joined.set(this.#bytes.subarray(piece.start, piece.end), at);
      at += piece.end - piece.start;
    }
    return joined;
  }

  #index(start: number, end: number): void {
    let at = start;
    while (at < end && this.#pieces.length < MAX_OPTIONS) {
      const code = this.#bytes[at] ?? 0;
      if (code === 255) return;
      if (code === 0) {
        at += 1;
        continue;
      }
      const data = at + 2;
      const next = data + (this.#bytes[at + 1] ?? 0);
      if (data > end || next > end) {
        this.malformed = true;
        return;
      }
      this.#pieces.push({ code, start: data, end: next });
      at = next;
    }
    this.malformed = true;
  }

  #fixedAddress(offset: number): string | undefined {
    const word = u32(this.#bytes, this.#start + offset);
    return word === 0 ? undefined : ipv4Text(word);
  }

  #number(code: number, width: 1 | 4): number | undefined {
    const value = this.option(code);
    if (value?.length !== width) return undefined;
    return width === 1 ? value[0] : u32(value, 0);
  }

  #text(code: number): string | undefined {
    const value = this.option(code);
    return value === undefined ? undefined : printable(value, 0, textEnd(value)) || undefined;
  }

  #name(code: number): string | undefined {
    const value = this.option(code);
    if (value === undefined) return undefined;
    return hostText(value, 0, textEnd(value)) || undefined;
  }

  #addresses(code: number): string[] {
    const value = this.option(code);
    const found: string[] = [];
    if (value === undefined) return found;
    for (let at = 0; at + 4 <= value.length; at += 4) found.push(ipv4TextAt(value, at));
    return found;
  }

  #routes(code: number): ClasslessRoute[] {
    const value = this.option(code);
    const found: ClasslessRoute[] = [];
    for (let at = 0; value !== undefined && at < value.length;) {
      const prefixLength = value[at] ?? 0;
      const significant = Math.ceil(prefixLength / 8);
      const router = at + 1 + significant;
      if (prefixLength > 32 || router + 4 > value.length) break;
      const network = new Uint8Array(4);
      network.set(value.subarray(at + 1, router));
      found.push({ network: ipv4TextAt(network, 0), prefixLength, router: ipv4TextAt(value, router) });
      at = router + 4;
    }
    return found;
  }
}

/** Where text ends: some clients end or pad it with null octets. */
function textEnd(value: Uint8Array): number {
  let end = value.length;
  while (end > 0 && value[end - 1] === 0) end -= 1;
  return end;
}

/** A name in labels without compression (RFC 4702 section 2.3.1); the root label may be missing. */
function uncompressedName(value: Uint8Array, start: number): string | undefined {
  const found: string[] = [];
  let at = start;
  while (at < value.length) {
    const length = value[at] ?? 0;
    if (length === 0) break;
    if (length > 63 || at + 1 + length > value.length) return undefined;
    found.push(nameText(value, at + 1, at + 1 + length));
    at += 1 + length;
  }
  return found.length === 0 ? undefined : found.join('.');
}

function hex(value: Uint8Array): string {
  return Array.from(value, (octet) => octet.toString(16).padStart(2, '0')).join('');
}
