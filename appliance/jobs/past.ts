// Questions about the whole history, and their answers. Thirty days are tens of thousands of incidents: a second of SQLite and megabytes
// of text, so they run in a separate process (past-lanes.ts).

import { join } from 'node:path';

import { MAX_INCIDENTS } from '../../src/api/words.ts';
import type { ReportFormat } from '../../src/api/words.ts';
import { shownClients } from '../../src/guard/history/clients.ts';
import type { ClientView, Dossier, Timeline } from '../../src/api/past.ts';
import { allowedBy } from '../../src/guard/history/allowed.ts';
import { dossierOf } from '../../src/guard/history/dossier.ts';
import type { Gap } from '../../src/guard/tunnels/gaps.ts';
import type { IncidentFilter } from '../../src/guard/history/history.ts';
import { Redaction } from '../../src/guard/history/privacy.ts';
import type { Privacy } from '../../src/guard/history/privacy.ts';
import type { AllowedView, IncidentView, TunnelView } from '../../src/api/status.ts';
import { timelineOf } from '../../src/guard/history/timeline.ts';
import { registrationOf } from '../registries/registrations.ts';
import { REPORTS } from '../report/report.ts';
import { ClientTable } from '../history/client-table.ts';
import { openForReading } from '../history/database.ts';
import { GAPS_TOLD, GapTable } from '../history/gap-table.ts';
import { HISTORY_FILE, HistoryStore } from '../history/history.ts';
import { IncidentTable } from '../history/incident-table.ts';
import { hashWith } from '../history/privacy-key.ts';
import { publicSuffix } from '../history/public-suffix.ts';
import { TimelineTable, wholeRange } from '../history/timeline-table.ts';

/**
 * The history as the answers read it, from the disk or from memory, redacted already. Times are wall-clock milliseconds, ranges without
 * their end.
 */
export interface PastSource {
  /** Newest first, at most `filter.limit`. */
  incidents(filter: IncidentFilter): readonly IncidentView[];
  /** Newest first. */
  gaps(since: number, until: number): readonly Gap[];
  clients(): readonly ClientView[];
  timeline(from: number, to: number, buckets: number): Timeline;
}

/** What a dossier is made from, besides the history. */
export interface DossierQuestion {
  readonly filter: IncidentFilter;
  /** Wall clock, milliseconds. */
  readonly now: number;
  readonly privacy: Privacy;
  readonly tunnels: readonly TunnelView[];
  /** Direct traffic that the profile allowed; it is not in the history. */
  readonly allowed: AllowedView | undefined;
}

/** A report of [since, until), wall-clock milliseconds. */
export interface ReportQuestion extends DossierQuestion {
  readonly format: ReportFormat;
  readonly since: number;
  readonly until: number;
}

/** How answers are redacted: the privacy setting and the key of its hashes (`PrivacyKey.secret`). Sent over a pipe, never as a process argument. */
export interface RedactionKey {
  readonly privacy: Privacy;
  readonly secret: string;
}

/** Input and result of each question. Results are bytes as they are sent to the client, so that the daemon need not process them. */
export type PastJobs = {
  readonly incidents: PastJob<{ readonly filter: IncidentFilter }>;
  readonly dossier: PastJob<DossierQuestion>;
  readonly report: PastJob<ReportQuestion>;
  /** Rewrites the history under the current privacy setting. */
  readonly rewrite: PastJob<undefined>;
};

interface PastJob<T> {
  readonly given: T;
  readonly result: Uint8Array;
}

/** Name of a question. */
export type PastKind = keyof PastJobs;

/** Most incidents that one dossier is made from. */
const DOSSIER_MOST = 20_000;
const REPORT_BUCKETS = 240;

/**
 * The dossier of [filter.since, filter.until), without bounds where these are undefined, and of one client where `filter.client` is set.
 * `truncated` when there were more than DOSSIER_MOST incidents: then it is made from part of them. Throws what `past` throws.
 */
export function dossierFrom(
  past: PastSource,
  { filter, now, privacy, tunnels, allowed }: DossierQuestion,
): Dossier {
  const incidents = past.incidents({ ...filter, limit: DOSSIER_MOST });
  const devices = past.clients();
  return dossierOf({
    incidents,
    registrationOf,
    privacy,
    tunnels,
    allowed: allowed && allowedBy(allowed, filter),
    gaps: past.gaps(filter.since ?? 0, filter.until ?? now),
    clients: filter.client === undefined ? devices : devices.filter(({ id }) => id === filter.client),
    from: filter.since,
    to: filter.until ?? now,
    truncated: incidents.length >= DOSSIER_MOST,
  });
}

/** A report of `leakguard report` in the format asked for, in UTF-8; at most MAX_INCIDENTS incidents are listed. Throws what `past` throws. */
export function reportFrom(past: PastSource, asked: ReportQuestion): Uint8Array {
  const { since, until, format } = asked;
  const filter = { ...asked.filter, since, until };
  const report = REPORTS[format].write({
    dossier: dossierFrom(past, { ...asked, filter }),
    incidents: past.incidents({ ...filter, limit: MAX_INCIDENTS }),
    timeline: past.timeline(since, until, REPORT_BUCKETS),
  });
  return Buffer.from(report);
}

/**
 * Answers one question from the history in `stateDir`: JSON with a line feed, or a report as `reportFrom` makes it. Throws SQLite's errors,
 * and StoreError where it rewrites.
 */
export function doPastJob<K extends PastKind>(
  stateDir: string,
  kind: K,
  asked: PastJobs[K]['given'],
  { privacy, secret }: RedactionKey,
): Uint8Array {
  return JOBS[kind](stateDir, asked, new Redaction(privacy, hashWith(secret), publicSuffix));
}

const JOBS: {
  readonly [K in PastKind]: (
    stateDir: string,
    asked: PastJobs[K]['given'],
    redaction: Redaction,
  ) => Uint8Array;
} = {
  incidents: (stateDir, { filter }, redaction) =>
    reading(stateDir, redaction, (past) => json({ incidents: past.incidents(filter) })),
  dossier: (stateDir, asked, redaction) =>
    reading(stateDir, redaction, (past) => json(dossierFrom(past, asked))),
  report: (stateDir, asked, redaction) => reading(stateDir, redaction, (past) => reportFrom(past, asked)),
  rewrite: (stateDir, _, redaction) => {
    const store = new HistoryStore(stateDir);
    try {
      store.rewrite(redaction);
    } finally {
      store.close();
    }
    return json({});
  },
};

function reading<T>(stateDir: string, redaction: Redaction, task: (past: PastSource) => T): T {
  const database = openForReading(join(stateDir, HISTORY_FILE));
  try {
    const incidents = new IncidentTable(database);
    const gaps = new GapTable(database);
    const clients = new ClientTable(database);
    const table = new TimelineTable(database);
    return task({
      incidents: (filter) => incidents.select(filter, redaction),
      gaps: (since, until) => gaps.select(since, until, GAPS_TOLD, redaction),
      clients: () => shownClients(clients.list(), redaction),
      timeline: (from, to, buckets) => {
        const range = wholeRange({ from, to, buckets }, redaction.privacy === 'minimal');
        const width = (range.to - range.from) / range.buckets;
        const [changes, tallies] = [
          redaction.privacy === 'minimal' ? [] : table.changes(range.from, range.to, width),
          table.tallies(range.from, range.to, width),
        ];
        return timelineOf(range, changes, tallies, Date.now());
      },
    });
  } finally {
    database.close();
  }
}

function json(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}
