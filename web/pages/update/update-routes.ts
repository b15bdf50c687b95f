// The update page. The uploaded file is passed to the daemon in parts as it arrives, after the form's token has been checked; the installer
// verifies it.

import type Router from '@koa/router';
import type { Context } from 'koa';

import { MAX_UPDATE_PART_BYTES } from '../../../src/api/words.ts';
import type { UpdateStage } from '../../../src/api/words.ts';
import type { UpdateStatus } from '../../../src/api/box.ts';
import { ApiFault, undefinedForApiFault } from '../../../src/api/client.ts';
import type { ApiClient } from '../../../src/api/client.ts';
import { filled } from '../dossier/eve-words.ts';
import { readFileForm } from '../tunnels/file-form.ts';
import { sameSiteOnly } from '../../http/hardening.ts';
import { BOX_SHEETS } from '../../render.ts';
import type { Notice } from '../../render.ts';
import { seeOther } from '../../site.ts';
import type { Site } from '../../site.ts';
import { LOST_TEXTS, TEXTS } from '../../texts.ts';
import { STAGE_TEXTS, UPDATE_TEXTS as T } from './texts-update.ts';
import { sentence } from '../status/view-model.ts';

const UNDER_WAY: readonly UpdateStage[] = ['installing', 'rolling-back'];
const BAD: readonly UpdateStage[] = ['rolled-back', 'refused', 'failed'];

/**
 * Adds `/update`. A form with another token gets 403, an empty or refused file 422, no answer of the daemon 502, and what `readFileForm`
 * throws.
 */
export function addUpdateRoutes(router: Router, site: Site): void {
  const { client, renderer, visitors } = site;

  async function show(ctx: Context, notice?: Notice): Promise<void> {
    const update = await client.ask('update').catch(undefinedForApiFault);
    const stage = update?.stage ?? 'none';
    const underWay = UNDER_WAY.includes(stage);
    const sent = notice === undefined && ctx.URL.searchParams.has('sent');
    ctx.type = 'html';
    ctx.body = renderer.framed({
      title: `${T.title} · ${TEXTS.product}`,
      notice,
      here: '/settings',
      sheets: BOX_SHEETS,
      refresh: underWay || update === undefined || sent,
      body: renderer.draw('update', {
        w: T,
        filled,
        token: visitors.token(ctx),
        update,
        underWay,
        sent,
        bad: BAD.includes(stage),
        stage: filled(STAGE_TEXTS[stage], { version: update?.version ?? '' }),
      }),
    });
  }

  router.get('/update', (ctx: Context) => show(ctx));
  router.post('/update', async (ctx: Context) => {
    sameSiteOnly(ctx);
    const { fields, file } = await readFileForm(ctx);
    if (!visitors.owns(ctx, fields.get('token') ?? '')) {
      ctx.status = 403;
      return show(ctx, { message: TEXTS.staleForm, faults: [] });
    }
    try {
      if ((await send(client, file)) === 0) {
        ctx.status = 422;
        await show(ctx, { message: T.nothingGiven, faults: [] });
      } else {
        await client.ask('installUpdate');
        seeOther(ctx, '/update?sent=yes');
      }
    } catch (error) {
      if (!(error instanceof ApiFault)) throw error;
      ctx.status = error.code === 'refused' ? 422 : 502;
      const message =
        error.code === 'refused'
          ? `${sentence(error.message)} ${TEXTS.changedNothing}`
          : LOST_TEXTS[error.code];
      return show(ctx, { message, faults: error.faults });
    }
  });
}

/** Passes the file on to the daemon with one part in memory at a time, and returns its size in bytes. */
async function send(client: ApiClient, file: AsyncIterable<Buffer>): Promise<number> {
  let at = 0;
  let held: Buffer[] = [];
  let bytes = 0;
  const hand = async (): Promise<UpdateStatus> => {
    const part = Buffer.concat(held);
    held = [];
    bytes = 0;
    const from = at;
    at += part.length;
    return client.ask('updatePart', { body: { at: from, bytes: part.toString('base64') } });
  };
  for await (const chunk of file)
    for (let from = 0; from < chunk.length;) {
      const piece = chunk.subarray(from, from + MAX_UPDATE_PART_BYTES - bytes);
      held.push(piece);
      bytes += piece.length;
      from += piece.length;
      if (bytes === MAX_UPDATE_PART_BYTES) await hand();
    }
  if (bytes > 0) await hand();
  return at;
}
