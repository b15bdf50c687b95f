// Routes of the settings page. The daemon reports what is wrong, and with which field; nothing takes effect until it has accepted the whole
// policy.

import type Router from '@koa/router';
import type { Context } from 'koa';

import type { Settings, SettingsAnswer } from '../../../src/api/box.ts';
import { ApiFault, undefinedForApiFault } from '../../../src/api/client.ts';
import { filled } from '../dossier/eve-words.ts';
import type { Notice } from '../../render.ts';
import { change, seeOther, ownForm } from '../../site.ts';
import type { Show, Site } from '../../site.ts';
import { basisOf, differences, PARTS, settingsIn, valuesFrom, valuesOf } from './settings-fields.ts';
import type { FormValues, Part } from './settings-fields.ts';
import { settingsPage } from './settings-page.ts';
import { LED_CHOICES, SETTINGS_TEXTS as T } from './texts-settings.ts';
import { LOST_TEXTS } from '../../texts.ts';

/** Most bytes of a form with lists, and of a policy file; the local API accepts at most a megabyte. */
const LIMIT = 700_000;

/**
 * Adds `/settings`, its forms and the download of the policy. A change that is refused gets 409 and shows its faults; without an answer of
 * the daemon the page has status 502.
 */
export function addSettingsRoutes(router: Router, site: Site): void {
  const { client, renderer, visitors } = site;

  async function show(ctx: Context, notice?: Notice, form?: URLSearchParams, part?: Part): Promise<void> {
    const token = visitors.token(ctx);
    const done = ctx.URL.searchParams.get('done') ?? undefined;
    const [settings, lost] = await known();
    const history = await client.ask('history').catch(undefinedForApiFault);
    const refused =
      form === undefined || part === undefined || settings === undefined
        ? undefined
        : readPart(form, part, settings);
    const shownNotice =
      notice === undefined || refused?.isStale !== true || settings === undefined
        ? notice
        : { ...notice, faults: differences(refused.part, refused.values, valuesOf(settings)) };
    if (lost !== undefined && notice === undefined) ctx.status = 502;
    ctx.type = 'html';
    ctx.body = settingsPage(renderer, {
      token,
      notice: shownNotice ?? lost,
      settings,
      history,
      refused,
      done,
    });
  }

  async function known(): Promise<[SettingsAnswer, undefined] | [undefined, Notice]> {
    try {
      return [await client.ask('settings'), undefined];
    } catch (error) {
      if (!(error instanceof ApiFault)) throw error;
      const { code, faults } = error;
      const message = code === 'refused' ? T.invalid : `${T.unknown} ${LOST_TEXTS[code]}`;
      return [undefined, { message, faults: faults.map(withLine) }];
    }
  }

  router.get('/settings', (ctx: Context) => show(ctx));
  for (const part of PARTS)
    router.post(`/settings/${part}`, (ctx: Context) => {
      const showPart: Show = (_, notice, form) => show(ctx, notice, form, part);
      const way = { show: showPart, back: `/settings?done=${part}#${part}`, limit: LIMIT };
      return change(site, ctx, way, async (form) => {
        const settings = await client.ask('settings');
        const { values, isStale } = readPart(form, part, settings);
        if (isStale) throw new ApiFault('refused', T.changedMeanwhile);
        if (
          part === 'address' &&
          values.fields['address']?.trim() === 'none' &&
          form.get('none') !== 'known'
        ) {
          const fault = { path: 'management.address', message: T.addressNoneFault, remedy: '' };
          throw new ApiFault('refused', '', { faults: [fault] });
        }
        // With the digest, the daemon refuses the change if someone else's came in between.
        const basis = settings.digest === undefined ? {} : { basis: settings.digest };
        await client.ask('changeSettings', { body: { ...settingsIn(part, values), ...basis } });
      });
    });

  router.post('/settings/past', (ctx: Context) =>
    change(site, ctx, { show, back: '/settings?done=past#record' }, () => client.ask('rewriteHistory')),
  );
  router.post('/settings/lamp', async (ctx: Context) => {
    const form = await ownForm(site, ctx, show);
    if (form === undefined) return;
    const pattern = LED_CHOICES.find(([known]) => known === form.get('pattern'))?.[0];
    if (pattern === undefined) return ctx.throw(400);
    try {
      await client.ask('testLed', { body: { pattern } });
      seeOther(ctx, `/settings?done=lamp-${pattern}#lamp`);
    } catch (error) {
      if (!(error instanceof ApiFault)) throw error;
      ctx.status = 502;
      return show(ctx, { message: LOST_TEXTS[error.code], faults: error.faults });
    }
  });

  router.get('/settings/policy.yaml', async (ctx: Context) => {
    const text = await client.ask('policyText').catch(undefinedForApiFault);
    if (text === undefined) return ctx.throw(502);
    ctx.attachment('policy.yaml');
    ctx.type = 'application/yaml';
    ctx.body = text;
  });
  router.post('/settings/restore', (ctx: Context) => {
    const showLines: Show = (_, notice) => show(ctx, { ...notice, faults: notice.faults.map(withLine) });
    const way = { show: showLines, back: '/settings?done=backup#backup', limit: LIMIT };
    return change(site, ctx, way, async (form) => {
      const text = form.get('policy') ?? '';
      if (text.trim() === '') throw new ApiFault('refused', T.nothingGiven);
      await client.ask('replacePolicy', { body: { text } });
    });
  });
}

/** The values of a form, and whether its part has changed since the form was made. A form without `basis` counts as current. */
function readPart(
  form: URLSearchParams,
  part: Part,
  settings: Settings,
): { readonly part: Part; readonly values: FormValues; readonly isStale: boolean } {
  const basis = form.get('basis');
  const isStale = basis !== null && basis !== basisOf(part, settings);
  return { part, values: valuesFrom(form, valuesOf(settings)), isStale };
}

/** Adds the line number to the path of a fault in a file. */
function withLine<F extends { readonly path: string; readonly line?: number }>(fault: F): F {
  if (fault.line === undefined) return fault;
  const line = filled(T.faultLine, { line: String(fault.line) });
  return { ...fault, path: [line, fault.path].filter(Boolean).join(', ') };
}
