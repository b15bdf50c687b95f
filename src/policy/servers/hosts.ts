// The addresses of a policy's endpoints, with learned addresses for names. Judge, ruleset and capture filter use the same list, so all of
// them know the same addresses.

import { addressText, inNetwork, parseAddress } from '../../wire/ip/address.ts';
import { NAT64_LENGTHS, embed, embeddedBits } from './nat64.ts';
import { formatEndpoint, lastPort } from '../schema/endpoint.ts';
import type { LearnedState } from './learned.ts';
import type { TunnelProtocol } from '../../flow/kinds.ts';
import type { Endpoint, Policy, TunnelForm } from '../policy.ts';
import { once } from '../compile/per-policy.ts';
import { hasEsp, shapeOf } from '../shapes/shape.ts';
import type { Shape } from '../shapes/protocols.ts';
import { Protocol } from '../../wire/ip/ip.ts';

/** One endpoint of one tunnel, in the order of the policy. */
export interface JudgedEndpoint {
  /** Index of the tunnel in the policy. */
  readonly tunnel: number;
  /** Of the tunnel. */
  readonly name: string;
  readonly protocol: TunnelProtocol;
  readonly shape: Shape;
  readonly form: TunnelForm | undefined;
  readonly endpoint: Endpoint;
  /** The host name, lower case; undefined where the policy names an address. */
  readonly serverName: string | undefined;
  /** As `formatEndpoint` writes it: `udp:vpn.example.com:51820`. */
  readonly text: string;
}

/** An address of an endpoint, or a network of them. */
export interface Host {
  /** Index of the endpoint in the list it came from. */
  readonly index: number;
  readonly ipVersion: 4 | 6;
  /** Four 32-bit words; an IPv4 address is the last of them. */
  readonly words: Uint32Array;
  /** The address as text, without prefix length. */
  readonly text: string;
  /** IP protocol number: 17 or 6. */
  readonly protocol: number;
  readonly port: number;
  /** Equal to `port` for a single port. */
  readonly lastPort: number;
  /** Prefix length in the 128 bits of `words`; 128 for a single address. */
  readonly bits: number;
  /** The address of an IPv4 host in a network with NAT64 (RFC 6052); it is never on the link. */
  readonly isTranslated?: true;
  /** Seconds until a learned address expires; undefined for one that the policy names. */
  readonly seconds?: number;
}

/** Every endpoint of every tunnel, in the order of the policy, with an index in it that all others use; cached. */
export const tunnelEndpoints = once((policy: Policy): readonly JudgedEndpoint[] =>
  policy.tunnels.flatMap((tunnel, index) =>
    tunnel.endpoints.map((endpoint) => ({
      tunnel: index,
      name: tunnel.name,
      protocol: tunnel.protocol,
      shape: shapeOf(tunnel.protocol, endpoint.transport, endpoint.port),
      form: tunnel.form,
      endpoint,
      serverName: endpoint.hostIs === 'name' ? endpoint.host : undefined,
      text: formatEndpoint(endpoint),
    })),
  ),
);

/**
 * Addresses of tunnel endpoints, those that the policy names before those that were learned; `index` is that of the endpoint in the list.
 */
export function tunnelHosts(endpoints: readonly JudgedEndpoint[], learned: LearnedState): readonly Host[] {
  return [...fixedTunnelHosts(endpoints), ...learnedTunnelHosts(endpoints, learned)];
}

/** Addresses that the policy itself names, and theirs behind the well-known NAT64 prefix (RFC 6052 section 2.1); cached. */
export const fixedTunnelHosts = once((endpoints: readonly JudgedEndpoint[]): readonly Host[] =>
  withIkePorts(endpoints, fixedHosts(endpoints.map(({ endpoint }) => endpoint))),
);

/**
 * Learned addresses of the policy's names, and addresses behind the network's own NAT64 prefixes (RFC 7050), each with its remaining
 * seconds.
 */
export function learnedTunnelHosts(
  endpoints: readonly JudgedEndpoint[],
  learned: LearnedState,
): readonly Host[] {
  const named = namedIn(endpoints);
  const found = learnedHosts(
    named.map(({ endpoint }) => endpoint),
    learned,
  );
  const whole = found.map((host) => ({ ...host, index: named[host.index]?.at ?? -1 }));
  const fixed = learned.prefixes.length === 0 ? [] : fixedTunnelHosts(endpoints);
  return [
    ...withIkePorts(endpoints, whole),
    ...embedded(fixed, learned),
    ...withIkePorts(endpoints, embedded(whole, learned)),
  ];
}

/** With more IPv4 servers a network's own NAT64 prefix is not used: one answer must not create thousands of elements. */
const MAX_EMBEDDED = 255;

/** The learned state without what this policy does not use; the same object where it uses all of it. */
export function learnedFor(policy: Policy, learned: LearnedState): LearnedState {
  if (learned.prefixes.length === 0) return learned;
  return mayEmbed(policy) ? learned : { ...learned, prefixes: [] };
}

/** Whether the policy has few enough IPv4 servers and networks (at most 255) for a network's own NAT64 prefix to be used. */
export function mayEmbed(policy: Policy): boolean {
  const servers = tunnelEndpoints(policy).filter(({ endpoint }) => endpoint.hostIs === 'ipv4');
  return servers.length <= MAX_EMBEDDED;
}

/** Addresses of IPv4 servers behind the learned NAT64 prefixes (RFC 6052 section 2.2). */
function embedded(hosts: readonly Host[], { prefixes }: LearnedState): Host[] {
  return prefixes.flatMap(({ network, seconds }) => {
    const [address = '', length] = network.split('/');
    const prefix = parseAddress(address);
    const known = NAT64_LENGTHS.find((bits) => bits === Number(length));
    if (prefix === undefined || known === undefined) return [];
    return hosts
      .filter(({ ipVersion }) => ipVersion === 4)
      .flatMap((host): Host[] => {
        const bits = host.bits === 128 ? 128 : embeddedBits(known, host.bits - 96);
        if (bits === undefined) return [];
        const words = embed(prefix.words, known, host.words[3] ?? 0);
        const left = Math.min(seconds, host.seconds ?? seconds);
        return [
          {
            ...host,
            ipVersion: 6,
            words,
            text: addressText(6, words),
            bits,
            isTranslated: true,
            seconds: left,
          },
        ];
      });
  });
}

const namedIn = once((endpoints: readonly JudgedEndpoint[]) =>
  endpoints.flatMap(({ endpoint }, at) => (endpoint.hostIs === 'name' ? [{ endpoint, at }] : [])),
);

/** IPsec over UDP uses ports 500 and 4500, whichever of them the policy names (RFC 7296 section 2.23). */
function withIkePorts(endpoints: readonly JudgedEndpoint[], hosts: readonly Host[]): readonly Host[] {
  return hosts.flatMap((host) =>
    hasEsp(endpoints[host.index]?.shape)
      ? [500, 4500].map((port) => ({ ...host, port, lastPort: port }))
      : [host],
  );
}

/** Endpoints of the policy's resolvers, then proxies. */
export function designatedEndpoints(policy: Policy): readonly Endpoint[] {
  return [...policy.resolvers.map((resolver) => resolver.endpoint), ...policy.proxies];
}

/**
 * Every address of every endpoint, also behind the well-known NAT64 prefix; those that the policy names come before learned ones. `index`
 * is that of the endpoint in the list.
 */
export function hostsOf(endpoints: readonly Endpoint[], learned: LearnedState): readonly Host[] {
  return [...fixedHosts(endpoints), ...learnedHosts(endpoints, learned)];
}

function fixedHosts(endpoints: readonly Endpoint[]): readonly Host[] {
  const found: Host[] = [];
  for (const [index, endpoint] of endpoints.entries()) {
    const host = endpoint.hostIs === 'name' ? undefined : hostOf(endpoint, index, endpoint.host);
    if (host !== undefined) found.push(host);
  }
  return [...found, ...translated(found)];
}

function learnedHosts(endpoints: readonly Endpoint[], learned: LearnedState): readonly Host[] {
  const byName = new Map<string, { address: string; seconds: number }[]>();
  for (const { name, address, seconds } of learned.addresses) {
    const known = byName.get(name);
    if (known === undefined) byName.set(name, [{ address, seconds }]);
    else known.push({ address, seconds });
  }
  const found: Host[] = [];
  for (const [index, endpoint] of endpoints.entries()) {
    if (endpoint.hostIs !== 'name') continue;
    for (const { address, seconds } of byName.get(endpoint.host) ?? []) {
      const host = hostOf(endpoint, index, address);
      if (host !== undefined && seconds > 0) found.push({ ...host, seconds });
    }
  }
  return [...found, ...translated(found)];
}

/** The well-known NAT64 prefix (RFC 6052 section 2.1); the IPv4 address is in the last 32 bits. */
const NAT64 = new Uint32Array([0x0064ff9b, 0, 0, 0]);
const NAT64_BITS = 96;
/** The well-known prefix as text, `64:ff9b::/96`. */
export const NAT64_NETWORK = `${addressText(6, NAT64)}/${NAT64_BITS}`;

/** The hosts' addresses behind the well-known prefix, by which a network without IPv4 reaches them. */
function translated(hosts: readonly Host[]): Host[] {
  return hosts
    .filter(({ ipVersion, bits }) => ipVersion === 4 && bits >= NAT64_BITS)
    .map((host) => {
      const words = Uint32Array.of(0x0064ff9b, 0, 0, host.words[3] ?? 0);
      return { ...host, ipVersion: 6, words, text: addressText(6, words), isTranslated: true };
    });
}

/** Whether an address (four 32-bit words) is behind the well-known NAT64 prefix (RFC 6052 section 2.1); false for IPv4. */
export function isTranslated(ipVersion: number, words: Uint32Array): boolean {
  return ipVersion === 6 && inNetwork(words, NAT64, NAT64_BITS);
}

function hostOf(endpoint: Endpoint, index: number, address: string): Host | undefined {
  const parsed = parseAddress(address);
  if (parsed === undefined) return undefined;
  const protocol = endpoint.transport === 'udp' ? Protocol.UDP : Protocol.TCP;
  const bits = endpoint.length === undefined ? 128 : endpoint.length + (parsed.ipVersion === 4 ? 96 : 0);
  return {
    index,
    ...parsed,
    text: address,
    protocol,
    port: endpoint.port,
    lastPort: lastPort(endpoint),
    bits,
  };
}

/** Whether it is one address and one port, which a hash can find. */
export function isExact({ bits, port, lastPort: last }: Host): boolean {
  return bits === 128 && port === last;
}
