// Decides what of the guard's work goes into the history and under which privacy, and restores it after a restart. Without a usable disk
// it continues with what is in memory, and warns.

import { statSync } from 'node:fs';
import { ClientBook, shownClients } from '../../../src/guard/history/clients.ts';
import type { ClientView, Timeline, TimelineTunnel } from '../../../src/api/past.ts';
import type { EvidenceFrame } from '../../../src/guard/incidents/evidence.ts';
import { GapNotes } from '../../../src/guard/tunnels/gap-notes.ts';
import type { Gap } from '../../../src/guard/tunnels/gaps.ts';
import type { Guard } from '../../../src/guard/guard.ts';
import { selects } from '../../../src/guard/history/history.ts';
import type { IncidentFilter } from '../../../src/guard/history/history.ts';
import { viewOf } from '../../../src/guard/incidents/incident-view.ts';
import type { Incident } from '../../../src/guard/incidents/incidents.ts';
import type { TapReport } from '../../../src/guard/observation.ts';
import { laxerThan, redactedIncident, redactedGap } from '../../../src/guard/history/past.ts';
import type { PastIncident } from '../../../src/guard/history/past.ts';
import { Redaction } from '../../../src/guard/history/privacy.ts';
import { fairPick } from '../../../src/guard/incidents/quotas.ts';
import type { AllowedView, IncidentView, Status } from '../../../src/api/status.ts';
import { NO_TALLY, timelineOf, worseTunnel } from '../../../src/guard/history/timeline.ts';
import type { StateChange, Tally } from '../../../src/guard/history/timeline.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import { now } from '../../os/clock.ts';
import { JobError } from '../../jobs/job-process.ts';
import { PastLanes } from '../../jobs/past-lanes.ts';
import type { RedactionKey, PastJobs, PastKind } from '../../jobs/past.ts';
import { GAPS_TOLD } from '../../history/gap-table.ts';
import { publicSuffix } from '../../history/public-suffix.ts';
import { HistoryStore } from '../../history/history.ts';
import { PrivacyKey, privacyKeyIn } from '../../history/privacy-key.ts';
import { Recorder } from '../../history/recorder.ts';
import { wholeRange } from '../../history/timeline-table.ts';
import { WallClock, clockJumpText } from '../../history/wall-clock.ts';
import { vendorOf } from '../../registries/vendors.ts';
import { counterFilePath } from './counter-file.ts';
import { errorText } from '../warnings.ts';
import type { Warnings } from '../warnings.ts';

/** A history that could not be opened is tried again after this long, milliseconds. */
const REOPEN_MS = 10_000;
/** Most unacknowledged incidents that are read back. More than the incident book holds, so that folded ones come back with all others. */
const RESTORED_MOST = 4_000;
/** How often it is checked that no other program has changed the file, milliseconds. */
const FILE_CHECK_MS = 1_000;
const KEY_REFUSED = 'The key of redacted names cannot be saved or removed as the policy requires';

/** Where the history is kept, and who is told when it cannot be. */
export interface BoxHistoryParts {
  readonly stateDir: string;
  /** Directory of the counter file, whose age tells when an earlier process was last alive. */
  readonly runtimeDir: string;
  readonly warnings: Warnings;
}

/** The history of one daemon. An error of the disk becomes a warning: no method but `rewritePast` and `apart` fails. */
export class BoxHistory {
  readonly #warnings: Warnings;
  readonly #stateDir: string;
  /** When an earlier process since boot was last alive; wall clock, milliseconds. */
  readonly #lastAlive: number | undefined;
  #store: HistoryStore | undefined;
  #recorder: Recorder | undefined;
  #openedAt = -Infinity;
  #fileCheckedAt = -Infinity;
  readonly #clients: ClientBook;
  readonly #key: PrivacyKey;
  readonly #lanes: PastLanes;
  #isRewriting = false;
  /** The history holds the kernel's counters up to which incidents are accounted for. */
  #isAccounted = false;
  #redaction: Redaction;
  #policy: Policy | undefined;
  #guard: Guard | undefined;
  readonly #clock = new WallClock();
  readonly #gapNotes = new GapNotes();
  #counted: Tally = NO_TALLY;
  #lastChange: Omit<StateChange, 'at'> | undefined;

  constructor({ stateDir, runtimeDir, warnings }: BoxHistoryParts) {
    this.#warnings = warnings;
    this.#key = new PrivacyKey(stateDir);
    this.#redaction = new Redaction('full', this.#key.hash, publicSuffix);
    this.#clients = new ClientBook(vendorOf, this.#redaction);
    this.#stateDir = stateDir;
    this.#lanes = new PastLanes(stateDir);
    this.#lastAlive = lastAlive(runtimeDir);
    this.#tryOpen();
  }

  /** Restores the file of the key by which names are redacted; returns its path when it was gone or changed, and otherwise nothing. */
  keep(): readonly string[] {
    const restored: string[] = [];
    this.#warnings.attempt('privacy-key', KEY_REFUSED, () => {
      if (this.#key.keep()) restored.push(privacyKeyIn(this.#stateDir));
    });
    return restored;
  }

  /** A guard starts: it gets the incidents that are not acknowledged yet. `blocking`: leaks were being blocked until now. */
  begin(guard: Guard, policy: Policy, blocking: boolean): void {
    this.#guard = guard;
    this.#counted = NO_TALLY;
    this.#isAccounted = this.accounted() !== undefined;
    this.setPolicy(policy);
    guard.book.replace(this.#openIncidents(), blocking, now());
  }

  /**
   * The kernel's counters (packets by counter name) since this boot up to which the history accounts for every frame; undefined when there
   * are none.
   */
  accounted(): ReadonlyMap<string, number> | undefined {
    return this.#try(() => this.#store?.accounted());
  }

  /** The kernel's counters restarted from zero, and nothing they count is accounted for. */
  countAnew(): void {
    this.#isAccounted = false;
    this.#try(() => this.#store?.forgetAccount());
  }

  /** Takes privacy, place of the key and retention from a policy that is in force. What waits is written under the privacy before it. */
  setPolicy(policy: Policy): void {
    this.#policy = policy;
    // Records that wait to be written were seen under the previous privacy.
    if (this.#redaction.privacy !== policy.privacy) this.#recorder?.flush();
    this.#warnings.attempt('privacy-key', KEY_REFUSED, () => this.#key.place(policy.privacyKey));
    this.#redaction = new Redaction(policy.privacy, this.#key.hash, publicSuffix);
    if (this.#guard !== undefined) this.#guard.book.redaction = this.#redaction;
    this.#clients.redaction = this.#redaction;
    this.#recorder?.setRedaction(this.#redaction);
    this.#offerRewrite();
  }

  /** Takes the clients of a tap's report, and the incidents that it changed. */
  report(report: TapReport, changed: readonly Incident[]): void {
    const { wall } = now();
    for (const observation of report.port === 'lan' ? report.observations : []) {
      const id = this.#clients.take(observation, wall);
      const client = id === undefined ? undefined : this.#clients.get(id);
      if (client !== undefined) this.#recorder?.client(client);
    }
    this.changed(changed);
  }

  /** Takes changed incidents. Call it often: it also checks clock and file, and notes tunnel gaps and counts. */
  changed(incidents: readonly Incident[]): void {
    this.#watchClock();
    this.#watchFile();
    this.#reopen();
    for (const incident of incidents) this.#recorder?.incident(incident);
    if (this.#guard === undefined) return;
    if (!this.#isAccounted && this.#guard.accounted !== undefined) {
      this.#isAccounted = true;
      this.#recorder?.account();
    }
    // Gaps of tunnels that a new policy removed were noted under the previous privacy.
    for (const gap of this.#gapNotes.take(this.#guard.gaps(), now()))
      this.#recorder?.gap(redactedGap(gap, this.#redaction));
    const tally = tallyOf(this.#guard);
    this.#recorder?.count(difference(tally, this.#counted));
    this.#counted = tally;
  }

  /** Records a change of state, tunnel, block mode or pass for the timeline. */
  status(status: Status): void {
    const change = {
      state: status.state,
      tunnel: tunnelOf(status),
      blockMode: status.blockMode,
      pass: status.passUntil !== null,
    };
    if (JSON.stringify(change) === JSON.stringify(this.#lastChange)) return;
    this.#lastChange = change;
    this.#recorder?.change({ at: Date.now(), ...change });
  }

  /** Records that one incident, or `all`, was acknowledged: on disk when this returns, or as soon as the disk can be written. */
  acknowledged(id: string): void {
    if (id === 'all') this.#warnings.clear('clock');
    for (const incident of this.#guard?.book.all() ?? [])
      if (incident.id === id || id === 'all') this.#recorder?.incident(incident);
    if (this.#recorder?.flush(true) === true) this.#try(() => this.#store?.acknowledge(id));
  }

  /** Incidents as the privacy in force shows them, newest first. From memory alone when the disk cannot be read. */
  incidents(filter: IncidentFilter): readonly IncidentView[] {
    const stored = this.#stored((store) => store.incidents.select(filter, this.#redaction));
    if (stored !== undefined) return stored;
    const held = this.#guard?.book.all() ?? [];
    const views = held.map((incident) => ({
      share: incident.share,
      view: redactedIncident({ incident: viewOf(incident), privacy: incident.privacy }, this.#redaction),
    }));
    const chosen = views.filter(({ view }) => selects(filter, view));
    return fairPick(chosen, ({ share }) => share, filter.limit).map(({ view }) => view);
  }

  /** An incident by its id, as the privacy in force shows it; undefined when there is none. */
  incident(id: string): IncidentView | undefined {
    return this.#guard?.incident(id) ?? this.#stored((store) => store.incidents.get(id, this.#redaction));
  }

  /** Captured frames of an incident, in the order in which they were seen; empty for an unknown one, and unless privacy is `full`. */
  evidence(id: string): readonly EvidenceFrame[] {
    if (this.#redaction.privacy !== 'full') return [];
    return this.#stored((store) => store.evidence.of(id)) ?? [];
  }

  /** Gaps in tunnels' traffic that overlap [since, until), wall clock milliseconds, newest first, at most GAPS_TOLD. */
  gaps(since: number, until: number): readonly Gap[] {
    const held = this.#guard?.gaps() ?? [];
    return (
      this.#stored((store) => store.gaps.select(since, until, GAPS_TOLD, this.#redaction)) ??
      held.slice(0, GAPS_TOLD)
    );
  }

  /** The clients seen, last seen first, as the privacy in force shows them. */
  clients(): readonly ClientView[] {
    // What is stored of a client is as old as the last news about it; when it was last seen, only the book of this process knows.
    const stored = this.#stored((store) => store.clients.list()) ?? [];
    return shownClients([...this.#clients.list(), ...stored], this.#redaction);
  }

  /** The timeline of [from, to), wall clock milliseconds; with privacy `minimal` in whole hours only. The range is widened as `wholeRange` says. */
  timeline(from: number, to: number, buckets: number): Timeline {
    const hoursOnly = this.#redaction.privacy === 'minimal';
    const range = wholeRange({ from, to, buckets }, hoursOnly);
    const width = (range.to - range.from) / range.buckets;
    const parts = this.#stored((store) => ({
      changes: hoursOnly ? [] : store.timeline.changes(range.from, range.to, width),
      tallies: store.timeline.tallies(range.from, range.to, width),
    }));
    return timelineOf(range, parts?.changes ?? [], parts?.tallies ?? [], Date.now());
  }

  /**
   * Traffic outside the tunnel that the profile allowed in this run; it is kept in memory only. Undefined as Guard.allowed says, and before
   * `begin`.
   */
  allowed(): AllowedView | undefined {
    return this.#guard?.allowed();
  }

  /** Number of stored incidents that hold more detail than the privacy in force allows. */
  get laxerPast(): number {
    return this.#stored((store) => store.incidents.writtenUnder(laxerThan(this.#redaction.privacy))) ?? 0;
  }

  /** What the privacy in force leaves of a name. */
  shownName(name: string): string {
    return this.#redaction.name(name);
  }

  /** The privacy in force; `full` until the first policy. */
  get privacy(): Redaction['privacy'] {
    return this.#redaction.privacy;
  }

  /**
   * Has another process answer a question about the whole history, since that takes longer than other requests may wait: bytes as they are
   * sent to the client. Undefined, at once, when the disk does not hold everything. Rejects with JobError.
   */
  apart<K extends PastKind>(kind: K, asked: PastJobs[K]['given']): Promise<Uint8Array> | undefined {
    const isWhole = this.#stored(() => true) === true;
    return isWhole ? this.#lanes.run(kind, asked, this.#eyes()) : undefined;
  }

  #eyes(): RedactionKey {
    return { privacy: this.#redaction.privacy, secret: this.#key.secret };
  }

  /**
   * Rewrites the history under the privacy in force, in memory and on disk, and forgets the key of its hashes: new records cannot be linked
   * with it, and names cannot be guessed by hashing them. Rejects with JobError; the history is then unchanged.
   */
  async rewritePast(blocking: boolean): Promise<void> {
    if (this.#isRewriting) throw new JobError('busy', 'the history is being rewritten already');
    this.#recorder?.flush();
    this.#isRewriting = true;
    // Two processes that write one file wait for each other, and the daemon must not wait.
    this.#recorder?.hold();
    try {
      if (this.#store !== undefined) await this.#lanes.run('rewrite', undefined, this.#eyes());
    } finally {
      this.#isRewriting = false;
      this.#store?.acceptWritten();
      this.#recorder?.release();
    }
    this.#warnings.attempt('privacy-key', KEY_REFUSED, () => this.#key.forget());
    this.#clients.forgetAll();
    for (const client of this.#store?.clients.list().reverse() ?? []) this.#clients.restore(client);
    this.#guard?.book.replace(this.#openIncidents(), blocking, now());
    this.#offerRewrite();
  }

  /** Records that the box is off from now on, and closes the history. */
  close(): void {
    const blockMode = this.#lastChange?.blockMode ?? false;
    this.#recorder?.change({ at: Date.now(), state: 'off', tunnel: 'none', blockMode, pass: false });
    this.#lanes.close();
    this.#recorder?.release();
    this.#recorder?.close();
    this.#try(() => this.#store?.close());
  }

  /** Records time that the clock skipped, forwards or backwards, as not watched. */
  #watchClock(): void {
    const jump = this.#clock.look(now());
    if (jump === undefined) return;
    this.#warnings.set(
      'clock',
      clockJumpText(jump, (wall) => this.#redaction.time(wall)),
    );
    const last = this.#lastChange;
    if (last === undefined) return;
    const { blockMode } = last;
    this.#recorder?.change({ at: jump.from, state: 'off', tunnel: 'none', blockMode, pass: false });
    this.#recorder?.change({ at: jump.to, ...last });
  }

  /** When another program has changed the open file, the file is given up with a warning; what is in memory goes into the next one. */
  #watchFile(): void {
    const { monotonic } = now();
    const store = this.#store;
    if (store === undefined || monotonic - this.#fileCheckedAt < FILE_CHECK_MS) return;
    this.#fileCheckedAt = monotonic;
    // The change is made by our own process.
    if (this.#isRewriting) return;
    const how = store.tamperedWith();
    if (how === undefined) return;
    this.#store = undefined;
    this.#isAccounted = false;
    this.#openedAt = -Infinity;
    let kept = 'a new one continues with its content';
    try {
      const aside = store.leave();
      if (aside !== undefined)
        kept = `it was set aside as ${aside}, and a new one was started with what is in memory`;
    } catch (error) {
      kept = `it could not be set aside (${errorText(error)})`;
    }
    this.#warnings.set('history-changed', `The history was ${how} while it was in use; ${kept}.`);
  }

  /** A disk that was full or read-only at the start may become writable: the history then starts with what is in memory. */
  #reopen(): void {
    if (this.#store !== undefined || !this.#tryOpen()) return;
    const guard = this.#guard;
    for (const past of this.#openIncidents())
      if (guard?.incident(past.incident.id) === undefined) guard?.book.restore(past, guard.blockMode, now());
    for (const incident of guard?.book.all() ?? []) this.#recorder?.incident(incident);
    for (const client of this.#clients.list()) this.#recorder?.client(client);
    if (this.#lastChange !== undefined) this.#recorder?.change({ at: Date.now(), ...this.#lastChange });
    this.#offerRewrite();
  }

  /** True when a history was opened just now. */
  #tryOpen(): boolean {
    const { monotonic } = now();
    if (monotonic - this.#openedAt < REOPEN_MS) return false;
    this.#openedAt = monotonic;
    let store: HistoryStore;
    try {
      store = new HistoryStore(this.#stateDir);
    } catch (error) {
      const text = `The history cannot be opened (${errorText(error)}): events are kept in memory only.`;
      this.#warnings.set('history', text);
      return false;
    }
    this.#warnings.clear('history');
    if (store.warning !== undefined) this.#warnings.set('history-damaged', store.warning);
    this.#store = store;
    const isFirst = this.#recorder === undefined;
    this.#recorder ??= new Recorder(store, this.#redaction, {
      now,
      fault: this.#warnings.put.bind(this.#warnings, 'history'),
      retentionDays: () => this.#policy?.retentionDays ?? Infinity,
      accounted: () => this.#guard?.accounted,
    });
    if (isFirst) this.#recordTimeOff();
    else this.#recorder.continueIn(store);
    for (const client of store.clients.list().reverse()) this.#clients.restore(client);
    return true;
  }

  /** Records the time from the last sign of life of an earlier process until now as not watched. */
  #recordTimeOff(): void {
    this.#try(() => {
      const alive = this.#lastAlive ?? this.#store?.lastWritten();
      this.#store?.closeOpenGaps(alive ?? Date.now());
      const last = this.#store?.timeline.lastChange(Date.now());
      if (last === undefined || last.state === 'off') return;
      const at = Math.max(last.at + 1, Math.min(alive ?? last.at, Date.now()));
      this.#recorder?.change({ at, state: 'off', tunnel: 'none', blockMode: last.blockMode, pass: false });
    });
  }

  #openIncidents(): readonly PastIncident[] {
    return (
      this.#try(() => this.#store?.incidents.selectPast({ acknowledged: false, limit: RESTORED_MOST })) ?? []
    );
  }

  #offerRewrite(): void {
    const past = this.laxerPast;
    if (past === 0) {
      this.#warnings.clear('past');
      return;
    }
    const text = `${String(past)} past incidents are stored in more detail than privacy "${this.privacy}" allows: "leakguard history rewrite" redacts them.`;
    this.#warnings.set('past', text);
  }

  /** Runs a query on a store that holds everything; undefined when the disk does not take it all or the query fails. */
  #stored<T>(query: (store: HistoryStore) => T): T | undefined {
    const store = this.#store;
    if (store === undefined || (this.#recorder?.waiting === true && !this.#recorder.flush()))
      return undefined;
    return this.#try(() => query(store));
  }

  #try<T>(task: () => T): T | undefined {
    try {
      return task();
    } catch (error) {
      this.#warnings.set('history', `The history cannot be used: ${errorText(error)}.`);
      return undefined;
    }
  }
}

/** Wall clock of the last kernel reading of an earlier process since boot. */
function lastAlive(runtimeDir: string): number | undefined {
  const seen = statSync(counterFilePath(runtimeDir), { throwIfNoEntry: false });
  return seen === undefined ? undefined : Math.floor(seen.mtimeMs);
}

/** The state of the tunnels as one value for the timeline. */
function tunnelOf({ tunnels }: Status): TimelineTunnel {
  // One tunnel that is up carries the traffic, so the best state counts.
  const [best, ...others] = tunnels.map(({ state }) => state);
  if (best === undefined) return 'none';
  return others.reduce<TimelineTunnel>((a, b) => (worseTunnel(a, b) === a ? b : a), best);
}

/** Frames counted since the guard started. */
function tallyOf({ book, unseen }: Guard): Tally {
  const { red, amber } = book.bySeverity;
  return {
    redEscaped: red.escaped,
    redBlocked: red.blocked,
    amberEscaped: amber.escaped,
    amberBlocked: amber.blocked,
    unseen,
  };
}

/** What was counted between two tallies; 0 where the count restarted. */
function difference(now: Tally, before: Tally): Tally {
  const grown = (name: keyof Tally): number => Math.max(0, now[name] - before[name]);
  return {
    redEscaped: grown('redEscaped'),
    redBlocked: grown('redBlocked'),
    amberEscaped: grown('amberEscaped'),
    amberBlocked: grown('amberBlocked'),
    unseen: grown('unseen'),
  };
}
