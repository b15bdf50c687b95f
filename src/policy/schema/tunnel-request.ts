// Knows: how a tunnel that somebody wants, as JSON has it, becomes an edit of a policy, or a list of what is wrong. Must not know: YAML, HTTP.

import { anywhereWords, isAnywhere } from '../servers/anywhere.ts';
import { formatEndpoint, parseEndpoint } from './endpoint.ts';
import type { Fault } from '../fault.ts';
import { once } from '../compile/per-policy.ts';
import { TUNNEL_PROTOCOLS } from '../../flow/kinds.ts';
import type { Endpoint, Policy } from '../policy.ts';
import type { TunnelEdit } from './schema-edit.ts';

/** As many as a tunnel has (schema-parts.ts). */
const ENDPOINTS_MOST = 20_000;

/** Whatever was sent: what it is worth is said by `readRequest`, and of what stands behind the endpoints by the schema. */
export interface TunnelRequest {
  readonly name: unknown;
  readonly protocol: unknown;
  readonly endpoints: unknown;
  readonly reserved?: unknown;
  readonly amnezia?: unknown;
  readonly zerotier?: unknown;
  /** True is the yes to peers anywhere. */
  readonly anywhere?: unknown;
  readonly listed?: unknown;
}

/** What a list of servers changes of the tunnel that has its name. */
export interface ListChange {
  readonly added: number;
  readonly removed: number;
  /** The first of each, `- udp:…` and `+ udp:…`. */
  readonly examples: readonly string[];
}

/** The edit, or everything that is wrong with name, protocol and endpoints. */
export function readRequest(request: TunnelRequest): TunnelEdit | readonly Fault[] {
  const { name, endpoints, ...rest } = request;
  const protocol = TUNNEL_PROTOCOLS.find((one) => one === request.protocol);
  const texts: unknown[] = Array.isArray(endpoints) ? (endpoints as unknown[]) : [];
  if (texts.length > ENDPOINTS_MOST)
    return [fault('endpoints', 'are too many', `Name at most ${ENDPOINTS_MOST}.`)];
  const faults: Fault[] = [];
  const parsed: Endpoint[] = [];
  for (const [at, text] of texts.entries()) {
    const endpoint = typeof text === 'string' ? parseEndpoint(text) : undefined;
    if (endpoint === undefined)
      faults.push(fault(`endpoints[${at}]`, 'is no endpoint', 'Write "udp:198.51.100.7:51820".'));
    else parsed.push(endpoint);
  }
  if (texts.length === 0) faults.push(fault('endpoints', 'are missing', 'Name one at least.'));
  if (protocol === undefined)
    faults.push(fault('protocol', 'is none', `Write ${TUNNEL_PROTOCOLS.join(', ')}.`));
  if (typeof name !== 'string') faults.push(fault('name', 'is missing', 'Give the tunnel a name.'));
  const words = protocol !== undefined && parsed.some(isAnywhere) ? anywhereWords(protocol) : undefined;
  if (words !== undefined && request.anywhere !== true)
    faults.push(
      fault('anywhere', `peers may be anywhere then: ${words}`, 'Say yes to that, or name servers.'),
    );
  if (faults.length > 0 || protocol === undefined || typeof name !== 'string') return faults;
  return { ...(rest as object), name, protocol, endpoints: parsed };
}

/** As many examples of each as a change tells. */
const EXAMPLES = 50;

/** Asked for three times of one edit. */
export const endpointTexts = once((endpoints: readonly Endpoint[]): readonly string[] =>
  endpoints.map(formatEndpoint),
);

export function listChange(policy: Pick<Policy, 'tunnels'>, { name, endpoints }: TunnelEdit): ListChange {
  const tunnel = policy.tunnels.find((one) => one.name === name);
  const before = new Set(tunnel?.endpoints.map(formatEndpoint));
  const after = new Set(endpointTexts(endpoints));
  const added = [...after].filter((text) => !before.has(text));
  const removed = [...before].filter((text) => !after.has(text));
  const examples = [
    ...removed.slice(0, EXAMPLES).map((text) => `- ${text}`),
    ...added.slice(0, EXAMPLES).map((text) => `+ ${text}`),
  ];
  return { added: added.length, removed: removed.length, examples };
}

function fault(path: string, message: string, remedy: string): Fault {
  return { path, message, remedy };
}
