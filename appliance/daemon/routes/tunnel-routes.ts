// The routes of the local API that change tunnels. Imported and learned tunnels are proposed first and added only with `yes`. Of an imported
// file only what the tunnel entry needs is read, and the file is not kept.

import type { ImportAnswer } from '../../../src/api/box.ts';
import type { Answer } from '../../../src/api/endpoint.ts';
import { ENDPOINTS } from '../../../src/api/endpoints.ts';
import type { Body, Endpoints } from '../../../src/api/endpoints.ts';
import type { Guard } from '../../../src/guard/guard.ts';
import type { Fault } from '../../../src/policy/fault.ts';
import type { Status } from '../../../src/api/status.ts';
import { formatEndpoint } from '../../../src/policy/schema/endpoint.ts';
import { IMPORT_FORMATS } from '../../../src/policy/import/import.ts';
import { MAX_IMPORT_BYTES } from '../../../src/policy/import/imported.ts';
import type { UnusedLine } from '../../../src/policy/import/imported.ts';
import type { ExistingTunnel, ListChange, TunnelRequest } from '../../../src/policy/schema/tunnel-request.ts';
import type { EditedPolicy, Result } from '../../jobs/parsing.ts';
import { ApiError } from './api-server.ts';
import { refused } from './handlers.ts';
import type { Handlers } from './handlers.ts';
import { invalidFile, policyText } from '../state/policy-texts.ts';
import type { PolicyTexts } from '../state/policy-texts.ts';
import type { ApiSubject } from './routes.ts';

/** What these routes need of the daemon. */
interface TunnelSubject {
  readonly configPath: string;
  readonly texts: PolicyTexts;
  readonly setPolicy: ApiSubject['setPolicy'];
  readonly guard: () => Pick<Guard, 'observer' | 'tunnels'>;
}

/**
 * Handlers for tunnels. `configPath` is the policy file: it is read here; `setPolicy` writes it. They throw ApiError: 400 for an invalid
 * tunnel, 404 for an unknown one, 409 when the file is invalid, 422 when the import has no endpoint or the policy would become invalid.
 */
export function tunnelRoutes(box: TunnelSubject) {
  return {
    tunnels: () => ({ tunnels: box.guard().tunnels() }),
    // Not checked here: the tunnel becomes part of the policy's text, which is checked as a whole.
    addTunnel: async ({ body }) => (await put(box, body)).status,
    removeTunnel: ({ params: { name } }) => remove(box, name),
    removeEndpoint: ({ params: { name, endpoint } }) => removeEndpoint(box, name, endpoint),
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

async function removeEndpoint(box: TunnelSubject, name: string, endpoint: string): Promise<Status> {
  const edited = await box.texts.run('removeEndpoint', { text: policyText(box), name, endpoint });
  if (edited === undefined)
    throw new ApiError(404, 'no-endpoint', `there is no tunnel "${name}" with the endpoint ${endpoint}`);
  if (edited === 'last')
    throw new ApiError(
      409,
      'last-endpoint',
      `${endpoint} is the only endpoint of "${name}": remove the tunnel`,
    );
  if ('faults' in edited) throw invalidFile(edited.faults);
  return inForce(await box.setPolicy(edited.text, edited.parsed));
}

async function take(
  box: TunnelSubject,
  {
    text,
    bytes,
    name,
    existing,
    yes = false,
    protocol: chosen,
    endpoints: read,
    listed: day,
  }: Body<'importTunnel'>,
): Promise<ImportAnswer> {
  const how = { ...(existing === undefined ? {} : { existing }), yes };
  if (read !== undefined)
    return propose(box, { name, protocol: chosen, endpoints: read, listed: day ?? today() }, [], how);
  const given = bytes === undefined ? text : new Uint8Array(Buffer.from(bytes, 'base64'));
  if (given === undefined || given.length > MAX_IMPORT_BYTES)
    throw refused(
      [fault('text', 'is not a configuration', `Send ${IMPORT_FORMATS}, and a name for the tunnel.`)],
      ENDPOINTS.importTunnel.usage,
    );
  const found = await box.texts.run('import', given);
  if (found === undefined)
    throw new ApiError(
      422,
      'unknown-format',
      `the format of this configuration is not supported; supported are: ${IMPORT_FORMATS}`,
    );
  const { tunnels, unused } = found;
  const [tunnel] = tunnels;
  const lines = unused.map(({ line, why }) => fault(`line ${line}`, why, 'It was left out.'));
  if (tunnel === undefined)
    throw new ApiError(422, 'no-endpoint', 'no endpoint was found in that configuration', lines);
  const { protocol, endpoints, settings = {}, list } = tunnel;
  const listed = list === undefined ? {} : { listed: list.at ?? today() };
  const request = { name, protocol, endpoints: endpoints.map(formatEndpoint), ...settings, ...listed };
  return propose(box, request, unused, how);
}

async function propose(
  box: TunnelSubject,
  request: TunnelRequest,
  unused: readonly UnusedLine[],
  { yes, ...said }: { readonly yes: boolean; readonly existing?: 'add' | 'replace' },
): Promise<ImportAnswer> {
  type Proposed = Pick<ImportAnswer, 'proposal' | 'change' | 'existing' | 'unused'>;
  interface Compared {
    readonly endpoints: readonly string[];
    readonly change: ListChange;
    readonly existing?: ExistingTunnel;
  }
  const answer = ({ endpoints, change, existing }: Compared): Proposed => ({
    proposal: { ...request, endpoints } as ImportAnswer['proposal'],
    ...(request.listed === undefined ? {} : { change }),
    ...(existing === undefined
      ? {}
      : { existing: { protocol: existing.protocol, endpoints: [...existing.endpoints] } }),
    unused,
  });
  if (yes) {
    const { edited, status } = await put(box, { ...request, ...said });
    return { ...answer(edited), added: true, status };
  }
  const compared = await box.texts.run('compare', { text: policyText(box), tunnel: request });
  if ('wrong' in compared) throw invalidTunnel(compared.wrong);
  return { ...answer(compared), added: false };
}

/** A list without a date counts as made on the day of its import. */
function today(): string {
  return new Date().toISOString().slice(0, 10);
}

async function learn(
  box: TunnelSubject,
  { endpoint, name, existing }: Body<'learnTunnel'>,
): Promise<Answer<Endpoints['learnTunnel']>> {
  const proposals = box.guard().observer.proposals.list();
  if (endpoint === undefined) return { proposals, added: false };
  const proposed = proposals.find((proposal) => proposal.endpoint === endpoint);
  if (proposed === undefined)
    throw new ApiError(404, 'not-proposed', 'no handshake with this endpoint has been seen');
  const { protocol } = proposed;
  const { status } = await put(box, {
    name: name ?? protocol,
    protocol,
    endpoints: [proposed.endpoint],
    ...(existing === undefined ? {} : { existing }),
  });
  box.guard().observer.proposals.forget(proposed.endpoint);
  return { proposals: box.guard().observer.proposals.list(), added: true, status };
}

async function put(
  box: TunnelSubject,
  tunnel: TunnelRequest,
): Promise<{ readonly edited: Extract<Result<'addTunnel'>, EditedPolicy>; readonly status: Status }> {
  const edited = await box.texts.run('addTunnel', { text: policyText(box), tunnel });
  if ('wrong' in edited) throw invalidTunnel(edited.wrong);
  if ('unsaid' in edited) throw nameTaken(tunnel, edited.unsaid);
  if ('faults' in edited) throw invalidFile(edited.faults);
  return { edited, status: inForce(await box.setPolicy(edited.text, edited.parsed)) };
}

function invalidTunnel(wrong: readonly Fault[]): ApiError {
  return new ApiError(400, 'invalid', 'this is not a valid tunnel', wrong);
}

/** Endpoints that a message names. */
const NAMED = 5;

function nameTaken(
  { name, protocol }: TunnelRequest,
  { protocol: known, endpoints }: ExistingTunnel,
): ApiError {
  const more = endpoints.length - NAMED;
  const trusted = `${endpoints.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${String(more)} more` : ''}`;
  const message = `there is already a tunnel "${String(name)}" (${known}), which trusts ${trusted}`;
  const remedy =
    known === protocol
      ? 'Say whether to add these servers to it or to replace its own, or choose another name.'
      : 'It has another protocol: say that it is replaced, or choose another name.';
  return new ApiError(409, 'exists', `${message}. ${remedy}`, [fault('existing', message, remedy)]);
}

function inForce(answer: Status | readonly Fault[]): Status {
  if ('state' in answer) return answer;
  throw new ApiError(422, 'policy', 'this change would make the policy invalid, so it was not made', answer);
}

function fault(path: string, message: string, remedy: string): Fault {
  return { path, message, remedy };
}
