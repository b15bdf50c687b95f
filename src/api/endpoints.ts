// Knows: every endpoint of the local API: what is asked, what is answered, what is refused, how long it takes. Must not know: how it is done.
// HTTP over a Unix socket. The daemon's routes, every client and the OpenAPI text are made from this table.

import { z } from 'zod';

import type { Policy } from '../policy/policy.ts';
import * as box from './box.ts';
import type { Endpoint, Question } from './endpoint.ts';
import * as past from './past.ts';
import * as asked from './questions.ts';
import { incident, status } from './status.ts';

/** The policy in force, as the daemon has validated it; here only another version's is told apart. */
const policy = z.looseObject({
  version: z.literal(1),
  bridge: z.looseObject({}),
  tunnels: z.array(z.unknown()),
}) as unknown as z.ZodType<Policy>;

/** Errors that any question can come to, by HTTP status. `internal`: a defect, which is in the daemon's log. */
export const COMMON_ERRORS = {
  400: ['path', 'host', 'json', 'invalid'],
  404: ['not-found'],
  405: ['method'],
  413: ['too-large'],
  500: ['internal'],
} as const;

/** A text that was not parsed: for its cost, or for want of whoever parses. */
const UNREAD = { 422: ['too-costly'], 503: ['busy', 'unusable', 'failed'] } as const;
const CHANGE = { 409: ['no-policy'], 503: ['not-applied'] } as const;
/** `policy` with 409: what is in force is none, and has to be replaced; with 422: it would be none. */
const EDIT = {
  409: ['no-policy', 'policy'],
  412: ['changed'],
  422: ['policy', 'too-costly'],
  503: ['busy', 'not-applied', 'unusable', 'failed'],
} as const;
const NO_INCIDENT = { 404: ['no-incident'] } as const;

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
    does: 'Server-sent events: `status`, one at once and one whenever it changes, and `incident`, one whenever it grows.',
    file: ['text/event-stream'],
    errors: { 503: ['too-many-streams'] },
  },
  block: {
    method: 'PUT',
    path: '/v1/block',
    patience: 'change',
    does: 'Switches block mode. Answered when the kernel has the new ruleset and it has been read back.',
    body: asked.blockRequest,
    usage: 'block mode is switched with {"on": true} or {"on": false}',
    answer: status,
    errors: CHANGE,
  },
  openPass: {
    method: 'POST',
    path: '/v1/pass',
    patience: 'change',
    does: 'Opens a pass for a captive portal.',
    body: asked.passRequest,
    usage: 'that is no pass',
    answer: status,
    errors: CHANGE,
  },
  endPass: {
    method: 'DELETE',
    path: '/v1/pass',
    patience: 'change',
    does: 'Ends the pass.',
    answer: status,
    errors: CHANGE,
  },
  acknowledge: {
    method: 'POST',
    path: '/v1/ack',
    patience: 'change',
    does: 'Somebody has seen an incident, or all of them.',
    body: asked.acknowledgement,
    usage: 'an incident is acknowledged with {"id": "ID"} or {"id": "all"}',
    answer: status,
    errors: { ...NO_INCIDENT, 412: ['changed'] },
  },
  policy: {
    method: 'GET',
    path: '/v1/policy',
    patience: 'look',
    does: 'The policy in force, as the guard understands it.',
    answer: policy,
    errors: { 409: ['no-policy'] },
  },
  replacePolicy: {
    method: 'PUT',
    path: '/v1/policy',
    patience: 'work',
    does: 'Puts another policy in force and keeps it, or refuses it whole.',
    body: asked.policyRequest,
    usage: 'a policy is sent as {"text": "version: 1 …"}',
    answer: status,
    errors: EDIT,
  },
  policyText: {
    method: 'GET',
    path: '/v1/policy/text',
    patience: 'look',
    does: 'The policy file, comments and all.',
    file: ['application/yaml'],
    errors: { 409: ['no-policy'] },
  },
  settings: {
    method: 'GET',
    path: '/v1/settings',
    patience: 'look',
    does: 'The part of the policy that people change on the page.',
    answer: box.settingsAnswer,
    errors: { 409: ['no-policy', 'policy'], ...UNREAD },
  },
  changeSettings: {
    method: 'PUT',
    path: '/v1/settings',
    patience: 'work',
    does: 'Changes the settings that are named, all or none of them.',
    body: asked.settingsRequest,
    usage: 'that changes no setting',
    answer: status,
    errors: EDIT,
  },
  addTunnel: {
    method: 'POST',
    path: '/v1/tunnels',
    patience: 'work',
    does: 'Trusts a tunnel.',
    body: asked.tunnelRequest,
    usage: 'that is no tunnel',
    answer: status,
    errors: EDIT,
  },
  removeTunnel: {
    method: 'DELETE',
    path: '/v1/tunnels/:name',
    patience: 'work',
    does: 'Trusts a tunnel no more.',
    answer: status,
    errors: { ...EDIT, 404: ['no-tunnel'] },
  },
  importTunnel: {
    method: 'POST',
    path: '/v1/tunnels/import',
    patience: 'work',
    does: "What a VPN's configuration comes to; with `yes` it is trusted.",
    body: asked.importRequest,
    usage: 'a configuration is sent as {"text": "[Interface] …", "name": "home"}',
    answer: box.imported,
    errors: { ...EDIT, 422: ['unknown-format', 'no-endpoint', 'policy', 'too-costly'] },
  },
  learnTunnel: {
    method: 'POST',
    path: '/v1/tunnels/learn',
    patience: 'work',
    does: 'What was seen to begin on the wire; with `endpoint` that one is trusted.',
    body: asked.learnRequest,
    usage: 'one is trusted with {"endpoint": "udp:198.51.100.7:51820"}',
    answer: box.learned,
    errors: { ...EDIT, 404: ['not-proposed'] },
  },
  incidents: {
    method: 'GET',
    path: '/v1/incidents',
    patience: 'look',
    does: 'Incidents of the past.',
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
    does: 'The captured frames of an incident, decoded and byte by byte.',
    answer: past.frames,
    errors: NO_INCIDENT,
  },
  clients: {
    method: 'GET',
    path: '/v1/clients',
    patience: 'look',
    does: 'The devices behind the box, and what each tells every network.',
    answer: past.clients,
  },
  timeline: {
    method: 'GET',
    path: '/v1/timeline',
    patience: 'look',
    does: 'A stretch of time in equal intervals: the worst that was true in each.',
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
    does: 'The dossier with its incidents as a file; of the last day unless told.',
    query: asked.reportQuery,
    file: ['text/plain', 'application/json', 'text/csv', 'text/html', 'application/x-ndjson'],
    errors: UNREAD,
  },
  history: {
    method: 'GET',
    path: '/v1/history',
    patience: 'look',
    does: 'In which detail the past is kept.',
    answer: past.history,
  },
  rewriteHistory: {
    method: 'POST',
    path: '/v1/history/rewrite',
    patience: 'rewrite',
    does: 'Writes the past anew under the privacy in force; what it hides is gone for good.',
    answer: past.history,
    errors: { 503: ['not-rewritten'] },
  },
  health: {
    method: 'GET',
    path: '/v1/health',
    patience: 'look',
    does: 'How guard, machine and ports are.',
    answer: box.health,
  },
  testLed: {
    method: 'POST',
    path: '/v1/lamp/test',
    patience: 'look',
    does: 'Shows a pattern of the LED for a while.',
    body: asked.ledRequest,
    usage: 'the LED is tried with {"pattern": "red"}',
    answer: box.ledTest,
  },
  setClock: {
    method: 'POST',
    path: '/v1/clock',
    patience: 'work',
    does: "Sets the box's clock. Answered when the clock says so.",
    body: asked.setClockRequest,
    usage: 'the time is sent as {"wall": milliseconds since 1970}',
    answer: box.clock,
    errors: { 400: ['implausible', 'garbled', 'stale', 'kept'], 409: ['not-ours', 'kept'], 503: ['not-set'] },
  },
  update: {
    method: 'GET',
    path: '/v1/update',
    patience: 'look',
    does: 'What runs, and what became of the last update.',
    answer: box.update,
  },
  updatePart: {
    method: 'POST',
    path: '/v1/update/part',
    patience: 'work',
    does: 'Takes a part of an update. Parts come in order; the one at 0 begins anew.',
    body: asked.updatePart,
    usage: 'a part is sent as {"at": 0, "bytes": "base64"}',
    answer: box.update,
    errors: { 409: ['order'], 413: ['too-large'] },
  },
  installUpdate: {
    method: 'POST',
    path: '/v1/update/install',
    patience: 'work',
    does: 'What was sent is looked at and handed on; what is not to be installed is refused.',
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
export type EndpointName = keyof Endpoints;

type CodesOf<E> = { [S in keyof E]: E[S] extends readonly (infer Code)[] ? Code : never }[keyof E];
type OwnErrors = {
  [N in EndpointName]: Endpoints[N] extends { readonly errors: infer E } ? CodesOf<E> : never;
};
/** Every code that an error of the API can have. */
export type ErrorCode = CodesOf<typeof COMMON_ERRORS> | OwnErrors[EndpointName];

/** What is sent as the body of a question. */
export type Body<N extends EndpointName> =
  Question<Endpoints[N]> extends { readonly body: infer B } ? B : never;
