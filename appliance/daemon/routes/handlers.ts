// Knows: that every endpoint of the local API has a handler, and that none of them sees what was not checked. Must not know: any endpoint, HTTP.

import { ENDPOINTS } from '../../../src/api/endpoints.ts';
import type { EndpointName, Endpoints } from '../../../src/api/endpoints.ts';
import { readBody, readQuery } from '../../../src/api/endpoint.ts';
import type { Answer, Asked, Endpoint } from '../../../src/api/endpoint.ts';
import type { Fault } from '../../../src/policy/fault.ts';
import { ApiError } from './api-server.ts';
import type { ApiRoute, BinaryAnswer } from './api-server.ts';

/** The server has the events: they are no answer to a question. */
type Handled = Exclude<EndpointName, 'events'>;
/** What is JSON may come as bytes that another process wrote. */
type Given<E extends Endpoint> = (Answer<E> extends Buffer ? never : Answer<E>) | BinaryAnswer;

/** What each endpoint does. Throws ApiError. */
export type Handlers = {
  readonly [N in Handled]: (asked: Asked<Endpoints[N]>) => Given<Endpoints[N]> | Promise<Given<Endpoints[N]>>;
};

/** The routes of these handlers. */
export function routesOf(handlers: Partial<Handlers>): readonly ApiRoute[] {
  return Object.entries(handlers).map(([name, handler]) =>
    routeOf(ENDPOINTS[name as Handled], handler as (asked: object) => unknown),
  );
}

function routeOf(
  { method, path, query, body, usage = '' }: Endpoint,
  handler: (asked: object) => unknown,
): ApiRoute {
  return {
    method,
    path,
    handle: (request) => {
      const asked = query && readQuery(query, request.query);
      if (asked?.ok === false) throw refused(asked.faults);
      const told = body && readBody(body, request.body);
      if (told?.ok === false) throw refused(told.faults, usage);
      return handler({ params: request.parts, query: asked?.value, body: told?.value });
    },
  };
}

/** What was asked is none of the endpoint's questions. */
export function refused(faults: readonly Fault[], said?: string): ApiError {
  const [first = { path: '', message: '' }] = faults;
  return new ApiError(400, 'invalid', said ?? `${first.path} ${first.message}`, faults);
}
