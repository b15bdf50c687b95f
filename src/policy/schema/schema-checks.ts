// Knows: faults that take two fields of a policy to see. Must not know: YAML, zod.
// A setting that would silently do nothing, or something else than it says, is refused.

import { anywhereWords, isAnywhere } from '../servers/anywhere.ts';
import { BELOW, formatEndpoint, formatResolver, isRange, lastPort } from './endpoint.ts';
import { noServer, noServerWords } from '../servers/no-server.ts';
import { SSH_PORT } from '../policy.ts';
import type { TunnelProtocol } from '../../flow/kinds.ts';
import type { Endpoint, Policy, TunnelForm } from '../policy.ts';
import { transportsOf } from '../shapes/shape.ts';

export interface PolicyFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly remedy: string;
}

type Path = readonly (string | number)[];

/** Every fault of a policy whose parts are well-formed. */
export function crossFaults(policy: Policy): PolicyFault[] {
  return [
    ...tunnelFaults(policy),
    ...profileFaults(policy),
    ...allowFaults(policy),
    ...bridgeFaults(policy),
    ...loginFaults(policy),
  ];
}

function fault(path: Path, message: string, remedy: string): PolicyFault {
  return { path, message, remedy };
}

function tunnelFaults(policy: Policy): PolicyFault[] {
  const names = new Map<string, number>();
  const endpoints = new Map<string, string>();
  const found: PolicyFault[] = [];
  for (const [at, tunnel] of policy.tunnels.entries()) {
    const path = ['tunnels', at];
    const first = names.get(tunnel.name);
    if (first !== undefined) {
      found.push(
        fault(
          [...path, 'name'],
          `"${tunnel.name}" is the name of tunnels[${first}] already`,
          'Give each tunnel its own name.',
        ),
      );
    }
    names.set(tunnel.name, first ?? at);
    found.push(...formFaults(path, tunnel), ...yesFaults(path, tunnel));
    for (const [index, endpoint] of tunnel.endpoints.entries()) {
      const here = [...path, 'endpoints', index];
      const text = formatEndpoint(endpoint);
      found.push(...hostFaults(here, text, endpoint), ...rangeFaults(here, text, tunnel.protocol, endpoint));
      const may = transportsOf(tunnel.protocol);
      if (!may.includes(endpoint.transport)) {
        found.push(
          fault(
            here,
            `${tunnel.protocol} does not run over ${endpoint.transport}`,
            `Write "${may.join(' or ')}:…", or use protocol opaque.`,
          ),
        );
      }
      // Over TCP it has the port that the server's operator chose (RFC 9329 section 2), and no other.
      const isIpsec = tunnel.protocol === 'ipsec' && endpoint.transport === 'udp';
      const isIke = endpoint.lastPort === undefined && (endpoint.port === 500 || endpoint.port === 4500);
      if (isIpsec && !isIke) {
        found.push(
          fault(
            here,
            `IPsec does not use ${endpoint.lastPort === undefined ? `port ${endpoint.port}` : 'a range of ports'}`,
            'Write port 500 or 4500; both and ESP are opened. Over TCP ("tcp:…") any port will do.',
          ),
        );
      }
      // IPsec takes both ports of its host, so its endpoints are told apart by host alone.
      const keys = isIpsec ? [500, 4500].map((port) => formatEndpoint({ ...endpoint, port })) : [text];
      const owner = keys
        .map((key) => endpoints.get(key))
        .find((known) => known !== undefined && !(isIpsec && known === tunnel.name));
      if (owner !== undefined) {
        found.push(
          fault(
            here,
            `${text} is an endpoint of ${owner === tunnel.name ? 'this tunnel' : `tunnel "${owner}"`} already`,
            'Write each address and port once.',
          ),
        );
      }
      for (const key of keys) endpoints.set(key, tunnel.name);
    }
  }
  found.push(...overlapFaults(policy));
  for (const [at, resolver] of policy.resolvers.entries()) {
    const owner = endpoints.get(formatEndpoint(resolver.endpoint));
    if (owner !== undefined) found.push(overlap(['resolvers', at], formatResolver(resolver), owner));
    found.push(...hostFaults(['resolvers', at], formatResolver(resolver), resolver.endpoint));
    found.push(...singleFaults(['resolvers', at], resolver.endpoint));
  }
  for (const [at, proxy] of policy.proxies.entries()) {
    const owner = endpoints.get(formatEndpoint(proxy));
    if (owner !== undefined) found.push(overlap(['proxies', at], formatEndpoint(proxy), owner));
    found.push(...hostFaults(['proxies', at], formatEndpoint(proxy), proxy));
    found.push(...singleFaults(['proxies', at], proxy));
  }
  return found;
}

const FORMS_OF: Readonly<Record<TunnelForm['kind'], TunnelProtocol>> = {
  reserved: 'wireguard',
  amnezia: 'wireguard',
  zerotier: 'zerotier',
};

/** What of its packets a tunnel's configuration says is of its own protocol. */
function formFaults(path: Path, { protocol, form }: Policy['tunnels'][number]): PolicyFault[] {
  const own = form === undefined ? protocol : FORMS_OF[form.kind];
  const key = form?.kind ?? '';
  if (own !== protocol)
    return [fault([...path, key], `${key} is for ${own}`, `Remove it, or write protocol: ${own}.`)];
  if (protocol !== 'zerotier' || form !== undefined) return [];
  return [
    fault(
      [...path, 'zerotier'],
      'is missing: nothing else in ZeroTier’s packets is known beforehand',
      'Write the ten digits that `zerotier-cli info` shows for this device, in quotes: zerotier: "0123456789".',
    ),
  ];
}

/** Peers anywhere are not had by the way. Of WireGuard's own they could be named before there was such a word. */
function yesFaults(path: Path, tunnel: Policy['tunnels'][number]): PolicyFault[] {
  const { protocol, endpoints, anywhere } = tunnel;
  const words = endpoints.some(isAnywhere) ? anywhereWords(protocol) : undefined;
  if (words === undefined || anywhere === true || protocol === 'wireguard') return [];
  return [fault([...path, 'anywhere'], `is not said: ${words}`, 'Write anywhere: true if that is meant.')];
}

/** Wider than this no network is one service's: everything there would pass for the tunnel. */
const WIDEST = { ipv4: 12, ipv6: 28 };

function rangeFaults(
  path: Path,
  text: string,
  protocol: TunnelProtocol,
  { hostIs, length, transport }: Endpoint,
): PolicyFault[] {
  if (length === undefined || hostIs === 'name') return [];
  if (protocol === 'ipsec')
    return [fault(path, `${text}: an IPsec server has one address`, 'Write its address or its name.')];
  // Whose packets have a form of their own can be told by it alone, wherever the peers are.
  const mayBe = length === 0 && transport === 'udp' && anywhereWords(protocol) !== undefined;
  if (length >= WIDEST[hostIs] || mayBe) return [];
  return [
    fault(
      path,
      `${text}: so wide a network is no service's own`,
      `Name networks of /${WIDEST[hostIs]} or longer; of wireguard and of meshes, whose packets have a form of their own, also "udp:0.0.0.0/0:*" for peers anywhere.`,
    ),
  ];
}

function singleFaults(path: Path, endpoint: Endpoint): PolicyFault[] {
  if (endpoint.host.startsWith(BELOW)) {
    const remedy =
      'Only the client of a tunnel puts a random label in front of a name; write the name alone.';
    return [fault(path, `${formatEndpoint(endpoint)} is no name`, remedy)];
  }
  if (!isRange(endpoint)) return [];
  const remedy = 'Ranges are for endpoints of tunnels; write one address or name, and one port.';
  return [fault(path, `${formatEndpoint(endpoint)} is a range`, remedy)];
}

/** Of one host two tunnels may not claim the same port: which of them a packet belongs to would depend on their order. */
function overlapFaults(policy: Policy): PolicyFault[] {
  const found: PolicyFault[] = [];
  const claims = new Map<string, Claim[]>();
  for (const [tunnel, { endpoints }] of policy.tunnels.entries()) {
    for (const [index, endpoint] of endpoints.entries()) {
      const key = `${endpoint.transport} ${endpoint.host}/${String(endpoint.length)}`;
      const claim = { index, tunnel, endpoint };
      const known = claims.get(key);
      if (known === undefined) claims.set(key, [claim]);
      else known.push(claim);
    }
  }
  for (const here of claims.values()) {
    if (here.length < 2 || !here.some(({ endpoint }) => endpoint.lastPort !== undefined)) continue;
    const inOrder = [...here].sort((a, b) => a.endpoint.port - b.endpoint.port);
    let widest: Claim | undefined;
    for (const claim of inOrder) {
      if (
        widest !== undefined &&
        widest.tunnel !== claim.tunnel &&
        claim.endpoint.port <= lastPort(widest.endpoint)
      )
        found.push(overlapOf(policy, claim, widest));
      if (widest === undefined || lastPort(claim.endpoint) > lastPort(widest.endpoint)) widest = claim;
    }
  }
  return found;
}

/** One endpoint, by its places in the policy. */
interface Claim {
  readonly tunnel: number;
  readonly index: number;
  readonly endpoint: Endpoint;
}

function overlapOf(policy: Policy, a: Claim, b: Claim): PolicyFault {
  const [first, later] = a.tunnel < b.tunnel ? [a, b] : [b, a];
  return fault(
    ['tunnels', later.tunnel, 'endpoints', later.index],
    `${formatEndpoint(later.endpoint)} meets ${formatEndpoint(first.endpoint)} of tunnel "${policy.tunnels[first.tunnel]?.name ?? ''}"`,
    'Give each port of a server to one tunnel.',
  );
}

/** What no frame on a network can be for would open nothing, or a group's address. */
function hostFaults(path: Path, text: string, { host, length }: Endpoint): PolicyFault[] {
  if (length === 0) return [];
  const why = noServer(host);
  if (why === undefined) return [];
  const { message, remedy } = noServerWords(why);
  return [fault(path, `${text}: ${host} ${message}`, remedy)];
}

function overlap(path: Path, text: string, owner: string): PolicyFault {
  return fault(
    path,
    `${text} is an endpoint of tunnel "${owner}" too`,
    'An address and port is one or the other: remove one of them.',
  );
}

function profileFaults(policy: Policy): PolicyFault[] {
  const found: PolicyFault[] = [];
  if (policy.profile === 'full-tunnel') {
    for (const key of ['resolvers', 'proxies'] as const) {
      if (policy[key].length > 0) {
        found.push(
          fault(
            [key],
            `${key} have no meaning in profile full-tunnel`,
            'Remove them, or use profile proxy-stub.',
          ),
        );
      }
    }
  }
  if (policy.profile === 'split' && policy.mustTunnel.length === 0) {
    found.push(
      fault(
        ['mustTunnel'],
        'profile split without a name that must use the tunnel lets everything out',
        'List names, or use profile full-tunnel.',
      ),
    );
  }
  if (policy.profile !== 'split' && policy.mustTunnel.length > 0) {
    found.push(
      fault(
        ['mustTunnel'],
        `mustTunnel has no meaning in profile ${policy.profile}`,
        'Remove it, or use profile split.',
      ),
    );
  }
  const meaningless = directFault(policy);
  if (meaningless !== undefined) found.push(meaningless);
  const seen = new Set<string>();
  for (const [at, { suffix, itself }] of policy.mustTunnel.entries()) {
    const key = `${itself ? '' : '*.'}${suffix}`;
    if (seen.has(key))
      found.push(fault(['mustTunnel', at], `"${key}" is listed already`, 'Write each name once.'));
    seen.add(key);
  }
  return found;
}

/** With a full tunnel nothing goes direct, whatever this says. */
function directFault({ profile, direct }: Policy): PolicyFault | undefined {
  if (profile === 'proxy-stub' && direct === 'answered')
    return fault(
      ['direct'],
      'answered has no meaning in profile proxy-stub, where nobody but your resolvers answers',
      'Write none (resolvers, proxies and the tunnel alone) or any (other traffic may go direct).',
    );
  if (profile === 'split' && direct === 'none')
    return fault(
      ['direct'],
      'none has no meaning in profile split, which is there to let other traffic go direct',
      'Write answered or any, or use profile full-tunnel.',
    );
  return undefined;
}

function allowFaults(policy: Policy): PolicyFault[] {
  const found: PolicyFault[] = [];
  for (const [at, rule] of policy.allow.entries()) {
    const path = ['allow', at];
    if (rule.transport === 'icmp' && rule.port !== undefined) {
      found.push(
        fault([...path, 'port'], 'ICMP has no ports', 'Remove port, or write transport udp or tcp.'),
      );
    }
    if (rule.transport === undefined && rule.port !== undefined) {
      found.push(
        fault(
          [...path, 'port'],
          'a port needs a transport',
          'Add transport: udp or tcp; two rules for both.',
        ),
      );
    }
    if (
      rule.to.length === 0 &&
      policy.profile === 'full-tunnel' &&
      rule.port === undefined &&
      rule.client === undefined
    ) {
      found.push(
        fault([...path, 'to'], 'this allows everything to everywhere', 'Name a network, a port or a client.'),
      );
    }
  }
  return found;
}

function bridgeFaults(policy: Policy): PolicyFault[] {
  const { name, lan, wan } = policy.bridge;
  const found: PolicyFault[] = [];
  if (lan === wan)
    found.push(fault(['bridge', 'wan'], `lan and wan are both "${lan}"`, 'Name two different ports.'));
  if (name === lan || name === wan) {
    found.push(
      fault(
        ['bridge', 'name'],
        `"${name}" is the bridge and one of its ports`,
        'Give the bridge its own name.',
      ),
    );
  }
  return found;
}

function loginFaults({ management, web }: Policy): PolicyFault[] {
  if (!management.ssh) return [];
  const path = ['management', 'ssh'];
  if (management.address === 'none')
    return [fault(path, 'has no address to be reached at', 'Give the box an address, or write false.')];
  if (web.port === SSH_PORT)
    return [fault(path, `is at the port of the page, ${SSH_PORT}`, 'Give the page another port.')];
  return [];
}
