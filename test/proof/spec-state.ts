// Knows: what of policy and learned state the specification asks for, as addresses and ports. Must not know: frames, the compilers.

import type { LearnedState } from '../../src/policy/servers/learned.ts';
import type { Endpoint, Policy, Tunnel, TunnelForm } from '../../src/policy/policy.ts';
import { addressText } from '../../src/wire/ip/address.ts';
import { addressOf, familyOf } from './terms.ts';

/** What the packets of a tunnel look like. */
type ShapeName =
  | 'wireguard'
  | 'openvpn'
  | 'isakmp'
  | 'natt'
  | 'udp'
  | 'tcp'
  | 'openvpn_tcp'
  | 'tor'
  | 'ike_tcp'
  | 'tailscale'
  | 'nebula'
  | 'zerotier';

/** The ports of one tunnel at a server, and the form of its packets there. */
export interface Service {
  readonly protocol: 6 | 17;
  readonly port: number;
  readonly lastPort: number;
  readonly shape: ShapeName;
  readonly form: TunnelForm | undefined;
  /** Its peers may be anywhere: the form alone tells. */
  readonly anywhere: boolean;
}

/** Servers with the same services, the narrower service first: addresses, or a network as `a/length`. */
export interface Place {
  readonly addresses: readonly string[];
  readonly services: readonly Service[];
}

export type Known = ReturnType<typeof knownOf>;

const single = (address: string): boolean => !address.includes('/');
const isIp4 = (address: string): boolean => familyOf(address) === 4;

/** Where an endpoint is: the address or network of the policy, or what its name was answered with. */
function addressesOf(endpoint: Endpoint, learned: LearnedState): readonly string[] {
  if (endpoint.hostIs !== 'name')
    return [endpoint.length === undefined ? endpoint.host : `${endpoint.host}/${endpoint.length}`];
  return learned.addresses
    .filter(({ name, seconds }) => name === endpoint.host && seconds > 0)
    .map(({ address }) => address);
}

/** What a network with NAT64 of this prefix calls an IPv4 address or network (RFC 6052 section 2.2); of a network only one network. */
function embedded(prefix: string, address: string): readonly string[] {
  if (!isIp4(address)) return [];
  const [network = '', bits = ''] = prefix.split('/');
  const length = Number(bits);
  const [host = '', own] = address.split('/');
  // Bits 64 to 71 are zero and no part of the address: it stands in front of them, behind them, or on both sides.
  const inFront = Math.min(32, Math.max(0, 64 - length));
  if (own !== undefined && inFront !== 0 && inFront !== 32) return [];
  const isBehind = length < 96 && inFront < 32;
  const number = addressOf(host);
  const rest = BigInt(32 - inFront);
  const front = (number >> rest) << 64n;
  const back = (number & ((1n << rest) - 1n)) << (length === 96 ? 0n : 56n - rest);
  const start = (addressOf(network) >> BigInt(128 - length)) << BigInt(128 - length);
  const text = textOf(start | (inFront === 0 ? 0n : front) | back);
  return [own === undefined ? text : `${text}/${length + (isBehind ? 8 : 0) + Number(own)}`];
}

/** As RFC 5952 writes it. */
function textOf(number: bigint): string {
  return addressText(
    6,
    Uint32Array.from([96n, 64n, 32n, 0n], (shift) => Number((number >> shift) & 0xffffffffn)),
  );
}

/** The prefix that every network may use (RFC 6052 section 2.1). */
const WELL_KNOWN = '64:ff9b::/96';
const withNat64 = (address: string): readonly string[] => [address, ...embedded(WELL_KNOWN, address)];

const SHAPES: Readonly<Record<Tunnel['protocol'], readonly [udp: ShapeName, tcp: ShapeName]>> = {
  wireguard: ['wireguard', 'tcp'],
  openvpn: ['openvpn', 'openvpn_tcp'],
  ipsec: ['isakmp', 'ike_tcp'],
  tor: ['udp', 'tor'],
  opaque: ['udp', 'tcp'],
  tailscale: ['tailscale', 'tcp'],
  nebula: ['nebula', 'tcp'],
  zerotier: ['zerotier', 'tcp'],
};

function servicesOf({ protocol, form }: Tunnel, endpoint: Endpoint): readonly Service[] {
  const isUdp = endpoint.transport === 'udp';
  const one = (shape: ShapeName, port: number, lastPort = port): Service => ({
    protocol: isUdp ? 17 : 6,
    port,
    lastPort,
    shape,
    form,
    anywhere: isUdp && endpoint.length === 0,
  });
  // RFC 7296 section 2.23: both ports, whichever of them is named.
  if (protocol === 'ipsec' && isUdp) return [one('isakmp', 500), one('natt', 4500)];
  return [one(SHAPES[protocol][isUdp ? 0 : 1], endpoint.port, endpoint.lastPort)];
}

const isRange = ({ port, lastPort }: Service): boolean => port !== lastPort;

/**
 * Every server, the narrowest first: single addresses before networks, the longest prefix first, and what the policy names before what
 * was learned. Of an address a port of its own comes before a range; where two names lead to one address the ranges of the first hold.
 */
function placesOf(policy: Policy, learned: LearnedState): readonly Place[] {
  const endpoints = policy.tunnels.flatMap((tunnel) =>
    tunnel.endpoints.map((endpoint) => ({ tunnel, endpoint })),
  );
  const named = endpoints.filter(({ endpoint }) => endpoint.hostIs === 'name');
  const literal = endpoints.filter(({ endpoint }) => endpoint.hostIs !== 'name');
  // Of more IPv4 servers the network's own prefix is not believed (README.md, Endpoints).
  const isFew = literal.filter(({ endpoint }) => endpoint.hostIs === 'ipv4').length <= 255;
  const prefixes = isFew ? learned.prefixes.map(({ network }) => network) : [];
  const hosts = new Map<string, { service: Service; host: string }[]>();
  const add = (list: typeof endpoints, called: (address: string) => readonly string[]): void => {
    for (const { tunnel, endpoint } of list)
      for (const address of addressesOf(endpoint, learned).flatMap(called))
        for (const service of servicesOf(tunnel, endpoint)) {
          const known = hosts.get(address) ?? [];
          hosts.set(address, known);
          known.push({ service, host: endpoint.host });
        }
  };
  add(literal, withNat64);
  const own = new Set(hosts.keys());
  add(named, withNat64);
  add([...literal, ...named], (address) => prefixes.flatMap((prefix) => embedded(prefix, address)));
  const places = [...hosts].map(([address, all]) => {
    if (!single(address)) return { address, services: all.map(({ service }) => service) };
    const exact = all.filter(({ service }) => !isRange(service));
    const ranges = [6, 17].flatMap((protocol) => {
      const list = all.filter(({ service }) => isRange(service) && service.protocol === protocol);
      return list.filter(({ host }) => host === list[0]?.host);
    });
    return { address, services: [...exact, ...ranges].map(({ service }) => service) };
  });
  const lengthOf = (address: string): number =>
    Number(address.split('/')[1] ?? 128) + (isIp4(address) && !single(address) ? 96 : 0);
  // Single addresses with the same services are one place: which of them comes first is no matter.
  const groups = new Map<string, { addresses: string[]; services: readonly Service[] }>();
  for (const { address, services } of places) {
    const key = single(address) ? JSON.stringify([isIp4(address), services]) : address;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { addresses: [address], services });
    else group.addresses.push(address);
  }
  const rank = ({ addresses: [address = ''] }: Place): number =>
    (single(address) ? 0 : own.has(address) ? 1 : 1000) + 128 - lengthOf(address);
  return [...groups.values()].sort((a, b) => rank(a) - rank(b));
}

/** What nobody has on the internet (RFC 1918, RFC 6598, RFC 3927). */
export const PRIVATE4 = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16'];

function isPrivate(address: string): boolean {
  return PRIVATE4.some((network) => {
    const [host = '', length] = network.split('/');
    const rest = BigInt(32 - Number(length));
    return addressOf(address) >> rest === addressOf(host) >> rest;
  });
}

/** Names of tunnels' servers, resolvers and proxies; with an IPv4 server also that by which a client finds NAT64 (RFC 7050). */
function namesOf(tunnels: readonly Endpoint[], designated: readonly Endpoint[]): readonly string[] {
  const names = [...tunnels, ...designated].filter(({ hostIs }) => hostIs === 'name').map(({ host }) => host);
  const hasFour = tunnels.some(({ hostIs }) => hostIs !== 'ipv6');
  return [...new Set([...names, ...(hasFour ? ['ipv4only.arpa'] : [])])];
}

export function knownOf(policy: Policy, learned: LearnedState) {
  const places = placesOf(policy, learned);
  const endpoints = policy.tunnels.flatMap((tunnel) =>
    tunnel.endpoints.map((endpoint) => ({ tunnel, endpoint })),
  );
  const overUdp = endpoints.filter(({ endpoint }) => endpoint.transport === 'udp');
  const designated = [...policy.resolvers.map(({ endpoint }) => endpoint), ...policy.proxies];
  const isOpen = policy.profile !== 'full-tunnel' && policy.direct !== 'none';
  const isSplit = policy.profile === 'split' && isOpen;
  const ownNames = namesOf(
    endpoints.map(({ endpoint }) => endpoint),
    designated,
  );
  const isPass = learned.passes.length > 0;
  const box = policy.management.address === 'none' ? [] : ['169.254.77.1', ...learned.box];
  // Networks of servers, but for all there is, which says of nobody that it is near.
  const networks = endpoints.map(({ endpoint }) => endpoint).filter(({ length = 0 }) => length > 0);
  const asked = ownNames.length > 0 || isPass ? learned.resolvers.map(({ address }) => address) : [];
  const near = [
    ...[...endpoints.map(({ endpoint }) => endpoint), ...designated]
      .flatMap((endpoint) => addressesOf(endpoint, learned))
      .filter(single),
    ...box,
    ...learned.neighbours.map(({ address }) => address),
    ...asked.filter((address) => isIp4(address) && isPrivate(address)),
  ];
  const isEsp = (service: Service): boolean => service.shape === 'isakmp';
  return {
    /** Other traffic may go past the tunnel (README.md, Profiles). */
    isOpen,
    isSplit,
    isAnswered: isSplit && policy.direct === 'answered',
    ignoresChatter: policy.localChatter === 'ignore',
    places,
    esp: places.filter(({ services }) => services.some(isEsp)).flatMap(({ addresses }) => addresses),
    /** Of servers over UDP. */
    networks: networks
      .filter(({ transport }) => transport === 'udp')
      .flatMap((endpoint) => addressesOf(endpoint, learned).flatMap(withNat64)),
    /** Of the policy, whether or not anybody knows where its names lead. */
    udpPorts: overUdp.flatMap(({ tunnel, endpoint }) =>
      servicesOf(tunnel, endpoint).map(({ port, lastPort }) => [port, lastPort] as const),
    ),
    designated: designated.map((endpoint) => ({
      addresses: addressesOf(endpoint, learned).flatMap(withNat64),
      protocol: endpoint.transport === 'udp' ? 17 : 6,
      port: endpoint.port,
    })),
    ownNames,
    protectedNames: policy.mustTunnel.flatMap(({ suffix, letters, itself }) =>
      [suffix, ...(letters === undefined ? [] : [letters])].map((name) => ({ name, itself })),
    ),
    allow: policy.allow,
    /** Networks whose addresses may be looked for on the link, and by whom. */
    rows: [
      ...policy.allow.map(({ to, client }) => ({ network: `${to.address}/${to.length}`, client })),
      ...networks.map(({ host, length }) => ({ network: `${host}/${String(length)}`, client: undefined })),
    ],
    near4: [...new Set(near.filter(isIp4))],
    near6: [...new Set(near.filter((address) => !isIp4(address)))],
    box,
    own4: learned.own,
    mine4: learned.own.map(({ address }) => address),
    known4: learned.own.map(({ mac }) => mac),
    settled4: learned.settled.map(({ mac }) => mac),
    mine6: learned.own6.map(({ address }) => address),
    settled6: learned.settled6.map(({ mac }) => mac),
    isUnsettled6: learned.unsettled6,
    links6: learned.links.map(({ network }) => network).filter((network) => /:.*\/64$/.test(network)),
    /** No router has announced itself. */
    seeksRouter: learned.neighbours.every(({ address }) => isIp4(address)),
    dhcpServers: learned.dhcpServers,
    resolvers: learned.resolvers.map(({ address }) => address),
    passForAll: learned.passes.some(({ client }) => client === undefined),
    passFor: learned.passes.flatMap(({ client }) => (client === undefined ? [] : [client])),
    passLinks: isPass ? learned.links.map(({ network }) => network) : [],
    portals: isPass ? learned.portals : [],
    exposed: learned.exposed.filter(({ client }) => client === undefined).map(({ address }) => address),
    shut: learned.exposed.flatMap(({ client, address }) =>
      client === undefined ? [] : [{ client, address }],
    ),
    answered: learned.answered,
  };
}
