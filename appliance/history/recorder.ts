// Decides when the history is written: at most once a second, immediately when much has come, never when nothing has happened. A disk that
// is full, read-only or missing costs history but never stops the guard: what could not be written waits, within limits, and is tried
// again; when the limits are reached, the largest share loses its oldest.

import type { ClientView } from '../../src/api/past.ts';
import type { Gap } from '../../src/guard/tunnels/gaps.ts';
import type { Accounted } from '../../src/guard/account/balance.ts';
import { pastOf } from '../../src/guard/incidents/incident-view.ts';
import type { Incident } from '../../src/guard/incidents/incidents.ts';
import type { Redaction } from '../../src/guard/history/privacy.ts';
import { FairMap, Shares } from '../../src/guard/incidents/quotas.ts';
import { NO_TALLY, addTally, isEmpty, joined } from '../../src/guard/history/timeline.ts';
import type { StateChange, Tally, TallyAt } from '../../src/guard/history/timeline.ts';
import type { Batch, EvidenceOf, HistoryStore } from './history.ts';

const FLUSH_MS = 1_000;
const FLUSH_ROWS = 500;
const RETRY_MS = 10_000;
/** Written data survives a power cut after this time: a compromise with the wear of an SD card. Milliseconds. */
const SYNC_MS = 5_000;
/** Most incidents, frames and changes that wait while the disk cannot be written. */
const WAITING_MOST = 5_000;
const CLIENTS_MOST = 1_024;
/** A client that was seen for less than this is a passing one, milliseconds. */
const KNOWN_MS = 60_000;
const FORGET_MS = 3_600_000;
/** Pause between two steps of deleting old rows, milliseconds. */
const FORGET_STEP_MS = 50;
/** Old rows are deleted only after wall and monotonic clock have agreed for so long: a clock that jumps a year ahead must not empty the history. */
const STEADY_MS = 3_600_000;
const STEADY_TOLERANCE_MS = 60_000;

/** What a recorder needs from its surroundings. */
export interface RecorderPorts {
  /** Wall clock and CLOCK_MONOTONIC, milliseconds. */
  readonly now: () => { readonly wall: number; readonly monotonic: number };
  /** Called with what is wrong with the history, for people, or undefined when nothing is. */
  readonly fault: (text: string | undefined) => void;
  /** Days after which acknowledged rows are deleted; Infinity: never. */
  readonly retentionDays: () => number;
  /** The incidents' frames at this moment, in terms of the kernel's counters. */
  readonly accounted?: () => Accounted | undefined;
}

/** Collects what is to be written and writes it. No method throws: what the disk refuses goes to `fault` and is tried again. */
export class Recorder {
  #store: HistoryStore;
  readonly #ports: RecorderPorts;
  readonly #incidents = new Set<Incident>();
  readonly #incidentShares = new Shares<Incident>();
  readonly #clients = new FairMap<ClientView>(CLIENTS_MOST);
  #evidenceTaken = new WeakMap<Incident, number>();
  readonly #evidence = new Shares<EvidenceOf>();
  /** Captured frames that wait, in order of arrival. */
  #frames = new Set<EvidenceOf>();
  #flushedAt = -Infinity;
  #tallies = new Map<number, Tally>();
  #changes = new Map<number, StateChange>();
  readonly #gaps = new Map<string, Gap>();
  #current: StateChange | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #isHeld = false;
  #isAccountDue = false;
  #syncTimer: NodeJS.Timeout | undefined;
  #syncedAt = -Infinity;
  #retryAt = 0;
  #steadySince: { readonly offset: number; readonly at: number } | undefined;
  #forgotAt = -Infinity;
  #forgetTimer: NodeJS.Timeout | undefined;
  #redaction: Redaction;
  /** Number of incidents dropped before they could be written. */
  lost = 0;

  constructor(store: HistoryStore, redaction: Redaction, ports: RecorderPorts) {
    this.#store = store;
    this.#redaction = redaction;
    this.#ports = ports;
  }

  /** Continues in another file, with everything that waits. What was written before may not be in that file. */
  continueIn(store: HistoryStore): void {
    this.#store = store;
    this.#evidenceTaken = new WeakMap();
    this.#retryAt = 0;
    this.#soon();
  }

  /** Used for everything written from now on. */
  setRedaction(redaction: Redaction): void {
    this.#redaction = redaction;
  }

  /** Queues an incident, written in its state at that time, and its captured frames that have not been written yet. */
  incident(incident: Incident): void {
    this.#incidents.add(incident);
    this.#incidentShares.put(incident, incident.share);
    const taken = this.#evidenceTaken.get(incident) ?? 0;
    for (const [index, frame] of incident.evidence.slice(taken).entries()) {
      const kept = { incident: incident.id, number: taken + index, frame };
      this.#frames.add(kept);
      this.#evidence.put(kept, incident.share);
      this.#evidenceTaken.set(incident, taken + index + 1);
    }
    while (this.#frames.size > WAITING_MOST) {
      const giver = this.#evidence.giver();
      if (giver === undefined) break;
      this.#evidence.delete(giver);
      this.#frames.delete(giver);
    }
    this.#soon();
  }

  /** Queues a client; a newer view of it replaces the one that waits. */
  client(client: ClientView): void {
    const isKnown = Date.parse(client.last) - Date.parse(client.first) >= KNOWN_MS;
    this.#clients.set(client.id, client, isKnown ? 'known' : 'passing');
    this.#soon();
  }

  /** Queues what was counted since the last call. */
  count(tally: Tally): void {
    if (isEmpty(tally)) return;
    const { wall } = this.#ports.now();
    const minute = wall - (wall % 60_000);
    this.#tallies.set(minute, addTally(this.#tallies.get(minute) ?? NO_TALLY, tally));
    this.#soon();
  }

  /** Queues a tunnel's gap in its current form. */
  gap(gap: Gap): void {
    this.#gaps.set(`${gap.tunnel} ${gap.lastFrame.until}`, gap);
    this.#soon();
  }

  /** Queues a change of state. Changes within one second become one with the worst state, followed by the current state. */
  change(change: StateChange): void {
    const second = Math.floor(change.at / 1_000);
    const earlier = this.#changes.get(second);
    this.#changes.set(
      second,
      earlier === undefined ? change : { ...joined(earlier, change), at: earlier.at },
    );
    this.#current = change;
    const [oldest] = this.#changes.keys();
    if (this.#changes.size > WAITING_MOST && oldest !== undefined) this.#changes.delete(oldest);
    this.#soon();
  }

  /** Writes the counter values from which counting starts. Call it at the start, so that frames before the first written incident are not lost. */
  account(): void {
    this.#isAccountDue = true;
    this.flush();
  }

  /** Writes everything that waits; false when that failed or `hold` is in force. `lasting`: it survives a power cut from now on. */
  flush(lasting = false): boolean {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isHeld) return false;
    this.#flushedAt = this.#ports.now().monotonic;
    const batch = this.#batch();
    try {
      this.#store.write(batch, this.#redaction, lasting);
    } catch (error) {
      this.#refused(error);
      return false;
    }
    this.#incidents.clear();
    this.#isAccountDue = false;
    this.#incidentShares.clear();
    this.#clients.clear();
    this.#evidence.clear();
    this.#frames = new Set();
    this.#tallies = new Map();
    this.#changes = new Map();
    this.#gaps.clear();
    this.#retryAt = 0;
    this.#ports.fault(undefined);
    this.#forget();
    this.#syncSoon();
    return true;
  }

  /** Writes nothing until `release`, while another process writes the file. Everything waits, within limits. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Ends `hold`. */
  release(): void {
    this.#isHeld = false;
    if (this.waiting) this.#soon();
  }

  /** Whether anything waits to be written. */
  get waiting(): boolean {
    return (
      this.#incidents.size + this.#clients.size + this.#tallies.size + this.#changes.size > 0 ||
      this.#frames.size + this.#gaps.size > 0
    );
  }

  /** Writes what waits and stops. */
  close(): void {
    if (this.waiting) this.flush();
    clearTimeout(this.#timer);
    clearTimeout(this.#syncTimer);
    clearTimeout(this.#forgetTimer);
    this.#closed = true;
  }

  #syncSoon(): void {
    const due = this.#syncedAt + SYNC_MS - this.#ports.now().monotonic;
    this.#syncTimer ??= setTimeout(
      () => {
        this.#syncTimer = undefined;
        this.#syncedAt = this.#ports.now().monotonic;
        void this.#store.sync().catch((error: unknown) => {
          if (!this.#closed) this.#refused(error);
        });
      },
      Math.max(0, due),
    );
  }

  #batch(): Batch {
    return {
      incidents: [...this.#incidents].map(pastOf),
      evidence: [...this.#frames],
      clients: [...this.#clients.values()],
      tallies: [...this.#tallies].map(([at, tally]): TallyAt => ({ at, ...tally })),
      changes: this.#changesAndCurrent(),
      gaps: [...this.#gaps.values()],
      accounted: this.#incidents.size > 0 || this.#isAccountDue ? this.#ports.accounted?.() : undefined,
    };
  }

  #changesAndCurrent(): StateChange[] {
    const changes = [...this.#changes.values()];
    const last = changes.at(-1);
    const now = this.#current;
    if (last === undefined || now === undefined || now.at <= last.at) return changes;
    return [...changes, now];
  }

  #soon(): void {
    const { monotonic } = this.#ports.now();
    if (this.#incidents.size > WAITING_MOST) {
      const giver = this.#incidentShares.giver();
      if (giver !== undefined && this.#incidents.delete(giver)) {
        this.#incidentShares.delete(giver);
        this.lost += 1;
      }
    }
    // Many incidents are written immediately, but at most once a second: a flood of names must not keep the disk busy.
    const due = Math.max(this.#retryAt, this.#flushedAt + FLUSH_MS);
    if (monotonic >= due && this.#incidents.size >= FLUSH_ROWS) {
      this.flush();
      return;
    }
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.flush();
      },
      Math.max(FLUSH_MS, this.#retryAt - monotonic),
    );
  }

  #refused(error: unknown): void {
    this.#retryAt = this.#ports.now().monotonic + RETRY_MS;
    const message = error instanceof Error ? error.message : String(error);
    this.#ports.fault(
      `The history cannot be written (${message}); the guard keeps working, and new events are kept in memory.`,
    );
    this.#soon();
  }

  #forget(): void {
    try {
      this.#store.bound();
      if (this.#mayForgetByAge()) this.#forgetByAge();
    } catch (error) {
      this.#refused(error);
    }
  }

  /** Deletes in steps, so that even a month of rows does not hold up requests. */
  #forgetByAge(): void {
    clearTimeout(this.#forgetTimer);
    if (this.#closed || !this.#store.forget(this.#ports.now().wall, this.#ports.retentionDays())) return;
    this.#forgetTimer = setTimeout(() => {
      if (this.#isHeld) return;
      try {
        this.#forgetByAge();
      } catch (error) {
        this.#refused(error);
      }
    }, FORGET_STEP_MS);
  }

  #mayForgetByAge(): boolean {
    const { wall, monotonic } = this.#ports.now();
    const offset = wall - monotonic;
    const steady = this.#steadySince;
    if (steady === undefined || Math.abs(steady.offset - offset) > STEADY_TOLERANCE_MS) {
      this.#steadySince = { offset, at: monotonic };
      return false;
    }
    if (monotonic - steady.at < STEADY_MS || monotonic - this.#forgotAt < FORGET_MS) return false;
    this.#forgotAt = monotonic;
    return true;
  }
}
