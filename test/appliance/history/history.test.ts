// The history on a real disk: what was written is there after a reopening, damage is set aside, nothing in the clear outlives a rewriting.
// The second opinion is sqlite3's own, and a search of the files' bytes.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreError } from '../../../appliance/history/database.ts';
import { HISTORY_FILE, HistoryStore } from '../../../appliance/history/history.ts';
import type { Batch } from '../../../appliance/history/history.ts';
import { PrivacyKey } from '../../../appliance/history/privacy-key.ts';
import { gapText } from '../../../src/guard/tunnels/gaps.ts';
import type { Gap } from '../../../src/guard/tunnels/gaps.ts';
import { rewritten } from '../../../src/guard/history/past.ts';
import type { PastIncident } from '../../../src/guard/history/past.ts';
import { Redaction } from '../../../src/guard/history/privacy.ts';
import type { KeyedHash } from '../../../src/guard/history/privacy.ts';
import type { IncidentFilter } from '../../../src/guard/history/history.ts';
import { timelineOf } from '../../../src/guard/history/timeline.ts';
import type { StateChange } from '../../../src/guard/history/timeline.ts';
import type { IncidentView } from '../../../src/api/status.ts';

const AT = Date.parse('2026-03-01T12:00:00Z');
const NOTHING: Batch = { incidents: [], evidence: [], clients: [], tallies: [], changes: [], gaps: [] };
const TALLY = { redEscaped: 1, redBlocked: 0, amberEscaped: 0, amberBlocked: 2, unseen: 0 };

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'leakguard-store-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const hash = (): KeyedHash => {
  const key = new PrivacyKey(dir);
  key.place('disk');
  return key.hash;
};
const full = (): Redaction => new Redaction('full', hash());
const sqlite = (sql: string): string =>
  execFileSync('sqlite3', [join(dir, HISTORY_FILE), sql], { encoding: 'utf8' }).trim();
const bytes = (): string =>
  readdirSync(dir)
    .map((name) => readFileSync(join(dir, name), 'latin1'))
    .join('');

const past = (...incidents: readonly IncidentView[]): PastIncident[] =>
  incidents.map((one) => ({ incident: one, privacy: 'full' }));

function incident(id: string, change: Partial<IncidentView> = {}): IncidentView {
  const iso = new Date(AT).toISOString();
  return {
    ...{ id, rule: 'A', kind: 'dns', severity: 'red', client: '02:00:00:00:00:0c' },
    ...{ exposure: 'clinic.example', destination: '203.0.113.53', attempted: 1, escaped: 1, blocked: 0 },
    ...{ first: iso, last: iso, why: 'DNS question for clinic.example to 203.0.113.53' },
    ...{ acknowledged: false, breach: false },
    ...change,
  };
}

describe('the history', () => {
  it('gives back what was written, also to sqlite3, and what nobody has acknowledged first of all', () => {
    const store = new HistoryStore(dir);
    const related = incident('a-2', { related: ['a-1'], candidates: ['one.example', 'two.example'] });
    store.write({ ...NOTHING, incidents: past(incident('a-1'), related) }, full());
    store.write({ ...NOTHING, incidents: past(incident('a-1', { escaped: 7 })) }, full());
    expect(store.acknowledge('a-2')).toBe(1);
    store.close();
    expect(sqlite('SELECT id, escaped, acknowledged FROM incidents ORDER BY id')).toBe('a-1|7|0\na-2|1|1');
    const again = new HistoryStore(dir);
    expect(again.incidents.select({ acknowledged: false, limit: 9 })).toEqual([
      incident('a-1', { escaped: 7 }),
    ]);
    expect(again.incidents.get('a-2')).toEqual({ ...related, acknowledged: true });
    expect(again.warning).toBeUndefined();
    again.close();
  });

  it('keeps questions and visits, and has none of an earlier version or another hand', () => {
    const store = new HistoryStore(dir);
    const counted = incident('a', { questions: 3, visits: 0 });
    store.write(
      { ...NOTHING, incidents: past(counted, incident('b'), incident('c', { visits: 2 })) },
      full(),
    );
    expect(store.incidents.get('a')).toEqual(counted);
    expect(store.incidents.get('b')).toEqual(incident('b'));
    store.close();
    sqlite(`UPDATE incidents SET more = '{"questions":"<b>","visits":-1}' WHERE id = 'c'`);
    const again = new HistoryStore(dir);
    expect(again.incidents.get('c')).toEqual(incident('c'));
    again.close();
  });

  it.each([
    [
      'are added up where incidents become one count',
      { questions: 2, visits: 1 },
      { questions: 5, visits: 1 },
    ],
    ['are not known where they are not of one of them', {}, { questions: undefined, visits: undefined }],
  ])('questions and visits %s', (_case, other, told) => {
    const both = past(
      incident('a', { questions: 3, visits: 0 }),
      incident('b', { exposure: 'other.example', ...other }),
    );
    expect(rewritten(both, new Redaction('minimal', hash()))).toMatchObject([{ incident: told }]);
  });

  it.each<[string, Parameters<HistoryStore['incidents']['select']>[0], string[]]>([
    ['rule', { rule: 'E', limit: 9 }, ['b']],
    ['kind', { kind: 'dns', limit: 9 }, ['c', 'a']],
    ['severity', { severity: 'amber', limit: 9 }, ['b']],
    ['text in any field, whatever the case', { text: 'PRINTER', limit: 9 }, ['b']],
    ['a text that is no pattern', { text: '%', limit: 9 }, []],
    ['since', { since: AT + 1, limit: 9 }, ['c']],
    ['until', { until: AT + 1, limit: 9 }, ['b', 'a']],
    ['limit', { limit: 1 }, ['c']],
    ['client', { client: '02:00:00:00:00:0d', limit: 9 }, ['c']],
  ])('selects by %s', (_, filter, ids) => {
    const store = new HistoryStore(dir);
    const later = new Date(AT + 60_000).toISOString();
    const incidents = past(
      incident('a'),
      incident('b', { rule: 'E', kind: 'tcp', severity: 'amber', why: 'TCP to the printer' }),
      incident('c', { client: '02:00:00:00:00:0d', first: later, last: later }),
    );
    store.write({ ...NOTHING, incidents }, full());
    expect(store.incidents.select(filter).map(({ id }) => id)).toEqual(ids);
    store.close();
  });

  it('lists of every share some when there are more than the limit, newest first', () => {
    const store = new HistoryStore(dir);
    const at = (ms: number): string => new Date(AT + ms).toISOString();
    const flood = Array.from({ length: 20 }, (_, n) =>
      incident(`f-${String(n).padStart(2, '0')}`, {
        kind: 'icmp',
        rule: 'E',
        first: at(n + 9),
        last: at(n + 9),
      }),
    );
    store.write({ ...NOTHING, incidents: past(incident('a'), ...flood) }, full());
    const ids = (filter: IncidentFilter): string[] => store.incidents.select(filter).map(({ id }) => id);
    expect(ids({ limit: 3 })).toEqual(['f-19', 'f-18', 'a']);
    expect(ids({ limit: 1 })).toEqual(['f-19']);
    expect(ids({ limit: 2, since: AT + 1 })).toEqual(['f-19', 'f-18']);
    store.close();
  });

  it('sets a damaged file aside, says so and goes on', () => {
    new HistoryStore(dir).close();
    writeFileSync(
      join(dir, HISTORY_FILE),
      'this is no database, and long enough to be taken for one'.repeat(99),
    );
    const store = new HistoryStore(dir);
    expect(store.warning).toContain('damaged');
    expect(existsSync(join(dir, `${HISTORY_FILE}.damaged`))).toBe(true);
    store.write({ ...NOTHING, incidents: past(incident('n-1')) }, full());
    store.close();
    expect(sqlite('PRAGMA integrity_check')).toBe('ok');
  });

  it('refuses the file of a newer version, and leaves it alone', () => {
    new HistoryStore(dir).close();
    sqlite('PRAGMA user_version = 99');
    expect(() => new HistoryStore(dir)).toThrow(StoreError);
    expect(sqlite('PRAGMA user_version')).toBe('99');
  });

  it('forgets by age what was acknowledged, and nothing that was not', () => {
    const store = new HistoryStore(dir);
    const old = incident('old', { acknowledged: true });
    const tallies = [{ at: AT, ...TALLY }];
    store.write({ ...NOTHING, incidents: past(old, incident('open')), tallies }, full());
    store.forget(AT + 31 * 86_400_000, 30);
    expect(store.incidents.select({ limit: 9 }).map(({ id }) => id)).toEqual(['open']);
    expect(store.timeline.tallies(0, 2 * AT, 3_600_000)).toEqual([]);
    store.close();
  });

  it('forgets by size the oldest that were acknowledged, with their frames, and gives the room to what comes', () => {
    const store = new HistoryStore(dir);
    const frame = { port: 'lan', wall: AT, length: 3, bytes: Uint8Array.of(1, 2, 3) } as const;
    const many = (name: string, acknowledged: boolean, count: number, from: number): Batch => {
      const incidents = Array.from({ length: count }, (_, n) => {
        const last = new Date(AT + from + n).toISOString();
        return incident(`${name}-${String(n)}`, { acknowledged, why: 'x'.repeat(65_536), first: last, last });
      });
      const evidence = incidents.map(({ id }) => ({ incident: id, number: 0, frame }));
      return { ...NOTHING, incidents: past(...incidents), evidence };
    };
    store.write(many('open', false, 1, 0), full());
    store.write(many('seen', true, 1_050, 1), full());
    const pages = sqlite('PRAGMA page_count');
    store.bound();
    const kept = sqlite('SELECT id FROM incidents ORDER BY last').split('\n');
    expect([kept.length, kept.at(0), kept.at(1), kept.at(-1)]).toEqual([
      51,
      'open-0',
      'seen-1000',
      'seen-1049',
    ]);
    expect(sqlite('SELECT DISTINCT incident FROM evidence ORDER BY rowid').split('\n')).toEqual(kept);
    store.write(many('more', true, 900, 2_000), full());
    store.bound();
    expect(sqlite('PRAGMA page_count')).toBe(pages);
    store.close();
  });

  it('keeps nothing in the clear after the past was written anew', () => {
    const store = new HistoryStore(dir);
    const frame = { port: 'wan' as const, wall: AT, length: 60, bytes: Buffer.from('....clinic.example') };
    const iso = new Date(AT).toISOString();
    const client = {
      ...{ id: '02:00:00:00:00:0c', vendor: null, randomised: true, hostName: 'annas-laptop' },
      ...{ vendorClass: null, fingerprint: null, account: null, previousAddresses: ['192.168.178.20'] },
      ...{ addresses: ['192.168.77.100'], first: iso, last: iso },
    };
    const incidents = past(
      incident('a-1', { candidates: ['clinic.example'] }),
      incident('a-2', { rule: 'E' }),
    );
    const evidence = [{ incident: 'a-1', number: 0, frame }];
    store.write({ ...NOTHING, incidents, evidence, clients: [client] }, full());
    const CLEAR = ['clinic', '203.0.113.53', '02:00:00:00:00:0c', 'annas-laptop', '192.168.178.20'];
    expect(CLEAR.filter((text) => bytes().includes(text))).toEqual(CLEAR);
    const redacted = new Redaction('redacted', hash());
    store.rewrite(redacted);
    expect(CLEAR.filter((text) => bytes().includes(text))).toEqual([]);
    const [shown] = store.incidents.select({ rule: 'A', limit: 1 });
    expect(shown?.exposure).toMatch(/^h-[0-9a-f]{20}\.example$/);
    expect(shown).toMatchObject({ destination: '203.0.113.0/24', escaped: 1, candidates: [shown?.exposure] });
    store.rewrite(redacted);
    expect(store.incidents.select({ rule: 'A', limit: 1 })).toEqual([shown]);
    expect(store.clients.list()).toMatchObject([{ previousAddresses: ['192.168.178.0/24'] }]);
    store.rewrite(new Redaction('minimal', hash()));
    expect(store.clients.list()).toEqual([]);
    expect(store.incidents.select({ rule: 'A', limit: 1 })).toMatchObject([
      { client: '', exposure: '(hidden)', destination: '', escaped: 1 },
    ]);
    expect(bytes()).not.toContain('h-');
    store.close();
  });
});

describe('silences of tunnels', () => {
  const gap = (at: number, change: Partial<Gap> = {}): Gap => ({
    ...{ tunnel: 'home', lastFrame: { after: at - 1_000, until: at }, firstEscape: at + 500 },
    ...{ handshake: at + 4_200, back: { after: at + 4_000, until: at + 5_000 } },
    ...{ length: { least: 4_000, most: 6_000 }, unanswered: 3, more: 0 },
    escapes: [{ incident: 'a-1', rule: 'A', exposure: 'clinic.example', frames: 2 }],
    ...change,
  });
  const lasting = (at: number): Gap => gap(at, { back: undefined, length: undefined, handshake: undefined });

  it('are kept, grow, and are found by when they were', () => {
    const store = new HistoryStore(dir);
    store.write({ ...NOTHING, gaps: [lasting(AT), gap(AT + 60_000)] }, full());
    store.write({ ...NOTHING, gaps: [gap(AT)] }, full());
    store.close();
    const again = new HistoryStore(dir);
    const at = (since: number, until: number): number[] =>
      again.gaps.select(since, until, 9).map(({ lastFrame }) => lastFrame.until);
    expect([at(0, 2 * AT), at(AT + 5_000, AT + 5_001), at(AT + 5_001, 2 * AT), at(0, AT)]).toEqual([
      [AT + 60_000, AT],
      [AT],
      [AT + 60_000],
      [],
    ]);
    expect(again.gaps.select(0, AT + 1, 9)).toEqual([gap(AT)]);
    again.close();
  });

  it('that lasted when the watch ended say so, and are forgotten with age', () => {
    const store = new HistoryStore(dir);
    store.write({ ...NOTHING, gaps: [lasting(AT)] }, full());
    store.closeOpenGaps(AT + 9_000);
    const [found] = store.gaps.select(0, 2 * AT, 9);
    expect(found?.unwatched).toBe(AT + 9_000);
    expect(found && gapText(found)).toContain('still silent when monitoring ended');
    store.forget(AT + 31 * 86_400_000, 30);
    expect(store.gaps.select(0, 2 * AT, 9)).toEqual([]);
    store.close();
  });

  it('keep no name in the clear when the past was written anew, and nothing at all under minimal', () => {
    const store = new HistoryStore(dir);
    store.write({ ...NOTHING, gaps: [gap(AT)] }, full());
    store.rewrite(new Redaction('redacted', hash()));
    expect(store.gaps.select(0, 2 * AT, 9)[0]?.escapes[0]?.exposure).toMatch(/^h-[0-9a-f]{20}\.example$/);
    expect(bytes()).not.toContain('clinic');
    store.rewrite(new Redaction('minimal', hash()));
    expect(store.gaps.select(0, 2 * AT, 9)).toEqual([]);
    store.close();
  });
});

describe('the timeline', () => {
  it('adds minutes up at every zoom, and each frame once', () => {
    const store = new HistoryStore(dir);
    const hours = 48;
    const tallies = Array.from({ length: hours * 60 }, (_, minute) => ({
      at: AT + minute * 60_000,
      ...TALLY,
    }));
    store.write({ ...NOTHING, tallies }, full());
    for (const width of [60_000, 600_000, 3_600_000, 6 * 3_600_000]) {
      const rows = store.timeline.tallies(AT, AT + hours * 3_600_000, width);
      expect(rows.reduce((sum, row) => sum + row.redEscaped, 0)).toBe(hours * 60);
      expect(rows.map(({ redEscaped }) => redEscaped)).toContain(width / 60_000);
    }
    store.close();
  });

  it('tells of each interval the worst that was true in it, however many changes there were', () => {
    const store = new HistoryStore(dir);
    const at = (minute: number): number => AT + minute * 60_000;
    const change = (minute: number, told: Partial<StateChange>): StateChange => ({
      ...{ at: at(minute), state: 'clear', tunnel: 'up', blockMode: true, pass: false },
      ...told,
    });
    const changes = [
      change(-5, { state: 'idle' }),
      change(1, {}),
      change(2, { state: 'breach', tunnel: 'down' }),
      change(3, { pass: true, state: 'pass' }),
      change(4, { blockMode: false }),
      change(31, { state: 'blocked', blockMode: false }),
    ];
    store.write({ ...NOTHING, changes }, full());
    const all = timelineOf({ from: AT, to: at(60), buckets: 4 }, changes, [], at(99)).buckets;
    const grouped = store.timeline.changes(AT, at(60), 15 * 60_000);
    expect(grouped).toHaveLength(4);
    expect(timelineOf({ from: AT, to: at(60), buckets: 4 }, grouped, [], at(99)).buckets).toEqual(all);
    expect(all.map(({ state, tunnel, block, pass }) => [state, tunnel, block, pass])).toEqual([
      ['breach', 'down', 'changed', true],
      ['clear', 'up', 'off', false],
      ['blocked', 'up', 'off', false],
      ['blocked', 'up', 'off', false],
    ]);
    store.close();
  });

  it('keeps counts by the hour and nothing finer when privacy is minimal', () => {
    const store = new HistoryStore(dir);
    const change = { at: AT, state: 'clear', tunnel: 'up', blockMode: true, pass: false } as const;
    const redaction = new Redaction('minimal', hash());
    store.write({ ...NOTHING, tallies: [{ at: AT + 61_000, ...TALLY }], changes: [change] }, redaction);
    store.close();
    expect(sqlite('SELECT count(*) FROM minutes UNION ALL SELECT count(*) FROM states')).toBe('0\n0');
    expect(sqlite('SELECT at, red_escaped FROM hours')).toBe(`${String(AT)}|1`);
  });
});
