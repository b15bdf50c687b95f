// Knows: what the paths of the local API that ask for the past do. Must not know: HTTP, SQL, kernel.
// Every question is bounded; what is no question is refused with what would be one.

import type { ClientView } from '../../src/guard/clients.ts';
import { REPORT_FORMATS } from '../../src/guard/answers.ts';
import { gapView } from '../../src/guard/gaps.ts';
import type { Gap } from '../../src/guard/gaps.ts';
import type { EvidenceFrame } from '../../src/guard/evidence.ts';
import { RULES, isKind, isRule } from '../../src/guard/history.ts';
import type { IncidentFilter } from '../../src/guard/history.ts';
import type { Privacy } from '../../src/guard/privacy.ts';
import type { AllowedView, IncidentView, Status } from '../../src/guard/status.ts';
import type { Timeline } from '../../src/guard/timeline.ts';
import { writeEvidence } from '../../src/wire/pcapng-write.ts';
import { INCIDENTS_MOST, dossierFrom, reportFrom } from '../jobs/past.ts';
import type { DossierQuestion, PastJobs, PastKind } from '../jobs/past.ts';
import { REPORTS } from '../report.ts';
import { ApiError, BinaryAnswer } from './api-server.ts';
import type { ApiRoute } from './api-server.ts';
import { frameRoutes } from './frame-routes.ts';
import { refusedJob } from './refused-job.ts';
import { noIncident } from './routes.ts';

/** What these routes ask of the history. */
export interface HistorySubject {
  incidents(filter: IncidentFilter): readonly IncidentView[];
  incident(id: string): IncidentView | undefined;
  evidence(id: string): readonly EvidenceFrame[];
  gaps(since: number, until: number): readonly Gap[];
  clients(): readonly ClientView[];
  timeline(from: number, to: number, buckets: number): Timeline;
  allowed(): AllowedView | undefined;
  rewritePast(blocking: boolean): Promise<void>;
  /** The answer from another process; undefined where there is none: what is in memory is little. */
  apart<K extends PastKind>(kind: K, asked: PastJobs[K]['given']): Promise<Uint8Array> | undefined;
  readonly laxerPast: number;
  readonly privacy: Privacy;
}

/** Incidents that are read here, newest first: more of them, or a search among all, are read elsewhere. */
const READ_HERE = 200;
const BUCKETS_MOST = 2_000;
const DAY_MS = 86_400_000;

export function historyRoutes(history: HistorySubject, box: { status(): Status }): readonly ApiRoute[] {
  return [
    {
      method: 'GET',
      path: '/v1/incidents',
      handle: ({ query }) => listFor(history, filterOf(query)),
    },
    {
      method: 'GET',
      path: '/v1/incidents/:id',
      handle: ({ parts }) => history.incident(parts['id'] ?? '') ?? noIncident(parts['id']),
    },
    {
      method: 'GET',
      path: '/v1/incidents/:id/evidence',
      handle: ({ parts }) => {
        const { id = '' } = parts;
        const frames = history.evidence(id);
        if (frames.length > 0) return new BinaryAnswer('application/x-pcapng', writeEvidence(frames));
        if (history.incident(id) === undefined) return noIncident(id);
        throw new ApiError(404, 'no-evidence', `no frame of ${id} was kept (privacy: ${history.privacy})`);
      },
    },
    ...frameRoutes(history),
    { method: 'GET', path: '/v1/clients', handle: () => ({ clients: history.clients() }) },
    {
      method: 'GET',
      path: '/v1/timeline',
      handle: ({ query }) => {
        const to = timeOf(query, 'to') ?? Date.now();
        const from = timeOf(query, 'from') ?? to - DAY_MS;
        const buckets = countOf(query, 'buckets', 144, BUCKETS_MOST);
        if (from >= to) throw invalid('from', 'is not before "to"', 'send an earlier time');
        return history.timeline(from, to, buckets);
      },
    },
    {
      method: 'GET',
      path: '/v1/dossier',
      handle: ({ query }) => dossierFor(history, box, filterOf(query)),
    },
    {
      method: 'GET',
      path: '/v1/gaps',
      handle: ({ query }) => {
        const until = timeOf(query, 'until') ?? Date.now();
        return { gaps: history.gaps(timeOf(query, 'since') ?? 0, until).map(gapView) };
      },
    },
    { method: 'GET', path: '/v1/report', handle: ({ query }) => reportFor(history, box, query) },
    {
      method: 'GET',
      path: '/v1/history',
      handle: () => ({ privacy: history.privacy, laxerPast: history.laxerPast }),
    },
    {
      method: 'POST',
      path: '/v1/history/rewrite',
      handle: async () => {
        try {
          await history.rewritePast(box.status().blockMode);
        } catch (error) {
          throw new ApiError(503, 'not-rewritten', 'the past could not be written anew', [], error);
        }
        return { privacy: history.privacy, laxerPast: history.laxerPast };
      },
    },
  ];
}

async function listFor(history: HistorySubject, filter: IncidentFilter): Promise<unknown> {
  const { limit, acknowledged, client, rule, kind, severity, text } = filter;
  const isSearch = [client, rule, kind, severity, text].some((value) => value !== undefined);
  const isShort = limit <= READ_HERE && !isSearch && acknowledged !== true;
  const apart = isShort ? undefined : await history.apart('incidents', { filter })?.catch(refusedJob);
  if (apart !== undefined) return new BinaryAnswer('application/json', apart);
  return { incidents: history.incidents(filter) };
}

async function dossierFor(
  history: HistorySubject,
  box: { status(): Status },
  filter: IncidentFilter,
): Promise<unknown> {
  const asked = { filter, now: Date.now(), ...knownBeside(history, box) };
  const apart = await history.apart('dossier', asked)?.catch(refusedJob);
  return apart === undefined ? dossierFrom(history, asked) : new BinaryAnswer('application/json', apart);
}

/** What a dossier tells that no history holds. */
function knownBeside(
  history: HistorySubject,
  box: { status(): Status },
): Pick<DossierQuestion, 'privacy' | 'tunnels' | 'allowed'> {
  return { privacy: history.privacy, tunnels: box.status().tunnels, allowed: history.allowed() };
}

/** The past in one of the forms of `leakguard report`, from a day before `until` unless `since` says otherwise. */
async function reportFor(
  history: HistorySubject,
  box: { status(): Status },
  query: URLSearchParams,
): Promise<BinaryAnswer> {
  const filter = filterOf(query);
  const format = REPORT_FORMATS.find((known) => known === (query.get('format') ?? 'text'));
  if (format === undefined)
    throw invalid('format', 'is no format', `send one of ${REPORT_FORMATS.join(', ')}`);
  const now = Date.now();
  const until = filter.until ?? now;
  const since = filter.since ?? until - DAY_MS;
  if (since >= until) throw invalid('since', 'is not before "until"', 'send an earlier time');
  const asked = { filter, format, since, until, now, ...knownBeside(history, box) };
  const report = (await history.apart('report', asked)?.catch(refusedJob)) ?? reportFrom(history, asked);
  return new BinaryAnswer(REPORTS[format].type, report);
}

/** Reads `client`, `rule`, `kind`, `severity`, `since`, `until`, `text`, `acknowledged`, `limit`; throws ApiError 400. */
export function filterOf(query: URLSearchParams): IncidentFilter {
  const [rule, kind, severity] = [query.get('rule'), query.get('kind'), query.get('severity')];
  const [client, text, acknowledged] = [query.get('client'), query.get('text'), query.get('acknowledged')];
  if (rule !== null && !isRule(rule)) throw invalid('rule', 'is no rule', `send one of ${RULES.join(', ')}`);
  if (kind !== null && !isKind(kind)) throw invalid('kind', 'is no kind', 'send one, such as dns');
  if (severity !== null && severity !== 'red' && severity !== 'amber')
    throw invalid('severity', 'is no severity', 'send red or amber');
  if (acknowledged !== null && acknowledged !== 'true' && acknowledged !== 'false')
    throw invalid('acknowledged', 'is neither', 'send true or false');
  const [since, until] = [timeOf(query, 'since'), timeOf(query, 'until')];
  return {
    ...(client === null ? {} : { client: client.toLowerCase() }),
    ...(rule === null ? {} : { rule }),
    ...(kind === null ? {} : { kind }),
    ...(severity === null ? {} : { severity }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(text === null ? {} : { text }),
    ...(acknowledged === null ? {} : { acknowledged: acknowledged === 'true' }),
    limit: countOf(query, 'limit', 100, INCIDENTS_MOST),
  };
}

/** ISO 8601, or milliseconds since the epoch. */
export function timeOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const time = /^\d{1,15}$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(time)) throw invalid(name, 'is no time', 'send it as 2026-01-31T08:00:00Z');
  return time;
}

function countOf(query: URLSearchParams, name: string, usual: number, most: number): number {
  const text = query.get(name);
  if (text === null) return usual;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= most) return count;
  throw invalid(name, 'is out of range', `send a whole number from 1 to ${String(most)}`);
}

function invalid(path: string, message: string, remedy: string): ApiError {
  return new ApiError(400, 'invalid', `${path} ${message}`, [{ path, message, remedy }]);
}
