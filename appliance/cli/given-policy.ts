// The policy and Tor relays for commands that judge frames without the daemon (`analyze`, `watch --iface`), from their options.

import { readFile } from 'node:fs/promises';
import type { LearnedEndpoint } from '../../src/analysis/analysis-learn.ts';
import { barePolicy } from '../../src/policy/schema/bare-policy.ts';
import { parseEndpoint } from '../../src/policy/schema/endpoint.ts';
import type { Endpoint, Policy, Tunnel } from '../../src/policy/policy.ts';
import type { RelayList } from '../../src/wire/vpn/tor.ts';
import { relaysOf } from '../registries/relays.ts';
import { CommandError } from './command.ts';

/**
 * The policy file of `--policy`, or a policy that allows only essential traffic, with every `--tunnel` added as one tunnel `command line`
 * without a protocol. Throws CommandError 2 when the file is missing or invalid, or an endpoint is not `udp:` or `tcp:` with an address and
 * a port.
 */
export async function givenPolicy(path: string | undefined, tunnels: readonly string[]): Promise<Policy> {
  const endpoints = tunnels.map(endpointOf);
  const policy = path === undefined ? barePolicy() : await policyFrom(path);
  return withTunnels(policy, endpoints);
}

/**
 * The relays in the file that `--relays` names (src/wire/vpn/tor.ts); an empty list without it. Throws CommandError 2 when the file cannot
 * be read or lists none.
 */
export async function givenRelays(path: string | undefined): Promise<RelayList> {
  if (path === undefined) return new Set();
  const remedy = 'Expected: one address or address:port per line, or the "r" lines of a Tor consensus.';
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new CommandError(2, 'relays', `--relays ${path} cannot be read.`, remedy, error);
  });
  try {
    return relaysOf(text, path);
  } catch (error) {
    throw new CommandError(2, 'relays', `--relays: ${path} lists no relays.`, remedy, error);
  }
}

function endpointOf(text: string): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint !== undefined && endpoint.hostIs !== 'name') return endpoint;
  const remedy = 'Write it like udp:198.51.100.7:51820 or tcp:[2001:db8::7]:443, with a literal address.';
  throw new CommandError(2, 'usage', `--tunnel ${text} is not a valid endpoint.`, remedy);
}

/** Command-line endpoints name no protocol: only address, transport and port are known. */
function withTunnels(policy: Policy, endpoints: readonly Endpoint[]): Policy {
  if (endpoints.length === 0) return policy;
  const tunnel: Tunnel = { name: 'command line', protocol: 'opaque', endpoints };
  return { ...policy, tunnels: [...policy.tunnels, tunnel] };
}

/**
 * `policy` with a tunnel `learned ENDPOINT` added for every endpoint learned from a handshake; the same object when there is none.
 * Endpoints that cannot be read are left out.
 */
export function withLearned(policy: Policy, learned: readonly LearnedEndpoint[]): Policy {
  const tunnels = learned.flatMap(({ protocol, endpoint: text }): Tunnel[] => {
    const endpoint = parseEndpoint(text);
    return endpoint === undefined ? [] : [{ name: `learned ${text}`, protocol, endpoints: [endpoint] }];
  });
  return tunnels.length === 0 ? policy : { ...policy, tunnels: [...policy.tunnels, ...tunnels] };
}

/** Loaded on demand: loading the schema library takes longer than reading many captures. */
async function policyFrom(path: string): Promise<Policy> {
  const { readPolicyFileHere } = await import('../policy/policy-file-here.ts');
  const reading = await readPolicyFileHere(path);
  if (reading.ok) return reading.policy;
  throw new CommandError(2, 'policy', reading.faults.join('\n'), 'See "leakguard policy check FILE".');
}
