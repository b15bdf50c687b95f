// The resolvers and proxies that the policy names, by address and by name, for the judge. A resolver is a pair of both: another name at its
// address is another site, and its name at another address is another resolver. The kernel compares addresses only.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import type { Kind, Via } from '../../flow/kinds.ts';
import type { Direction } from '../compile/counted.ts';
import { EndpointTable } from './endpoint-table.ts';
import type { Host } from './hosts.ts';
import type { Policy, Resolver } from '../policy.ts';

/** Kinds that show the name of their destination. */
const HELLOS: ReadonlySet<Kind> = new Set<Kind>([
  ...(['tls', 'quic', 'dot', 'doq', 'doh', 'http', 'http-proxy', 'socks'] as const),
]);

const SAY: ReadonlySet<Via> = new Set<Via>(['sni', 'quic', 'http']);

/** Tests of a frame against the policy's resolvers and proxies. */
export interface Designated {
  /** Whether the far address and port are those of a resolver or proxy. Allocates nothing. */
  readonly isAt: (packet: ParsedPacket, direction: Direction) => boolean;
  /**
   * Why the name in a frame or its flow does not belong to the destination, as half a sentence; undefined if it does, or there is no name.
   */
  readonly misnamed: (packet: ParsedPacket, direction: Direction) => string | undefined;
}

/** The tests for these hosts, whose `index` counts resolvers first, then proxies (`designatedEndpoints`). */
export function compileDesignated({ resolvers }: Policy, hosts: readonly Host[]): Designated {
  const table = new EndpointTable(hosts.length);
  /** For each address and port the names that belong to it; undefined where any name may. */
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
      const shown = packet.findings.names.find(({ via }) => SAY.has(via))?.name;
      const name = shown ?? packet.flowName;
      if (name === '') return undefined;
      const at = find(packet, direction);
      if (at < 0) return all.has(name) ? `the policy names ${name} at another address` : undefined;
      const expected = names[at];
      if (expected === undefined || expected.has(name)) return undefined;
      return `at this address the policy names only ${[...expected].join(' and ')}`;
    },
  };
}

/** A resolver's server name: as the policy sets it, else the host name of its endpoint. */
function nameOf(resolver: Resolver | undefined): string | undefined {
  if (resolver === undefined) return undefined;
  const { serverName, endpoint } = resolver;
  return serverName ?? (endpoint.hostIs === 'name' ? endpoint.host : undefined);
}
