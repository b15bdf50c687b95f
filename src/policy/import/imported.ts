// Knows: what an imported tunnel configuration comes to. Must not know: any format, files.
// Keys and passwords are never part of it: a line that cannot be used is named by its number and keyword alone.

import { formatEndpoint, parseEndpoint, parseHostName } from '../schema/endpoint.ts';
import { noServer, noServerWords } from '../servers/no-server.ts';
import { parseAddress } from '../../wire/ip/address.ts';
import type { TunnelSettings } from '../schema/wireguard-settings.ts';
import type { TunnelProtocol } from '../../flow/kinds.ts';
import type { Endpoint, Transport } from '../policy.ts';

export interface ImportedTunnel {
  readonly protocol: TunnelProtocol;
  readonly endpoints: readonly Endpoint[];
  /** What of the configuration changes the packets. */
  readonly settings?: TunnelSettings;
  /** It is a list of servers that a service publishes: it replaces the one before. `at`: the day it was made. */
  readonly list?: { readonly at?: string };
}

/** A line that says something about the tunnel and cannot be used; `line` counts from 1. */
export interface UnusedLine {
  readonly line: number;
  readonly why: string;
}

export interface Import {
  readonly tunnels: readonly ImportedTunnel[];
  readonly unused: readonly UnusedLine[];
}

/** Longer files are no tunnel configuration; characters. */
export const IMPORT_MOST = 512_000;

/** Lines that one answer names; a file of other lines is no tunnel configuration, and need not be told back. */
const UNUSED_MOST = 200;

/** The lines of a text, each without the spaces around it. */
export function trimmedLines(text: string): string[] {
  return text.split(/\r\n|\n|\r/).map((line) => line.trim());
}

/** What is left out, in order of the lines; of very much, the first. */
function boundedUnused(unused: readonly UnusedLine[]): readonly UnusedLine[] {
  const sorted = [...unused].sort((a, b) => a.line - b.line);
  const next = sorted[UNUSED_MOST];
  if (next === undefined) return sorted;
  const more = sorted.length - UNUSED_MOST;
  return [
    ...sorted.slice(0, UNUSED_MOST),
    { line: next.line, why: `this line and ${more - 1} more are unused` },
  ];
}

/** A keyword as it may be shown: whatever is no plain word may be part of a key. */
export function shownKeyword(word: string): string {
  return /^[A-Za-z][A-Za-z0-9-]{0,30}$/.test(word) ? `"${word}"` : 'something';
}

/** Each endpoint once, in order. */
function distinctEndpoints(endpoints: readonly Endpoint[]): Endpoint[] {
  const seen = new Map(endpoints.map((e) => [formatEndpoint(e), e]));
  return [...seen.values()];
}

/** Collects what a configuration comes to, line by line. */
export class Importing {
  readonly #found: {
    readonly line: number;
    readonly protocol: TunnelProtocol;
    readonly endpoint: Endpoint;
  }[] = [];
  readonly #unused: UnusedLine[] = [];
  #settings: TunnelSettings | undefined;

  /** A server by its host, an IPv6 address in brackets or without them; `what` says who names it ("this Endpoint"). */
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
      this.unused(line, `${what} is no address or name with a port`);
    } else if (why !== undefined) {
      const { message, remedy } = noServerWords(why);
      this.unused(line, `${what} is ${endpoint.host}, which ${message}. ${remedy}`);
    } else {
      this.#found.push({ line, protocol, endpoint });
    }
  }

  /** The same of `host:port` in one word. */
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

  unused(line: number, why: string): void {
    this.#unused.push({ line, why });
  }

  /** No server of this configuration can work. */
  drop(): void {
    this.#found.length = 0;
  }

  /** What changes the packets of the tunnel. */
  change(settings: TunnelSettings): void {
    this.#settings = settings;
  }

  /** What a configuration within this one comes to; all of it stands at this line. */
  within(line: number, { tunnels, unused }: Import): void {
    for (const { protocol, endpoints, settings } of tunnels) {
      for (const endpoint of endpoints) this.#found.push({ line, protocol, endpoint });
      if (settings !== undefined) this.change(settings);
    }
    for (const { why } of unused) this.unused(line, why);
  }

  /** One tunnel at most: servers of another protocol than the first's are named, and left out. */
  result(): Import {
    const protocol = this.#found[0]?.protocol;
    const others = this.#found.filter((found) => found.protocol !== protocol);
    const unused = [
      ...this.#unused,
      ...others.map((other) => ({
        line: other.line,
        why: `this server is of another protocol (${other.protocol}): import it from a file of its own`,
      })),
    ];
    const endpoints = this.#found.filter((found) => found.protocol === protocol).map((one) => one.endpoint);
    const changed =
      this.#settings === undefined || protocol !== 'wireguard' ? {} : { settings: this.#settings };
    const tunnels =
      protocol === undefined ? [] : [{ protocol, endpoints: distinctEndpoints(endpoints), ...changed }];
    return { tunnels, unused: boundedUnused(unused) };
  }
}

/** `198.51.100.7:51820`, `[2001:db8::7]:51820`, `vpn.example`: a bare IPv6 address has no port. */
export function hostAndPort(text: string): { readonly host: string; readonly port: string | undefined } {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::([^:]*))?$/.exec(text.trim());
  return match === null
    ? { host: text.trim(), port: undefined }
    : { host: match[1] ?? match[2] ?? '', port: match[3] };
}

/** A host as it may be shown: what is no address and no name may be part of a key. */
export function shownHost(text: string): string {
  const isHost = parseAddress(text) !== undefined || parseHostName(text) !== undefined;
  return isHost ? text : 'something';
}
