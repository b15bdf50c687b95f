// Turns a requested tunnel (JSON from the API) into an edit of a policy, or a list of faults.

import { anywhereWords, isAnywhere } from '../servers/anywhere.ts';
import { formatEndpoint, parseEndpoint } from './endpoint.ts';
import type { Fault } from '../fault.ts';
import { once } from '../compile/per-policy.ts';
import { TUNNEL_PROTOCOLS } from '../../flow/kinds.ts';
import type { Endpoint, Policy } from '../policy.ts';
import type { TunnelEdit } from './schema-edit.ts';

/** The schema's limit for one tunnel (schema-parts.ts). */
const MAX_ENDPOINTS = 20_000;

/** Unchecked input: `readRequest` checks name, protocol, endpoints and `anywhere`, the schema the rest once it is in the policy. */
export interface TunnelRequest {
  readonly name: unknown;
  readonly protocol: unknown;
  readonly endpoints: unknown;
  readonly reserved?: unknown;
  readonly amnezia?: unknown;
  readonly zerotier?: unknown;
  /** `true` agrees to peers at any address. */
  readonly anywhere?: unknown;
  readonly listed?: unknown;
  /** If the policy has a tunnel of that name: whether these endpoints are added to its own or replace them. */
  readonly existing?: unknown;
}

/** The policy's tunnel of the requested name, of which it has to be said what becomes of it. */
export interface ExistingTunnel {
  readonly protocol: string;
  readonly endpoints: readonly string[];
}

/** What a server list changes in the tunnel of the same name. */
export interface ListChange {
  readonly added: number;
  readonly removed: number;
  /** At most 50 removed, `- udp:…`, then at most 50 added, `+ udp:…`. */
  readonly examples: readonly string[];
}

/**
 * The edit, or every fault of name, protocol, endpoints (texts as `parseEndpoint` reads them, at most 20,000) and `anywhere`. Never throws.
 */
export function readRequest(request: TunnelRequest): TunnelEdit | readonly Fault[] {
  const { name, endpoints, ...rest } = request;
  const protocol = TUNNEL_PROTOCOLS.find((known) => known === request.protocol);
  const texts: unknown[] = Array.isArray(endpoints) ? (endpoints as unknown[]) : [];
  if (texts.length > MAX_ENDPOINTS)
    return [fault('endpoints', 'are too many', `Name at most ${MAX_ENDPOINTS}.`)];
  const faults: Fault[] = [];
  const parsed: Endpoint[] = [];
  for (const [at, text] of texts.entries()) {
    const endpoint = typeof text === 'string' ? parseEndpoint(text) : undefined;
    if (endpoint === undefined)
      faults.push(fault(`endpoints[${at}]`, 'is not an endpoint', 'Write "udp:198.51.100.7:51820".'));
    else parsed.push(endpoint);
  }
  if (texts.length === 0) faults.push(fault('endpoints', 'are missing', 'Name at least one.'));
  if (protocol === undefined)
    faults.push(fault('protocol', 'is missing or unknown', `Write ${TUNNEL_PROTOCOLS.join(', ')}.`));
  if (typeof name !== 'string') faults.push(fault('name', 'is missing', 'Give the tunnel a name.'));
  const words = protocol !== undefined && parsed.some(isAnywhere) ? anywhereWords(protocol) : undefined;
  if (words !== undefined && request.anywhere !== true)
    faults.push(fault('anywhere', `peers may be anywhere: ${words}`, 'Agree to that, or name servers.'));
  if (faults.length > 0 || protocol === undefined || typeof name !== 'string') return faults;
  return { ...(rest as object), name, protocol, endpoints: parsed };
}

/**
 * The policy's tunnel of that name if the edit would change whom it trusts; undefined if there is none, if nothing changes, and if a
 * server list follows another one, whose place it takes.
 */
export function existingTunnel(
  { tunnels }: Pick<Policy, 'tunnels'>,
  { name, protocol, endpoints, listed }: TunnelEdit,
): ExistingTunnel | undefined {
  const known = tunnels.find((tunnel) => tunnel.name === name);
  if (known === undefined || (known.listed !== undefined && listed !== undefined)) return undefined;
  const trusted = known.endpoints.map(formatEndpoint);
  const has = new Set(trusted);
  const isKnown = known.protocol === protocol && endpointTexts(endpoints).every((text) => has.has(text));
  return isKnown ? undefined : { protocol: known.protocol, endpoints: trusted };
}

/** Examples of each sort in a `ListChange`. */
const EXAMPLES = 50;

/** Texts of the endpoints, as `formatEndpoint` writes them; remembered, because one edit asks for them three times. */
export const endpointTexts = once((endpoints: readonly Endpoint[]): readonly string[] =>
  endpoints.map(formatEndpoint),
);

/** What the edit's endpoints would change in the policy's tunnel of that name, or in none: how many come and go, and examples. */
export function listChange(policy: Pick<Policy, 'tunnels'>, { name, endpoints }: TunnelEdit): ListChange {
  const tunnel = policy.tunnels.find((known) => known.name === name);
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
