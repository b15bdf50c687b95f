// Knows: what of policy and learned state the specification asks for, as addresses and ports. Must not know: frames, the compilers.

import type { LearnedState } from '../../src/policy/servers/learned.ts';
import type { AllowRule, Endpoint, Policy, Tunnel } from '../../src/policy/policy.ts';
import { ALWAYS, addressOf, both, either, familyOf, is, isIn, isNot, macOf } from './terms.ts';
import type { Fields, Formula } from './terms.ts';

/** One address, or a network of them as `a/length`, and the ports of one tunnel there. */
export interface Server {
  readonly address: string;
  readonly protocol: 6 | 17;
  readonly port: number;
  readonly lastPort: number;
  readonly shape: ShapeName;
}

/** What the packets of a tunnel look like. */
export type ShapeName =
  'wireguard' | 'openvpn' | 'isakmp' | 'natt' | 'udp' | 'tcp' | 'openvpn_tcp' | 'tor' | 'ike_tcp';

export interface ParsedPacket {
  readonly isOpen: boolean;
  readonly isSplit: boolean;
  readonly isAnswered: boolean;
  readonly ignoresDiscovery: boolean;
  readonly servers: readonly Server[];
  readonly esp: readonly string[];
  readonly networks: readonly string[];
  readonly udpPorts: readonly (readonly [number, number])[];
  readonly designated: readonly {
    readonly address: string;
    readonly protocol: 6 | 17;
    readonly port: number;
  }[];
  readonly ownNames: readonly string[];
  readonly protectedNames: readonly { readonly name: string; readonly itself: boolean }[];
  readonly allow: readonly AllowRule[];
  readonly nearRows: readonly { readonly network: string; readonly client: string | undefined }[];
  readonly near4: readonly string[];
  readonly near6: readonly string[];
  readonly box: readonly string[];
  readonly own4: readonly { readonly mac: string; readonly address: string }[];
  readonly mine4: readonly string[];
  readonly known4: readonly string[];
  readonly settled4: readonly string[];
  readonly mine6: readonly string[];
  readonly settled6: readonly string[];
  readonly isUnsettled6: boolean;
  readonly links6: readonly string[];
  readonly seeksRouter: boolean;
  readonly dhcpServers: readonly { readonly address: string; readonly mac: string }[];
  readonly resolvers: readonly string[];
  readonly passForAll: boolean;
  readonly passFor: readonly string[];
  readonly passLinks: readonly string[];
  readonly portals: readonly { readonly address: string; readonly port: number }[];
  readonly exposed: readonly string[];
  readonly shut: readonly { readonly client: string; readonly address: string }[];
  readonly answered: readonly { readonly client: string; readonly address: string }[];
}

/** Where an endpoint is: the address of the policy, or those that its name was answered with. */
function addressesOf(endpoint: Endpoint, learned: LearnedState): readonly string[] {
  if (endpoint.hostIs !== 'name')
    return [endpoint.length === undefined ? endpoint.host : `${endpoint.host}/${endpoint.length}`];
  return learned.addresses
    .filter(({ name, seconds }) => name === endpoint.host && seconds > 0)
    .map(({ address }) => address);
}

/** What a network with NAT64 calls an IPv4 address or network (RFC 6052 section 2.1), and that itself. */
function withNat64(address: string): readonly string[] {
  if (familyOf(address) === 6) return [address];
  const [host = '', length] = address.split('/');
  const number = addressOf(host);
  const text = `64:ff9b::${(number >> 16n).toString(16)}:${(number & 0xffffn).toString(16)}`;
  return [address, length === undefined ? text : `${text}/${96 + Number(length)}`];
}

function shapesOf(
  { protocol }: Tunnel,
  { transport, port }: Endpoint,
): readonly (readonly [ShapeName, number, number])[] {
  const isUdp = transport === 'udp';
  const one = (shape: ShapeName): readonly (readonly [ShapeName, number, number])[] => [[shape, port, 0]];
  switch (protocol) {
    case 'wireguard':
      return one('wireguard');
    case 'openvpn':
      return one(isUdp ? 'openvpn' : 'openvpn_tcp');
    case 'ipsec':
      // RFC 7296 section 2.23: both ports, whichever of them is named.
      return isUdp
        ? [
            ['isakmp', 500, 500],
            ['natt', 4500, 4500],
          ]
        : one('ike_tcp');
    case 'tor':
      return one('tor');
    case 'opaque':
      return one(isUdp ? 'udp' : 'tcp');
    default:
      throw new Error(`the specification does not speak of ${protocol}`);
  }
}

const single = (address: string): boolean => !address.includes('/');
const lengthOf = (address: string): number =>
  Number(address.split('/')[1] ?? 128) - (familyOf(address) === 4 && address.includes('/') ? -96 : 0);

export function packet(policy: Policy, learned: LearnedState): ParsedPacket {
  const all = policy.tunnels.flatMap((tunnel) => {
    if (tunnel.form !== undefined) throw new Error('the specification does not speak of changed WireGuard');
    return tunnel.endpoints.map((endpoint) => ({ tunnel, endpoint }));
  });
  const found = [
    ...all.filter(({ endpoint }) => endpoint.hostIs !== 'name'),
    ...all.filter(({ endpoint }) => endpoint.hostIs === 'name'),
  ].flatMap(({ tunnel, endpoint }) =>
    addressesOf(endpoint, learned)
      .flatMap(withNat64)
      .flatMap((address) =>
        shapesOf(tunnel, endpoint).map(([shape, port, last]): Server & { readonly host: string } => ({
          host: endpoint.host,
          address,
          protocol: endpoint.transport === 'udp' ? 17 : 6,
          port,
          lastPort: last === 0 ? (endpoint.lastPort ?? port) : last,
          shape,
        })),
      ),
  );
  // One address and port before ranges of ports, those before networks, the narrower network first.
  const rank = ({ address, port, lastPort }: Server): number =>
    single(address) ? (port === lastPort ? 0 : 1) : 2 + 128 - lengthOf(address);
  // Where two names of the policy lead to one address, the ranges of the first hold there (RESULTS.md, limits).
  const isRange = ({ address, port, lastPort }: Server): boolean => single(address) && port !== lastPort;
  const firstHost = new Map(
    found
      .filter(isRange)
      .reverse()
      .map(({ address, protocol, host }) => [`${address} ${protocol}`, host]),
  );
  const held = found.filter(
    (one) => !isRange(one) || firstHost.get(`${one.address} ${one.protocol}`) === one.host,
  );
  const servers = held
    .map((server, at) => ({ server, at }))
    .sort((a, b) => rank(a.server) - rank(b.server) || a.at - b.at)
    .map(({ server }) => server);
  const designated = [...policy.resolvers.map(({ endpoint }) => endpoint), ...policy.proxies];
  const isOpen = policy.profile !== 'full-tunnel' && policy.direct !== 'none';
  const isSplit = policy.profile === 'split' && isOpen;
  const ownNames = namesOf(policy);
  const isPass = learned.passes.length > 0;
  const box = policy.management.address === 'none' ? [] : ['169.254.77.1', ...learned.box];
  const named = [...all.map(({ endpoint }) => endpoint), ...designated]
    .flatMap((endpoint) => addressesOf(endpoint, learned))
    .filter(single);
  const asked =
    ownNames.length > 0 || isPass
      ? learned.resolvers
          .filter(({ address }) => familyOf(address) === 4 && isPrivate(address))
          .map(({ address }) => address)
      : [];
  const near = [...named, ...box, ...learned.neighbours.map(({ address }) => address), ...asked];
  const ofFamily = (list: readonly string[], family: 4 | 6): readonly string[] => [
    ...new Set(list.filter((one) => familyOf(one) === family)),
  ];
  const networks = all.filter(({ endpoint }) => endpoint.length !== undefined && endpoint.length > 0);
  return {
    isOpen,
    isSplit,
    isAnswered: isSplit && policy.direct === 'answered',
    ignoresDiscovery: policy.localChatter === 'ignore',
    servers,
    esp: all
      .filter(({ tunnel, endpoint }) => tunnel.protocol === 'ipsec' && endpoint.transport === 'udp')
      .flatMap(({ endpoint }) => addressesOf(endpoint, learned).flatMap(withNat64)),
    networks: networks
      .filter(({ endpoint }) => endpoint.transport === 'udp')
      .flatMap(({ endpoint }) => addressesOf(endpoint, learned).flatMap(withNat64)),
    // Of the policy, whether or not anybody knows where its names lead.
    udpPorts: all
      .filter(({ endpoint }) => endpoint.transport === 'udp')
      .flatMap(({ tunnel, endpoint }) =>
        shapesOf(tunnel, endpoint).map(
          ([, port, last]) => [port, last === 0 ? (endpoint.lastPort ?? port) : last] as const,
        ),
      ),
    designated: designated.flatMap((endpoint) =>
      addressesOf(endpoint, learned)
        .flatMap(withNat64)
        .map((address) => ({
          address,
          protocol: endpoint.transport === 'udp' ? (17 as const) : (6 as const),
          port: endpoint.port,
        })),
    ),
    ownNames,
    protectedNames: policy.mustTunnel.flatMap(({ suffix, letters, itself }) =>
      [suffix, ...(letters === undefined ? [] : [letters])].map((name) => ({ name, itself })),
    ),
    allow: policy.allow,
    nearRows: [
      ...policy.allow.map(({ to, client }) => ({ network: `${to.address}/${to.length}`, client })),
      ...networks.map(({ endpoint }) => ({
        network: `${endpoint.host}/${String(endpoint.length)}`,
        client: undefined,
      })),
    ],
    near4: ofFamily(near, 4),
    near6: ofFamily(near, 6),
    box,
    own4: learned.own,
    mine4: learned.own.map(({ address }) => address),
    known4: learned.own.map(({ mac }) => mac),
    settled4: learned.settled.map(({ mac }) => mac),
    mine6: learned.own6.map(({ address }) => address),
    settled6: learned.settled6.map(({ mac }) => mac),
    isUnsettled6: learned.unsettled6,
    links6: learned.links
      .map(({ network }) => network)
      .filter((network) => network.includes(':') && network.endsWith('/64')),
    seeksRouter: !learned.neighbours.some(({ address }) => familyOf(address) === 6),
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

/** Names of tunnels' servers, resolvers and proxies; with an IPv4 server also that by which a client finds NAT64 (RFC 7050). */
function namesOf(policy: Policy): readonly string[] {
  const endpoints = [
    ...policy.tunnels.flatMap(({ endpoints: list }) => list),
    ...policy.resolvers.map(({ endpoint }) => endpoint),
    ...policy.proxies,
  ];
  const names = endpoints.filter(({ hostIs }) => hostIs === 'name').map(({ host }) => host);
  const hasFour = policy.tunnels.some(({ endpoints: list }) => list.some(({ hostIs }) => hostIs !== 'ipv6'));
  return [...new Set([...names, ...(hasFour ? ['ipv4only.arpa'] : [])])];
}

function isPrivate(address: string): boolean {
  const number = addressOf(address);
  const in_ = (network: string, length: number): boolean =>
    number >> BigInt(32 - length) === addressOf(network) >> BigInt(32 - length);
  return (
    in_('10.0.0.0', 8) ||
    in_('172.16.0.0', 12) ||
    in_('192.168.0.0', 16) ||
    in_('100.64.0.0', 10) ||
    in_('169.254.0.0', 16)
  );
}

/** Ports on which names are asked for: a row opens them only by naming the port. */
const NAME_PORTS = [53, 853, 5353, 5355, 137];

/** One `allow` row, for packets of its family. */
export function allowOf(f: Fields, row: AllowRule, way: 'up' | 'down', family: 4 | 6): Formula {
  const { to, transport, port: number, client } = row;
  if (to.ipVersion !== family) return either();
  const up = way === 'up';
  const far = up ? f.ip[family].destination : f.ip[family].source;
  const mac = up ? f.mac.source : f.mac.destination;
  const port = up ? f.port.destination : f.port.source;
  const whom = both(
    isIn(far, `${to.address}/${to.length}`),
    client === undefined ? ALWAYS : is(mac, macOf(client)),
  );
  const icmp = is(f.protocol, family === 4 ? 1 : 58);
  const over = (...protocols: readonly number[]): Formula =>
    both(is(f.protocol, ...protocols), number === undefined ? isNot(port, ...NAME_PORTS) : is(port, number));
  if (transport === 'icmp') return both(whom, icmp);
  if (transport === undefined) return both(whom, either(icmp, over(6, 17)));
  return both(whom, over(transport === 'tcp' ? 6 : 17));
}
