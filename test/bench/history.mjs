// What the history costs: a question about 30 days at every zoom.
// npm run bench -- history (after npm run build) prints one JSON object; with --long the proofs that take long run behind it:
// 200 kills under flood, ten minutes of an idle tunnel, 200 toggles and 300 kills under 50,000 leaks a second (test/netns), as root.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HistoryStore } from '../../dist/appliance/history/history.js';
import { wholeRange } from '../../dist/appliance/history/timeline-table.js';
import { Redaction } from '../../dist/src/guard/history/privacy.js';
import { timelineOf } from '../../dist/src/guard/history/timeline.js';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const DAYS = 30;
const STATES = /** @type {const} */ (['clear', 'leaking', 'blocked', 'idle', 'blind']);
const TIMES = 20;
const PROOFS = ['test/netns/history.test.ts', 'test/netns/idle.test.ts', 'test/netns/gaps.test.ts'];

const dir = mkdtempSync(join(tmpdir(), 'leakguard-bench-'));
try {
  const store = new HistoryStore(dir);
  const to = Date.parse('2026-03-31T00:00:00Z');
  const from = to - DAYS * DAY;
  // Something in every minute, and a change of state in every second one: worse than any box has seen.
  const minutes = Array.from({ length: DAYS * 1440 }, (_, n) => from + n * MINUTE);
  const tallies = minutes.map((at, n) => ({
    ...{ at, redEscaped: n % 7, redBlocked: n % 5, amberEscaped: n % 3, amberBlocked: 1, unseen: n % 2 },
  }));
  const changes = minutes
    .filter((_, n) => n % 2 === 0)
    .map((at, n) => ({
      ...{
        at: at + 500,
        state: STATES[n % STATES.length] ?? 'clear',
        tunnel: 'up',
        blockMode: n % 4 === 0,
        pass: false,
      },
    }));
  const batch = { incidents: [], evidence: [], clients: [], gaps: [], tallies, changes };
  store.write(batch, new Redaction('full', (text) => text));

  /** @param {number} begin @param {number} end @param {number} buckets */
  const ask = (begin, end, buckets) => {
    const range = wholeRange({ from: begin, to: end, buckets });
    const width = (range.to - range.from) / range.buckets;
    const parts = [
      store.timeline.changes(range.from, range.to, width),
      store.timeline.tallies(range.from, range.to, width),
    ];
    return timelineOf(range, parts[0], parts[1], to);
  };
  const zooms = [30 * DAY, 7 * DAY, DAY, 6 * 60 * MINUTE, 60 * MINUTE].flatMap((span) =>
    [60, 240, 2_000].map((buckets) => {
      // What it costs whoever has the machine alone: a loaded one takes longer by the clock.
      let cpu = 0;
      const begin = span === DAYS * DAY ? from : from + 11 * DAY;
      const times = Array.from({ length: TIMES }, () => {
        const [began, used] = [performance.now(), process.cpuUsage()];
        ask(begin, begin + span, buckets);
        const { user, system } = process.cpuUsage(used);
        cpu += (user + system) / 1_000;
        return performance.now() - began;
      }).sort((a, b) => a - b);
      const round = (/** @type {number | undefined} */ ms) => Number((ms ?? NaN).toFixed(2));
      return {
        hours: span / 3_600_000,
        buckets,
        cpuMs: round(cpu / TIMES),
        medianMs: round(times[TIMES / 2]),
        mostMs: round(times.at(-1)),
      };
    }),
  );
  const worstCpuMs = Math.max(...zooms.map(({ cpuMs }) => cpuMs));
  const worstMs = Math.max(...zooms.map(({ medianMs }) => medianMs));
  store.close();
  const bytes = statSync(join(dir, 'history.db')).size;
  console.log(
    JSON.stringify({
      days: DAYS,
      minutes: tallies.length,
      changes: changes.length,
      bytes,
      worstMs,
      worstCpuMs,
      zooms,
    }),
  );
} finally {
  rmSync(dir, { recursive: true, force: true });
}

if (process.argv.includes('--long')) {
  const env = { ...process.env, LEAKGUARD_LONG: '1' };
  const vitest = ['vitest', 'run', '--project', 'netns', '--testTimeout', '7200000', ...PROOFS];
  process.exitCode = spawnSync('npx', vitest, { stdio: 'inherit', env }).status ?? 1;
}
