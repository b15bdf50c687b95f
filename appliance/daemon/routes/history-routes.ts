// The routes of the local API that query the history. Every query is bounded.

import type { Answer } from '../../../src/api/endpoint.ts';
import type { Endpoints } from '../../../src/api/endpoints.ts';
import type { ClientView, Dossier, HistoryAnswer, Timeline } from '../../../src/api/past.ts';
import type { ReportFormat } from '../../../src/api/words.ts';
import { gapView } from '../../../src/guard/tunnels/gaps.ts';
import type { Gap } from '../../../src/guard/tunnels/gaps.ts';
import type { EvidenceFrame } from '../../../src/guard/incidents/evidence.ts';
import type { IncidentFilter } from '../../../src/guard/history/history.ts';
import type { Privacy } from '../../../src/guard/history/privacy.ts';
import type { AllowedView, IncidentView, Status } from '../../../src/api/status.ts';
import { writePcapng } from '../../../src/wire/capture/pcapng-write.ts';
import { dossierFrom, reportFrom } from '../../jobs/past.ts';
import type { DossierQuestion, PastJobs, PastKind } from '../../jobs/past.ts';
import { REPORTS } from '../../report/report.ts';
import { ApiError, BinaryAnswer } from './api-server.ts';
import { frameRoutes } from './frame-routes.ts';
import { refused } from './handlers.ts';
import type { Handlers } from './handlers.ts';
import { refusedJob } from './refused-job.ts';
import { noIncident } from './routes.ts';

/** What these routes need of the history. Times are wall-clock milliseconds, ranges without their end. */
export interface HistorySubject {
  /** Newest first, at most `filter.limit`. */
  incidents(filter: IncidentFilter): readonly IncidentView[];
  incident(id: string): IncidentView | undefined;
  evidence(id: string): readonly EvidenceFrame[];
  gaps(since: number, until: number): readonly Gap[];
  clients(): readonly ClientView[];
  timeline(from: number, to: number, buckets: number): Timeline;
  /** Undefined where the profile lets nothing go direct and nothing was seen to, and before there is a guard. */
  allowed(): AllowedView | undefined;
  /** Rejects with JobError; the history is then unchanged. */
  rewritePast(blocking: boolean): Promise<void>;
  /** The answer of another process, which reads the disk; undefined when only memory holds everything, which is quick to read. */
  apart<K extends PastKind>(kind: K, asked: PastJobs[K]['given']): Promise<Uint8Array> | undefined;
  /** Number of stored incidents with more detail than the privacy in force allows. */
  readonly laxerPast: number;
  readonly privacy: Privacy;
}

/** Lists of up to this many incidents are read by the daemon itself; longer ones, and searches, by another process. */
const READ_DIRECTLY = 200;
const DAY_MS = 86_400_000;

/**
 * Handlers for incidents, captured frames, clients, timeline, dossier, gaps, report and the history itself. They throw ApiError: 400 for a
 * range that ends before it begins, 404 for an unknown incident or one without frames, 422 and 503 when another process cannot answer
 * (refused-job.ts).
 */
export function historyRoutes(history: HistorySubject, box: { status(): Status }) {
  const summary = (): HistoryAnswer => ({ privacy: history.privacy, laxerPast: history.laxerPast });
  return {
    ...frameRoutes(history),
    incidents: ({ query }) => listFor(history, query),
    incident: ({ params: { id } }) => history.incident(id) ?? noIncident(id),
    evidence: ({ params: { id } }) => {
      const frames = history.evidence(id);
      if (frames.length > 0) return new BinaryAnswer('application/x-pcapng', writePcapng(frames));
      if (history.incident(id) === undefined) return noIncident(id);
      throw new ApiError(404, 'no-evidence', `no frame of ${id} was kept (privacy: ${history.privacy})`);
    },
    clients: () => ({ clients: history.clients() }),
    timeline: ({ query: { to = Date.now(), from = to - DAY_MS, buckets } }) => {
      if (from >= to) throw notBefore('from', 'to');
      return history.timeline(from, to, buckets);
    },
    dossier: ({ query }) => dossierFor(history, box, query),
    gaps: ({ query: { since = 0, until = Date.now() } }) => ({
      gaps: history.gaps(since, until).map(gapView),
    }),
    report: ({ query }) => reportFor(history, box, query),
    history: summary,
    rewriteHistory: async () => {
      try {
        await history.rewritePast(box.status().blockMode);
      } catch (error) {
        throw new ApiError(503, 'not-rewritten', 'the history could not be rewritten', [], error);
      }
      return summary();
    },
  } satisfies Partial<Handlers>;
}

async function listFor(
  history: HistorySubject,
  filter: IncidentFilter,
): Promise<Answer<Endpoints['incidents']> | BinaryAnswer> {
  const { limit, acknowledged, client, rule, kind, severity, text } = filter;
  const isSearch = [client, rule, kind, severity, text].some((value) => value !== undefined);
  const isShort = limit <= READ_DIRECTLY && !isSearch && acknowledged !== true;
  const apart = isShort ? undefined : await history.apart('incidents', { filter })?.catch(refusedJob);
  if (apart !== undefined) return new BinaryAnswer('application/json', apart);
  return { incidents: history.incidents(filter) };
}

async function dossierFor(
  history: HistorySubject,
  box: { status(): Status },
  filter: IncidentFilter,
): Promise<Dossier | BinaryAnswer> {
  const asked = { filter, now: Date.now(), ...fromMemory(history, box) };
  const apart = await history.apart('dossier', asked)?.catch(refusedJob);
  return apart === undefined ? dossierFrom(history, asked) : new BinaryAnswer('application/json', apart);
}

/** The parts of a dossier that the history on disk does not hold. */
function fromMemory(
  history: HistorySubject,
  box: { status(): Status },
): Pick<DossierQuestion, 'privacy' | 'tunnels' | 'allowed'> {
  return { privacy: history.privacy, tunnels: box.status().tunnels, allowed: history.allowed() };
}

/** A report in one of the formats of `leakguard report`; without `since` it begins one day before `until`. */
async function reportFor(
  history: HistorySubject,
  box: { status(): Status },
  { format, ...filter }: IncidentFilter & { readonly format: ReportFormat },
): Promise<BinaryAnswer> {
  const now = Date.now();
  const { until = now, since = until - DAY_MS } = filter;
  if (since >= until) throw notBefore('since', 'until');
  const asked = { filter, format, since, until, now, ...fromMemory(history, box) };
  const report = (await history.apart('report', asked)?.catch(refusedJob)) ?? reportFrom(history, asked);
  return new BinaryAnswer(REPORTS[format].type, report);
}

function notBefore(path: string, end: string): ApiError {
  return refused([{ path, message: `is not before "${end}"`, remedy: 'send an earlier time' }]);
}
