// Knows: what the paths of the local API that change tunnels do. Must not know: HTTP, kernel, YAML.
// Proposed first, in force only after a yes; of an imported file nothing but endpoints is read, and nothing kept.

import type { ImportAnswer } from '../../../src/api/box.ts';
import type { Answer } from '../../../src/api/endpoint.ts';
import { ENDPOINTS } from '../../../src/api/endpoints.ts';
import type { Body, Endpoints } from '../../../src/api/endpoints.ts';
import type { Guard } from '../../../src/guard/guard.ts';
import type { Fault } from '../../../src/policy/fault.ts';
import type { Status } from '../../../src/api/status.ts';
import { formatEndpoint } from '../../../src/policy/schema/endpoint.ts';
import { IMPORT_FORMATS } from '../../../src/policy/import/import.ts';
import { IMPORT_MOST } from '../../../src/policy/import/imported.ts';
import type { UnusedLine } from '../../../src/policy/import/imported.ts';
import type { ListChange, TunnelRequest } from '../../../src/policy/schema/tunnel-request.ts';
import type { EditedPolicy, Result } from '../../jobs/parsing.ts';
import { ApiError } from './api-server.ts';
import { refused } from './handlers.ts';
import type { Handlers } from './handlers.ts';
import { invalidFile, policyText } from '../state/policy-texts.ts';
import type { PolicyTexts } from '../state/policy-texts.ts';
import type { ApiSubject } from './routes.ts';

/** What these routes ask of the daemon. */
interface TunnelSubject {
  readonly configPath: string;
  readonly texts: PolicyTexts;
  readonly setPolicy: ApiSubject['setPolicy'];
  readonly guard: () => Pick<Guard, 'observer'>;
}

/** `configPath` is the policy file: it is read here, and written by whoever puts it in force. */
export function tunnelRoutes(box: TunnelSubject) {
  return {
    // Whatever these are: they become part of the policy's text, and its schema says whether that is one.
    addTunnel: async ({ body }) => (await put(box, body)).status,
    removeTunnel: ({ params: { name } }) => remove(box, name),
    importTunnel: ({ body }) => take(box, body),
    learnTunnel: ({ body }) => learn(box, body),
  } satisfies Partial<Handlers>;
}

async function remove(box: TunnelSubject, name: string): Promise<Status> {
  const edited = await box.texts.run('removeTunnel', { text: policyText(box), name });
  if (edited === undefined) throw new ApiError(404, 'no-tunnel', `there is no tunnel "${name}"`);
  if ('faults' in edited) throw invalidFile(edited.faults);
  return inForce(await box.setPolicy(edited.text, edited.parsed));
}

async function take(
  box: TunnelSubject,
  { text, bytes, name, yes = false, protocol: chosen, endpoints: read, listed: day }: Body<'importTunnel'>,
): Promise<ImportAnswer> {
  if (read !== undefined)
    return propose(box, { name, protocol: chosen, endpoints: read, listed: day ?? today() }, [], yes);
  const given = bytes === undefined ? text : new Uint8Array(Buffer.from(bytes, 'base64'));
  if (given === undefined || given.length > IMPORT_MOST)
    throw refused(
      [fault('text', 'is no configuration', `Send ${IMPORT_FORMATS}, and a name for the tunnel.`)],
      ENDPOINTS.importTunnel.usage,
    );
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
  const request = { name, protocol, endpoints: endpoints.map(formatEndpoint), ...settings, ...listed };
  return propose(box, request, unused, yes);
}

async function propose(
  box: TunnelSubject,
  request: TunnelRequest,
  unused: readonly UnusedLine[],
  yes: boolean,
): Promise<ImportAnswer> {
  type Told = Pick<ImportAnswer, 'proposal' | 'change' | 'unused'>;
  const told = ({ endpoints, change }: { endpoints: readonly string[]; change: ListChange }): Told => ({
    proposal: { ...request, endpoints } as ImportAnswer['proposal'],
    ...(request.listed === undefined ? {} : { change }),
    unused,
  });
  if (yes) {
    const { edited, status } = await put(box, request);
    return { ...told(edited), added: true, status };
  }
  const compared = await box.texts.run('compare', { text: policyText(box), tunnel: request });
  if ('wrong' in compared) throw noTunnel(compared.wrong);
  return { ...told(compared), added: false };
}

/** A list that does not say when it was made is as old as its import. */
function today(): string {
  return new Date().toISOString().slice(0, 10);
}

async function learn(
  box: TunnelSubject,
  { endpoint, name }: Body<'learnTunnel'>,
): Promise<Answer<Endpoints['learnTunnel']>> {
  const proposals = box.guard().observer.proposals.list();
  if (endpoint === undefined) return { proposals, added: false };
  const proposed = proposals.find((one) => one.endpoint === endpoint);
  if (proposed === undefined)
    throw new ApiError(404, 'not-proposed', 'no handshake with that endpoint was seen');
  const { protocol } = proposed;
  const { status } = await put(box, {
    name: name ?? protocol,
    protocol,
    endpoints: [proposed.endpoint],
  });
  box.guard().observer.proposals.forget(proposed.endpoint);
  return { proposals: box.guard().observer.proposals.list(), added: true, status };
}

async function put(
  box: TunnelSubject,
  tunnel: TunnelRequest,
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

function fault(path: string, message: string, remedy: string): Fault {
  return { path, message, remedy };
}
