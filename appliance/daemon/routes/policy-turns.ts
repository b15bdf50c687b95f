// Knows: that edits of the policy come one after the other, and on request only to the policy they were made from.
// Must not know: what an edit is, HTTP. An edit reads the file and writes it: two at once would undo one of them unseen.

import { ApiError } from './api-server.ts';
import type { ApiRoute } from './api-server.ts';
import { policyDigest, policyText } from '../state/policy-texts.ts';

const EDITS = /^\/v1\/(?:policy|settings|tunnels)(?:\/|$)/;

/** What only looks says so: who has a configuration shown or asks what was seen does not wait behind who edits. */
const LOOKS: Readonly<Record<string, (body: unknown) => boolean>> = {
  '/v1/tunnels/import': (body) => field(body, 'yes') !== true,
  '/v1/tunnels/learn': (body) => field(body, 'endpoint') === undefined,
};

/** Edits that wait for one another; one more is refused at once. */
const WAITING_MOST = 8;

/**
 * The same routes, edits of the policy one at a time. An edit whose body has a `basis`, the digest of the policy it was made
 * from, is refused with 412 (as by If-Match, RFC 9110, 13.1.1) when another is in `configPath` by then.
 */
export function inTurn(routes: readonly ApiRoute[], configPath: string): readonly ApiRoute[] {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return routes.map((route) => {
    if (route.method === 'GET' || !EDITS.test(route.path)) return route;
    const handle: ApiRoute['handle'] = (request) => {
      if (LOOKS[route.path]?.(request.body) === true) return route.handle(request);
      if (waiting >= WAITING_MOST)
        throw new ApiError(503, 'busy', 'too many changes of the policy wait: try again');
      waiting += 1;
      const done = last.then(() => route.handle({ ...request, body: onBasis(configPath, request.body) }));
      last = done.catch(() => undefined).finally(() => (waiting -= 1));
      return done;
    };
    return { ...route, handle };
  });
}

/** The body without its basis; throws ApiError. */
function onBasis(configPath: string, body: unknown): unknown {
  const basis = field(body, 'basis');
  if (basis === undefined) return body;
  if (basis !== policyDigest(policyText({ configPath })))
    throw new ApiError(412, 'changed', 'the policy was changed meanwhile');
  const named = Object.entries(body as Readonly<Record<string, unknown>>);
  return Object.fromEntries(named.filter(([name]) => name !== 'basis'));
}

function field(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null
    ? (body as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
