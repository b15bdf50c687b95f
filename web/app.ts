// The Koa application: all routes, and how errors become pages. The order of the middleware matters: headers first, then the Host check,
// then who is asking, and only then the request itself.

import { join } from 'node:path';
import Router from '@koa/router';
import Koa from 'koa';
import type { Context, Next } from 'koa';

import { ApiClient } from '../src/api/client.ts';
import { readAssets } from './http/assets.ts';
import { BoxName } from './box-name.ts';
import { addBoxRoutes } from './pages/box/box-routes.ts';
import { addLoginRoutes, ownerOnly } from './pages/login/login-routes.ts';
import { addDossierRoutes } from './pages/dossier/dossier-routes.ts';
import { STREAM_LIMITS } from './http/event-streams.ts';
import type { StreamLimits } from './http/event-streams.ts';
import { addFileRoutes } from './http/file-routes.ts';
import { Access } from './owner/access.ts';
import type { AccessOptions } from './owner/access.ts';
import { hostAllowList, securityHeaders } from './http/hardening.ts';
import { addIncidentRoutes } from './pages/incidents/incident-routes.ts';
import { FEED_TIMES, StatusFeed } from './knowledge-feed.ts';
import type { FeedTimes } from './knowledge-feed.ts';
import { Renderer } from './render.ts';
import { addSettingsRoutes } from './pages/settings/settings-routes.ts';
import type { Site } from './site.ts';
import { addStatusRoutes } from './pages/status/status-routes.ts';
import { ERROR_TEXTS } from './texts.ts';
import { addTunnelRoutes } from './pages/tunnels/tunnel-routes.ts';
import { addUpdateRoutes } from './pages/update/update-routes.ts';
import { Visitors } from './owner/visitor.ts';

/** What the page is built with. */
export interface PageOptions {
  /** Path of the daemon's socket. It need not exist: the page then shows that the daemon does not answer. */
  readonly socketPath: string;
  /** Password and sessions. */
  readonly access: AccessOptions;
  /** Host names by which requests may address this box, besides its IP addresses and the name in the policy. */
  readonly hostNames: readonly string[];
  readonly log: (message: string, error: unknown) => void;
  readonly limits?: StreamLimits;
  readonly times?: FeedTimes;
  /** How long the daemon may take to answer a question, milliseconds; a change may take three times as long, other work up to twenty times. */
  readonly timeoutMs?: number;
}

/** The page, which the caller serves. */
export interface Page {
  readonly app: Koa;
  /** Ends the event streams. The caller closes the server. */
  close(): void;
}

/** Default time for an answer of the daemon, milliseconds, and by what it is multiplied for each kind of request. */
const LOOK_MS = 3_000;
const LOOKS = { look: 1, change: 3, work: 5, rewrite: 20 };

/**
 * Builds the page from the files of this directory; listens nowhere, and asks the daemon nothing yet. Throws what `Access` throws if the
 * state directory cannot be used, and what `readAssets` and `Renderer` throw.
 */
export function createPage(options: PageOptions): Page {
  const { socketPath, timeoutMs = LOOK_MS } = options;
  const client = new ApiClient({ socketPath, patience: (kind) => timeoutMs * LOOKS[kind] });
  const assets = readAssets(join(import.meta.dirname, 'public'));
  const access = new Access(options.access);
  const site: Site = {
    client,
    access,
    feed: new StatusFeed(client, options.times ?? FEED_TIMES),
    visitors: new Visitors((ctx) => access.session(ctx)),
    renderer: new Renderer(import.meta.dirname, assets.addresses),
  };

  const name = new BoxName(client);
  const router = new Router();
  const close = addStatusRoutes(router, site, options.limits ?? STREAM_LIMITS);
  addLoginRoutes(router, site);
  addIncidentRoutes(router, site);
  addDossierRoutes(router, site);
  addTunnelRoutes(router, site);
  addBoxRoutes(router, site);
  addSettingsRoutes(router, site);
  addUpdateRoutes(router, site);
  addFileRoutes(router, assets);

  async function faultsAsPages(ctx: Context, next: Next): Promise<void> {
    try {
      await next();
      if (ctx.status === 404 || ctx.status === 405 || ctx.status === 501)
        ctx.throw(ctx.status === 404 ? 404 : 405);
    } catch (error) {
      const exposed = error instanceof Koa.HttpError && error.expose ? error.status : 500;
      const status = error instanceof Koa.HttpError ? error.status : 500;
      if (status === 500) options.log('a request failed', error);
      ctx.status = status;
      ctx.type = 'html';
      ctx.body = site.renderer.error(
        status,
        ERROR_TEXTS[status] ?? ERROR_TEXTS[exposed] ?? ERROR_TEXTS[400] ?? '',
      );
    }
  }

  const app = new Koa();
  // Broken connections of visitors are not logged (they have a `code`); our own faults were logged in faultsAsPages.
  app.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === undefined) options.log('an answer failed', error);
  });
  app.use(securityHeaders);
  app.use(faultsAsPages);
  app.use(hostAllowList(options.hostNames, (host) => name.is(host)));
  app.use(ownerOnly(site));
  app.use(router.routes());
  app.use(router.allowedMethods());
  return { app, close };
}
