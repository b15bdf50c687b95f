// Knows: what was learned on the wire and what was opened by hand. Must not know: how it was learned, clocks.
// Plain data: it is stored, sent to the tap processes and compiled beside the Policy. `seconds` is what is left
// when it is compiled; the kernel counts it down, so an opening closes even when every process is dead.

import type { AnsweredAddress } from '../filter/answered.ts';

/** Address that an answer gave for a host name of an endpoint, resolver or proxy. */
export interface LearnedAddress {
  readonly name: string;
  readonly address: string;
  readonly seconds: number;
}

/** The DHCPv4 server of a seen acknowledgement: the only one a unicast renewal may go to (RFC 2131 section 4.4.5). */
export interface LearnedServer {
  readonly address: string;
  readonly mac: string;
  readonly seconds: number;
}

/** Address of a name that was answered in the clear, or that must stay inside the tunnel (rule D). */
export interface ExposedAddress {
  /** MAC address of the client to whom it was answered, or that showed the name there; absent: closed for all. */
  readonly client?: string;
  readonly address: string;
  readonly name: string;
  readonly seconds: number;
}

/** An address on the link that a client must find: its gateway, its DHCP server. */
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

/** An IPv6 address that a client has on this link: it tried it for doubles there, or has used it. */
interface LearnedOwn6 {
  readonly address: string;
  readonly seconds: number;
}

/** A network on the clients' own link, as `address/length`: where their addresses are, and a login page may be while a pass is open. */
interface LearnedLink {
  readonly network: string;
  readonly seconds: number;
}

/** A prefix of NAT64 that the network's answer for `ipv4only.arpa` had (RFC 7050), as `address/length`. */
export interface LearnedPrefix {
  readonly network: string;
  readonly seconds: number;
}

/** Where a captive portal's login is: what the network announced (any port), or what it redirected a client to. */
export interface LearnedPortal {
  readonly address: string;
  /** 0: any. */
  readonly port: number;
  readonly seconds: number;
}

/** A timed opening for a captive portal's login; without `client` for every client. */
interface Pass {
  readonly client?: string;
  readonly seconds: number;
}

export interface LearnedState {
  readonly addresses: readonly LearnedAddress[];
  readonly dhcpServers: readonly LearnedServer[];
  /** Addresses of the network's own resolvers (DHCP option 6, RFC 8106): only a pass opens DNS to them. */
  readonly resolvers: readonly { readonly address: string; readonly seconds: number }[];
  readonly exposed: readonly ExposedAddress[];
  /** Taps learn these by themselves, and are told by other means (appliance/tap/messages.ts). */
  readonly answered: readonly AnsweredAddress[];
  readonly prefixes: readonly LearnedPrefix[];
  readonly passes: readonly Pass[];
  readonly links: readonly LearnedLink[];
  readonly portals: readonly LearnedPortal[];
  readonly neighbours: readonly LearnedNeighbour[];
  readonly own: readonly LearnedOwn[];
  /** Clients whose neighbours are known: these look for no others. */
  readonly settled: readonly { readonly mac: string; readonly seconds: number }[];
  readonly own6: readonly LearnedOwn6[];
  /** Clients whose interface came up before the box's eyes: all IPv6 addresses that they have are in `own6`. */
  readonly settled6: readonly { readonly mac: string; readonly seconds: number }[];
  /** A client may be here whose IPv6 addresses are not all known. */
  readonly unsettled6: boolean;
  /** IPv4 addresses of the box itself, besides its fixed one: not learned, but what needs the rest needs them too. */
  readonly box: readonly string[];
}

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
