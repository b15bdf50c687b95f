// Knows: what of the guard's work becomes history, under which privacy, and how the past comes back after a restart.
// Must not know: HTTP, rules, SQL. Without a usable disk it goes on with what is in memory, and says so.

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
import { laxerThan, shown, shownGap } from '../../../src/guard/history/past.ts';
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
import type { Eyes, PastJobs, PastKind } from '../../jobs/past.ts';
import { GAPS_TOLD } from '../../history/gap-table.ts';
import { publicSuffix } from '../../history/public-suffix.ts';
import { HistoryStore } from '../../history/history.ts';
import { PrivacyKey, privacyKeyIn } from '../../history/privacy-key.ts';
import { Recorder } from '../../history/recorder.ts';
import { wholeRange } from '../../history/timeline-table.ts';
import { WallClock, jumpWords } from '../../history/wall-clock.ts';
import { vendorOf } from '../../registries/vendors.ts';
import { counterFilePath } from './counter-file.ts';
import { words } from '../warnings.ts';
import type { Warnings } from '../warnings.ts';

/** A history that could not be opened is tried again after this long, milliseconds. */
const OPEN_AGAIN_MS = 10_000;
/** More than the book holds: what was folded comes back with all others. */
const OPEN_MOST = 4_000;
/** Between two looks at whether the file is still the one that was written, milliseconds. */
const LOOK_MS = 1_000;
const KEY_REFUSED = 'The key of redacted names cannot be kept, or removed, as the policy says';

export interface BoxHistoryParts {
  readonly stateDir: string;
  readonly runtimeDir: string;
  readonly warnings: Warnings;
}

export class BoxHistory {
  readonly #warnings: Warnings;
  readonly #stateDir: string;
  /** When an earlier process was last alive. Wall clock, milliseconds. */
  readonly #alive: number | undefined;
  #store: HistoryStore | undefined;
  #recorder: Recorder | undefined;
  #openedAt = -Infinity;
  #lookedAt = -Infinity;
  readonly #clients: ClientBook;
  readonly #key: PrivacyKey;
  readonly #lanes: PastLanes;
  #isRewriting = false;
  /** The history says from where on is counted. */
  #isAccounted = false;
  #redaction: Redaction;
  #policy: Policy | undefined;
  #guard: Guard | undefined;
  readonly #clock = new WallClock();
  readonly #gapNotes = new GapNotes();
  #counted: Tally = NO_TALLY;
  #told: Omit<StateChange, 'at'> | undefined;

  constructor({ stateDir, runtimeDir, warnings }: BoxHistoryParts) {
    this.#warnings = warnings;
    this.#key = new PrivacyKey(stateDir);
    this.#redaction = new Redaction('full', this.#key.hash, publicSuffix);
    this.#clients = new ClientBook(vendorOf, this.#redaction);
    this.#stateDir = stateDir;
    this.#lanes = new PastLanes(stateDir);
    this.#alive = lastAlive(runtimeDir);
    this.#tryOpen();
  }

  /** The file of the key that names are hidden by, where it had to be put back. */
  keep(): readonly string[] {
    const back: string[] = [];
    this.#warnings.attempt('privacy-key', KEY_REFUSED, () => {
      if (this.#key.keep()) back.push(privacyKeyIn(this.#stateDir));
    });
    return back;
  }

  /** A guard begins its work: what nobody has acknowledged comes back. `blocking`: leaks were being stopped until now. */
  begin(guard: Guard, policy: Policy, blocking: boolean): void {
    this.#guard = guard;
    this.#counted = NO_TALLY;
    this.#isAccounted = this.accounted() !== undefined;
    this.setPolicy(policy);
    guard.book.replace(this.#openIncidents(), blocking, now());
  }

  /** The kernel's counters up to which the past was written down since this boot; undefined when nothing was. */
  accounted(): ReadonlyMap<string, number> | undefined {
    return this.#attempt(() => this.#store?.accounted());
  }

  /** The kernel counts anew, and nothing of it is accounted for. */
  countAnew(): void {
    this.#isAccounted = false;
    this.#attempt(() => this.#store?.forgetAccount());
  }

  setPolicy(policy: Policy): void {
    this.#policy = policy;
    // What waits was seen under the privacy of before.
    if (this.#redaction.privacy !== policy.privacy) this.#recorder?.flush();
    this.#warnings.attempt('privacy-key', KEY_REFUSED, () => this.#key.place(policy.privacyKey));
    this.#redaction = new Redaction(policy.privacy, this.#key.hash, publicSuffix);
    if (this.#guard !== undefined) this.#guard.book.redaction = this.#redaction;
    this.#clients.redaction = this.#redaction;
    this.#recorder?.setRedaction(this.#redaction);
    this.#offer();
  }

  report(report: TapReport, changed: readonly Incident[]): void {
    const { wall } = now();
    for (const observation of report.port === 'lan' ? report.observations : []) {
      const id = this.#clients.take(observation, wall);
      const client = id === undefined ? undefined : this.#clients.get(id);
      if (client !== undefined) this.#recorder?.client(client);
    }
    this.changed(changed);
  }

  /** Call it often: it also notices when the clock is set. */
  changed(incidents: readonly Incident[]): void {
    this.#watchClock();
    this.#watchFile();
    this.#comeBack();
    for (const incident of incidents) this.#recorder?.incident(incident);
    if (this.#guard === undefined) return;
    if (!this.#isAccounted && this.#guard.accounted !== undefined) {
      this.#isAccounted = true;
      this.#recorder?.account();
    }
    // Those of tunnels that a new policy ended were noted under the privacy of before.
    for (const gap of this.#gapNotes.take(this.#guard.gaps(), now()))
      this.#recorder?.gap(shownGap(gap, this.#redaction));
    const tally = tallyOf(this.#guard);
    this.#recorder?.count(difference(tally, this.#counted));
    this.#counted = tally;
  }

  status(status: Status): void {
    const told = {
      state: status.state,
      tunnel: tunnelOf(status),
      blockMode: status.blockMode,
      pass: status.passUntil !== null,
    };
    if (JSON.stringify(told) === JSON.stringify(this.#told)) return;
    this.#told = told;
    this.#recorder?.change({ at: Date.now(), ...told });
  }

  /** On the disk when this returns, or as soon as there is one that takes it. */
  acknowledged(id: string): void {
    if (id === 'all') this.#warnings.clear('clock');
    for (const incident of this.#guard?.book.all() ?? [])
      if (incident.id === id || id === 'all') this.#recorder?.incident(incident);
    if (this.#recorder?.flush(true) === true) this.#attempt(() => this.#store?.acknowledge(id));
  }

  incidents(filter: IncidentFilter): readonly IncidentView[] {
    const stored = this.#stored((store) => store.incidents.select(filter, this.#redaction));
    if (stored !== undefined) return stored;
    const held = this.#guard?.book.all() ?? [];
    const views = held.map((incident) => ({
      share: incident.share,
      view: shown({ incident: viewOf(incident), privacy: incident.privacy }, this.#redaction),
    }));
    const chosen = views.filter(({ view }) => selects(filter, view));
    return fairPick(chosen, ({ share }) => share, filter.limit).map(({ view }) => view);
  }

  incident(id: string): IncidentView | undefined {
    return this.#guard?.incident(id) ?? this.#stored((store) => store.incidents.get(id, this.#redaction));
  }

  evidence(id: string): readonly EvidenceFrame[] {
    if (this.#redaction.privacy !== 'full') return [];
    return this.#stored((store) => store.evidence.of(id)) ?? [];
  }

  /** Silences of tunnels at any time in [since, until), newest first. */
  gaps(since: number, until: number): readonly Gap[] {
    const held = this.#guard?.gaps() ?? [];
    return (
      this.#stored((store) => store.gaps.select(since, until, GAPS_TOLD, this.#redaction)) ??
      held.slice(0, GAPS_TOLD)
    );
  }

  clients(): readonly ClientView[] {
    return shownClients(
      this.#stored((store) => store.clients.list()) ?? this.#clients.list(),
      this.#redaction,
    );
  }

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

  /** What the profile has let go past the tunnel in this run: it is kept in memory alone. */
  allowed(): AllowedView | undefined {
    return this.#guard?.allowed();
  }

  /** Incidents of the past that tell more than the privacy in force would. */
  get laxerPast(): number {
    return this.#stored((store) => store.incidents.writtenUnder(laxerThan(this.#redaction.privacy))) ?? 0;
  }

  /** What the privacy in force leaves of a name. */
  shownName(name: string): string {
    return this.#redaction.name(name);
  }

  get privacy(): Redaction['privacy'] {
    return this.#redaction.privacy;
  }

  /**
   * An answer of all of the past, made by another process: it takes longer than whoever asks something else may wait.
   * Undefined when there is no history on disk that holds everything. Rejects with JobError.
   */
  apart<K extends PastKind>(kind: K, asked: PastJobs[K]['given']): Promise<Uint8Array> | undefined {
    const isWhole = this.#stored(() => true) === true;
    return isWhole ? this.#lanes.run(kind, asked, this.#eyes()) : undefined;
  }

  #eyes(): Eyes {
    return { privacy: this.#redaction.privacy, secret: this.#key.secret };
  }

  /**
   * Writes the past anew under the privacy in force, in memory and on disk, and forgets the key of its hashes: what comes is not
   * linked with it, and nobody can try names on it. Rejects with JobError, and the past is as it was.
   */
  async rewritePast(blocking: boolean): Promise<void> {
    if (this.#isRewriting) throw new JobError('busy', 'the past is being written anew already');
    this.#recorder?.flush();
    this.#isRewriting = true;
    // Two that write one file wait for each other, and this one must not wait.
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
    this.#offer();
  }

  close(): void {
    const blockMode = this.#told?.blockMode ?? false;
    this.#recorder?.change({ at: Date.now(), state: 'off', tunnel: 'none', blockMode, pass: false });
    this.#lanes.close();
    this.#recorder?.release();
    this.#recorder?.close();
    this.#attempt(() => this.#store?.close());
  }

  /** Time that the clock skipped was watched by nobody, also when it is skipped backwards. */
  #watchClock(): void {
    const jump = this.#clock.look(now());
    if (jump === undefined) return;
    this.#warnings.set(
      'clock',
      jumpWords(jump, (wall) => this.#redaction.time(wall)),
    );
    const told = this.#told;
    if (told === undefined) return;
    const { blockMode } = told;
    this.#recorder?.change({ at: jump.from, state: 'off', tunnel: 'none', blockMode, pass: false });
    this.#recorder?.change({ at: jump.to, ...told });
  }

  /** A file that another hand was at while it was open is left, and said; what is in memory goes into the next one. */
  #watchFile(): void {
    const { monotonic } = now();
    const store = this.#store;
    if (store === undefined || monotonic - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = monotonic;
    // What a process of ours writes meanwhile is no other hand's.
    if (this.#isRewriting) return;
    const how = store.tamperedWith();
    if (how === undefined) return;
    this.#store = undefined;
    this.#isAccounted = false;
    this.#openedAt = -Infinity;
    let kept = 'a new one goes on with what was in it';
    try {
      const aside = store.leave();
      if (aside !== undefined)
        kept = `it was set aside as ${aside}, and a new one was begun with what is in memory`;
    } catch (error) {
      kept = `it could not be set aside (${words(error)})`;
    }
    this.#warnings.set('history-changed', `The history was ${how} while it was in use; ${kept}.`);
  }

  /** A disk that is full or read-only at the start may take a history later: then it begins with what is in memory. */
  #comeBack(): void {
    if (this.#store !== undefined || !this.#tryOpen()) return;
    const guard = this.#guard;
    for (const past of this.#openIncidents())
      if (guard?.incident(past.incident.id) === undefined) guard?.book.restore(past, guard.blockMode, now());
    for (const incident of guard?.book.all() ?? []) this.#recorder?.incident(incident);
    for (const client of this.#clients.list()) this.#recorder?.client(client);
    if (this.#told !== undefined) this.#recorder?.change({ at: Date.now(), ...this.#told });
    this.#offer();
  }

  /** True when there is a history from now on. */
  #tryOpen(): boolean {
    const { monotonic } = now();
    if (monotonic - this.#openedAt < OPEN_AGAIN_MS) return false;
    this.#openedAt = monotonic;
    let store: HistoryStore;
    try {
      store = new HistoryStore(this.#stateDir);
    } catch (error) {
      const text = `There is no history (${words(error)}): what happens is kept in memory only.`;
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
    if (isFirst) this.#wasOff();
    else this.#recorder.continueIn(store);
    for (const client of store.clients.list().reverse()) this.#clients.restore(client);
    return true;
  }

  /** What is not known to have been watched was not: from the last sign of life of an earlier process until now. */
  #wasOff(): void {
    this.#attempt(() => {
      const alive = this.#alive ?? this.#store?.lastWritten();
      this.#store?.closeOpenGaps(alive ?? Date.now());
      const last = this.#store?.timeline.lastChange(Date.now());
      if (last === undefined || last.state === 'off') return;
      const at = Math.max(last.at + 1, Math.min(alive ?? last.at, Date.now()));
      this.#recorder?.change({ at, state: 'off', tunnel: 'none', blockMode: last.blockMode, pass: false });
    });
  }

  #openIncidents(): readonly PastIncident[] {
    return (
      this.#attempt(() => this.#store?.incidents.selectPast({ acknowledged: false, limit: OPEN_MOST })) ?? []
    );
  }

  #offer(): void {
    const past = this.laxerPast;
    if (past === 0) {
      this.#warnings.clear('past');
      return;
    }
    const text = `${String(past)} incidents of the past are kept in more detail than privacy "${this.privacy}" allows: "leakguard history rewrite" writes them anew.`;
    this.#warnings.set('past', text);
  }

  /** What the store says of now; undefined when it cannot. */
  #stored<T>(ask: (store: HistoryStore) => T): T | undefined {
    const store = this.#store;
    if (store === undefined || (this.#recorder?.waiting === true && !this.#recorder.flush()))
      return undefined;
    return this.#attempt(() => ask(store));
  }

  #attempt<T>(task: () => T): T | undefined {
    try {
      return task();
    } catch (error) {
      this.#warnings.set('history', `The history cannot be used: ${words(error)}.`);
      return undefined;
    }
  }
}

/** Wall clock of the last kernel reading of an earlier process since boot. */
function lastAlive(runtimeDir: string): number | undefined {
  const seen = statSync(counterFilePath(runtimeDir), { throwIfNoEntry: false });
  return seen === undefined ? undefined : Math.floor(seen.mtimeMs);
}

/** The tunnel's part of a state. */
function tunnelOf({ tunnels }: Status): TimelineTunnel {
  // One tunnel that is up carries the traffic: the best tells, not the worst.
  const [best, ...others] = tunnels.map(({ state }) => state);
  if (best === undefined) return 'none';
  return others.reduce<TimelineTunnel>((one, other) => (worseTunnel(one, other) === one ? other : one), best);
}

/** Frames counted since the guard began. */
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

/** What was counted between two readings; counting that began anew is none. */
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
