// What was learned on the wire, and what was opened by hand. Plain data: it is stored, sent to the tap processes and compiled together with
// the policy. `seconds` is the time left at compilation; the kernel counts it down, so an opening closes even when every process is dead.

import type { AnsweredAddress } from '../filter/answered.ts';

/** An address from an answer for a host name of an endpoint, resolver or proxy. */
export interface LearnedAddress {
  readonly name: string;
  readonly address: string;
  readonly seconds: number;
}

/** A DHCPv4 server whose acknowledgement was seen: only to such a server may a unicast renewal go (RFC 2131 section 4.4.5). */
export interface LearnedServer {
  readonly address: string;
  readonly mac: string;
  readonly seconds: number;
}

/** An address of a name that was answered in the clear, or that must stay inside the tunnel (rule D). */
export interface ExposedAddress {
  /** MAC address of the client that got the answer, or showed the name there; absent: closed for all. */
  readonly client?: string;
  readonly address: string;
  readonly name: string;
  readonly seconds: number;
}

/** An address on the link that a client must be able to look up: its gateway, its DHCP server. */
export interface LearnedNeighbour {
  readonly address: string;
  readonly seconds: number;
}

/** An IPv4 address that a client has, by a lease or by using it. */
interface LearnedOwn {
  readonly mac: string;
  readonly address: string;
  readonly seconds: number;
}

/** An IPv6 address that a client has on this link, by duplicate address detection there or by using it. */
interface LearnedOwn6 {
  readonly address: string;
  readonly seconds: number;
}

/**
 * A network on the clients' link, as `address/length`: their addresses are in it, and during a captive-portal exception perhaps the login
 * page.
 */
interface LearnedLink {
  readonly network: string;
  readonly seconds: number;
}

/** A NAT64 prefix from the network's answer for `ipv4only.arpa` (RFC 7050), as `address/length`. */
export interface LearnedPrefix {
  readonly network: string;
  readonly seconds: number;
}

/** A captive portal's address: announced by the network (any port), or the target of a redirect. */
export interface LearnedPortal {
  readonly address: string;
  /** 0 for any port. */
  readonly port: number;
  readonly seconds: number;
}

/** A captive-portal exception: a timed opening for one client (MAC address), or without `client` for all. */
interface Pass {
  readonly client?: string;
  readonly seconds: number;
}

/** All of it at one moment. Addresses are text, MAC addresses have colons, `seconds` is the time left. */
export interface LearnedState {
  readonly addresses: readonly LearnedAddress[];
  readonly dhcpServers: readonly LearnedServer[];
  /** Addresses of the network's own resolvers (DHCP option 6, RFC 8106): only a captive-portal exception opens DNS to them. */
  readonly resolvers: readonly { readonly address: string; readonly seconds: number }[];
  readonly exposed: readonly ExposedAddress[];
  /** Taps learn these themselves or get them separately (appliance/tap/messages.ts). */
  readonly answered: readonly AnsweredAddress[];
  readonly prefixes: readonly LearnedPrefix[];
  readonly passes: readonly Pass[];
  readonly links: readonly LearnedLink[];
  readonly portals: readonly LearnedPortal[];
  readonly neighbours: readonly LearnedNeighbour[];
  readonly own: readonly LearnedOwn[];
  /** Clients whose neighbours are known: they may look up no others. */
  readonly settled: readonly { readonly mac: string; readonly seconds: number }[];
  readonly own6: readonly LearnedOwn6[];
  /** Clients whose interface came up while the box watched: all their IPv6 addresses are in `own6`. */
  readonly settled6: readonly { readonly mac: string; readonly seconds: number }[];
  /** Whether there may be a client whose IPv6 addresses are not all known. */
  readonly unsettled6: boolean;
  /** IPv4 addresses of the box itself, besides its fixed one: not learned, but needed together with the rest. */
  readonly box: readonly string[];
}

/** What is known when nothing has been seen: then IPv6 addresses of clients may be unknown. */
export const NOTHING_LEARNED: LearnedState = Object.freeze({
  addresses: Object.freeze([]),
  dhcpServers: Object.freeze([]),
  resolvers: Object.freeze([]),
  exposed: Object.freeze([]),
  answered: Object.freeze([]),
  prefixes: Object.freeze([]),
  passes: Object.freeze([]),
  links: Object.freeze([]),
  portals: Object.freeze([]),
  neighbours: Object.freeze([]),
  own: Object.freeze([]),
  settled: Object.freeze([]),
  own6: Object.freeze([]),
  settled6: Object.freeze([]),
  unsettled6: true,
  box: Object.freeze([]),
});
