// Runs edits of the policy one at a time, and on request only on the policy that they were made from. An edit reads the file and writes it:
// of two at once, one would be lost.

import { ApiError } from './api-server.ts';
import type { ApiRoute } from './api-server.ts';
import { policyDigest, policyText } from '../state/policy-texts.ts';

const EDITS = /^\/v1\/(?:policy|settings|tunnels)(?:\/|$)/;

/** Requests that only preview: they do not wait behind edits. */
const PREVIEWS: Readonly<Record<string, (body: unknown) => boolean>> = {
  '/v1/tunnels/import': (body) => field(body, 'yes') !== true,
  '/v1/tunnels/learn': (body) => field(body, 'endpoint') === undefined,
};

/** Most edits waiting; any more are refused at once. */
const WAITING_MOST = 8;

/**
 * The same routes, with edits of the policy one at a time; at most WAITING_MOST wait, and a further one throws ApiError 503 `busy`. An edit
 * whose body has a `basis`, the digest of the policy that it was made from (`policyDigest`), is refused with 412 (like If-Match, RFC 9110,
 * section 13.1.1) when `configPath` holds another policy by then.
 */
export function inTurn(routes: readonly ApiRoute[], configPath: string): readonly ApiRoute[] {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return routes.map((route) => {
    if (route.method === 'GET' || !EDITS.test(route.path)) return route;
    const handle: ApiRoute['handle'] = (request) => {
      if (PREVIEWS[route.path]?.(request.body) === true) return route.handle(request);
      if (waiting >= WAITING_MOST)
        throw new ApiError(503, 'busy', 'too many changes of the policy are waiting: try again');
      waiting += 1;
      const done = last.then(() => route.handle({ ...request, body: onBasis(configPath, request.body) }));
      last = done.catch(() => undefined).finally(() => (waiting -= 1));
      return done;
    };
    return { ...route, handle };
  });
}

/** The body without its `basis`; throws ApiError 412 when the policy is another one. */
function onBasis(configPath: string, body: unknown): unknown {
  const basis = field(body, 'basis');
  if (basis === undefined) return body;
  if (basis !== policyDigest(policyText({ configPath })))
    throw new ApiError(412, 'changed', 'the policy has been changed in the meantime');
  const fields = Object.entries(body as Readonly<Record<string, unknown>>);
  return Object.fromEntries(fields.filter(([name]) => name !== 'basis'));
}

function field(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null
    ? (body as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
