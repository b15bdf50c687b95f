// Neighbour discovery messages and their options; the caller checks the IPv6 header (hop limit and scope).
// RFC 4861 section 4, RFC 8106 (RDNSS, DNSSL), RFC 4191 (route information), RFC 8910 (captive portal).

import { ipv6TextAt } from './address-octets.ts';
import { printable, u16, u32 } from '../octets.ts';
import { Icmp6 } from './icmp.ts';

/** A prefix that a router announces (RFC 4861 section 4.6.2); lifetimes in seconds, 0xffffffff means infinity. */
export interface AnnouncedPrefix {
  /** RFC 5952 text, as sent: bits after the prefix need not be zero. */
  readonly prefix: string;
  /** As sent, from 0 to 255; above 128 it is invalid. */
  readonly prefixLength: number;
  /** Flag L: addresses in the prefix are reached without a router. */
  readonly onLink: boolean;
  /** Flag A: hosts may form addresses in the prefix by themselves (RFC 4862). */
  readonly autonomous: boolean;
  readonly validSeconds: number;
  readonly preferredSeconds: number;
}

/** A more specific route (RFC 4191 section 2.3), the counterpart of DHCPv4's option 121. */
export interface AnnouncedRoute {
  /** RFC 5952 text; octets that the option leaves out are zero. */
  readonly prefix: string;
  /** As sent, from 0 to 255; above 128 it is invalid. */
  readonly prefixLength: number;
  /** 0xffffffff means infinity, 0 withdraws the route. */
  readonly lifetimeSeconds: number;
}

const PREFIX = 3;
const ROUTE = 24;
const RESOLVERS = 25;
const CAPTIVE_PORTAL = 37;
const MAX_OPTIONS = 64;

interface Piece {
  readonly type: number;
  readonly start: number;
  readonly end: number;
}

/** Octets before the options, by message type (RFC 4861 sections 4.1 to 4.5). */
const HEADER_LENGTH: ReadonlyMap<number, number> = new Map([
  [Icmp6.ROUTER_SOLICITATION, 8],
  [Icmp6.ROUTER_ADVERTISEMENT, 16],
  [Icmp6.NEIGHBOUR_SOLICITATION, 24],
  [Icmp6.NEIGHBOUR_ADVERTISEMENT, 24],
  [Icmp6.REDIRECT, 40],
]);

/**
 * One neighbour discovery message (RFC 4861 section 4), beginning with its ICMPv6 type. Getters copy what they return and never throw;
 * addresses are RFC 5952 texts, and lists are empty when the option is absent.
 */
export class NdView {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #options: Piece[] = [];
  /** The ICMPv6 type, one of NEIGHBOUR_DISCOVERY. */
  readonly type: number;
  /**
   * An option has length zero or runs past the end, or there are more than 64 (MAX_OPTIONS); the options before that are kept.
   * RFC 4861 section 4.6 says to discard a packet with an option of length zero.
   */
  readonly malformed: boolean;

  private constructor(bytes: Uint8Array, start: number, end: number, header: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.type = bytes[start] ?? 0;
    this.malformed = !this.#index(start + header, end);
  }

  /**
   * The message in `bytes` from `start` to before `end`; undefined when it is another ICMPv6 message, too short, or its code is not 0.
   * Keeps a reference to `bytes`; never throws.
   */
  static of(bytes: Uint8Array, start: number, end: number): NdView | undefined {
    const header = HEADER_LENGTH.get(bytes[start] ?? 0);
    if (header === undefined || end - start < header || bytes[start + 1] !== 0) return undefined;
    return new NdView(bytes, start, end, header);
  }

  /** Router advertisement: for how many seconds it is a default router, 0 if it is not (RFC 4861 section 4.2). -1 for other messages. */
  get routerLifetime(): number {
    return this.type === Icmp6.ROUTER_ADVERTISEMENT ? u16(this.#bytes, this.#start + 6) : -1;
  }
  /** Router advertisement: hosts prefer a router with `high` to the existing ones (RFC 4191 section 2.1). `medium` for other messages. */
  get preference(): 'high' | 'medium' | 'low' {
    const bits = ((this.#bytes[this.#start + 5] ?? 0) >>> 3) & 3;
    return this.type !== Icmp6.ROUTER_ADVERTISEMENT || bits === 0 || bits === 2
      ? 'medium'
      : bits === 1
        ? 'high'
        : 'low';
  }
  /** Neighbour messages and redirects: the target address (RFC 4861 sections 4.3 to 4.5); undefined for router messages. */
  get target(): string | undefined {
    return this.type < Icmp6.NEIGHBOUR_SOLICITATION ? undefined : ipv6TextAt(this.#bytes, this.#start + 8);
  }
  /** Redirect: the destination that should be reached through the target (RFC 4861 section 4.5); undefined for other messages. */
  get redirected(): string | undefined {
    return this.type === Icmp6.REDIRECT ? ipv6TextAt(this.#bytes, this.#start + 24) : undefined;
  }
  /** The prefix information options of full length, in the message's order (RFC 4861 section 4.6.2). */
  get prefixes(): readonly AnnouncedPrefix[] {
    return this.#all(PREFIX, 30).map(({ start }) => ({
      prefix: ipv6TextAt(this.#bytes, start + 14),
      prefixLength: this.#bytes[start] ?? 0,
      onLink: ((this.#bytes[start + 1] ?? 0) & 0x80) !== 0,
      autonomous: ((this.#bytes[start + 1] ?? 0) & 0x40) !== 0,
      validSeconds: u32(this.#bytes, start + 2),
      preferredSeconds: u32(this.#bytes, start + 6),
    }));
  }
  /** The route information options, in the message's order (RFC 4191 section 2.3). */
  get routes(): readonly AnnouncedRoute[] {
    return this.#all(ROUTE, 6).map(({ start, end }) => {
      const prefix = new Uint8Array(16);
      prefix.set(this.#bytes.subarray(start + 6, Math.min(end, start + 22)));
      return {
        prefix: ipv6TextAt(prefix, 0),
        prefixLength: this.#bytes[start] ?? 0,
        lifetimeSeconds: u32(this.#bytes, start + 2),
      };
    });
  }
  /** Recursive resolvers, whatever their lifetimes, in the message's order (RFC 8106 section 5.1). */
  get resolvers(): readonly string[] {
    const found: string[] = [];
    for (const { start, end } of this.#all(RESOLVERS, 6)) {
      for (let at = start + 6; at + 16 <= end; at += 16) found.push(ipv6TextAt(this.#bytes, at));
    }
    return found;
  }
  /** The URI in the first option 37 (RFC 8910 section 2.3), as `printable` writes it, without its padding; undefined when it is absent. */
  get captivePortal(): string | undefined {
    const piece = this.#options.find(({ type }) => type === CAPTIVE_PORTAL);
    if (piece === undefined) return undefined;
    let end = piece.end;
    while (end > piece.start && this.#bytes[end - 1] === 0) end -= 1;
    return printable(this.#bytes, piece.start, end);
  }

  #all(type: number, minLength: number): Piece[] {
    return this.#options.filter((piece) => piece.type === type && piece.end - piece.start >= minLength);
  }

  #index(start: number, end: number): boolean {
    let at = start;
    while (at + 2 <= end && this.#options.length < MAX_OPTIONS) {
      const length = 8 * (this.#bytes[at + 1] ?? 0);
      if (length === 0 || at + length > end) return false;
      this.#options.push({ type: this.#bytes[at] ?? 0, start: at + 2, end: at + length });
      at += length;
    }
    return at === end;
  }
}
