// When the history is written and when it is not, by a clock of the test's own.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Batch, HistoryStore } from '../../../appliance/history/history.ts';
import { Recorder } from '../../../appliance/history/recorder.ts';
import { IncidentBook } from '../../../src/guard/incidents/incidents.ts';
import type { Incident } from '../../../src/guard/incidents/incidents.ts';
import { Redaction } from '../../../src/guard/history/privacy.ts';
import { NO_TALLY } from '../../../src/guard/history/timeline.ts';
import type { StateChange } from '../../../src/guard/history/timeline.ts';
import { leak, observation } from '../../guard/samples.ts';

const AT = Date.parse('2026-03-01T12:00:00Z');
const HOUR = 3_600_000;
const redaction = new Redaction('full', (text) => text);

/** A disk that a test can fill. */
class Disk {
  readonly batches: Batch[] = [];
  readonly forgotten: number[] = [];
  /** How often it was asked to take all that was written, and how often that was waited for. */
  syncs = 0;
  waits = 0;
  isFull = false;
  isFailing = false;

  write(batch: Batch, _redaction: Redaction, lasting: boolean): void {
    if (this.isFull) throw new Error('database or disk is full');
    this.batches.push(batch);
    this.waits += Number(lasting);
  }
  sync(): Promise<void> {
    this.syncs += 1;
    return this.isFailing ? Promise.reject(new Error('input/output error')) : Promise.resolve();
  }
  bound(): void {
    return;
  }
  forget(now: number): void {
    this.forgotten.push(now);
  }
}

let disk: Disk;
let recorder: Recorder;
let said: string | undefined;
let skew = 0;
beforeEach(() => {
  vi.useFakeTimers({ now: AT });
  disk = new Disk();
  skew = 0;
  recorder = new Recorder(disk as unknown as HistoryStore, redaction, {
    now: () => ({ wall: Date.now() + skew, monotonic: Date.now() - AT }),
    fault: (text) => (said = text),
    retentionDays: () => 30,
  });
});
afterEach(() => {
  recorder.close();
  vi.useRealTimers();
});

let books = 0;
function incidents(count: number): Incident[] {
  const book = new IncidentBook(10_000, `b${(books += 1)}`);
  const now = { wall: AT, monotonic: 0 };
  return Array.from({ length: count }, (_, n) =>
    book.attempt(observation({ verdict: leak(`n${n}.example`) }), now),
  );
}
const change = (at: number, state: StateChange['state']): StateChange => ({
  ...{ at, state, tunnel: 'up', blockMode: false, pass: false },
});

describe('writing', () => {
  it('is nothing while nothing happens, also when nothing is counted', () => {
    recorder.count(NO_TALLY);
    vi.advanceTimersByTime(24 * HOUR);
    expect([disk.batches, vi.getTimerCount()]).toEqual([[], 0]);
  });

  it('is once a second, each incident once and as it is then', () => {
    const [one] = incidents(1);
    for (let n = 0; n < 100; n += 1) if (one !== undefined) recorder.incident(one);
    vi.advanceTimersByTime(999);
    expect(disk.batches).toHaveLength(0);
    if (one !== undefined) one.escaped = 42;
    vi.advanceTimersByTime(1);
    expect(disk.batches.map((batch) => batch.incidents.map(({ incident }) => incident.escaped))).toEqual([
      [42],
    ]);
    expect(recorder.waiting).toBe(false);
  });

  it('is at once when much has come', () => {
    for (const one of incidents(500)) recorder.incident(one);
    expect(disk.batches.map((batch) => batch.incidents.length)).toEqual([500]);
  });

  it('tells the states of one second by the worst, and what holds after it', () => {
    recorder.change(change(AT, 'clear'));
    recorder.change(change(AT + 10, 'breach'));
    recorder.change(change(AT + 20, 'clear'));
    recorder.flush();
    expect(disk.batches[0]?.changes.map(({ at, state }) => [at, state])).toEqual([
      [AT, 'breach'],
      [AT + 20, 'clear'],
    ]);
  });
});

describe('what was written', () => {
  it('is given to the disk at once after a silence, and every five seconds while more comes', () => {
    for (let n = 0; n < 20; n += 1) {
      recorder.count({ ...NO_TALLY, redEscaped: 1 });
      vi.advanceTimersByTime(1_000);
    }
    expect(disk.syncs).toBe(4);
    vi.advanceTimersByTime(HOUR);
    expect([disk.syncs, vi.getTimerCount()]).toEqual([5, 0]);
    recorder.count({ ...NO_TALLY, redEscaped: 1 });
    vi.advanceTimersByTime(1_001);
    expect([disk.syncs, disk.waits]).toEqual([6, 0]);
  });

  it('is waited for when it is a word of a person', () => {
    for (const one of incidents(1)) recorder.incident(one);
    recorder.flush(true);
    expect(disk.waits).toBe(1);
  });

  it('may not reach the disk: that is said', async () => {
    disk.isFailing = true;
    recorder.count({ ...NO_TALLY, redEscaped: 1 });
    await vi.advanceTimersByTimeAsync(1_500);
    expect(said).toContain('input/output error');
  });
});

describe('a disk that refuses', () => {
  it('is said, asked again every ten seconds, and costs nothing that has room in memory', () => {
    disk.isFull = true;
    for (const one of incidents(3)) recorder.incident(one);
    vi.advanceTimersByTime(60_000);
    expect(said).toContain('disk is full');
    expect(recorder.waiting).toBe(true);
    disk.isFull = false;
    vi.advanceTimersByTime(10_000);
    expect(disk.batches.map((batch) => batch.incidents.length)).toEqual([3]);
    expect(said).toBeUndefined();
  });

  it('does not let memory grow without end: what is forgotten is counted', () => {
    disk.isFull = true;
    for (const one of incidents(6_000)) recorder.incident(one);
    disk.isFull = false;
    recorder.flush();
    expect([disk.batches[0]?.incidents.length, recorder.lost]).toEqual([5_000, 1_000]);
  });
});

describe('forgetting by age', () => {
  it('waits until the clock has been steady for an hour', () => {
    const tick = (hours: number): void => {
      for (let n = 0; n < hours; n += 1) {
        recorder.count({ ...NO_TALLY, redEscaped: 1 });
        vi.advanceTimersByTime(HOUR);
      }
    };
    tick(1);
    expect(disk.forgotten).toEqual([]);
    tick(2);
    expect(disk.forgotten.length).toBeGreaterThan(0);
    const before = disk.forgotten.length;
    skew = 365 * 24 * HOUR;
    tick(1);
    skew = 0;
    tick(1);
    expect(disk.forgotten.slice(before)).toEqual([]);
  });
});
