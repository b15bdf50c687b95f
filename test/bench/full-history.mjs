// A history that is as full as it can be: incidents up to the file's bound, thirty days of minutes.
// node test/bench/full-history.mjs STATE_DIR INCIDENTS (after a build). Written through the store's own door, while no daemon has it:
// one that finds its history written by another hand sets it aside.

import { parseArgs } from 'node:util';

import { HistoryStore } from '../../dist/appliance/history/history.js';
import { Redaction } from '../../dist/src/guard/history/privacy.js';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const KINDS = /** @type {const} */ (['dns', 'tls', 'quic', 'http', 'tcp', 'udp']);

/**
 * @param {string} stateDir
 * @param {number} incidents about 60,000 fill the file
 */
function fillHistory(stateDir, incidents) {
  const store = new HistoryStore(stateDir);
  const redaction = new Redaction('full', (text) => text);
  const now = Date.now();
  const empty = { incidents: [], evidence: [], clients: [], tallies: [], changes: [], gaps: [] };
  const filler = 'what was seen, in as many words as the longest of all reasons takes '.repeat(8);
  for (let at = 0; at < incidents; at += 500) {
    const batch = Array.from({ length: Math.min(500, incidents - at) }, (_, n) => {
      const number = at + n;
      const time = new Date(now - 29 * DAY + (number * 28 * DAY) / incidents).toISOString();
      const incident = {
        ...{ id: `bench-${number}`, rule: 'A', kind: KINDS[number % KINDS.length] ?? 'dns', severity: 'red' },
        ...{ client: `02:00:00:00:77:${(number % 40).toString(16).padStart(2, '0')}` },
        exposure: `host-${number}.some-long-name-of-a-site.example.com`,
        destination: `203.0.${(number >> 8) % 256}.${number % 256}`,
        ...{ attempted: 3, escaped: 2, blocked: 1, first: time, last: time },
        ...{ acknowledged: true, breach: false, why: `${number} ${filler}` },
      };
      return { incident: /** @type {any} */ (incident), privacy: /** @type {const} */ ('full') };
    });
    store.write({ ...empty, incidents: batch }, redaction);
  }
  const minutes = Array.from({ length: 29 * 1440 }, (_, n) => now - 29 * DAY + n * MINUTE);
  const tallies = minutes.map((at, n) => ({
    ...{ at, redEscaped: n % 7, redBlocked: n % 5, amberEscaped: n % 3, amberBlocked: 1, unseen: n % 2 },
  }));
  store.write({ ...empty, tallies }, redaction);
  store.close();
}

const [stateDir = '', incidents = '60000'] = parseArgs({ allowPositionals: true }).positionals;
fillHistory(stateDir, Number(incidents));
