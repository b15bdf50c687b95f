// The routes of the local API for status, policy, block mode, passes and acknowledgement. Bodies have been checked (handlers.ts).

import type { Fault } from '../../../src/policy/fault.ts';
import type { Status } from '../../../src/api/status.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import type { ParsedPolicy } from '../../../src/policy/schema/schema.ts';
import { ApiError } from './api-server.ts';
import type { Handlers } from './handlers.ts';

/** What these routes need of the daemon. Its methods reject with ApiError. */
export interface ApiSubject {
  status(): Status;
  /** The policy in force; undefined without a valid one. */
  policy(): Policy | undefined;
  /**
   * Puts a policy text in force and saves it; returns its faults when it is invalid, and nothing has changed. `parsed`: the policy, when
   * already parsed.
   */
  setPolicy(text: string, parsed?: ParsedPolicy): Promise<Status | readonly Fault[]>;
  setBlockMode(on: boolean): Promise<Status>;
  /** `seconds` from now. `client`: a MAC address, lower-case with colons; undefined: all clients. */
  openPass(seconds: number, client: string | undefined): Promise<Status>;
  endPass(): Promise<Status>;
  /** Acknowledges one incident or `all`; undefined when there is no such incident. */
  acknowledge(id: string): Status | undefined;
  /** Acknowledges what was the tunnel's own traffic before it was trusted; undefined when there is no such tunnel. */
  acknowledgeTunnel(name: string): Status | undefined;
}

/**
 * Handlers for status, policy, block mode, passes and acknowledgement. They throw ApiError: 409 without a valid policy, 422 for an invalid
 * one, 503 when the kernel refuses, 404 for an unknown incident, 412 when there are other incidents than the caller has seen.
 */
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
      throw new ApiError(422, 'policy', 'the policy is invalid and was refused as a whole', answer);
    },
    block: ({ body: { on } }) => subject.setBlockMode(on),
    openPass: ({ body: { seconds, client } }) => subject.openPass(seconds, client),
    endPass: () => subject.endPass(),
    acknowledge: ({ body: { id, unacknowledged: shown } }) => {
      if (id === 'all' && shown !== undefined && shown !== subject.status().unacknowledged)
        throw new ApiError(412, 'changed', 'new incidents have occurred since these were shown');
      return subject.acknowledge(id) ?? noIncident(id);
    },
    acknowledgeTunnel: ({ params: { name } }) => {
      const answer = subject.acknowledgeTunnel(name);
      if (answer === undefined) throw new ApiError(404, 'no-tunnel', `there is no tunnel "${name}"`);
      return answer;
    },
  } satisfies Partial<Handlers>;
}

/** Throws ApiError 404 `no-incident` with the id in its message, for a path that names an incident that is not there; never returns. */
export function noIncident(id: string): never {
  throw new ApiError(404, 'no-incident', `there is no incident ${id}`);
}
