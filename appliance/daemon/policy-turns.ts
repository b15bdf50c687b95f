// Knows: that edits of the policy come one after the other, and on request only to the policy they were made from.
// Must not know: what an edit is, HTTP. An edit reads the file and writes it: two at once would undo one of them unseen.

import { createHash } from 'node:crypto';

import { ApiError } from './api-server.ts';
import type { ApiRoute } from './api-server.ts';
import { field } from './routes.ts';
import { policyText } from './tunnel-routes.ts';

const EDITS = /^\/v1\/(?:policy|settings|tunnels)(?:\/|$)/;

/** Names a policy text; any other text has another. */
export function policyDigest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/**
 * The same routes, edits of the policy one at a time. An edit whose body has a `basis`, the digest of the policy it was made
 * from, is refused with 412 (as by If-Match, RFC 9110, 13.1.1) when another is in `configPath` by then.
 */
export function inTurn(routes: readonly ApiRoute[], configPath: string): readonly ApiRoute[] {
  let last: Promise<unknown> = Promise.resolve();
  return routes.map((route) => {
    if (route.method === 'GET' || !EDITS.test(route.path)) return route;
    const handle: ApiRoute['handle'] = (request) => {
      const done = last.then(() => route.handle({ ...request, body: onBasis(configPath, request.body) }));
      last = done.catch(() => undefined);
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
