// Knows: what the paths of the local API that change tunnels do. Must not know: HTTP, kernel, YAML.
// Proposed first, in force only after a yes; of an imported file nothing but endpoints is read, and nothing kept.

import type { Guard } from '../../src/guard/guard.ts';
import type { Fault, Status } from '../../src/guard/status.ts';
import { formatEndpoint } from '../../src/policy/endpoint.ts';
import { IMPORT_FORMATS } from '../../src/policy/import.ts';
import { IMPORT_MOST } from '../../src/policy/imported.ts';
import type { UnusedLine } from '../../src/policy/imported.ts';
import type { ListChange, TunnelWish } from '../../src/policy/tunnel-wish.ts';
import type { EditedPolicy, Result } from '../jobs/parsing.ts';
import { readRegularFile } from '../regular-file.ts';
import { ApiError } from './api-server.ts';
import type { ApiRoute } from './api-server.ts';
import { invalidFile } from './policy-texts.ts';
import type { PolicyTexts } from './policy-texts.ts';
import type { ApiSubject } from './routes.ts';

/** What these routes ask of the daemon. */
interface TunnelSubject {
  readonly configPath: string;
  readonly texts: PolicyTexts;
  readonly setPolicy: ApiSubject['setPolicy'];
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
  return (await put(box, wishOf(body))).status;
}

/** Whatever these are: they become part of the policy's text, and the schema says whether that is one. */
function wishOf(body: unknown): TunnelWish {
  const { name, protocol, endpoints, reserved, amnezia, zerotier, anywhere, listed } = fieldsOf(body);
  return { name, protocol, endpoints, reserved, amnezia, zerotier, anywhere, listed };
}

async function remove(box: TunnelSubject, name: string): Promise<Status> {
  const edited = await box.texts.run('removeTunnel', { text: policyText(box), name });
  if (edited === undefined) throw new ApiError(404, 'no-tunnel', `there is no tunnel "${name}"`);
  if ('faults' in edited) throw invalidFile(edited.faults);
  return inForce(await box.setPolicy(edited.text, edited.parsed));
}

async function take(box: TunnelSubject, body: unknown): Promise<unknown> {
  const { text, bytes, name, yes, protocol: chosen, endpoints: read, listed: day } = fieldsOf(body);
  if (read !== undefined) {
    const listed = typeof day === 'string' ? day : today();
    return propose(box, { name, protocol: chosen, endpoints: read, listed }, [], yes === true);
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
  const listed = list === undefined ? {} : { listed: list.at ?? today() };
  const wish = { name, protocol, endpoints: endpoints.map(formatEndpoint), ...settings, ...listed };
  return propose(box, wish, unused, yes === true);
}

async function propose(
  box: TunnelSubject,
  wish: TunnelWish,
  unused: readonly UnusedLine[],
  yes: boolean,
): Promise<unknown> {
  const told = ({ endpoints, change }: { endpoints: readonly string[]; change: ListChange }): object => ({
    proposal: { ...wish, endpoints },
    ...(wish.listed === undefined ? {} : { change }),
    unused,
  });
  if (yes) {
    const { edited, status } = await put(box, wish);
    return { ...told(edited), added: true, status };
  }
  const compared = await box.texts.run('compare', { text: policyText(box), tunnel: wish });
  if ('wrong' in compared) throw noTunnel(compared.wrong);
  return { ...told(compared), added: false };
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
  if (proposed === undefined)
    throw new ApiError(404, 'not-proposed', 'no handshake with that endpoint was seen');
  const { protocol } = proposed;
  const { status } = await put(box, {
    ...{ name: typeof name === 'string' ? name : protocol, protocol, endpoints: [proposed.endpoint] },
  });
  box.guard().observer.proposals.forget(proposed.endpoint);
  return { proposals: box.guard().observer.proposals.list(), added: true, status };
}

async function put(
  box: TunnelSubject,
  tunnel: TunnelWish,
): Promise<{ readonly edited: Extract<Result<'addTunnel'>, EditedPolicy>; readonly status: Status }> {
  const edited = await box.texts.run('addTunnel', { text: policyText(box), tunnel });
  if ('wrong' in edited) throw noTunnel(edited.wrong);
  if ('faults' in edited) throw invalidFile(edited.faults);
  return { edited, status: inForce(await box.setPolicy(edited.text, edited.parsed)) };
}

function noTunnel(wrong: readonly Fault[]): ApiError {
  return new ApiError(400, 'invalid', 'that is no tunnel', wrong);
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
