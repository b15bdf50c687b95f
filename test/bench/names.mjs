// What a flood of ever new names costs guard and history: memory after the first 100,000, and the file.
// npm run bench -- names [how many, 10,000,000 unless told] (after npm run build) prints one JSON object.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { pino } from 'pino';
import { BoxHistory } from '../../dist/appliance/daemon/state/box-history.js';
import { Warnings } from '../../dist/appliance/daemon/warnings.js';
import { now } from '../../dist/appliance/os/clock.js';
import { ParsedPacket } from '../../dist/src/flow/parsed-packet.js';
import { Guard } from '../../dist/src/guard/guard.js';
import { ObservationBatch } from '../../dist/src/guard/observation.js';
import { parsePolicy } from '../../dist/src/policy/schema/schema.js';

// As the unit starts the daemon: what node is told of memory is a part of the figure.
const UNIT = new URL('../../systemd/leakguardd.service', import.meta.url);
const OPTIONS = /^ExecStart=\S+((?: --\S+)*) \S+\/daemon\/main\.js/m
  .exec(readFileSync(UNIT, 'utf8'))?.[1]
  ?.trim()
  .split(' ');
if (process.execArgv.length === 0 && OPTIONS !== undefined) {
  const argv = [...OPTIONS, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  process.exit(spawnSync(process.execPath, argv, { stdio: 'inherit' }).status ?? 1);
}

const NAMES = Number(process.argv[2] ?? 10_000_000);
const FIRST = 100_000;
/** A tap under flood reports every 5 ms or so: about 1,000 frames, half of which find room. */
const FRAMES_A_REPORT = 1_000;
const LIMIT = 512;

setFlagsFromString('--expose-gc');
const collect = /** @type {() => void} */ (runInNewContext('gc'));
const rss = () => {
  collect();
  return process.memoryUsage().rss / 1e6;
};

const parsed = parsePolicy(
  'version: 1\nprofile: full-tunnel\ntunnels:\n  - {name: home, protocol: wireguard, endpoints: ["udp:198.51.100.7:51820"]}\n',
);
if (!parsed.ok) throw new Error('the policy is invalid');
const dir = mkdtempSync(join(tmpdir(), 'leakguard-names-'));
const warnings = new Warnings(pino({ level: 'silent' }));
const history = new BoxHistory({ stateDir: dir, runtimeDir: dir, warnings });
const guard = new Guard(parsed.policy, { now, version: 'bench', idPrefix: 'bench' });
history.begin(guard, parsed.policy, false);

const client = 0x02000000770c;
const COUNTER = 'up_leak_dns';
/** @param {number} from */
function reports(from) {
  const batches = /** @type {const} */ (['lan', 'wan']).map((port) => ({
    port,
    batch: new ObservationBatch(LIMIT),
  }));
  for (let n = from; n < from + FRAMES_A_REPORT; n += 1) {
    const name = `n${n}.leak.example`;
    const packet = new ParsedPacket();
    packet.kind = 'dns';
    packet.findings = { names: [{ name, via: 'dns' }], answers: [] };
    const verdict = {
      ...{ verdict: 'leak', rule: 'A', severity: 'red', exposure: name, destination: '203.0.113.53' },
      reason: `DNS question for ${name} to 203.0.113.53, outside the tunnel udp:198.51.100.7:51820`,
    };
    const judged = /** @type {any} */ ({ verdict, direction: 'up', crosses: false, counter: COUNTER });
    for (const { batch } of batches) batch.add(packet, judged, client, n);
  }
  for (const { port, batch } of batches) {
    const at = now().monotonic;
    const read = {
      at,
      drained: false,
      until: at,
      orders: 0,
      frames: from,
      lost: 0,
      counts: { [COUNTER]: from },
    };
    const report = { port, ...read, ...batch.take() };
    history.report(report, guard.report(report));
  }
  history.changed(guard.tick());
}

const began = performance.now();
let baseline = 0;
let most = 0;
for (let n = 0; n < NAMES; n += FRAMES_A_REPORT) {
  reports(n);
  // The daemon's timers have their turn between reports.
  if (n % 10_000 === 0) await new Promise((resolve) => setImmediate(resolve));
  if (n + FRAMES_A_REPORT === FIRST) baseline = rss();
  if (n > FIRST && n % 500_000 === 0) most = Math.max(most, rss());
}
const end = rss();
const { ledger, health } = guard.status();
history.close();
const bytes = ['', '-wal'].map(
  (name) => statSync(join(dir, `history.db${name}`), { throwIfNoEntry: false })?.size ?? 0,
);
rmSync(dir, { recursive: true, force: true });
const rounded = (/** @type {number} */ megabytes) => Number(megabytes.toFixed(1));
console.log(
  JSON.stringify({
    ...{ names: NAMES, seconds: rounded((performance.now() - began) / 1_000), attempted: ledger.attempted },
    ...{
      rssAfterFirstMB: rounded(baseline),
      rssEndMB: rounded(end),
      growthMB: rounded(Math.max(most, end) - baseline),
    },
    ...{ databaseBytes: bytes, limits: health.limits },
  }),
);
