// Knows: the history as a whole: one file, what is written to it at a time, and what leaves it with age and size. Must not
// know: when to write, what to do when it fails. Every method throws what SQLite says.

import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Accounted } from '../../src/guard/account/balance.ts';
import { veiledClient } from '../../src/guard/history/clients.ts';
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
  /** What the incidents hold with these, in terms of the kernel's counters since this boot. */
  readonly accounted?: Accounted | undefined;
}

export const HISTORY_FILE = 'history.db';
/** The file's bound; what is beyond goes, of what there is most first, and of that the oldest. Bytes. */
const BYTES_MOST = 64 * 1024 * 1024;
const DAY_MS = 86_400_000;
/** What is forgotten, and given back, at a time: some ten milliseconds of work. */
const STEP_ROWS = 250;
const STEP_PAGES = 256;
/** Free pages that are filled anew rather than given back. */
const SPARE_PAGES = 64;
/** What the signature of a file that is not there is. */
const GONE = 'ENOENT';
const SAVED = '.saved';

export class HistoryStore {
  readonly #path: string;
  readonly #database: Database;
  readonly #account: Statement;
  /** File and log as this process left them. */
  #left: readonly string[] = [];
  readonly incidents: IncidentTable;
  readonly clients: ClientTable;
  readonly evidence: EvidenceTable;
  readonly timeline: TimelineTable;
  readonly gaps: GapTable;
  /** What a person should know about the opening. */
  readonly warning: string | undefined;

  /** Opens or begins the history in `stateDir`; throws StoreError when there can be none. */
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
   * What another hand has done to the file while it was open, in words; undefined when nothing, or nobody can tell. Nobody else
   * writes it: any change that is not this process's own makes all of it doubtful, whatever it still reads like.
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
   * Ends the use of a file that another hand was at. One that was removed is still open, and what was in it goes to a new file of
   * the same name; else it is set aside. Where that is, or undefined when all was saved.
   */
  leave(): string | undefined {
    const isSaved = this.tamperedWith() === 'removed' && this.#save();
    // The names go first: closing moves the log into whatever file has them by then, and takes them away.
    const aside = isSaved ? undefined : setAsideAs(this.#path);
    try {
      this.#database.close();
    } catch {
      // Of a file that is damaged nothing more can be had.
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

  /** Tunnels' silences that an earlier process did not see the end of. */
  closeOpenGaps(wall: number): void {
    this.#own(() => this.gaps.closeOpen(wall));
  }

  /** All or nothing. `lasting`: on the disk when this returns, also if power goes the next moment; else after `sync`. */
  write(batch: Batch, redaction: Redaction, lasting = false): void {
    const task = (): void => {
      this.#write(batch, redaction);
    };
    this.#own(() => {
      if (lasting) this.#lasting(task);
      else task();
    });
  }

  /** A change of this process's own. Throws StoreError where another hand was at it before: its traces would be lost in ours. */
  #own<T>(task: () => T): T {
    const how = this.tamperedWith();
    if (how !== undefined) throw new StoreError('unusable', `${this.#path} was ${how}`);
    try {
      return task();
    } finally {
      this.#note();
    }
  }

  /** Another process of the box has written it. */
  acceptWritten(): void {
    this.#note();
  }

  #note(): void {
    this.#left = this.#signatures();
  }

  #signatures(): readonly string[] {
    return [fileSignature(this.#path), fileSignature(`${this.#path}-wal`)];
  }

  /** Has the disk take what was written; costs the caller no time. Rejects with what the disk says. */
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

  /** A person's word is on the disk when this returns, also if power goes the next moment. How many it was the first for. */
  acknowledge(id: string): number {
    return this.#own(() => this.#lasting(() => this.incidents.acknowledge(id)));
  }

  /** What `task` writes is on the disk when this returns. */
  #lasting<T>(task: () => T): T {
    this.#database.pragma('synchronous = FULL');
    try {
      return task();
    } finally {
      this.#database.pragma('synchronous = NORMAL');
    }
  }

  /** The kernel's counters up to which incidents were written since this boot; undefined when none were. */
  accounted(): ReadonlyMap<string, number> | undefined {
    const row = this.#database.prepare('SELECT boot, counters FROM account').get();
    if (row === undefined || row['boot'] !== bootId()) return undefined;
    const counters = readJson(textOf(row['counters']));
    if (typeof counters !== 'object' || counters === null) return undefined;
    const told = Object.entries(counters as Readonly<Record<string, unknown>>);
    return new Map(told.flatMap(([name, frames]) => (typeof frames === 'number' ? [[name, frames]] : [])));
  }

  /** The kernel counts anew: what was accounted for is of no use to it. */
  forgetAccount(): void {
    this.#own(() => this.#database.prepare('DELETE FROM account').run());
  }

  /** Wall clock of the newest thing written; undefined when there is none. */
  lastWritten(): number | undefined {
    const newest = ['SELECT max(last) AS at FROM incidents', 'SELECT max(at) AS at FROM states']
      .map((sql) => Number(this.#database.prepare(sql).get()?.['at'] ?? 0))
      .reduce((one, other) => Math.max(one, other));
    return newest === 0 ? undefined : newest;
  }

  /**
   * Forgets by age, so much at a time that nobody waits for it; true when there is more to forget. Incidents that nobody has
   * acknowledged stay: the book in memory bounds them.
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

  /** Forgets by size. Called with every write, so it costs what it forgets: pages that become free are filled anew. */
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

  /** Writes the past anew as `redaction` shows it, and leaves nothing of how it was: no free page, no log, no damaged copy. */
  rewrite(redaction: Redaction): void {
    this.#own(() => this.#rewrite(redaction));
  }

  #rewrite(redaction: Redaction): void {
    this.#database.transaction(() => {
      const incidents = rewritten([...this.incidents.all()], redaction);
      const clients = this.clients.list().flatMap((client) => veiledClient(client, redaction) ?? []);
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

  close(): void {
    this.#database.close();
  }

  #bytes(): number {
    const number = (name: string): number => Number(this.#database.pragma(name, { simple: true }));
    return (number('page_count') - number('freelist_count')) * number('page_size');
  }
}
