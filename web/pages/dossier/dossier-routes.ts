// The dossier page and its downloads. The default time span is the last day, as on the command line, by the daemon's clock.

import type Router from '@koa/router';
import type { Context } from 'koa';

import { RULE_TEXTS } from '../../../src/guard/incidents/rule-texts.ts';
import type { Dossier } from '../../../src/api/past.ts';
import { placeText, printable } from '../../../src/api/shown.ts';
import type { AllowedView } from '../../../src/api/status.ts';
import { ApiFault } from '../../../src/api/client.ts';
import { eveWords, filled } from './eve-words.ts';
import { BOX_SHEETS } from '../../render.ts';
import type { Notice } from '../../render.ts';
import type { Site } from '../../site.ts';
import { DOSSIER_TEXTS, FORMAT_TEXTS, PERIOD_TEXTS } from './texts-dossier.ts';
import { LOST_TEXTS, TEXTS } from '../../texts.ts';
import { clockTime, grouped, sentence } from '../status/view-model.ts';

type Chosen = Readonly<Record<'period' | 'since' | 'until' | 'client' | 'rule', string>>;

const HOUR_MS = 3_600_000;
const PERIODS: Readonly<Record<string, number>> = {
  hour: HOUR_MS,
  day: 24 * HOUR_MS,
  week: 168 * HOUR_MS,
  month: 720 * HOUR_MS,
};
/** Most rows in a table; the download has all. */
const ROWS = 200;
const SHEETS = [...BOX_SHEETS, 'print.css'];

/** What the form selected, trimmed, at most 300 characters each, '' for nothing; without a time, the last day. */
export function chosenFrom(query: URLSearchParams): Chosen {
  const given = (name: string): string => (query.get(name) ?? '').trim().slice(0, 300);
  const [since, until] = [given('since'), given('until')];
  const period = given('period') || (since === '' && until === '' ? 'day' : '');
  return { period, since, until, client: given('client'), rule: given('rule') };
}

/**
 * The query for the API, times in wall-clock milliseconds or ISO 8601; what is not a time is passed on, and the daemon refuses it. `now`:
 * wall clock, milliseconds. Times in the form are UTC, such as `2026-03-01T10:00`.
 */
export function dossierQuery(chosen: Chosen, now: number): URLSearchParams {
  const { period, client, rule } = chosen;
  const span = Object.hasOwn(PERIODS, period) ? PERIODS[period] : undefined;
  // 1970 is before any record.
  const from = span === undefined ? (period === 'all' ? '0' : '') : String(now - span);
  const since = chosen.since === '' ? from : inUtc(chosen.since);
  const asked = { since, until: inUtc(chosen.until), client, rule };
  return new URLSearchParams(Object.entries(asked).filter(([, value]) => value !== ''));
}

function inUtc(text: string): string {
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?$/.test(text) ? `${text}Z` : text;
}

/** Values for the section about what the profile allows; undefined if there is none. */
function allowedValues(
  allowed: AllowedView | undefined,
  now: string,
): Readonly<Record<string, unknown>> | undefined {
  if (allowed === undefined) return undefined;
  const { since, connections, frames, rows, more } = allowed;
  const counts = { connections: grouped(connections), frames: grouped(frames), since: clockTime(since, now) };
  return {
    total: filled(TEXTS.allowedTotal, counts),
    rows: rows.slice(0, ROWS).map((row) => ({ ...row, place: placeText(row) })),
    more: more + Math.max(0, rows.length - ROWS),
  };
}

/** Adds `/dossier` and its downloads. A query that the daemon refuses gets 400, no answer 502, an unknown format 404. */
export function addDossierRoutes(router: Router, site: Site): void {
  const { client, renderer } = site;

  function show(ctx: Context, chosen: Chosen, dossier: Dossier | undefined, notice?: Notice): void {
    const now = new Date().toISOString();
    const query = new URLSearchParams(Object.entries(chosen).filter(([, value]) => value !== ''));
    const shown = printable(dossier);
    ctx.type = 'html';
    ctx.body = renderer.framed({
      title: `${DOSSIER_TEXTS.title} · ${TEXTS.product}`,
      notice,
      here: '/dossier',
      sheets: SHEETS,
      body: renderer.draw('dossier', {
        d: DOSSIER_TEXTS,
        chosen,
        dossier: shown,
        limit: ROWS,
        filled,
        periods: PERIOD_TEXTS,
        rules: Object.entries(RULE_TEXTS).map(([rule, { title }]) => [rule, `${rule} · ${title}`]),
        words: shown === undefined ? [] : eveWords(shown, now),
        files: FORMAT_TEXTS.map(({ format, word }) => ({
          word,
          path: `/dossier/file?${new URLSearchParams([...query, ['format', format]]).toString()}`,
        })),
        tables:
          shown === undefined
            ? []
            : [
                { title: DOSSIER_TEXTS.sites, head: DOSSIER_TEXTS.name, rows: shown.sites },
                { title: DOSSIER_TEXTS.destinations, head: DOSSIER_TEXTS.address, rows: shown.destinations },
                { title: DOSSIER_TEXTS.groupList, head: DOSSIER_TEXTS.group, rows: shown.groups ?? [] },
              ].filter(({ rows }) => rows.length > 0),
        allowed: allowedValues(shown?.allowed, now),
        clockTime: (iso: string) => clockTime(iso, now),
      }),
    });
  }

  router.get('/dossier', async (ctx: Context) => {
    const chosen = chosenFrom(ctx.URL.searchParams);
    try {
      show(ctx, chosen, await client.ask('dossier', { query: dossierQuery(chosen, Date.now()) }));
    } catch (error) {
      if (!(error instanceof ApiFault)) throw error;
      const { code, faults } = error;
      ctx.status = code === 'refused' ? 400 : 502;
      const message =
        code === 'refused' ? sentence(error.message) : `${DOSSIER_TEXTS.unknown} ${LOST_TEXTS[code]}`;
      show(ctx, chosen, undefined, { message, faults });
    }
  });
  router.get('/dossier/file', async (ctx: Context) => {
    const wanted = FORMAT_TEXTS.find(({ format }) => format === ctx.URL.searchParams.get('format'));
    if (wanted === undefined) return ctx.throw(404);
    const query = dossierQuery(chosenFrom(ctx.URL.searchParams), Date.now());
    query.set('format', wanted.format);
    const bytes = await client.ask('report', { query }).catch((error: unknown) => {
      if (!(error instanceof ApiFault)) throw error;
      return ctx.throw(error.code === 'refused' ? 400 : 502);
    });
    ctx.attachment(wanted.name);
    ctx.body = bytes;
  });
}
