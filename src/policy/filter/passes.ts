// What a captive-portal exception ("pass") lets through, for the judge and the ruleset. RFC 8908, 8910; the ports are those that the
// makers document. The rules come after the sets `pass_mac` and `pass_all`, whose elements the kernel itself removes when the time is up.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { parseMac } from '../../wire/ip/address.ts';
import type { Direction } from '../compile/counted.ts';
import { address, port, protocol } from './fields.ts';
import {
  anyOf,
  byFamily,
  byDirection,
  is,
  isIn,
  isInNetwork,
  named,
  networkOfText,
  predicateOf,
} from './match.ts';
import type { Term } from './match.ts';
import type { LearnedState } from '../servers/learned.ts';
import { Protocol } from '../../wire/ip/ip.ts';

/**
 * TCP ports of login pages, wherever they are: HTTP and HTTPS; FortiGate 1000 and 1003, nodogsplash and openNDS 2050, CoovaChilli
 * 3990 and 4990, pfSense and OPNsense 8000 to 8003, Cisco, Ruckus and MikroTik 8080, Aruba 8081 and 8088, Omada 8088 and 8843,
 * UniFi 8880 and 8843, Cisco ISE 8443, Ruckus 9997 and 9998.
 */
const PASS_PORTS: readonly number[] = [
  80, 443, 1000, 1003, 2050, 3990, 4990, 8000, 8001, 8002, 8003, 8080, 8081, 8088, 8443, 8843, 8880, 9997,
  9998,
];
const DNS = 53;

/** What open captive-portal exceptions let through, for one learned state. */
export interface Passes {
  /** Whether a pass is open for this client (MAC address as a 48-bit number). */
  isOpenFor(client: number): boolean;
  /** Whether an open pass lets the packet through; it is neither a fragment nor has options. */
  lets(packet: ParsedPacket, direction: Direction): boolean;
  /** Whether an IPv6 address (four 32-bit words) is on the link, where any host may be looked up during a pass. */
  isOnLink6(words: Uint32Array): boolean;
}

/** The judge's tests. Passes in `learned` are open: whoever makes it leaves out those whose time is up. */
export function compilePasses(learned: LearnedState): Passes {
  const all = learned.passes.some((pass) => pass.client === undefined);
  const macs = new Set(learned.passes.map((pass) => parseMac(pass.client ?? '')));
  const none = learned.passes.length === 0;
  const isOpenFor = (client: number): boolean => all || macs.has(client);
  const links6 = openLinks(learned)
    .filter(({ network }) => network.includes(':'))
    .map(({ network }) => networkOfText(network));
  const rules = byFamily((family) =>
    byDirection((direction) =>
      anyOf(passRules(learned, direction, family).map((rule) => predicateOf(rule, undefined))),
    ),
  );
  return {
    isOpenFor,
    isOnLink6: (words) => links6.some((link) => isInNetwork(words, link)),
    lets: (packet, direction) => {
      if (none || packet.ipVersion === 0) return false;
      if (!isOpenFor(direction === 'up' ? packet.sourceMac : packet.destinationMac)) return false;
      return rules[packet.ipVersion][direction](packet);
    },
  };
}

/**
 * Matches for what a pass lets through, of one family; one of them must hold. They are for the chain `up_pass4` and its like, which return
 * otherwise.
 */
export function passRules(learned: LearnedState, direction: Direction, family: 4 | 6): readonly Term[][] {
  const side = direction === 'up' ? 'destination' : 'source';
  const far = address[family][side];
  const isHere = (text: string): boolean => text.includes(':') === (family === 6);
  const open = learned.passes.length > 0;
  const resolvers = learned.resolvers
    .filter((known) => isHere(known.address))
    .map((known) => networkOfText(known.address));
  const resolver = named(`${far.nft} @resolver${family}`, (packet) =>
    resolvers.some((known) => isInNetwork(far.read(packet), known)),
  );
  const portals = open ? learned.portals.filter((portal) => isHere(portal.address)) : [];
  const tcp = is(protocol, Protocol.TCP);
  return [
    [is(protocol, Protocol.TCP, Protocol.UDP), is(port.th[side], DNS), resolver],
    [is(port.tcp[side], ...PASS_PORTS)],
    ...openLinks(learned)
      .filter(({ network }) => isHere(network))
      .map(({ network }) => [isIn(far, network), tcp]),
    ...portals.map((portal) => [
      isIn(far, portal.address),
      portal.port === 0 ? tcp : is(port.tcp[side], portal.port),
    ]),
  ];
}

/**
 * nft matches, each for a rule of its own, for a client with an open pass; `client` is the field with its MAC address. None while no pass
 * is open.
 */
export function nftPassOpen(learned: LearnedState, client: 'saddr' | 'daddr'): string[] {
  if (learned.passes.length === 0) return [];
  return [`ether ${client} @pass_mac`, 'meta protocol @pass_all'];
}

/** Networks on the link while a pass is open, else none. */
export function openLinks(learned: LearnedState): LearnedState['links'] {
  return learned.passes.length === 0 ? [] : learned.links;
}
