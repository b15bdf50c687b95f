// Checks that what the box loses while it runs is noticed, put back and said, that what it lost while it was away means closed, and that a
// machine which runs out of handles is blind and closed, never dead. The judges are the kernel's own count on the uplink, the files, and
// the LED.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)

import {
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labPolicy } from '../../appliance/lab/machines/box.ts';
import { NET, TUNNEL } from '../../appliance/lab/plan.ts';
import { run } from '../../appliance/lab/processes/process.ts';
import type { Argv, Running } from '../../appliance/lab/processes/process.ts';
import { programArgv } from '../../appliance/lab/processes/program.ts';
import { ask } from './ask.ts';
import { labForTests } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';
import { LeakFlood } from './leak-flood.ts';
import { becomesGreen, ledOf, turnsRed } from './light-watch.ts';
import { dig } from './rule-watch.ts';

const lab = labForTests({ filling: 'nothing' });
let daemon: KeptDaemon;
let flood: LeakFlood;
let traffic: Running;

beforeAll(async () => {
  daemon = new KeptDaemon(lab());
  await daemon.start();
  await lab().connectLaptop();
  flood = new LeakFlood(lab());
  traffic = await lab().network.laptop.start(['ping', '-i', '0.2', TUNNEL.server4]);
});
afterAll(async () => {
  await traffic.stop();
  await flood.stop();
  await daemon.stop();
});

const told = async (): Promise<string> => (await lab().guard.status()).health.warnings.join(' ');
const tells = (what: RegExp | string): Promise<void> =>
  expect
    .poll(() => told().catch(() => ''), { timeout: 5_000, interval: 50 })
    .toMatch(what instanceof RegExp ? what : new RegExp(what));
const stateFile = (name: string): string => join(lab().plan.files.guardState, name);

/** It goes, `act` runs while it is away, and it is back and has said what it found. */
async function away(act: () => unknown): Promise<void> {
  await daemon.stop();
  await act();
  daemon = new KeptDaemon(lab());
  await daemon.start();
}

describe('what is removed while it runs', () => {
  it('the API socket: listened to again, and streams that are open go on', async () => {
    const { api } = lab().plan.files;
    const stream = createConnection(api);
    const heard: string[] = [];
    stream.setEncoding('utf8').on('data', (text: string) => heard.push(text));
    stream.write('GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n');
    await expect.poll(() => heard.join('')).toContain('event: status');
    rmSync(api);
    await expect.poll(() => existsSync(api), { timeout: 2_000, interval: 20 }).toBe(true);
    await tells('api.sock was removed');
    heard.length = 0;
    await lab().guard.block(true);
    await expect.poll(() => heard.join(''), { timeout: 5_000 }).toContain('"blockMode":true');
    expect(stream.destroyed).toBe(false);
    stream.destroy();
    await lab().guard.block(false);
  });

  it('the runtime directory: put back with all that a restart goes by', async () => {
    const { guardRuntime, api } = lab().plan.files;
    const { mode } = lstatSync(guardRuntime);
    const before = readdirSync(guardRuntime).filter((name) => !/\.new$|-journal$/.test(name));
    rmSync(guardRuntime, { recursive: true });
    await expect.poll(() => existsSync(api), { timeout: 2_000, interval: 20 }).toBe(true);
    await expect
      .poll(() => readdirSync(guardRuntime), { timeout: 5_000 })
      .toEqual(expect.arrayContaining(before));
    expect(lstatSync(guardRuntime).mode).toBe(mode);
    await tells(/were? removed or changed from outside, and put back/);
    await becomesGreen(lab());
  });

  it('the key of redacted names: the same again, and said', async () => {
    const key = stateFile('privacy.key');
    const before = readFileSync(key, 'utf8');
    rmSync(key);
    await expect.poll(() => existsSync(key), { timeout: 2_000, interval: 20 }).toBe(true);
    expect(readFileSync(key, 'utf8')).toBe(before);
    await tells('privacy.key was removed');
  });

  it('the state directory, block mode included', async () => {
    await lab().guard.block(true);
    rmSync(lab().plan.files.guardState, { recursive: true });
    const kept = (): unknown => {
      try {
        return JSON.parse(readFileSync(stateFile('state.json'), 'utf8'));
      } catch {
        return undefined;
      }
    };
    await expect.poll(kept, { timeout: 3_000, interval: 20 }).toMatchObject({ blockMode: true });
    await expect.poll(() => existsSync(stateFile('boot.nft')), { timeout: 3_000, interval: 20 }).toBe(true);
    expect(readFileSync(stateFile('boot.nft'), 'utf8')).toContain('leak_dropped drop');
    await lab().guard.block(false);
  });
});

it('block on is written also when it was on already', async () => {
  await lab().guard.block(true);
  // Written over in the moment between two looks of the daemon: the command itself is what must write.
  writeFileSync(stateFile('state.json'), '{"version":1,"blockMode":false}\n');
  await lab().guard.block(true);
  expect(JSON.parse(readFileSync(stateFile('state.json'), 'utf8'))).toMatchObject({ blockMode: true });
  await lab().guard.block(false);
});

it('a second daemon on either directory is refused, and the first one goes on', async () => {
  const { policy, guardState, guardRuntime } = lab().plan.files;
  const other = join(lab().plan.dir, 'other');
  mkdirSync(other, { recursive: true });
  for (const [state, runtime] of [
    [guardState, other],
    [other, guardRuntime],
  ] as const) {
    const argv = programArgv(
      'daemon/main',
      ...['--config', policy, '--state-dir', state, '--runtime-dir', runtime],
    );
    const outcome = await lab().network.box.run(argv, { timeoutMs: 15_000 });
    expect([outcome.code, outcome.stderr]).toEqual([3, expect.stringContaining('another process holds')]);
  }
  await becomesGreen(lab());
});

describe('a policy path that is no file', () => {
  it.each<[string, Argv]>([
    ['a FIFO', ['mkfifo']],
    ['a directory', ['mkdir']],
    ['a device', ['ln', '-s', '/dev/zero']],
  ])('%s is refused at a reload, and the last one stays in force', async (what, [program, ...words]) => {
    const { policy } = lab().plan.files;
    rmSync(policy, { recursive: true });
    await run([program, ...words, policy]);
    process.kill(daemon.pid ?? 0, 'SIGHUP');
    await tells(`is ${what}, not a file`);
    // Not held up, and not without a policy.
    expect((await lab().guard.status()).tunnels).toHaveLength(1);
    rmSync(policy, { recursive: true });
    writeFileSync(policy, labPolicy(lab().plan));
    process.kill(daemon.pid ?? 0, 'SIGHUP');
    await expect.poll(() => told(), { timeout: 5_000 }).not.toContain('not a file');
  });
});

describe('a history that another hand is at while it is in use', () => {
  const history = (): string => stateFile('history.db');
  const names = async (): Promise<string> =>
    JSON.stringify((await ask(lab().plan.files.api, 'GET', '/v1/incidents?limit=500')).body);

  it.each<[string, string, () => void]>([
    ['removed', 'removed', () => rmSync(history())],
    ['cut', 'written by another program', () => truncateSync(history(), 4096)],
    ['cut to nothing', 'written by another program', () => truncateSync(history(), 0)],
    [
      'written over',
      'written by another program',
      () => writeSync(openSync(history(), 'r+'), Buffer.alloc(8192, 0x5a), 0, 8192, 4096),
    ],
    ['its log cut', 'written by another program', () => truncateSync(`${history()}-wal`, 100)],
    [
      'replaced',
      'replaced',
      () => {
        rmSync(history());
        writeFileSync(history(), 'no database');
      },
    ],
  ])('%s: said, and nothing that is in memory is lost', async (what, said, harm) => {
    const name = `h${what.replaceAll(' ', '')}.example`;
    await lab().network.laptop.run(dig(NET.resolver4, name));
    await expect.poll(() => names(), { timeout: 10_000 }).toContain(name);
    // Written, and not only held.
    await expect.poll(() => existsSync(`${history()}-wal`)).toBe(true);
    harm();
    await tells(`The history was ${said}`);
    await expect.poll(() => names(), { timeout: 10_000 }).toContain(name);
    // And it is on the disk again: a restart finds it.
    await lab().network.laptop.run(dig(NET.resolver4, `after-${name}`));
    await expect.poll(() => names(), { timeout: 10_000 }).toContain(`after-${name}`);
    await away(() => undefined);
    expect(await names()).toContain(name);
    await lab().guard.acknowledge();
  });
});

describe('without handles', () => {
  const limit = (pid: number, soft: number): Promise<unknown> =>
    lab().network.box.must(['prlimit', '--pid', String(pid), `--nofile=${String(soft)}:4096`]);

  it('it is blind and closed, lives, and sees again by itself', async () => {
    await flood.start(200);
    await expect.poll(() => flood.arrived(), { timeout: 10_000 }).toBeGreaterThan(10);
    await lab().guard.block(true);
    await becomesGreen(lab(), /^(?:green|amber)/);
    const pid = daemon.pid ?? 0;
    const held = readdirSync(`/proc/${String(pid)}/fd`).length;
    const arrived = await flood.arrived();
    const idle: Socket[] = [];
    // Just enough for what it does, until connections that say nothing have taken it.
    await limit(pid, held + 20);
    await expect
      .poll(
        () => {
          for (let n = 0; n < 5; n += 1)
            idle.push(createConnection(lab().plan.files.api).on('error', () => undefined));
          return ledOf(lab());
        },
        { timeout: 10_000, interval: 50 },
      )
      .toMatch(/^red/);
    await expect.poll(() => flood.sent(), { timeout: 10_000 }).toBeGreaterThan((await flood.sent()) + 300);
    expect(ledOf(lab())).toMatch(/^red/);
    for (const socket of idle) socket.destroy();
    await limit(pid, 4096);
    await daemon.watching();
    expect([daemon.pid, daemon.starts]).toEqual([pid, 1]);
    expect((await flood.arrived()) - arrived).toBe(0);
    await flood.stop();
    await lab().guard.block(false);
  });

  it('none at all is survived as well', async () => {
    await becomesGreen(lab());
    const pid = daemon.pid ?? 0;
    await turnsRed(lab(), () => limit(pid, 3));
    await limit(pid, 4096);
    await becomesGreen(lab());
    expect([daemon.pid, daemon.starts]).toEqual([pid, 1]);
  });
});

describe('what was lost while it was away', () => {
  const blocking = async (): Promise<boolean> => (await lab().guard.status()).blockMode;

  it.each([
    ['the state file', () => rmSync(stateFile('state.json'))],
    [
      'the truth of the state file, which says off',
      () => {
        writeFileSync(stateFile('state.json'), '{"version":1,"blockMode":false}\n');
      },
    ],
    [
      'the whole state directory, with the rules still in the kernel',
      () => rmSync(stateFile(''), { recursive: true }),
    ],
  ])('%s: closed, and said', async (_what, lose) => {
    await lab().guard.block(true);
    await away(lose);
    expect(await blocking()).toBe(true);
    expect(await told()).toContain('block mode is on until you decide');
    await lab().guard.block(false);
    expect(await told()).not.toContain('block mode is on until you decide');
  });

  it('the state directory of a box in watch mode: it is new, and watches', async () => {
    await away(() => rmSync(stateFile(''), { recursive: true }));
    expect(await blocking()).toBe(false);
  });
});
