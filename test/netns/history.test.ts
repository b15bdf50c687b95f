// What the history must survive: kills at any moment, a disk that is full or fails, a clock that is set by a year and back. The second
// opinion on the file is sqlite3's own. Holds README.md, guarantee 6.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)
//
// LEAKGUARD_LONG=1 (npm run bench -- history) kills 200 times instead of 20.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAN, NET, TUNNEL } from '../../appliance/lab/plan.ts';
import { must } from '../../appliance/lab/processes/process.ts';
import type { Running } from '../../appliance/lab/processes/process.ts';
import type { IncidentView } from '../../src/api/status.ts';
import { ask } from './ask.ts';
import { labForTests } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';
import { SmallDisk } from './small-disk.ts';

const LONG = process.env['LEAKGUARD_LONG'] !== undefined;
const KILLS = LONG ? 200 : 20;
/** It must hold the history at its bound, its log beside it: a slow machine has more of the flood between two kills. */
const DISK_MB = 192;
/** Lost at most, of what nobody has acknowledged. */
const LOST_MS = 5_000;
const YEAR_S = 31_536_000;
const TRIPLET = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
const FAKETIME = `/usr/lib/${TRIPLET}/faketime/libfaketimeMT.so.1`;
const SENDER = fileURLToPath(new URL('./name-sender.mjs', import.meta.url));

const lab = labForTests({ filling: 'nothing' });
let disk: SmallDisk;
let daemon: KeptDaemon;

beforeAll(async () => {
  disk = await SmallDisk.make(DISK_MB);
  daemon = new KeptDaemon(lab(), {
    stateDir: disk.path,
    env: {
      ...{ LD_PRELOAD: FAKETIME, FAKETIME_TIMESTAMP_FILE: join(lab().plan.dir, 'clock') },
      ...{ FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME_NO_CACHE: '1' },
    },
  });
  setClock(0);
  await daemon.start();
  await lab().connectLaptop();
});
afterAll(async () => {
  await daemon.stop();
  await disk.remove();
});

/** The box's clock is so many seconds ahead of the machine's. */
function setClock(seconds: number): void {
  writeFileSync(join(lab().plan.dir, 'clock'), `${seconds < 0 ? '' : '+'}${String(seconds)}`);
}
const sqlite = async (sql: string): Promise<string> =>
  (await must(['sqlite3', join(disk.path, 'history.db'), sql])).stdout.trim();
const isWhole = async (): Promise<void> => expect(await sqlite('PRAGMA integrity_check')).toBe('ok');
const warned = (words: string): Promise<unknown> =>
  lab().guard.waitFor(words, ({ health }) => health.warnings.some((one) => one.includes(words)), 30_000);
const silent = (words: string): Promise<unknown> =>
  lab().guard.waitFor(
    `no more "${words}"`,
    ({ health }) => !health.warnings.some((one) => one.includes(words)),
    30_000,
  );
const lamp = (): string => readFileSync(lab().plan.files.lamp, 'utf8');

/** A question past the tunnel; resolves when it is an incident that escaped. */
async function leak(name: string): Promise<void> {
  await lab().network.laptop.run([
    'dig',
    '+tries=1',
    '+time=1',
    '-b',
    LAN.laptop4,
    `@${NET.resolver4}`,
    name,
  ]);
  await expect
    .poll(async () => (await told(name)).filter(({ escaped }) => escaped > 0).length, { timeout: 20_000 })
    .toBe(1);
}
const told = async (name: string): Promise<readonly IncidentView[]> => {
  const { body } = await ask(lab().plan.files.api, 'GET', `/v1/incidents?text=${name}`);
  return (body as { incidents: IncidentView[] }).incidents;
};
/** All that a guard is for: it sees, says and stops. */
async function guardsAsEver(name: string): Promise<void> {
  await lab().guard.acknowledge();
  await leak(name);
  await expect.poll(lamp).toContain('red');
  expect((await lab().guard.block(true)).blockMode).toBe(true);
  const past = ['ping', '-c', '1', '-W', '1', '-I', 'eth0', NET.web4] as const;
  expect((await lab().network.laptop.run(past)).code).not.toBe(0);
  await lab().network.laptop.must(['ping', '-c', '1', '-w', '10', TUNNEL.server4]);
  expect((await lab().guard.block(false)).blockMode).toBe(false);
  await lab().guard.acknowledge();
}
/** Those that are not on the disk any more, although something older is: at the file's bound the oldest go first. */
async function lostOf(acknowledged: ReadonlyMap<string, number>): Promise<string[]> {
  const rows = (await sqlite('SELECT id FROM incidents WHERE acknowledged = 1')).split('\n');
  const oldest = Number(await sqlite('SELECT min(last) FROM incidents WHERE acknowledged = 1'));
  const kept = new Set(rows);
  return [...acknowledged].filter(([id, last]) => last > oldest && !kept.has(id)).map(([id]) => id);
}
const exposuresKept = async (): Promise<string[]> =>
  (await sqlite('SELECT exposure FROM incidents ORDER BY exposure')).split('\n');

/** It watches, and what it shows is acknowledged: one by name, then all. True when new leaks have come. */
async function isAtWork(acknowledged: Map<string, number>): Promise<boolean> {
  await daemon.watching(120_000);
  const { incidents } = await lab().guard.waitFor('leaks', (s) => s.unacknowledged > 0, 60_000);
  const [newest] = incidents;
  if (newest === undefined) throw new Error('no incident is told');
  await lab().guard.acknowledge(newest.id);
  acknowledged.set(newest.id, Date.parse(newest.last));
  // The book must not be full, or nothing new would be in it.
  await lab().guard.acknowledge();
  return (await lab().guard.waitFor('new leaks', (s) => s.unacknowledged > 0, 60_000)).unacknowledged > 0;
}

describe('killed at any moment under flood', () => {
  it(`${String(KILLS)} times: the file is whole, what was acknowledged is there, and little else is lost`, async () => {
    const flood: Running = await lab().network.laptop.start([
      process.execPath,
      ...[SENDER, 'eth0', '1e9', '1000', 'kill'],
    ]);
    await flood.line(/ready/);
    /** When each was last seen, by its id. */
    const acknowledged = new Map<string, number>();
    let mostLost = 0;
    try {
      for (let n = 0; n < KILLS; n += 1) {
        // Every other one somewhere between its first instruction and its work.
        const works = n % 2 === 0 && (await isAtWork(acknowledged));
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 1_000));
        const killedAt = Date.now();
        if (!daemon.kill('daemon')) continue;
        await isWhole();
        expect(await lostOf(acknowledged)).toEqual([]);
        if (!works) continue;
        const written = Number(await sqlite('SELECT max(last) FROM incidents'));
        mostLost = Math.max(mostLost, killedAt - written);
      }
    } finally {
      await flood.stop();
    }
    process.stdout.write(
      `${String(KILLS)} kills: at most ${String(mostLost)} ms of unacknowledged incidents lost\n`,
    );
    expect(mostLost).toBeLessThanOrEqual(LOST_MS);
    await daemon.watching();
  });
});

describe('a full disk', () => {
  it('stops neither guard nor LED nor block mode, is said, and what happened is written when there is room', async () => {
    disk.fill();
    await guardsAsEver('full.example');
    await leak('full2.example');
    await warned('The history cannot be written');
    await lab().guard.block(true);
    await warned('The state of the box cannot be written to disk');
    expect(await exposuresKept()).not.toContain('full2.example');
    await disk.free();
    await silent('The history cannot be written');
    await silent('The state of the box cannot be written');
    await lab().guard.block(false);
    await expect.poll(exposuresKept, { timeout: 40_000 }).toContain('full2.example');
    expect(await exposuresKept()).toContain('full.example');
    await isWhole();
  });

  it('does not keep the daemon from starting, nor forget that the wire is closed', async () => {
    disk.fill();
    await lab().guard.block(true);
    expect(daemon.kill('daemon')).toBe(true);
    await daemon.watching();
    expect((await lab().guard.status()).blockMode).toBe(true);
    await disk.free();
    await silent('The state of the box cannot be written');
    expect(readFileSync(join(disk.path, 'state.json'), 'utf8')).toContain('true');
    await lab().guard.block(false);
  });
});

describe('a disk that fails and is read-only from then on', () => {
  it('stops neither guard nor LED nor block mode, is said, and the history is whole after the repair', async () => {
    await silent('The history cannot be opened');
    await leak('before.example');
    // What a person has said is on the disk itself, not only in the kernel's memory, which the fault takes away.
    await lab().guard.acknowledge();
    await disk.fail();
    await guardsAsEver('failed.example');
    await warned('The history cannot be written');
    // A restart in this state: closed it stays closed, and it watches.
    await lab().guard.block(true);
    expect(daemon.kill('daemon')).toBe(true);
    await daemon.watching();
    expect((await lab().guard.status()).blockMode).toBe(true);
    await lab().guard.block(false);
    await guardsAsEver('failed2.example');
    await daemon.stop();
    await disk.repair();
    await isWhole();
    await daemon.start();
    expect(await told('before.example')).toMatchObject([{ acknowledged: true }]);
    await guardsAsEver('mended.example');
    await expect.poll(exposuresKept, { timeout: 40_000 }).toContain('mended.example');
  });
});

describe('a clock that is set', () => {
  it('a year ahead, back, a year behind and back again: guarded as ever, said, and no past is lost or made up', async () => {
    await leak('steady.example');
    const before = new Set(await exposuresKept());
    const began = Date.now();
    for (const [name, seconds] of [
      ['ahead', YEAR_S],
      ['returned', 0],
      ['behind', -YEAR_S],
      ['settled', 0],
    ] as const) {
      setClock(seconds);
      await warned('The clock was set from');
      await guardsAsEver(`${name}.example`);
      for (const { first, last } of await told(`${name}.example`)) {
        expect(Math.abs(Date.parse(first) - (Date.now() + seconds * 1_000))).toBeLessThan(60_000);
        expect(Date.parse(last)).toBeGreaterThanOrEqual(Date.parse(first));
      }
    }
    const kept = await exposuresKept();
    expect([...before].filter((one) => !kept.includes(one))).toEqual([]);
    // Nobody watched in the years that the clock skipped.
    const { body } = await ask(
      lab().plan.files.api,
      'GET',
      `/v1/timeline?buckets=20&from=${String(began - YEAR_S * 900)}&to=${String(began - YEAR_S * 100)}`,
    );
    expect([
      ...new Set((body as { buckets: { state: string }[] }).buckets.map(({ state }) => state)),
    ]).toEqual(['off']);
    await isWhole();
  });
});
