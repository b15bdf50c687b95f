// Reads server lists that VPN services publish: Mullvad's relay list (of its app and its site), gluetun's servers.json, Tor's consensus
// (dir-spec, "r" and "a" lines), and Tailscale's map of relays (tailcfg.DERPMap), which its devices use where they find no direct way.
// Where a list has a date, it is kept; where it does not name the ports of a server, all ports are opened, not guessed ones.

import { addressEndpoint, formatEndpoint } from '../schema/endpoint.ts';
import { noServer } from '../servers/no-server.ts';
import type { Import, ImportedTunnel, UnusedLine } from './imported.ts';
import type { TunnelProtocol } from '../../flow/kinds.ts';
import type { Endpoint } from '../policy.ts';

/** The schema's limit for one tunnel (schema-parts.ts). */
const MAX_ENDPOINTS = 20_000;

/** What to take from a list; without a choice the only service and the first protocol. */
export interface ListChoice {
  /** Which service, for a list of several; in any letter case. */
  readonly service?: string | undefined;
  /** Which protocol, by its name in a policy, for a list with several. */
  readonly protocol?: string | undefined;
}

type Json = Readonly<Record<string, unknown>>;

/** Whether it may be a server list: JSON, or a Tor consensus (dir-spec). By the first thousand characters. */
export function isServerList(text: string): boolean {
  return /^\s*[[{]/.test(text.slice(0, 1_000)) || /^network-status-version /m.test(text.slice(0, 1_000));
}

/**
 * One tunnel with the list's servers, by address, at most 20,000, and the list's date as `YYYY-MM-DD` where it has one; undefined for text
 * that is not such a list. Never throws.
 */
export function importList(text: string, choice: ListChoice = {}): Import | undefined {
  if (text.slice(0, 1_000).includes('network-status-version ')) return consensus(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (Array.isArray(value)) return mullvadSite(value.map(recordOf), choice);
  const list = recordOf(value);
  if (isMullvad(list)) return mullvadApp(list, choice);
  const regions = Object.values(recordOf(list['Regions'])).map(recordOf);
  if (regions.some((region) => Array.isArray(region['Nodes']))) return derpMap(regions, choice);
  return gluetun(list, choice);
}

function recordOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function recordsOf(value: unknown): Json[] {
  return Array.isArray(value) ? (value as unknown[]).map(recordOf) : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Servers by protocol, in the order of the list. */
class Servers {
  readonly #found = new Map<TunnelProtocol, Map<string, Endpoint>>();
  skipped = 0;

  add(protocol: TunnelProtocol, transport: 'udp' | 'tcp', host: string, ports: string): void {
    // Names are left out: a client would ask for them in the clear, and thousands of names reveal whose customer it is.
    const endpoint = addressEndpoint(transport, host, ports);
    const found = this.#found.get(protocol) ?? new Map<string, Endpoint>();
    this.#found.set(protocol, found);
    if (endpoint === undefined || noServer(endpoint.host) !== undefined) this.skipped += 1;
    else if (found.size < MAX_ENDPOINTS) found.set(formatEndpoint(endpoint), endpoint);
    else this.skipped += 1;
  }

  result(choice: ListChoice, listed: string | undefined): Import {
    const unused: UnusedLine[] = [];
    const protocols = [...this.#found].filter(([, found]) => found.size > 0).map(([protocol]) => protocol);
    const protocol =
      protocols.find((known) => known === choice.protocol) ??
      (choice.protocol === undefined ? protocols[0] : undefined);
    if (protocol === undefined)
      return {
        tunnels: [],
        unused: [
          {
            line: 1,
            why: `this list has servers of ${protocols.join(', ') || 'no known protocol'}`,
          },
        ],
      };
    const others = protocols.filter((known) => known !== protocol);
    if (others.length > 0)
      unused.push({
        line: 1,
        why: `servers of ${others.join(' and ')} are left out: import the list again for them, with --protocol`,
      });
    if (this.skipped > 0)
      unused.push({
        line: 1,
        why: `${this.skipped} servers have no usable address, or come after the first ${MAX_ENDPOINTS}`,
      });
    const tunnel: ImportedTunnel = {
      protocol,
      endpoints: [...(this.#found.get(protocol)?.values() ?? [])],
      list: listed === undefined ? {} : { at: listed },
    };
    return { tunnels: [tunnel], unused };
  }
}

function isMullvad(list: Json): boolean {
  return (
    Array.isArray(recordOf(list['wireguard'])['relays']) || Array.isArray(recordOf(list['openvpn'])['relays'])
  );
}

/** Ranges of ports from the list of Mullvad's app; without them all ports. */
function mullvadPorts(wireguard: Json): string[] {
  const ranges = Array.isArray(wireguard['port_ranges']) ? (wireguard['port_ranges'] as unknown[]) : [];
  const texts = ranges.flatMap((range) => {
    const [first, last] = Array.isArray(range) ? (range as unknown[]) : [];
    if (typeof first !== 'number' || typeof last !== 'number') return [];
    return [first === last ? String(first) : `${first}-${last}`];
  });
  return texts.length === 0 ? ['*'] : texts;
}

function mullvadApp(list: Json, choice: ListChoice): Import {
  const servers = new Servers();
  const wireguard = recordOf(list['wireguard']);
  const ranges = mullvadPorts(wireguard);
  for (const relay of recordsOf(wireguard['relays']))
    for (const host of [textOf(relay['ipv4_addr_in']), textOf(relay['ipv6_addr_in'])].filter(Boolean))
      for (const ports of ranges) servers.add('wireguard', 'udp', host, ports);
  const openvpn = recordOf(list['openvpn']);
  for (const relay of recordsOf(openvpn['relays']))
    for (const { port, protocol } of recordsOf(openvpn['ports']))
      servers.add('openvpn', protocol === 'tcp' ? 'tcp' : 'udp', textOf(relay['ipv4_addr_in']), String(port));
  return servers.result(choice, undefined);
}

function mullvadSite(relays: readonly Json[], choice: ListChoice): Import | undefined {
  const servers = new Servers();
  if (!relays.some((relay) => 'ipv4_addr_in' in relay)) return undefined;
  for (const relay of relays) {
    if (relay['active'] === false) continue;
    const isOpenvpn = relay['type'] === 'openvpn';
    if (!isOpenvpn && relay['type'] !== 'wireguard') continue;
    for (const host of [textOf(relay['ipv4_addr_in']), textOf(relay['ipv6_addr_in'])].filter(Boolean))
      for (const transport of isOpenvpn ? (['udp', 'tcp'] as const) : (['udp'] as const))
        servers.add(isOpenvpn ? 'openvpn' : 'wireguard', transport, host, '*');
  }
  return servers.result(choice, undefined);
}

function derpMap(regions: readonly Json[], choice: ListChoice): Import {
  const servers = new Servers();
  for (const node of regions.flatMap((region) => recordsOf(region['Nodes']))) {
    if (node['STUNOnly'] === true) continue;
    const port = typeof node['DERPPort'] === 'number' && node['DERPPort'] > 0 ? node['DERPPort'] : 443;
    for (const host of [textOf(node['IPv4']), textOf(node['IPv6'])])
      if (host !== '' && host !== 'none') servers.add('opaque', 'tcp', host, String(port));
  }
  return servers.result(choice, undefined);
}

function gluetun(list: Json, choice: ListChoice): Import | undefined {
  const services = Object.entries(list).filter(([, value]) => Array.isArray(recordOf(value)['servers']));
  if (services.length === 0) return undefined;
  const name = choice.service?.toLowerCase() ?? (services.length === 1 ? services[0]?.[0] : undefined);
  const service = services.find(([known]) => known.toLowerCase() === name)?.[1];
  if (service === undefined) {
    const why = `this list has several services; choose one with --service: ${services
      .map(([known]) => known)
      .join(', ')
      .slice(0, 2_000)}`;
    return { tunnels: [], unused: [{ line: 1, why }] };
  }
  const servers = new Servers();
  for (const server of recordsOf(recordOf(service)['servers'])) {
    const isWireguard = server['vpn'] === 'wireguard';
    const transports = (['udp', 'tcp'] as const).filter((transport) => server[transport] === true);
    for (const ip of Array.isArray(server['ips']) ? (server['ips'] as unknown[]) : []) {
      if (isWireguard) servers.add('wireguard', 'udp', textOf(ip), '*');
      else
        for (const transport of transports.length === 0 ? (['udp'] as const) : transports)
          servers.add('openvpn', transport, textOf(ip), '*');
    }
  }
  const seconds = recordOf(service)['timestamp'];
  return servers.result(choice, typeof seconds === 'number' ? dayOf(seconds * 1_000) : undefined);
}

/** `r nickname identity digest date time address port dirport`, `a [address]:port`. */
function consensus(text: string): Import {
  const servers = new Servers();
  let madeAt: string | undefined;
  for (const line of text.split('\n')) {
    const fields = line.trim().split(' ', 10);
    if (fields[0] === 'r' && (fields.length === 8 || fields.length === 9))
      servers.add('tor', 'tcp', fields.at(-3) ?? '', fields.at(-2) ?? '');
    else if (fields[0] === 'a') {
      const [, host = '', port = ''] = /^\[([0-9a-fA-F:]+)\]:(\d{1,5})$/.exec(fields[1] ?? '') ?? [];
      if (host !== '') servers.add('tor', 'tcp', host, port);
    } else if (fields[0] === 'valid-after')
      madeAt = dayOf(Date.parse(`${fields[1] ?? ''}T${fields[2] ?? ''}Z`));
  }
  return servers.result({}, madeAt);
}

function dayOf(milliseconds: number): string | undefined {
  return Number.isFinite(milliseconds) && milliseconds > 0 && milliseconds < 4e12
    ? new Date(milliseconds).toISOString().slice(0, 10)
    : undefined;
}
