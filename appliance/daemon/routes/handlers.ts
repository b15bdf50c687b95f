// Connects the endpoints of the local API to their handlers, which see only queries and bodies that match the endpoint's schema.

import { ENDPOINTS } from '../../../src/api/endpoints.ts';
import type { EndpointName, Endpoints } from '../../../src/api/endpoints.ts';
import { readBody, readQuery } from '../../../src/api/endpoint.ts';
import type { Answer, Asked, Endpoint } from '../../../src/api/endpoint.ts';
import type { Fault } from '../../../src/policy/fault.ts';
import { ApiError } from './api-server.ts';
import type { ApiRoute, BinaryAnswer } from './api-server.ts';

/** All endpoints but the event stream, which the server itself provides. */
type Handled = Exclude<EndpointName, 'events'>;
/** A JSON answer may also be given as bytes that another process has written. */
type Given<E extends Endpoint> = (Answer<E> extends Buffer ? never : Answer<E>) | BinaryAnswer;

/** One handler per endpoint; each throws or rejects with ApiError. */
export type Handlers = {
  readonly [N in Handled]: (asked: Asked<Endpoints[N]>) => Given<Endpoints[N]> | Promise<Given<Endpoints[N]>>;
};

/**
 * The routes for these handlers, with their method and path from src/api/endpoints.ts. A query or body that does not match the endpoint's
 * schema throws ApiError 400 with every fault, and the handler is not called.
 */
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
      const sent = body && readBody(body, request.body);
      if (sent?.ok === false) throw refused(sent.faults, usage);
      return handler({ params: request.parts, query: asked?.value, body: sent?.value });
    },
  };
}

/** The error for an invalid request, ApiError 400 `invalid`; its message is `message` or else the first fault. Returned, not thrown. */
export function refused(faults: readonly Fault[], message?: string): ApiError {
  const [first = { path: '', message: '' }] = faults;
  return new ApiError(400, 'invalid', message ?? `${first.path} ${first.message}`, faults);
}
