// The result of importing a tunnel configuration. It never contains keys or passwords: a line that cannot be used is identified by its
// number and keyword only.

import { formatEndpoint, parseEndpoint, parseHostName } from '../schema/endpoint.ts';
import { noServer, noServerWords } from '../servers/no-server.ts';
import { parseAddress } from '../../wire/ip/address.ts';
import type { TunnelSettings } from '../schema/wireguard-settings.ts';
import type { TunnelProtocol } from '../../flow/kinds.ts';
import type { Endpoint, Transport } from '../policy.ts';

/** A tunnel as a configuration describes it; the user gives it a name. */
export interface ImportedTunnel {
  readonly protocol: TunnelProtocol;
  readonly endpoints: readonly Endpoint[];
  /** Settings that change the packets. */
  readonly settings?: TunnelSettings;
  /**
   * Present for a server list that a service publishes: it replaces the earlier list. `at`: its date in UTC, `2026-11-29`, where it has
   * one.
   */
  readonly list?: { readonly at?: string };
}

/** A line about the tunnel that cannot be used; `line` counts from 1, `why` is a sentence without the line's values. */
export interface UnusedLine {
  readonly line: number;
  readonly why: string;
}

/** What was read: tunnels (at most one, without a name), and up to 200 lines that open nothing, in order, with a count of the rest. */
export interface Import {
  readonly tunnels: readonly ImportedTunnel[];
  readonly unused: readonly UnusedLine[];
}

/** Bytes, or characters of a text; a longer file is not a tunnel configuration. */
export const MAX_IMPORT_BYTES = 512_000;

/** How many unused lines are listed. */
const MAX_UNUSED = 200;

/** The lines of a text, each trimmed; a line ends at LF, CR or both. */
export function trimmedLines(text: string): string[] {
  return text.split(/\r\n|\n|\r/).map((line) => line.trim());
}

/** The unused lines in order, at most MAX_UNUSED and a count of the rest. */
function boundedUnused(unused: readonly UnusedLine[]): readonly UnusedLine[] {
  const sorted = [...unused].sort((a, b) => a.line - b.line);
  const next = sorted[MAX_UNUSED];
  if (next === undefined) return sorted;
  const more = sorted.length - MAX_UNUSED;
  return [
    ...sorted.slice(0, MAX_UNUSED),
    { line: next.line, why: `this line and ${more - 1} more are unused` },
  ];
}

/** A keyword in quotes; `something` for anything but a plain word of at most 31 letters, digits and hyphens, which may be part of a key. */
export function shownKeyword(word: string): string {
  return /^[A-Za-z][A-Za-z0-9-]{0,30}$/.test(word) ? `"${word}"` : 'something';
}

/** Each endpoint once, in order. */
function distinctEndpoints(endpoints: readonly Endpoint[]): Endpoint[] {
  const seen = new Map(endpoints.map((endpoint) => [formatEndpoint(endpoint), endpoint]));
  return [...seen.values()];
}

/** Collects the servers and unused lines of a configuration; lines count from 1. What cannot be a server becomes an unused line. */
export class Importing {
  readonly #found: {
    readonly line: number;
    readonly protocol: TunnelProtocol;
    readonly endpoint: Endpoint;
  }[] = [];
  readonly #unused: UnusedLine[] = [];
  #settings: TunnelSettings | undefined;

  /** Adds a server; `port` is a decimal number. An IPv6 address may be in brackets; `what` describes it in messages ("this Endpoint"). */
  server(
    line: number,
    what: string,
    protocol: TunnelProtocol,
    transport: Transport,
    host: string,
    port: string,
  ): void {
    const bare = host.trim().replace(/^\[(.*)\]$/, '$1');
    const text = bare.includes(':') ? `[${bare}]` : bare;
    const endpoint = /^\d{1,5}$/.test(port) ? parseEndpoint(`${transport}:${text}:${port}`) : undefined;
    const why = endpoint === undefined ? undefined : noServer(endpoint.host);
    if (endpoint === undefined) {
      this.unused(line, `${what} is not an address or name with a port`);
    } else if (why !== undefined) {
      const { message, remedy } = noServerWords(why);
      this.unused(line, `${what} is ${endpoint.host}, which ${message}. ${remedy}`);
    } else {
      this.#found.push({ line, protocol, endpoint });
    }
  }

  /** The same from `host:port`; `port` is the default where the text has none. */
  service(
    line: number,
    what: string,
    protocol: TunnelProtocol,
    transport: Transport,
    text: string,
    port = '',
  ): void {
    const { host, port: own } = hostAndPort(text);
    this.server(line, what, protocol, transport, host, own ?? port);
  }

  /** Reports a line; `why` must not contain what may be a key. */
  unused(line: number, why: string): void {
    this.#unused.push({ line, why });
  }

  /** Removes all servers: with this configuration none can work. */
  drop(): void {
    this.#found.length = 0;
  }

  /** Sets the settings that change the packets; they only apply to WireGuard. */
  change(settings: TunnelSettings): void {
    this.#settings = settings;
  }

  /** Adds the result of a configuration that is embedded at this line. */
  within(line: number, { tunnels, unused }: Import): void {
    for (const { protocol, endpoints, settings } of tunnels) {
      for (const endpoint of endpoints) this.#found.push({ line, protocol, endpoint });
      if (settings !== undefined) this.change(settings);
    }
    for (const { why } of unused) this.unused(line, why);
  }

  /** At most one tunnel: servers of another protocol than the first are reported as unused. */
  result(): Import {
    const protocol = this.#found[0]?.protocol;
    const others = this.#found.filter((found) => found.protocol !== protocol);
    const unused = [
      ...this.#unused,
      ...others.map((other) => ({
        line: other.line,
        why: `this server has another protocol (${other.protocol}): import it from a separate file`,
      })),
    ];
    const endpoints = this.#found
      .filter((found) => found.protocol === protocol)
      .map((found) => found.endpoint);
    const changed =
      this.#settings === undefined || protocol !== 'wireguard' ? {} : { settings: this.#settings };
    const tunnels =
      protocol === undefined ? [] : [{ protocol, endpoints: distinctEndpoints(endpoints), ...changed }];
    return { tunnels, unused: boundedUnused(unused) };
  }
}

/**
 * Splits `198.51.100.7:51820`, `[2001:db8::7]:51820` or `vpn.example`; an IPv6 address without brackets has no port. Neither part is
 * checked; the host is without brackets.
 */
export function hostAndPort(text: string): { readonly host: string; readonly port: string | undefined } {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::([^:]*))?$/.exec(text.trim());
  return match === null
    ? { host: text.trim(), port: undefined }
    : { host: match[1] ?? match[2] ?? '', port: match[3] };
}

/** The host; `something` if it is neither an address nor a host name, as it may be part of a key. */
export function shownHost(text: string): string {
  const isHost = parseAddress(text) !== undefined || parseHostName(text) !== undefined;
  return isHost ? text : 'something';
}
