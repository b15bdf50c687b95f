// Knows: what the policy names besides tunnels, resolvers and proxies, by address and by name, for the judge. Must not know: verdicts.
// A resolver is a pair of both: whoever says another name at its address visits something else there, and whoever says its name elsewhere
// asks somebody else. The kernel compares addresses alone.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import type { Kind, Via } from '../../flow/kinds.ts';
import type { Direction } from '../compile/counted.ts';
import { EndpointTable } from './endpoint-table.ts';
import type { Host } from './hosts.ts';
import type { Policy, Resolver } from '../policy.ts';

/** Kinds that show whom they are for. */
const HELLOS: ReadonlySet<Kind> = new Set<Kind>([
  ...(['tls', 'quic', 'dot', 'doq', 'doh', 'http', 'http-proxy', 'socks'] as const),
]);

const SAY: ReadonlySet<Via> = new Set<Via>(['sni', 'quic', 'http']);

export interface Designated {
  /** Address and port of the far end are a resolver's or a proxy's. Allocates nothing. */
  readonly isAt: (packet: ParsedPacket, direction: Direction) => boolean;
  /** Why a hello, or what follows it, says another name than goes with the place; undefined where it does not. */
  readonly misnamed: (packet: ParsedPacket, direction: Direction) => string | undefined;
}

/** `hosts` have the index that their endpoint has among resolvers, then proxies. */
export function compileDesignated({ resolvers }: Policy, hosts: readonly Host[]): Designated {
  const table = new EndpointTable(hosts.length);
  /** Of each address and port the names that go with it; undefined where any does. */
  const names: (Set<string> | undefined)[] = [];
  for (const { ipVersion, words, protocol, port, index } of hosts) {
    const name = nameOf(resolvers[index]);
    const known = table.find(ipVersion, words, protocol, port);
    if (known < 0) {
      table.add(ipVersion, words, protocol, port, names.length);
      names.push(name === undefined ? undefined : new Set([name]));
    } else if (name === undefined) names[known] = undefined;
    else names[known]?.add(name);
  }
  const all = new Set(resolvers.map(nameOf).filter((name) => name !== undefined));

  function find(packet: ParsedPacket, direction: Direction): number {
    const port = direction === 'up' ? packet.destinationPort : packet.sourcePort;
    if (port < 0) return -1;
    return table.find(
      packet.ipVersion,
      direction === 'up' ? packet.destination : packet.source,
      packet.protocol,
      port,
    );
  }

  return {
    isAt: (packet, direction) => find(packet, direction) >= 0,
    misnamed: (packet, direction) => {
      if (all.size === 0 || !HELLOS.has(packet.kind)) return undefined;
      const said = packet.findings.names.find(({ via }) => SAY.has(via))?.name;
      const name = said ?? packet.flowName;
      if (name === '') return undefined;
      const at = find(packet, direction);
      if (at < 0) return all.has(name) ? `the policy names ${name} at another address` : undefined;
      const expected = names[at];
      if (expected === undefined || expected.has(name)) return undefined;
      return `the policy names ${[...expected].join(' and ')} at this address, and nobody else`;
    },
  };
}

/** A resolver that is found by its name is called by it, unless the policy says otherwise. */
function nameOf(resolver: Resolver | undefined): string | undefined {
  if (resolver === undefined) return undefined;
  const { serverName, endpoint } = resolver;
  return serverName ?? (endpoint.hostIs === 'name' ? endpoint.host : undefined);
}
