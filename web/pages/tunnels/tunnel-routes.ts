// Routes of the tunnel pages. A new tunnel is shown first and takes effect only when confirmed. An uploaded file is not kept here: it is
// passed to the daemon, which reads the servers from it.

import type Router from '@koa/router';
import type { Context } from 'koa';

import type { Proposal } from '../../../src/api/box.ts';
import type { TunnelView } from '../../../src/api/status.ts';
import { ApiFault, undefinedForApiFault } from '../../../src/api/client.ts';
import { linesOf } from '../../fields.ts';
import type { Notice } from '../../render.ts';
import { change, seeOther, ownForm } from '../../site.ts';
import type { Site } from '../../site.ts';
import { TUNNEL_TEXTS } from './texts-tunnels.ts';
import { LOST_TEXTS } from '../../texts.ts';
import { importPage, learnPage, removePage, tunnelsPage } from './tunnel-pages.ts';
import type { TunnelForm } from './tunnel-pages.ts';
import { sentence } from '../status/view-model.ts';

/** Most bytes of a form with a configuration, or with the servers from one. */
const LIMIT = 600_000;
const EMPTY: TunnelForm = { name: '', protocol: 'wireguard', endpoints: '' };

/**
 * Adds `/tunnels` and what is below it. A change that is refused gets 409, an import that cannot be read 422, an endpoint that was not seen
 * 404, no answer of the daemon 502.
 */
export function addTunnelRoutes(router: Router, site: Site): void {
  const { client, feed, renderer, visitors } = site;

  async function show(ctx: Context, notice?: Notice, form?: URLSearchParams): Promise<void> {
    const knowledge = await feed.now();
    const proposals = await proposed();
    const lost = knowledge.known ? undefined : { message: LOST_TEXTS[knowledge.fault], faults: [] };
    ctx.type = 'html';
    ctx.body = tunnelsPage(renderer, {
      token: visitors.token(ctx),
      notice: notice ?? lost,
      proposals,
      tunnels: knowledge.known ? ((await listed()) ?? knowledge.status.tunnels) : undefined,
      filledIn: form === undefined ? EMPTY : formOf(form),
    });
  }

  /** The tunnels with all of their endpoints; undefined if the daemon does not answer. */
  async function listed(): Promise<readonly TunnelView[] | undefined> {
    return (await client.ask('tunnels', {}).catch(undefinedForApiFault))?.tunnels;
  }

  /** Empty if the daemon does not answer: the missing list of tunnels already says so. */
  async function proposed(): Promise<readonly Proposal[]> {
    return (await client.ask('learnTunnel', { body: {} }).catch(undefinedForApiFault))?.proposals ?? [];
  }

  async function showProposal(ctx: Context, endpoint: string, notice?: Notice, name?: string): Promise<void> {
    const proposal = (await proposed()).find((candidate) => candidate.endpoint === endpoint);
    if (proposal === undefined) {
      ctx.status = 404;
      return show(ctx, notice ?? { message: TUNNEL_TEXTS.gone, faults: [] });
    }
    ctx.type = 'html';
    const around = { token: visitors.token(ctx), notice };
    ctx.body = learnPage(renderer, around, proposal, name ?? proposal.protocol);
  }

  router.get('/tunnels', (ctx: Context) => show(ctx));
  router.post('/tunnels', (ctx: Context) =>
    change(site, ctx, { show, back: '/tunnels', limit: LIMIT }, (form) => {
      const { name, protocol, endpoints, zerotier = '', anywhere } = formOf(form);
      const existing = existingOf(form);
      const settings = settingsOf(form.get('settings') ?? '');
      const day = form.get('listed');
      const listed = day === null ? {} : { listed: day };
      return client.ask('addTunnel', {
        body: {
          name: name.trim(),
          protocol,
          endpoints: linesOf(endpoints),
          ...settings,
          ...listed,
          ...(zerotier === '' ? {} : { zerotier }),
          ...(anywhere === true ? { anywhere } : {}),
          ...existing,
        },
      });
    }),
  );

  router.post('/tunnels/import', async (ctx: Context) => {
    const form = await ownForm(site, ctx, show, LIMIT);
    if (form === undefined) return;
    const bytes = form.get('config.bytes') ?? '';
    const text = form.get('text') ?? '';
    if ((form.get('config') ?? text).trim() === '' && text.trim() === '') {
      ctx.status = 422;
      return show(ctx, { message: TUNNEL_TEXTS.nothingGiven, faults: [] });
    }
    try {
      const name = nameFrom(form.get('config.filename') ?? '');
      const found = await client.ask('importTunnel', {
        body: { ...(bytes === '' ? { text } : { bytes }), name },
      });
      ctx.type = 'html';
      ctx.body = importPage(renderer, { token: visitors.token(ctx), notice: undefined }, found);
    } catch (error) {
      if (!(error instanceof ApiFault)) throw error;
      ctx.status = error.code === 'refused' ? 422 : 502;
      const message = error.code === 'refused' ? sentence(error.message) : LOST_TEXTS[error.code];
      return show(ctx, { message, faults: error.faults });
    }
  });

  router.get('/tunnels/learn', (ctx: Context) =>
    showProposal(ctx, ctx.URL.searchParams.get('endpoint') ?? ''),
  );
  router.post('/tunnels/learn', (ctx: Context) =>
    change(
      site,
      ctx,
      {
        back: '/tunnels',
        show: (_, notice, form) =>
          showProposal(ctx, form?.get('endpoint') ?? '', notice, form?.get('name') ?? undefined),
      },
      (form) => {
        const body = {
          endpoint: form.get('endpoint') ?? '',
          name: (form.get('name') ?? '').trim(),
          ...existingOf(form),
        };
        return client.ask('learnTunnel', { body });
      },
    ),
  );

  router.post('/tunnels/ack', (ctx: Context) =>
    change(site, ctx, { show: (_, notice) => show(ctx, notice), back: '/tunnels' }, (form) =>
      client.ask('acknowledgeTunnel', { params: { name: form.get('name') ?? '' } }),
    ),
  );

  router.get('/tunnels/remove', async (ctx: Context) => {
    const knowledge = await feed.now();
    const name = ctx.URL.searchParams.get('name') ?? '';
    const endpoint = ctx.URL.searchParams.get('endpoint') ?? undefined;
    const tunnels = knowledge.known ? ((await listed()) ?? knowledge.status.tunnels) : [];
    const tunnel = tunnels.find((known) => known.name === name);
    const isOne = endpoint === undefined || tunnel?.servers?.some((server) => server.endpoint === endpoint);
    if (tunnel === undefined || isOne !== true) {
      seeOther(ctx, '/tunnels');
      return;
    }
    ctx.type = 'html';
    const around = { token: visitors.token(ctx), notice: undefined };
    ctx.body = removePage(renderer, around, { name, endpoint }, tunnels);
  });
  router.post('/tunnels/remove', (ctx: Context) =>
    change(site, ctx, { show: (_, notice) => show(ctx, notice), back: '/tunnels' }, (form) => {
      const [name, endpoint] = [form.get('name') ?? '', form.get('endpoint')];
      return endpoint === null
        ? client.ask('removeTunnel', { params: { name } })
        : client.ask('removeEndpoint', { params: { name, endpoint } });
    }),
  );
}

/** Servers may be separated by line breaks, or by spaces if they come from the import page. */
function formOf(form: URLSearchParams): TunnelForm {
  const field = (name: string): string => form.get(name) ?? '';
  const endpoints = field('endpoints').split(/\s+/).filter(Boolean).join('\n');
  const [zerotier, anywhere] = [field('zerotier').trim(), field('anywhere') === 'yes'];
  const existing = field('existing');
  return { name: field('name'), protocol: field('protocol'), endpoints, zerotier, anywhere, existing };
}

function existingOf(form: URLSearchParams): { readonly existing?: 'add' | 'replace' } {
  const said = form.get('existing');
  return said === 'add' || said === 'replace' ? { existing: said } : {};
}

/** Packet settings from the import page, as JSON; the daemon validates them. */
function settingsOf(text: string): { readonly reserved?: unknown; readonly amnezia?: unknown } {
  if (text === '') return {};
  try {
    const { reserved, amnezia } = JSON.parse(text) as {
      readonly reserved?: unknown;
      readonly amnezia?: unknown;
    };
    return { ...(reserved === undefined ? {} : { reserved }), ...(amnezia === undefined ? {} : { amnezia }) };
  } catch {
    return {};
  }
}

/**
 * `/home/anna/home-nl.conf` → `home-nl`: the file's name without its ending, reduced to letters, digits, spaces, dots, dashes and
 * underscores, at most 64 characters, which a policy accepts; `tunnel` if nothing is left.
 */
export function nameFrom(filename: string): string {
  const [base = ''] = /[^/\\]*$/.exec(filename) ?? [];
  const name = base
    .replace(/\.[A-Za-z]{1,5}$/, '')
    .replace(/[^\p{L}\p{N} ._-]/gu, '')
    .replace(/^[^\p{L}\p{N}]+/u, '');
  return name.slice(0, 64).trim() || 'tunnel';
}
