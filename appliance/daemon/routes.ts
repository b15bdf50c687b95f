// Knows: what each path of the local API does. Must not know: HTTP, kernel.
// Bodies are validated here: nothing behind it sees a value of another shape.

import type { Fault, Status } from '../../src/guard/status.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { ParsedPolicy } from '../../src/policy/schema.ts';
import { ApiError } from './api-server.ts';
import type { ApiRoute } from './api-server.ts';

/** What the routes ask of the daemon. */
export interface ApiSubject {
  status(): Status;
  policy(): Policy | undefined;
  /** Puts a policy text in force and keeps it; the faults when it is not valid. `parsed`: what it is, where it was read already. */
  setPolicy(text: string, parsed?: ParsedPolicy): Promise<Status | readonly Fault[]>;
  setBlockMode(on: boolean): Promise<Status>;
  openPass(seconds: number, client: string | undefined): Promise<Status>;
  endPass(): Promise<Status>;
  /** Undefined when there is no such incident. */
  acknowledge(id: string): Status | undefined;
}

const PASS_SECONDS_MOST = 3_600;
const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i;

export function apiRoutes(subject: ApiSubject): readonly ApiRoute[] {
  return [
    { method: 'GET', path: '/v1/status', handle: () => subject.status() },
    {
      method: 'GET',
      path: '/v1/policy',
      handle: () => {
        const policy = subject.policy();
        if (policy === undefined) throw new ApiError(409, 'no-policy', 'no valid policy is in force');
        return policy;
      },
    },
    {
      method: 'PUT',
      path: '/v1/policy',
      handle: async ({ body }) => {
        const text = field(body, 'text');
        if (typeof text !== 'string') {
          throw new ApiError(400, 'invalid', 'a policy is sent as {"text": "version: 1 …"}', [
            { path: 'text', message: 'is not a text', remedy: 'send the whole policy file as one text' },
          ]);
        }
        const answer = await subject.setPolicy(text);
        if ('state' in answer) return answer;
        throw new ApiError(422, 'policy', 'the policy is invalid and was refused whole', answer);
      },
    },
    {
      method: 'PUT',
      path: '/v1/block',
      handle: ({ body }) => {
        const on = field(body, 'on');
        if (typeof on !== 'boolean') {
          throw new ApiError(400, 'invalid', 'block mode is switched with {"on": true} or {"on": false}', [
            { path: 'on', message: 'is not true or false', remedy: 'send {"on": true} or {"on": false}' },
          ]);
        }
        return subject.setBlockMode(on);
      },
    },
    {
      method: 'POST',
      path: '/v1/pass',
      handle: ({ body }) => {
        const { seconds, client } = passOf(body);
        return subject.openPass(seconds, client);
      },
    },
    { method: 'DELETE', path: '/v1/pass', handle: () => subject.endPass() },
    {
      method: 'POST',
      path: '/v1/ack',
      handle: ({ body }) => {
        const id = field(body, 'id');
        if (typeof id !== 'string') {
          throw new ApiError(
            400,
            'invalid',
            'an incident is acknowledged with {"id": "ID"} or {"id": "all"}',
            [{ path: 'id', message: 'is not a text', remedy: 'send the id of an incident, or "all"' }],
          );
        }
        const shown = field(body, 'unacknowledged');
        if (shown !== undefined && !isCount(shown)) {
          const fault = {
            path: 'unacknowledged',
            message: 'is no whole number',
            remedy: 'send one, or none',
          };
          throw new ApiError(400, 'invalid', 'how many incidents were shown is a number', [fault]);
        }
        if (id === 'all' && shown !== undefined && shown !== subject.status().unacknowledged)
          throw new ApiError(412, 'changed', 'other incidents have come since these were shown');
        return subject.acknowledge(id) ?? noIncident(id);
      },
    },
  ];
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

function passOf(body: unknown): { seconds: number; client: string | undefined } {
  const seconds = field(body, 'seconds');
  const client = field(body, 'client');
  const faults = [];
  if (
    typeof seconds !== 'number' ||
    !Number.isInteger(seconds) ||
    seconds < 1 ||
    seconds > PASS_SECONDS_MOST
  ) {
    const remedy = `send a whole number from 1 to ${String(PASS_SECONDS_MOST)}`;
    faults.push({ path: 'seconds', message: 'is no length of time for a pass', remedy });
  }
  if (client !== undefined && (typeof client !== 'string' || !MAC.test(client))) {
    faults.push({ path: 'client', message: 'is no MAC address', remedy: 'send it as 02:00:00:00:00:0c' });
  }
  if (faults.length > 0) throw new ApiError(400, 'invalid', 'that is no pass', faults);
  return { seconds: Number(seconds), client: typeof client === 'string' ? client.toLowerCase() : undefined };
}

export function noIncident(id: string | undefined): never {
  throw new ApiError(404, 'no-incident', `there is no incident ${id ?? ''}`);
}

export function field(body: unknown, name: string): unknown {
  if (typeof body !== 'object' || body === null) return undefined;
  return (body as Readonly<Record<string, unknown>>)[name];
}
