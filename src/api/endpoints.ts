// Every endpoint of the local API (HTTP over a Unix socket): request, answer, errors and how long it takes. The daemon's routes, the client
// and the OpenAPI document are made from this table.

import { z } from 'zod';

import type { Policy } from '../policy/policy.ts';
import * as box from './box.ts';
import type { Endpoint, Question } from './endpoint.ts';
import * as past from './past.ts';
import * as asked from './questions.ts';
import { incident, status } from './status.ts';

/** The policy in force, which the daemon has validated; here only another version is refused. */
const policy = z.looseObject({
  version: z.literal(1),
  bridge: z.looseObject({}),
  tunnels: z.array(z.unknown()),
}) as unknown as z.ZodType<Policy>;

/** Errors of any endpoint, by HTTP status. `internal`: a defect, described in the daemon's log. */
export const COMMON_ERRORS = {
  400: ['path', 'host', 'json', 'invalid'],
  404: ['not-found'],
  405: ['method'],
  413: ['too-large'],
  500: ['internal'],
} as const;

/** A text was not parsed: it is too costly, or no process could parse it. */
const UNREAD = { 422: ['too-costly'], 503: ['busy', 'unusable', 'failed'] } as const;
const CHANGE = { 409: ['no-policy'], 503: ['not-applied'] } as const;
/** `policy` with 409: the stored policy is not valid and has to be replaced; with 422: the edit would make it invalid. */
const EDIT = {
  409: ['no-policy', 'policy'],
  412: ['changed'],
  422: ['policy', 'too-costly'],
  503: ['busy', 'not-applied', 'unusable', 'failed'],
} as const;
/** `exists`: a tunnel has that name, and the request does not say what becomes of it. */
const ADD = { ...EDIT, 409: [...EDIT[409], 'exists'] } as const;
const NO_INCIDENT = { 404: ['no-incident'] } as const;

/** The endpoints by name, which is their `operationId` in the OpenAPI document. */
export const ENDPOINTS = {
  status: {
    method: 'GET',
    path: '/v1/status',
    patience: 'look',
    does: 'The state of the wire, and why.',
    answer: status,
  },
  events: {
    method: 'GET',
    path: '/v1/events',
    patience: 'look',
    does: 'Server-sent events: `status`, at once and whenever it changes, and `incident`, whenever one grows.',
    file: ['text/event-stream'],
    errors: { 503: ['too-many-streams'] },
  },
  block: {
    method: 'PUT',
    path: '/v1/block',
    patience: 'change',
    does: 'Switches block mode. Answers when the kernel has the new ruleset and it has been read back. Off ends a pass.',
    body: asked.blockRequest,
    usage: 'block mode is switched with {"on": true} or {"on": false}',
    answer: status,
    errors: CHANGE,
  },
  openPass: {
    method: 'POST',
    path: '/v1/pass',
    patience: 'change',
    does: 'Opens a captive-portal exception (pass). Refused while block mode is off.',
    body: asked.passRequest,
    usage: 'this is not a captive-portal exception',
    answer: status,
    errors: { ...CHANGE, 409: [...CHANGE[409], 'block-mode-off'] },
  },
  endPass: {
    method: 'DELETE',
    path: '/v1/pass',
    patience: 'change',
    does: 'Ends the captive-portal exception.',
    answer: status,
    errors: CHANGE,
  },
  acknowledge: {
    method: 'POST',
    path: '/v1/ack',
    patience: 'change',
    does: 'Acknowledges an incident, or all of them.',
    body: asked.acknowledgement,
    usage: 'an incident is acknowledged with {"id": "ID"} or {"id": "all"}',
    answer: status,
    errors: { ...NO_INCIDENT, 412: ['changed'] },
  },
  policy: {
    method: 'GET',
    path: '/v1/policy',
    patience: 'look',
    does: 'The policy in force, parsed.',
    answer: policy,
    errors: { 409: ['no-policy'] },
  },
  replacePolicy: {
    method: 'PUT',
    path: '/v1/policy',
    patience: 'work',
    does: 'Puts another policy in force and stores it, or refuses it whole.',
    body: asked.policyRequest,
    usage: 'a policy is sent as {"text": "version: 1 …"}',
    answer: status,
    errors: EDIT,
  },
  policyText: {
    method: 'GET',
    path: '/v1/policy/text',
    patience: 'look',
    does: 'The policy file with its comments.',
    file: ['application/yaml'],
    errors: { 409: ['no-policy'] },
  },
  settings: {
    method: 'GET',
    path: '/v1/settings',
    patience: 'look',
    does: 'The part of the policy that can be changed on the page.',
    answer: box.settingsAnswer,
    errors: { 409: ['no-policy', 'policy'], ...UNREAD },
  },
  changeSettings: {
    method: 'PUT',
    path: '/v1/settings',
    patience: 'work',
    does: 'Changes the given settings, all of them or none.',
    body: asked.settingsRequest,
    usage: 'this changes no setting',
    answer: status,
    errors: EDIT,
  },
  tunnels: {
    method: 'GET',
    path: '/v1/tunnels',
    patience: 'look',
    does: 'The trusted tunnels, each with all of its endpoints.',
    answer: box.tunnels,
  },
  addTunnel: {
    method: 'POST',
    path: '/v1/tunnels',
    patience: 'work',
    does: 'Adds a trusted tunnel.',
    body: asked.tunnelRequest,
    usage: 'this is not a tunnel',
    answer: status,
    errors: ADD,
  },
  removeTunnel: {
    method: 'DELETE',
    path: '/v1/tunnels/:name',
    patience: 'work',
    does: 'Removes a trusted tunnel.',
    answer: status,
    errors: { ...EDIT, 404: ['no-tunnel'] },
  },
  removeEndpoint: {
    method: 'DELETE',
    path: '/v1/tunnels/:name/endpoints/:endpoint',
    patience: 'work',
    does: 'Removes one endpoint of a trusted tunnel, which must have another one.',
    answer: status,
    errors: { ...EDIT, 404: ['no-endpoint'], 409: [...EDIT[409], 'last-endpoint'] },
  },
  acknowledgeTunnel: {
    method: 'POST',
    path: '/v1/tunnels/:name/ack',
    patience: 'change',
    does: "Acknowledges the incidents that were this tunnel's own traffic, from before it was trusted.",
    answer: status,
    errors: { 404: ['no-tunnel'] },
  },
  importTunnel: {
    method: 'POST',
    path: '/v1/tunnels/import',
    patience: 'work',
    does: 'Reads a VPN configuration and proposes a tunnel; with `yes` it is trusted.',
    body: asked.importRequest,
    usage: 'a configuration is sent as {"text": "[Interface] …", "name": "home"}',
    answer: box.imported,
    errors: { ...ADD, 422: ['unknown-format', 'no-endpoint', 'policy', 'too-costly'] },
  },
  learnTunnel: {
    method: 'POST',
    path: '/v1/tunnels/learn',
    patience: 'work',
    does: 'Tunnels that were seen to start on the wire; with `endpoint` that one is trusted.',
    body: asked.learnRequest,
    usage: 'a tunnel is trusted with {"endpoint": "udp:198.51.100.7:51820"}',
    answer: box.learned,
    errors: { ...ADD, 404: ['not-proposed'] },
  },
  incidents: {
    method: 'GET',
    path: '/v1/incidents',
    patience: 'look',
    does: 'Incidents of the history.',
    query: asked.incidentQuery,
    answer: past.incidents,
    errors: UNREAD,
  },
  incident: {
    method: 'GET',
    path: '/v1/incidents/:id',
    patience: 'look',
    does: 'One incident.',
    answer: incident,
    errors: NO_INCIDENT,
  },
  evidence: {
    method: 'GET',
    path: '/v1/incidents/:id/evidence',
    patience: 'look',
    does: 'The captured frames of an incident.',
    file: ['application/x-pcapng'],
    errors: { 404: ['no-incident', 'no-evidence'] },
  },
  frames: {
    method: 'GET',
    path: '/v1/incidents/:id/frames',
    patience: 'look',
    does: 'The captured frames of an incident, decoded and as bytes.',
    answer: past.frames,
    errors: NO_INCIDENT,
  },
  clients: {
    method: 'GET',
    path: '/v1/clients',
    patience: 'look',
    does: 'The devices behind the box, and what each reveals to every network.',
    answer: past.clients,
  },
  timeline: {
    method: 'GET',
    path: '/v1/timeline',
    patience: 'look',
    does: 'A period in equal intervals, with the worst state of each.',
    query: asked.timelineQuery,
    answer: past.timeline,
  },
  dossier: {
    method: 'GET',
    path: '/v1/dossier',
    patience: 'work',
    does: 'What an eavesdropper can put together from everything that escaped.',
    query: asked.incidentQuery,
    answer: past.dossier,
    errors: UNREAD,
  },
  gaps: {
    method: 'GET',
    path: '/v1/gaps',
    patience: 'look',
    does: 'Silences of tunnels.',
    query: asked.gapQuery,
    answer: past.gaps,
  },
  report: {
    method: 'GET',
    path: '/v1/report',
    patience: 'work',
    does: 'The dossier with its incidents as a file; by default of the last day.',
    query: asked.reportQuery,
    file: ['text/plain', 'application/json', 'text/csv', 'text/html', 'application/x-ndjson'],
    errors: UNREAD,
  },
  history: {
    method: 'GET',
    path: '/v1/history',
    patience: 'look',
    does: 'How much detail the history keeps.',
    answer: past.history,
  },
  rewriteHistory: {
    method: 'POST',
    path: '/v1/history/rewrite',
    patience: 'rewrite',
    does: 'Rewrites the history under the privacy setting in force; details that it hides are lost for good.',
    answer: past.history,
    errors: { 503: ['not-rewritten'] },
  },
  health: {
    method: 'GET',
    path: '/v1/health',
    patience: 'look',
    does: 'The health of guard, machine and ports.',
    answer: box.health,
  },
  testLed: {
    method: 'POST',
    path: '/v1/lamp/test',
    patience: 'look',
    does: 'Shows a pattern on the LED for a few seconds.',
    body: asked.ledRequest,
    usage: 'the LED is tested with {"pattern": "red"}',
    answer: box.ledTest,
  },
  setClock: {
    method: 'POST',
    path: '/v1/clock',
    patience: 'work',
    does: "Sets the box's clock. Answers when the clock has been set.",
    body: asked.setClockRequest,
    usage: 'the time is sent as {"wall": milliseconds since 1970}',
    answer: box.clock,
    errors: { 400: ['implausible', 'garbled', 'stale', 'kept'], 409: ['not-ours', 'kept'], 503: ['not-set'] },
  },
  update: {
    method: 'GET',
    path: '/v1/update',
    patience: 'look',
    does: 'The running version, and the result of the last update.',
    answer: box.update,
  },
  updatePart: {
    method: 'POST',
    path: '/v1/update/part',
    patience: 'work',
    does: 'Takes a part of an update. Parts come in order; the one at 0 starts again.',
    body: asked.updatePart,
    usage: 'a part is sent as {"at": 0, "bytes": "base64"}',
    answer: box.update,
    errors: { 409: ['order'], 413: ['too-large'] },
  },
  installUpdate: {
    method: 'POST',
    path: '/v1/update/install',
    patience: 'work',
    does: 'Checks the update that was sent and installs it, or refuses it.',
    answer: box.update,
    errors: {
      400: [
        ...(['not-an-update', 'not-signed', 'damaged', 'not-for-this-box', 'older', 'no-way-back'] as const),
        'unsafe-place',
      ],
    },
  },
} as const satisfies Readonly<Record<string, Endpoint>>;

export type Endpoints = typeof ENDPOINTS;
/** `status`, `openPass` and so on. */
export type EndpointName = keyof Endpoints;

type CodesOf<E> = { [S in keyof E]: E[S] extends readonly (infer Code)[] ? Code : never }[keyof E];
type OwnErrors = {
  [N in EndpointName]: Endpoints[N] extends { readonly errors: infer E } ? CodesOf<E> : never;
};
/** Every code that an error of the API can have. */
export type ErrorCode = CodesOf<typeof COMMON_ERRORS> | OwnErrors[EndpointName];

/** The body of a request as a client sends it; never where there is none. */
export type Body<N extends EndpointName> =
  Question<Endpoints[N]> extends { readonly body: infer B } ? B : never;
