// Finds the endpoint of an address, protocol and port, including port ranges and networks. The narrowest wins: one port of one address,
// then a range of its ports, then networks, longest prefix first; of equal width the first in the policy. The rules of
// src/policy/compile/nft-ranges.ts look in the same order. A search allocates nothing.

import { EndpointTable } from './endpoint-table.ts';
import { isExact } from './hosts.ts';
import type { Host, JudgedEndpoint } from './hosts.ts';
import { Protocol } from '../../wire/ip/ip.ts';

/** Port ranges of one address or network, three numbers each: first port, last port, index of the endpoint. */
type Ports = number[];

/** A fixed index of hosts. Its searches return `index` of a host, which is that of its endpoint. */
export class EndpointIndex {
  readonly #exact: EndpointTable;
  readonly #hosts: EndpointTable;
  readonly #nets: EndpointTable;
  /** UDP by address alone, for later fragments. */
  readonly #addresses: EndpointTable;
  readonly #ports: Ports[] = [];
  /** Prefix lengths in use by family, longest first. */
  readonly #lengths: { readonly 4: readonly number[]; readonly 6: readonly number[] };
  readonly #masked = new Uint32Array(4);

  /** The index of addresses that the policy names, if this one holds learned addresses; of equal width it comes first. */
  readonly #named: EndpointIndex | undefined;

  constructor(hosts: readonly Host[], endpoints: readonly JudgedEndpoint[], named?: EndpointIndex) {
    this.#named = named;
    const exact = hosts.filter(isExact);
    const ranges = hosts.filter((host) => host.bits === 128 && !isExact(host));
    const nets = hosts.filter(({ bits }) => bits < 128);
    const single = hosts.filter(({ bits, protocol }) => bits === 128 && protocol === Protocol.UDP);
    this.#exact = new EndpointTable(exact.length);
    for (const { ipVersion, words, protocol, port, index } of exact)
      this.#exact.add(ipVersion, words, protocol, port, index);
    this.#addresses = new EndpointTable(single.length);
    for (const { ipVersion, words, protocol, index } of single)
      this.#addresses.add(ipVersion, words, protocol, 0, index);
    this.#hosts = new EndpointTable(ranges.length);
    // Grouped by the policy's host: an address of two names belongs to the first, as in the kernel's set.
    const byHost = new Map<string, number>();
    for (const host of ranges) {
      const group = this.#add(byHost, `${host.protocol} ${endpoints[host.index]?.endpoint.host ?? ''}`, host);
      this.#hosts.add(host.ipVersion, host.words, host.protocol, 0, group);
    }
    this.#nets = new EndpointTable(nets.length);
    const byNet = new Map<string, number>();
    for (const host of nets) {
      const { ipVersion, words, protocol, bits, text } = host;
      this.#nets.add(ipVersion, words, protocol, bits, this.#add(byNet, `${protocol} ${text} ${bits}`, host));
    }
    const lengths = (family: 4 | 6): number[] =>
      [...new Set(nets.filter(({ ipVersion }) => ipVersion === family).map(({ bits }) => bits))].sort(
        (a, b) => b - a,
      );
    this.#lengths = { 4: lengths(4), 6: lengths(6) };
  }

  #add(groups: Map<string, number>, key: string, { port, lastPort, index }: Host): number {
    const known = groups.get(key);
    const group = known ?? this.#ports.length;
    if (known === undefined) {
      groups.set(key, group);
      this.#ports.push([]);
    }
    const ports = this.#ports[group] ?? [];
    const isKnown = ports.some((value, at) => at % 3 === 2 && value === index);
    if (!isKnown) ports.push(port, lastPort, index);
    return group;
  }

  /** Index of the endpoint with this address (four 32-bit words, IPv4 in the last), IP protocol number and port, or -1. */
  find(ipVersion: number, address: Uint32Array, protocol: number, port: number): number {
    const named = this.#named;
    let found = named === undefined ? -1 : named.#exact.find(ipVersion, address, protocol, port);
    if (found < 0) found = this.#exact.find(ipVersion, address, protocol, port);
    if (found >= 0) return found;
    // If the policy names ranges for this address, ranges from learned names do not apply.
    const group = named === undefined ? -1 : named.#groupOf(ipVersion, address, protocol);
    found =
      named !== undefined && group >= 0
        ? named.#portOf(group, port)
        : this.#portOf(this.#groupOf(ipVersion, address, protocol), port);
    if (found >= 0) return found;
    found = named === undefined ? -1 : named.#inNets(ipVersion, address, protocol, port);
    return found >= 0 ? found : this.#inNets(ipVersion, address, protocol, port);
  }

  #groupOf(ipVersion: number, address: Uint32Array, protocol: number): number {
    return this.#hosts.size === 0 ? -1 : this.#hosts.find(ipVersion, address, protocol, 0);
  }

  /** Index of any endpoint with the address, for a fragment without port, or -1; UDP only. */
  ofHost(ipVersion: number, address: Uint32Array, protocol: number): number {
    const named = this.#named;
    let found = named === undefined ? -1 : named.#addresses.find(ipVersion, address, protocol, 0);
    if (found < 0) found = this.#addresses.find(ipVersion, address, protocol, 0);
    if (found >= 0 || protocol !== Protocol.UDP) return found;
    found = named === undefined ? -1 : named.#inNets(ipVersion, address, protocol, -1);
    return found >= 0 ? found : this.#inNets(ipVersion, address, protocol, -1);
  }

  #inNets(ipVersion: number, address: Uint32Array, protocol: number, port: number): number {
    if (this.#nets.size === 0) return -1;
    for (const bits of this.#lengths[ipVersion === 6 ? 6 : 4]) {
      mask(address, bits, this.#masked);
      const found = this.#portOf(this.#nets.find(ipVersion, this.#masked, protocol, bits), port);
      if (found >= 0) return found;
    }
    return -1;
  }

  /** Index of the endpoint in a group, or -1; port -1 matches any. */
  #portOf(group: number, port: number): number {
    if (group < 0) return -1;
    const ports = this.#ports[group];
    if (ports === undefined) return -1;
    for (let at = 0; at < ports.length; at += 3)
      if (port < 0 || ((ports[at] ?? 0) <= port && port <= (ports[at + 1] ?? 0))) return ports[at + 2] ?? -1;
    return -1;
  }
}

function mask(address: Uint32Array, bits: number, into: Uint32Array): void {
  for (let at = 0; at < 4; at += 1) {
    const left = bits - 32 * at;
    const word = address[at] ?? 0;
    into[at] = left >= 32 ? word : left <= 0 ? 0 : (word & (0xffffffff << (32 - left))) >>> 0;
  }
}
