// Checks of a policy that involve more than one field. A setting that would silently have no effect, or another one than it says, is
// refused.

import { anywhereWords, isAnywhere } from '../servers/anywhere.ts';
import { BELOW, formatEndpoint, formatResolver, isRange, lastPort } from './endpoint.ts';
import { noServer, noServerWords } from '../servers/no-server.ts';
import { SSH_PORT } from '../policy.ts';
import type { TunnelProtocol } from '../../flow/kinds.ts';
import type { Endpoint, Policy, TunnelForm } from '../policy.ts';
import { transportsOf } from '../shapes/shape.ts';

/** A fault with the path of the value in the policy, as keys and indices from 0. */
export interface PolicyFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly remedy: string;
}

type Path = readonly (string | number)[];

/** Every fault across fields of a policy whose parts are well-formed; empty for a valid policy. Does not throw. */
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
          `"${tunnel.name}" is already the name of tunnels[${first}]`,
          'Give each tunnel its own name.',
        ),
      );
    }
    names.set(tunnel.name, first ?? at);
    found.push(...formFaults(path, tunnel), ...consentFaults(path, tunnel));
    for (const [index, endpoint] of tunnel.endpoints.entries()) {
      const here = [...path, 'endpoints', index];
      const text = formatEndpoint(endpoint);
      found.push(...hostFaults(here, text, endpoint), ...rangeFaults(here, text, tunnel.protocol, endpoint));
      const allowed = transportsOf(tunnel.protocol);
      if (!allowed.includes(endpoint.transport)) {
        found.push(
          fault(
            here,
            `${tunnel.protocol} does not run over ${endpoint.transport}`,
            `Write "${allowed.join(' or ')}:…", or use protocol opaque.`,
          ),
        );
      }
      // Over TCP it uses the one port that the server's operator chose (RFC 9329 section 2).
      const isIpsec = tunnel.protocol === 'ipsec' && endpoint.transport === 'udp';
      const isIke = endpoint.lastPort === undefined && (endpoint.port === 500 || endpoint.port === 4500);
      if (isIpsec && !isIke) {
        found.push(
          fault(
            here,
            `IPsec does not use ${endpoint.lastPort === undefined ? `port ${endpoint.port}` : 'a range of ports'}`,
            'Write port 500 or 4500: both are opened, and ESP. Over TCP ("tcp:…") any port is allowed.',
          ),
        );
      }
      // IPsec takes both ports of its host, so its endpoints differ by host alone.
      const keys = isIpsec ? [500, 4500].map((port) => formatEndpoint({ ...endpoint, port })) : [text];
      const owner = keys
        .map((key) => endpoints.get(key))
        .find((known) => known !== undefined && !(isIpsec && known === tunnel.name));
      if (owner !== undefined) {
        found.push(
          fault(
            here,
            `${text} is already an endpoint of ${owner === tunnel.name ? 'this tunnel' : `tunnel "${owner}"`}`,
            'Write each address and port only once.',
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

/** Settings that change a tunnel's packets must belong to its protocol; ZeroTier needs one. */
function formFaults(path: Path, { protocol, form }: Policy['tunnels'][number]): PolicyFault[] {
  const own = form === undefined ? protocol : FORMS_OF[form.kind];
  const key = form?.kind ?? '';
  if (own !== protocol)
    return [fault([...path, key], `${key} is a setting of ${own}`, `Remove it, or write protocol: ${own}.`)];
  if (protocol !== 'zerotier' || form !== undefined) return [];
  return [
    fault(
      [...path, 'zerotier'],
      'is missing: nothing else in ZeroTier’s packets can be recognized',
      'Write the ten digits that `zerotier-cli info` shows for this device, in quotes: zerotier: "0123456789".',
    ),
  ];
}

/** Peers at any address need `anywhere: true`. WireGuard does not: such policies were valid before that key existed. */
function consentFaults(path: Path, tunnel: Policy['tunnels'][number]): PolicyFault[] {
  const { protocol, endpoints, anywhere } = tunnel;
  const words = endpoints.some(isAnywhere) ? anywhereWords(protocol) : undefined;
  if (words === undefined || anywhere === true || protocol === 'wireguard') return [];
  return [
    fault([...path, 'anywhere'], `is not set: ${words}`, 'Write anywhere: true if that is what you want.'),
  ];
}

/** Prefix lengths in bits. No service has a wider network of its own, and everything in it would pass for the tunnel. */
const WIDEST = { ipv4: 12, ipv6: 28 };

function rangeFaults(
  path: Path,
  text: string,
  protocol: TunnelProtocol,
  { hostIs, length, transport }: Endpoint,
): PolicyFault[] {
  if (length === undefined || hostIs === 'name') return [];
  if (protocol === 'ipsec')
    return [fault(path, `${text}: an IPsec server has a single address`, 'Write its address or its name.')];
  // A protocol whose packets can be recognized by their form alone may have peers at any address.
  const isAllowed = length === 0 && transport === 'udp' && anywhereWords(protocol) !== undefined;
  if (length >= WIDEST[hostIs] || isAllowed) return [];
  return [
    fault(
      path,
      `${text}: this network is too wide to belong to one service`,
      `Name networks of /${WIDEST[hostIs]} or longer; for wireguard and meshes, whose packets can be recognized by their form, also "udp:0.0.0.0/0:*" for peers anywhere.`,
    ),
  ];
}

function singleFaults(path: Path, endpoint: Endpoint): PolicyFault[] {
  if (endpoint.host.startsWith(BELOW)) {
    const remedy = 'Only a VPN client puts a random label in front of a name; write the name alone.';
    return [fault(path, `${formatEndpoint(endpoint)} is not a host name`, remedy)];
  }
  if (!isRange(endpoint)) return [];
  const remedy = 'Only endpoints of tunnels may have ranges; write one address or name, and one port.';
  return [fault(path, `${formatEndpoint(endpoint)} is a range`, remedy)];
}

/** Two tunnels may not claim the same port of one host: which of them a packet belongs to would depend on their order. */
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

/** One endpoint, with its indices in the policy. */
interface Claim {
  readonly tunnel: number;
  readonly index: number;
  readonly endpoint: Endpoint;
}

function overlapOf(policy: Policy, a: Claim, b: Claim): PolicyFault {
  const [first, later] = a.tunnel < b.tunnel ? [a, b] : [b, a];
  return fault(
    ['tunnels', later.tunnel, 'endpoints', later.index],
    `${formatEndpoint(later.endpoint)} overlaps ${formatEndpoint(first.endpoint)} of tunnel "${policy.tunnels[first.tunnel]?.name ?? ''}"`,
    'Give each port of a server to one tunnel only.',
  );
}

/** An address that no server can have (src/policy/servers/no-server.ts) would open nothing, or a multicast group. */
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
    `${text} is also an endpoint of tunnel "${owner}"`,
    'An address and port can only be one of the two: remove the other.',
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
      found.push(fault(['mustTunnel', at], `"${key}" is already listed`, 'Write each name only once.'));
    seen.add(key);
  }
  return found;
}

/** In full-tunnel nothing goes direct, so any value is accepted there. */
function directFault({ profile, direct }: Policy): PolicyFault | undefined {
  if (profile === 'proxy-stub' && direct === 'answered')
    return fault(
      ['direct'],
      'answered has no meaning in profile proxy-stub, where only your own resolvers answer',
      'Write none (only the tunnel, resolvers and proxies) or any (other traffic may go direct).',
    );
  if (profile === 'split' && direct === 'none')
    return fault(
      ['direct'],
      'none has no meaning in profile split, whose purpose is to let other traffic go direct',
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
          'Add transport: udp or tcp; for both write two rules.',
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
        fault(
          [...path, 'to'],
          'this allows all traffic to every address',
          'Name a network, a port or a client.',
        ),
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
        `"${name}" is the name of the bridge and of one of its ports`,
        'Give the bridge another name.',
      ),
    );
  }
  return found;
}

function loginFaults({ management, web }: Policy): PolicyFault[] {
  if (!management.ssh) return [];
  const path = ['management', 'ssh'];
  if (management.address === 'none')
    return [fault(path, 'needs a management address', 'Give the box an address, or write false.')];
  if (web.port === SSH_PORT)
    return [fault(path, `has the same port as the page, ${SSH_PORT}`, 'Give the page another port.')];
  return [];
}
