// The history: one SQLite file, what is written to it in one transaction, and what is deleted because of age and size. When to write, and
// what to do when that fails, is decided in recorder.ts and its callers. Every method throws SQLite's errors.

import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Accounted } from '../../src/guard/account/balance.ts';
import { redactedClient } from '../../src/guard/history/clients.ts';
import type { ClientView } from '../../src/api/past.ts';
import type { EvidenceFrame } from '../../src/guard/incidents/evidence.ts';
import type { Gap } from '../../src/guard/tunnels/gaps.ts';
import { rewritten, rewrittenGaps } from '../../src/guard/history/past.ts';
import type { PastIncident } from '../../src/guard/history/past.ts';
import type { Redaction } from '../../src/guard/history/privacy.ts';
import { readJson } from '../../src/api/json.ts';
import { isEmpty } from '../../src/guard/history/timeline.ts';
import type { StateChange, TallyAt } from '../../src/guard/history/timeline.ts';
import { bootId } from '../os/boot-id.ts';
import { ClientTable } from './client-table.ts';
import { fileSignature } from '../os/regular-file.ts';
import { StoreError, openDatabase, removeDamaged, setAsideAs } from './database.ts';
import type { Database, Statement } from './database.ts';
import { EvidenceTable } from './evidence-table.ts';
import { GapTable } from './gap-table.ts';
import { IncidentTable, textOf } from './incident-table.ts';
import { MIGRATIONS } from './schema.ts';
import { TimelineTable } from './timeline-table.ts';

/** A captured frame of an incident, by number. */
export interface EvidenceOf {
  readonly incident: string;
  readonly number: number;
  readonly frame: EvidenceFrame;
}

/** What is written in one transaction. */
export interface Batch {
  readonly incidents: readonly PastIncident[];
  readonly evidence: readonly EvidenceOf[];
  readonly clients: readonly ClientView[];
  readonly tallies: readonly TallyAt[];
  readonly changes: readonly StateChange[];
  readonly gaps: readonly Gap[];
  /** The frames of all incidents, including these, in terms of the kernel's counters since this boot; undefined leaves what is stored. */
  readonly accounted?: Accounted | undefined;
}

/** Name of the history's file in the state directory; SQLite adds `-wal` and `-shm` for its log. */
export const HISTORY_FILE = 'history.db';
/** Size limit of the file, bytes. Beyond it the oldest rows of the largest share are deleted. */
const BYTES_MOST = 64 * 1024 * 1024;
const DAY_MS = 86_400_000;
/** Rows deleted, and pages given back, in one step: about ten milliseconds of work. */
const STEP_ROWS = 250;
const STEP_PAGES = 256;
/** Free pages that are kept for reuse rather than given back. */
const SPARE_PAGES = 64;
/** The signature of a missing file. */
const GONE = 'ENOENT';
const SAVED = '.saved';

/** The open history file. It is for one writing process; readers open it with `openForReading`. */
export class HistoryStore {
  readonly #path: string;
  readonly #database: Database;
  readonly #account: Statement;
  /** Signatures of file and write-ahead log after this process's last change. */
  #left: readonly string[] = [];
  readonly incidents: IncidentTable;
  readonly clients: ClientTable;
  readonly evidence: EvidenceTable;
  readonly timeline: TimelineTable;
  readonly gaps: GapTable;
  /** A message for people about the opening, such as a damaged file that was set aside. */
  readonly warning: string | undefined;

  /** Opens or creates the history in `stateDir`; throws StoreError when that is impossible. */
  constructor(stateDir: string) {
    this.#path = join(stateDir, HISTORY_FILE);
    const { database, warning } = openDatabase(this.#path, MIGRATIONS);
    this.#database = database;
    this.warning = warning;
    this.#account = database.prepare(
      `INSERT INTO account (one, boot, counters) VALUES (1, ?, ?)
       ON CONFLICT (one) DO UPDATE SET boot = excluded.boot, counters = excluded.counters`,
    );
    this.incidents = new IncidentTable(database);
    this.clients = new ClientTable(database);
    this.evidence = new EvidenceTable(database);
    this.timeline = new TimelineTable(database);
    this.gaps = new GapTable(database);
    this.#note();
  }

  /**
   * What another program has done to the open file, as a participle (`removed`, `replaced`, `written by another program`); undefined if
   * nothing, or if that cannot be determined. No other program may write it: any change that this process did not make casts doubt on the
   * whole file, even if it can still be read.
   */
  tamperedWith(): string | undefined {
    const now = this.#signatures();
    if (now.every((signature, at) => signature === this.#left[at])) return undefined;
    if (now.includes(GONE)) return 'removed';
    const identities = (signatures: readonly string[]): string =>
      signatures.map((signature) => signature.split(' ', 2).join(' ')).join();
    if (now.some((signature) => !signature.includes(' '))) return undefined;
    return identities(now) === identities(this.#left) ? 'written by another program' : 'replaced';
  }

  /**
   * Closes a file that another program has tampered with. A removed file is still open, so its content is saved to a new file of the same
   * name; any other file is set aside. Returns where it was set aside, or undefined when everything was saved.
   */
  leave(): string | undefined {
    const isSaved = this.tamperedWith() === 'removed' && this.#save();
    // Rename first: closing writes the log into whatever file has the name at that time, and deletes the log.
    const aside = isSaved ? undefined : setAsideAs(this.#path);
    try {
      this.#database.close();
    } catch {
      // The file is damaged: nothing more can be saved from it.
      this.#left = [];
    }
    if (isSaved) {
      for (const companion of ['-wal', '-shm']) rmSync(`${this.#path}${companion}`, { force: true });
      renameSync(`${this.#path}${SAVED}`, this.#path);
    }
    return aside;
  }

  #save(): boolean {
    const saved = `${this.#path}${SAVED}`;
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      rmSync(saved, { force: true });
      this.#database.prepare('VACUUM INTO ?').run(saved);
      return true;
    } catch {
      return false;
    }
  }

  /** Closes tunnel gaps that an earlier process did not see the end of; `wall`: when it stopped watching, milliseconds. */
  closeOpenGaps(wall: number): void {
    this.#own(() => this.gaps.closeOpen(wall));
  }

  /**
   * Writes everything or nothing, as `redaction` shows it: under `minimal` no changes and gaps. `lasting`: it survives a power cut as soon
   * as this returns; otherwise after `sync`. Throws StoreError when another program has tampered with the file.
   */
  write(batch: Batch, redaction: Redaction, lasting = false): void {
    const task = (): void => {
      this.#write(batch, redaction);
    };
    this.#own(() => {
      if (lasting) this.#lasting(task);
      else task();
    });
  }

  /** Makes a change. Throws StoreError if another program has tampered with the file, because the change would hide the traces of that. */
  #own<T>(task: () => T): T {
    const how = this.tamperedWith();
    if (how !== undefined) throw new StoreError('unusable', `${this.#path} was ${how}`);
    try {
      return task();
    } finally {
      this.#note();
    }
  }

  /** Call after another process of the box has written the file. */
  acceptWritten(): void {
    this.#note();
  }

  #note(): void {
    this.#left = this.#signatures();
  }

  #signatures(): readonly string[] {
    return [fileSignature(this.#path), fileSignature(`${this.#path}-wal`)];
  }

  /** Flushes everything written to the disk, in the background. Rejects with the disk's error. */
  async sync(): Promise<void> {
    const log = await open(`${this.#path}-wal`, 'r');
    try {
      await log.sync();
    } finally {
      await log.close();
    }
  }

  #write(batch: Batch, redaction: Redaction): void {
    const { privacy } = redaction;
    this.#database.transaction(() => {
      for (const past of batch.incidents) this.incidents.put(past);
      for (const { incident, number, frame } of batch.evidence) this.evidence.put(incident, number, frame);
      for (const client of batch.clients) this.clients.put(client, privacy);
      for (const tally of batch.tallies)
        if (!isEmpty(tally)) this.timeline.count(tally, privacy === 'minimal');
      if (batch.accounted !== undefined)
        this.#account.run(bootId(), JSON.stringify(batch.accounted.counters));
      if (privacy === 'minimal') return;
      for (const change of batch.changes) this.timeline.change(change);
      for (const gap of batch.gaps) this.gaps.put({ gap, privacy });
    })();
  }

  /** Acknowledges an incident, or `all`. This survives a power cut as soon as it returns. Returns how many were not acknowledged before. */
  acknowledge(id: string): number {
    return this.#own(() => this.#lasting(() => this.incidents.acknowledge(id)));
  }

  /** Whatever `task` writes is on the disk when this returns. */
  #lasting<T>(task: () => T): T {
    this.#database.pragma('synchronous = FULL');
    try {
      return task();
    } finally {
      this.#database.pragma('synchronous = NORMAL');
    }
  }

  /** The kernel's counters (packets by counter name) that the stored incidents account for since this boot; undefined when none were stored. */
  accounted(): ReadonlyMap<string, number> | undefined {
    const row = this.#database.prepare('SELECT boot, counters FROM account').get();
    if (row === undefined || row['boot'] !== bootId()) return undefined;
    const counters = readJson(textOf(row['counters']));
    if (typeof counters !== 'object' || counters === null) return undefined;
    const entries = Object.entries(counters as Readonly<Record<string, unknown>>);
    return new Map(entries.flatMap(([name, frames]) => (typeof frames === 'number' ? [[name, frames]] : [])));
  }

  /** Call when the kernel's counters have been reset: the stored values no longer apply. */
  forgetAccount(): void {
    this.#own(() => this.#database.prepare('DELETE FROM account').run());
  }

  /** Wall clock of the newest incident or state written, milliseconds; undefined when there is none. */
  lastWritten(): number | undefined {
    const newest = ['SELECT max(last) AS at FROM incidents', 'SELECT max(at) AS at FROM states']
      .map((sql) => Number(this.#database.prepare(sql).get()?.['at'] ?? 0))
      .reduce((one, other) => Math.max(one, other));
    return newest === 0 ? undefined : newest;
  }

  /**
   * Deletes what is too old, in steps so small that nothing has to wait; true when there is more to delete. `now`: wall clock, milliseconds.
   * Unacknowledged incidents stay: the book in memory limits their number.
   */
  forget(now: number, retentionDays: number): boolean {
    const before = now - retentionDays * DAY_MS;
    return this.#own(() => {
      const step = { isLast: true };
      this.#database.transaction(() => {
        const incidents = this.incidents.forgetBefore(before, STEP_ROWS);
        this.evidence.forgetOf(incidents);
        step.isLast = !this.timeline.forgetBefore(before, 4 * STEP_ROWS) && incidents.length < STEP_ROWS;
        this.clients.forgetBefore(before);
        this.gaps.forgetBefore(before);
        if (step.isLast) this.evidence.prune();
      })();
      this.#database.pragma(`incremental_vacuum(${STEP_PAGES})`);
      return !step.isLast || Number(this.#database.pragma('freelist_count', { simple: true })) > SPARE_PAGES;
    });
  }

  /** Deletes what exceeds the size limit. Called after every write, so it is cheap when there is nothing to delete; free pages are reused. */
  bound(): void {
    if (this.#bytes() <= BYTES_MOST) return;
    this.#own(() => {
      while (this.#bytes() > BYTES_MOST && this.#forgetOldest() > 0);
    });
  }

  #forgetOldest(): number {
    let forgotten = 0;
    this.#database.transaction(() => {
      const incidents = this.incidents.forgetOldest(1_000);
      this.evidence.forgetOf(incidents);
      forgotten = incidents.length || this.timeline.forgetOldest(10_000);
    })();
    return forgotten;
  }

  /**
   * Rewrites the history as `redaction` shows it. Nothing of the old content is left: not in free pages, the log or a damaged copy. Reads
   * and writes everything, so it is not for the daemon's own process (appliance/jobs/past-lanes.ts).
   */
  rewrite(redaction: Redaction): void {
    this.#own(() => this.#rewrite(redaction));
  }

  #rewrite(redaction: Redaction): void {
    this.#database.transaction(() => {
      const incidents = rewritten([...this.incidents.all()], redaction);
      const clients = this.clients.list().flatMap((client) => redactedClient(client, redaction) ?? []);
      const gaps = rewrittenGaps(this.gaps.all(), redaction);
      for (const table of [this.incidents, this.clients, this.gaps]) table.clear();
      if (redaction.privacy !== 'full') this.evidence.clear();
      if (redaction.privacy === 'minimal') this.timeline.coarsen();
      for (const past of incidents) this.incidents.put(past);
      for (const client of clients) this.clients.put(client, redaction.privacy);
      for (const gap of gaps) this.gaps.put(gap);
    })();
    this.#database.exec('VACUUM');
    this.#database.pragma('wal_checkpoint(TRUNCATE)');
    removeDamaged(this.#path);
  }

  /** Closes the file. */
  close(): void {
    this.#database.close();
  }

  #bytes(): number {
    const number = (name: string): number => Number(this.#database.pragma(name, { simple: true }));
    return (number('page_count') - number('freelist_count')) * number('page_size');
  }
}
