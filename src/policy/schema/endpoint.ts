// Endpoints, resolvers, prefixes and names as a policy writes them. Follows RFC 5952 for addresses, RFC 1123 and RFC 1035 section 2.3.4
// for host names.

import { unicodeName } from '../servers/punycode.ts';
import { asciiName } from '../servers/name-forms.ts';
import { addressText, networkOf, parseAddress } from '../../wire/ip/address.ts';
import type { Endpoint, NamePattern, Prefix, Resolver, Transport } from '../policy.ts';

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** Prefix of a host name that stands for one random label, or of a name pattern that means only the names below. */
export const BELOW = '*.';

const PORTS = { first: 1, last: 65535 };

/**
 * `udp:[2001:db8::7]:51820`, `udp:198.51.100.0/24:4000-33433`, `udp:vpn.example.com:*`: the form that `parseEndpoint` reads. Two endpoints
 * are the same if their texts are.
 */
export function formatEndpoint(endpoint: Endpoint): string {
  return `${endpoint.transport}:${hostText(endpoint)}:${portsText(endpoint)}`;
}

function hostText({ hostIs, host, length }: Endpoint): string {
  const whole = length === undefined ? host : `${host}/${length}`;
  return hostIs === 'ipv6' ? `[${whole}]` : whole;
}

function portsText(endpoint: Endpoint): string {
  const [first, last] = [endpoint.port, lastPort(endpoint)];
  if (first === last) return String(first);
  return first === PORTS.first && last === PORTS.last ? '*' : `${first}-${last}`;
}

/** The last port of an endpoint, inclusive; the only one where it has no range. */
export function lastPort({ port, lastPort }: Pick<Endpoint, 'port' | 'lastPort'>): number {
  return lastPort ?? port;
}

/** Whether the endpoint's port or range, both ends inclusive, has this port. */
export function hasPort(endpoint: Endpoint, port: number): boolean {
  return endpoint.port <= port && port <= lastPort(endpoint);
}

/** Whether it has more than one address or port; only an endpoint of a tunnel may. */
export function isRange(endpoint: Endpoint): boolean {
  return endpoint.length !== undefined || endpoint.lastPort !== undefined;
}

/**
 * `udp:198.51.100.7:51820`, `tcp:[2001:db8::7]:443`, `udp:vpn.example.com:51820`; with a range of ports or all ports (`4000-33433`, `*`);
 * a network of servers (`udp:198.51.100.0/24:51820`, `udp:[2001:db8:7::/48]:51820`); `udp:*.vpn.example.com:1194` for a name that the
 * VPN client puts a random label in front of (src/policy/servers/names.ts). Undefined for anything else.
 */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(udp|tcp):([^/]+)(?:\/(\d{1,3}))?(\]?):([\d*-]{1,11})$/.exec(text.trim());
  if (match === null) return undefined;
  const [, transport, host = '', length, bracket = '', ports = ''] = match;
  const range = parsePorts(ports);
  if (range === undefined) return undefined;
  const isBelow = host.startsWith(BELOW);
  const bare = isBelow ? host.slice(BELOW.length) : host;
  const single = parseHostPort(transport === 'udp' ? 'udp' : 'tcp', `${bare}${bracket}:${range.port}`);
  if (single === undefined || (isBelow && single.hostIs !== 'name')) return undefined;
  const found = isBelow ? { ...single, host: `${BELOW}${single.host}` } : single;
  const many = range.last === range.port ? {} : { lastPort: range.last };
  if (length === undefined) return { ...found, ...many };
  const network = parsePrefix(`${found.host}/${length}`);
  if (network === undefined) return undefined;
  const isOne = network.length === (network.ipVersion === 4 ? 32 : 128);
  return { ...found, ...many, ...(isOne ? {} : { length: network.length }) };
}

/**
 * An endpoint from an address without brackets and a port, range of ports (`4000-33433`) or `*`. Undefined for anything else, host names
 * included.
 */
export function addressEndpoint(transport: Transport, host: string, ports: string): Endpoint | undefined {
  const range = parsePorts(ports);
  const address = parseAddress(host);
  if (range === undefined || address === undefined) return undefined;
  return {
    transport,
    host: addressText(address.ipVersion, address.words),
    hostIs: address.ipVersion === 6 ? 'ipv6' : 'ipv4',
    port: range.port,
    ...(range.last === range.port ? {} : { lastPort: range.last }),
  };
}

function parsePorts(text: string): { readonly port: number; readonly last: number } | undefined {
  if (text === '*') return { port: PORTS.first, last: PORTS.last };
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const [port, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  return match !== null && PORTS.first <= port && port <= last && last <= PORTS.last
    ? { port, last }
    : undefined;
}

/**
 * `dot:9.9.9.9:853`, `doq:dns.example:853`, `doh:203.0.113.5:443/dns.example`: after the slash the server's name. Undefined for anything
 * else.
 */
export function parseResolver(text: string): Resolver | undefined {
  const match = /^(dot|doq|doh):([^/]+)(?:\/(.+))?$/.exec(text.trim());
  if (match === null) return undefined;
  const protocol = match[1] === 'dot' ? 'dot' : match[1] === 'doq' ? 'doq' : 'doh';
  const endpoint = parseHostPort(protocol === 'doq' ? 'udp' : 'tcp', match[2] ?? '');
  if (endpoint === undefined) return undefined;
  if (match[3] === undefined) return { protocol, endpoint };
  const serverName = parseHostName(match[3]);
  return serverName === undefined ? undefined : { protocol, endpoint, serverName };
}

/** `dot:9.9.9.9:853/dns.example`: the form that `parseResolver` reads. */
export function formatResolver(resolver: Resolver): string {
  const name = resolver.serverName === undefined ? '' : `/${resolver.serverName}`;
  return `${resolver.protocol}:${hostText(resolver.endpoint)}:${resolver.endpoint.port}${name}`;
}

function parseHostPort(transport: Transport, text: string): Endpoint | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  if (port < 1 || port > 65535) return undefined;
  const bracketed = match[1] !== undefined;
  const host = match[1] ?? match[2] ?? '';
  const address = parseAddress(host);
  if (address !== undefined) {
    if (bracketed !== (address.ipVersion === 6)) return undefined;
    const text = addressText(address.ipVersion, address.words);
    return { transport, host: text, hostIs: address.ipVersion === 6 ? 'ipv6' : 'ipv4', port };
  }
  const name = bracketed ? undefined : parseHostName(host);
  return name === undefined ? undefined : { transport, host: name, hostIs: 'name', port };
}

/**
 * The name in lower case, in ASCII (RFC 5890), without trailing dot; undefined for anything that is not a host name of at most 253
 * characters, addresses included.
 */
export function parseHostName(text: string): string | undefined {
  const name = asciiName(text.toLowerCase().replace(/\.$/, ''));
  const labels = name.split('.');
  // A name with an all-digit last label is a mistyped IPv4 address (RFC 3696 section 2).
  if (name.length > 253 || /^\d+$/.test(labels.at(-1) ?? '')) return undefined;
  return labels.every((label) => LABEL.test(label)) ? name : undefined;
}

/** `bank.example` means the name and all names below it, `*.clinic.example` only those below. Undefined for anything else. */
export function parseNamePattern(text: string): NamePattern | undefined {
  const below = text.startsWith(BELOW);
  const suffix = parseHostName(below ? text.slice(BELOW.length) : text);
  if (suffix === undefined) return undefined;
  const letters = unicodeName(suffix);
  return { suffix, itself: !below, ...(letters === suffix ? {} : { letters }) };
}

/** Whether the pattern matches a name (in ASCII, lower case, without trailing dot, as in a packet's findings). */
export function matchesPattern(name: string, { suffix, itself }: NamePattern): boolean {
  return name === suffix ? itself : name.endsWith(`.${suffix}`);
}

/**
 * `192.0.2.0/24`, or a single address. Undefined for anything else, host bits included: `192.0.2.9/24` may mean the host or the network.
 */
export function parsePrefix(text: string): Prefix | undefined {
  const match = /^([0-9a-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(text.trim());
  const address = parseAddress(match?.[1] ?? '');
  if (match === null || address === undefined) return undefined;
  const maxLength = address.ipVersion === 4 ? 32 : 128;
  const length = match[2] === undefined ? maxLength : Number(match[2]);
  if (length > maxLength) return undefined;
  const network = networkOf(address.words, length + 128 - maxLength);
  if (!network.every((word, at) => word === address.words[at])) return undefined;
  return { ipVersion: address.ipVersion, address: addressText(address.ipVersion, network), length };
}
