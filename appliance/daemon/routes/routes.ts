// Knows: what each path of the local API does. Must not know: HTTP, kernel.
// Bodies were checked before (handlers.ts): nothing here sees a value of another shape.

import type { Fault } from '../../../src/policy/fault.ts';
import type { Status } from '../../../src/api/status.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import type { ParsedPolicy } from '../../../src/policy/schema/schema.ts';
import { ApiError } from './api-server.ts';
import type { Handlers } from './handlers.ts';

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

export function apiRoutes(subject: ApiSubject) {
  return {
    status: () => subject.status(),
    policy: () => {
      const policy = subject.policy();
      if (policy === undefined) throw new ApiError(409, 'no-policy', 'no valid policy is in force');
      return policy;
    },
    replacePolicy: async ({ body: { text } }) => {
      const answer = await subject.setPolicy(text);
      if ('state' in answer) return answer;
      throw new ApiError(422, 'policy', 'the policy is invalid and was refused whole', answer);
    },
    block: ({ body: { on } }) => subject.setBlockMode(on),
    openPass: ({ body: { seconds, client } }) => subject.openPass(seconds, client),
    endPass: () => subject.endPass(),
    acknowledge: ({ body: { id, unacknowledged: shown } }) => {
      if (id === 'all' && shown !== undefined && shown !== subject.status().unacknowledged)
        throw new ApiError(412, 'changed', 'other incidents have come since these were shown');
      return subject.acknowledge(id) ?? noIncident(id);
    },
  } satisfies Partial<Handlers>;
}

export function noIncident(id: string): never {
  throw new ApiError(404, 'no-incident', `there is no incident ${id}`);
}
