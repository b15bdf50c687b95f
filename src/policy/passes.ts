// Knows: what a timed pass lets through for a captive portal's login, for the judge and the ruleset side by side.
// Must not know: who opened it, and how portals are found. RFC 8908, 8910; ports are those that the makers document.
// The rules stand behind the sets `pass_mac` and `pass_all`, whose elements the kernel itself takes out when the time is over.

import type { Facts } from '../flow/facts.ts';
import { addressText, inNetwork, parseAddress, parseMac } from '../wire/address.ts';
import type { Way } from './counted.ts';
import type { LearnedState } from './learned.ts';

/**
 * TCP ports of login pages, wherever they are: HTTP and HTTPS; FortiGate 1000 and 1003, nodogsplash and openNDS 2050, CoovaChilli
 * 3990 and 4990, pfSense and OPNsense 8000 to 8003, Cisco, Ruckus and MikroTik 8080, Aruba 8081 and 8088, Omada 8088 and 8843,
 * UniFi 8880 and 8843, Cisco ISE 8443, Ruckus 9997 and 9998.
 */
export const PASS_PORTS: readonly number[] = [
  ...[80, 443, 1000, 1003, 2050, 3990, 4990, 8000, 8001, 8002, 8003, 8080, 8081, 8088, 8443, 8843, 8880],
  ...[9997, 9998],
];
const PORTS = new Set(PASS_PORTS);
const DNS = 53;

export interface Passes {
  /** Whether a pass is open for this client. */
  isOpenFor(client: number): boolean;
  /** Whether an open pass lets the packet through: neither a fragment nor one with options. */
  lets(facts: Facts, way: Way): boolean;
  /** A network on the client's own link: whoever is there may be found and asked. */
  isOnLink(ipVersion: 4 | 6, words: Uint32Array): boolean;
}

interface Link {
  readonly ipVersion: 4 | 6;
  readonly words: Uint32Array;
  readonly length: number;
}

export function compilePasses(learned: LearnedState): Passes {
  const all = learned.passes.some((pass) => pass.client === undefined);
  const macs = new Set(learned.passes.map((pass) => parseMac(pass.client ?? '')));
  const none = learned.passes.length === 0;
  const key = (address: string): string => {
    const parsed = parseAddress(address);
    return parsed === undefined ? '' : addressText(parsed.ipVersion, parsed.words);
  };
  const resolvers = new Set(learned.resolvers.map(({ address }) => key(address)));
  const portals = new Map<string, Set<number>>();
  for (const { address, port } of learned.portals) {
    const known = portals.get(key(address)) ?? new Set();
    portals.set(key(address), known.add(port));
  }
  const links = linksOf(learned);
  const isOnLink = (ipVersion: 4 | 6, words: Uint32Array): boolean =>
    links.some(
      (link) =>
        link.ipVersion === ipVersion &&
        inNetwork(words, link.words, link.length + (ipVersion === 4 ? 96 : 0)),
    );
  const isOpenFor = (client: number): boolean => all || macs.has(client);
  return {
    isOpenFor,
    isOnLink,
    lets: (facts, way) => {
      if (none || facts.ipVersion === 0) return false;
      if (!isOpenFor(way === 'up' ? facts.sourceMac : facts.destinationMac)) return false;
      const far = way === 'up' ? facts.destination : facts.source;
      const port = way === 'up' ? facts.destinationPort : facts.sourcePort;
      const { protocol, ipVersion } = facts;
      if (port === DNS && (protocol === 17 || protocol === 6)) {
        if (resolvers.has(addressText(ipVersion, far))) return true;
      }
      if (protocol !== 6) return false;
      if (PORTS.has(port) || isOnLink(ipVersion, far)) return true;
      const portal = portals.get(addressText(ipVersion, far));
      return portal !== undefined && (portal.has(0) || portal.has(port));
    },
  };
}

/** The rules of the chain that a pass jumps to: what falls off its end is none of the pass's. */
export function nftPass(learned: LearnedState, way: Way, family: 4 | 6): string[] {
  const address = `${family === 4 ? 'ip' : 'ip6'} ${way === 'up' ? 'daddr' : 'saddr'}`;
  const port = way === 'up' ? 'dport' : 'sport';
  const end = `goto ${way}_pass`;
  const isHere = (text: string): boolean => text.includes(':') === (family === 6);
  return [
    `meta l4proto { tcp, udp } th ${port} ${DNS} ${address} @resolver${family} ${end}`,
    `tcp ${port} { ${PASS_PORTS.join(', ')} } ${end}`,
    ...openLinks(learned)
      .filter(({ network }) => isHere(network))
      .map(({ network }) => `${address} ${network} meta l4proto tcp ${end}`),
    ...openPortals(learned)
      .filter((portal) => isHere(portal.address))
      .map((portal) =>
        portal.port === 0
          ? `${address} ${portal.address} meta l4proto tcp ${end}`
          : `${address} ${portal.address} tcp ${port} ${portal.port} ${end}`,
      ),
  ];
}

/** Conditions under which a frame is a client's whose pass is open; `client` is the field of its address. */
export function nftPassOpen(learned: LearnedState, client: 'saddr' | 'daddr'): string[] {
  if (learned.passes.length === 0) return [];
  return [`ether ${client} @pass_mac`, 'meta protocol @pass_all'];
}

/** Networks on the link while a pass is open, as a prefix in text. */
export function openLinks(learned: LearnedState): LearnedState['links'] {
  return learned.passes.length === 0 ? [] : learned.links;
}

function openPortals(learned: LearnedState): LearnedState['portals'] {
  return learned.passes.length === 0 ? [] : learned.portals;
}

function linksOf(learned: LearnedState): Link[] {
  return openLinks(learned).flatMap(({ network }) => {
    const [text = '', length = ''] = network.split('/');
    const parsed = parseAddress(text);
    return parsed === undefined ? [] : [{ ...parsed, length: Number(length) }];
  });
}
