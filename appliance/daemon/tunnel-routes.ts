// Knows: what the paths of the local API that change tunnels do. Must not know: HTTP, kernel, YAML.
// Proposed first, in force only after a yes; of an imported file nothing but endpoints is read, and nothing kept.

import type { Guard } from '../../src/guard/guard.ts';
import type { ImportAnswer } from '../../src/guard/answers.ts';
import type { Fault, Status } from '../../src/guard/status.ts';
import { formatEndpoint, parseEndpoint } from '../../src/policy/endpoint.ts';
import { IMPORT_FORMATS } from '../../src/policy/import.ts';
import { IMPORT_MOST } from '../../src/policy/imported.ts';
import type { UnusedLine } from '../../src/policy/imported.ts';
import { TUNNEL_PROTOCOLS } from '../../src/policy/policy.ts';
import type { Endpoint, TunnelProtocol } from '../../src/policy/policy.ts';
import type { TunnelSettings } from '../../src/policy/wireguard-settings.ts';
import { readRegularFile } from '../regular-file.ts';
import { ApiError } from './api-server.ts';
import type { ApiRoute } from './api-server.ts';
import { invalidFile } from './policy-texts.ts';
import type { PolicyTexts } from './policy-texts.ts';

/** As many as a tunnel has (src/policy/schema-parts.ts). */
const ENDPOINTS_MOST = 20_000;

/** What these routes ask of the daemon. */
interface TunnelSubject {
  readonly configPath: string;
  readonly texts: PolicyTexts;
  readonly setPolicy: (text: string) => Promise<Status | readonly Fault[]>;
  readonly guard: () => Pick<Guard, 'observer'>;
}

/** `configPath` is the policy file: it is read here, and written by whoever puts it in force. */
export function tunnelRoutes(box: TunnelSubject): readonly ApiRoute[] {
  return [
    { method: 'POST', path: '/v1/tunnels', handle: ({ body }) => add(box, body) },
    { method: 'DELETE', path: '/v1/tunnels/:name', handle: ({ parts }) => remove(box, parts['name'] ?? '') },
    { method: 'POST', path: '/v1/tunnels/import', handle: ({ body }) => take(box, body) },
    { method: 'POST', path: '/v1/tunnels/learn', handle: ({ body }) => learn(box, body) },
  ];
}

async function add(box: TunnelSubject, body: unknown): Promise<Status> {
  const { name, protocol, endpoints, reserved, amnezia, listed } = fieldsOf(body);
  const parsed = readEndpoints(name, protocol, endpoints);
  // Whatever these are: they become part of the policy's text, and the schema says whether that is one.
  const rest = { reserved, amnezia, listed } as TunnelRest;
  return put(box, parsed.name, parsed.protocol, parsed.endpoints, rest);
}

/** A tunnel as JSON has it. Throws ApiError 400 with what is wrong. */
function readEndpoints(
  name: unknown,
  protocol: unknown,
  endpoints: unknown,
): { readonly name: string; readonly protocol: TunnelProtocol; readonly endpoints: readonly Endpoint[] } {
  const known = TUNNEL_PROTOCOLS.find((one) => one === protocol);
  const texts: unknown[] = Array.isArray(endpoints) ? (endpoints as unknown[]) : [];
  if (texts.length > ENDPOINTS_MOST)
    throw new ApiError(400, 'invalid', 'that is no tunnel', [
      fault('endpoints', 'are too many', `Name at most ${ENDPOINTS_MOST}.`),
    ]);
  const parsed = texts.map((text) => (typeof text === 'string' ? parseEndpoint(text) : undefined));
  const faults: Fault[] = parsed.flatMap((endpoint, at) =>
    endpoint === undefined
      ? [fault(`endpoints[${at}]`, 'is no endpoint', 'Write "udp:198.51.100.7:51820".')]
      : [],
  );
  if (texts.length === 0) faults.push(fault('endpoints', 'are missing', 'Name one at least.'));
  if (known === undefined) faults.push(fault('protocol', 'is none', `Write ${TUNNEL_PROTOCOLS.join(', ')}.`));
  if (typeof name !== 'string') faults.push(fault('name', 'is missing', 'Give the tunnel a name.'));
  if (faults.length > 0 || known === undefined || typeof name !== 'string')
    throw new ApiError(400, 'invalid', 'that is no tunnel', faults);
  return { name, protocol: known, endpoints: parsed.filter((endpoint) => endpoint !== undefined) };
}

type TunnelRest = TunnelSettings & { readonly listed?: string | undefined };

async function remove(box: TunnelSubject, name: string): Promise<Status> {
  const text = await box.texts.run('removeTunnel', { text: policyText(box), name });
  if (text === undefined) throw new ApiError(404, 'no-tunnel', `there is no tunnel "${name}"`);
  if (typeof text !== 'string') throw invalidFile(text.faults);
  return inForce(await box.setPolicy(text));
}

async function take(box: TunnelSubject, body: unknown): Promise<unknown> {
  const { text, bytes, name, yes, protocol: chosen, endpoints: read, listed: day } = fieldsOf(body);
  if (read !== undefined) {
    const list = readEndpoints(name, chosen, read);
    const listed = typeof day === 'string' ? day : today();
    return propose(box, list.name, { ...list, unused: [], rest: { listed } }, yes === true);
  }
  const given = typeof bytes === 'string' ? new Uint8Array(Buffer.from(bytes, 'base64')) : text;
  const isGiven = typeof given === 'string' || given instanceof Uint8Array;
  if (!isGiven || given.length > IMPORT_MOST || typeof name !== 'string') {
    throw new ApiError(
      400,
      'invalid',
      'a configuration is sent as {"text": "[Interface] …", "name": "home"}',
      [fault('text', 'is no configuration', `Send ${IMPORT_FORMATS}, and a name for the tunnel.`)],
    );
  }
  const found = await box.texts.run('import', given);
  if (found === undefined)
    throw new ApiError(
      422,
      'unknown-format',
      `that is no configuration that is read here: ${IMPORT_FORMATS}`,
    );
  const { tunnels, unused } = found;
  const [tunnel] = tunnels;
  const lines = unused.map(({ line, why }) => fault(`line ${line}`, why, 'It was left out.'));
  if (tunnel === undefined)
    throw new ApiError(422, 'no-endpoint', 'no endpoint was found in that configuration', lines);
  const { protocol, endpoints, settings = {}, list } = tunnel;
  const rest = { ...settings, ...(list === undefined ? {} : { listed: list.at ?? today() }) };
  return propose(box, name, { protocol, endpoints, unused, rest }, yes === true);
}

interface Found {
  readonly protocol: TunnelProtocol;
  readonly endpoints: readonly Endpoint[];
  readonly unused: readonly UnusedLine[];
  readonly rest: TunnelRest;
}

async function propose(box: TunnelSubject, name: string, found: Found, yes: boolean): Promise<unknown> {
  const { protocol, endpoints, unused, rest } = found;
  const texts = endpoints.map(formatEndpoint);
  const change = rest.listed === undefined ? {} : { change: await changeOf(box, name, texts) };
  const answer = { proposal: { name, protocol, endpoints: texts, ...rest }, ...change, unused };
  if (!yes) return { ...answer, added: false };
  return { ...answer, added: true, status: await put(box, name, protocol, endpoints, rest) };
}

/** Shown of what a list changes. */
const EXAMPLES = 50;

async function changeOf(
  box: TunnelSubject,
  name: string,
  texts: readonly string[],
): Promise<NonNullable<ImportAnswer['change']>> {
  const parsed = await box.texts.run('policy', policyText(box));
  const tunnel = parsed.ok ? parsed.policy.tunnels.find((one) => one.name === name) : undefined;
  const before = new Set(tunnel?.endpoints.map(formatEndpoint));
  const after = new Set(texts);
  const added = texts.filter((text) => !before.has(text));
  const removed = [...before].filter((text) => !after.has(text));
  const examples = [
    ...removed.slice(0, EXAMPLES).map((text) => `- ${text}`),
    ...added.slice(0, EXAMPLES).map((text) => `+ ${text}`),
  ];
  return { added: added.length, removed: removed.length, examples };
}

/** A list that does not say when it was made is as old as its import. */
function today(): string {
  return new Date().toISOString().slice(0, 10);
}

async function learn(box: TunnelSubject, body: unknown): Promise<unknown> {
  const { endpoint, name } = fieldsOf(body);
  const proposals = box.guard().observer.proposals.list();
  if (endpoint === undefined) return { proposals, added: false };
  const proposed = proposals.find((one) => one.endpoint === endpoint);
  const parsed = parseEndpoint(proposed?.endpoint ?? '');
  if (proposed === undefined || parsed === undefined)
    throw new ApiError(404, 'not-proposed', 'no handshake with that endpoint was seen');
  const status = await put(box, typeof name === 'string' ? name : proposed.protocol, proposed.protocol, [
    parsed,
  ]);
  box.guard().observer.proposals.forget(proposed.endpoint);
  return { proposals: box.guard().observer.proposals.list(), added: true, status };
}

async function put(
  box: TunnelSubject,
  name: string,
  protocol: TunnelProtocol,
  endpoints: readonly Endpoint[],
  rest: TunnelRest = {},
): Promise<Status> {
  const tunnel = { name, protocol, endpoints, ...rest };
  const text = await box.texts.run('addTunnel', { text: policyText(box), tunnel });
  if (typeof text !== 'string') throw invalidFile(text.faults);
  return inForce(await box.setPolicy(text));
}

function inForce(answer: Status | readonly Fault[]): Status {
  if ('state' in answer) return answer;
  throw new ApiError(422, 'policy', 'the policy would be invalid with it, and stays as it was', answer);
}

/** The policy file as it stands, comments and all. Throws ApiError 409. */
export function policyText({ configPath }: Pick<TunnelSubject, 'configPath'>): string {
  try {
    return readRegularFile(configPath);
  } catch (error) {
    throw new ApiError(409, 'no-policy', 'the policy file cannot be read', [], error);
  }
}

function fieldsOf(body: unknown): Readonly<Record<string, unknown>> {
  return typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : {};
}

function fault(path: string, message: string, remedy: string): Fault {
  return { path, message, remedy };
}
