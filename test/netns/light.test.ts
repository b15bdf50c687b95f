// Checks that the light is red within two seconds when nobody can vouch for it, in watch mode and in block mode: a daemon that is stopped,
// busy for ever or killed, and an LED watchdog that is. The judge is the LED's file.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)

import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TUNNEL } from '../../appliance/lab/plan.ts';
import type { Running } from '../../appliance/lab/processes/process.ts';
import { labForTests } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';
import { becomesGreen, keeperPid, ledOf, turnsRed } from './light-watch.ts';

const lab = labForTests({ filling: 'nothing' });
let daemon: KeptDaemon;
let traffic: Running;

beforeAll(async () => {
  // A signal that makes the daemon's event loop turn no more.
  const trap = join(lab().plan.dir, 'busy.cjs');
  writeFileSync(trap, 'process.on("SIGUSR2", () => { for (;;); });\n');
  daemon = new KeptDaemon(lab(), { env: { NODE_OPTIONS: `--require=${trap}` } });
  await daemon.start();
  await lab().connectLaptop();
  traffic = await lab().network.laptop.start(['ping', '-i', '0.2', TUNNEL.server4]);
});
afterAll(async () => {
  await traffic.stop();
  await daemon.stop();
});

const signal = (pid: number | undefined, name: NodeJS.Signals): void => {
  if (pid === undefined) throw new Error('there is no such process');
  process.kill(pid, name);
};

describe.each([
  ['watch mode', false],
  ['block mode', true],
])('in %s', (_mode, on) => {
  beforeAll(() => lab().guard.block(on));

  it('a daemon that is stopped', async () => {
    await becomesGreen(lab());
    await turnsRed(lab(), () => signal(daemon.pid, 'SIGSTOP'));
    expect(ledOf(lab())).toBe('red-flash');
    signal(daemon.pid, 'SIGCONT');
    await becomesGreen(lab());
  });

  it('a daemon that is busy for ever', async () => {
    await becomesGreen(lab());
    await turnsRed(lab(), () => signal(daemon.pid, 'SIGUSR2'));
    daemon.kill('daemon');
    await becomesGreen(lab());
  });

  it('a daemon that is killed', async () => {
    await becomesGreen(lab());
    await turnsRed(lab(), () => daemon.kill('daemon'));
    await becomesGreen(lab());
  });

  it('an LED watchdog that is killed: said, and another one takes its place', async () => {
    await becomesGreen(lab());
    const before = keeperPid(lab());
    const said = lab().guard.waitFor(
      'a light that nobody keeps',
      ({ why }) => why.includes('LED watchdog'),
      2_000,
    );
    await turnsRed(lab(), () => signal(before, 'SIGKILL'));
    expect((await said).state).toBe('blind');
    await becomesGreen(lab());
    expect(keeperPid(lab())).not.toBe(before);
  });

  it('an LED watchdog that is stopped', async () => {
    await becomesGreen(lab());
    const keeper = keeperPid(lab());
    await turnsRed(lab(), () => signal(keeper, 'SIGSTOP'));
    signal(keeper, 'SIGCONT');
    await becomesGreen(lab());
  });

  it('a light that another hand was at is put right', async () => {
    await becomesGreen(lab());
    const { lamp } = lab().plan.files;
    /** The box may be quicker, and has put it back between the two. */
    const inItsPlace = (make: () => void): void => {
      for (;;) {
        rmSync(lamp, { force: true });
        try {
          make();
          return;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        }
      }
    };
    const HARMS = [
      () => rmSync(lamp),
      () => writeFileSync(lamp, 'red\n'),
      () => inItsPlace(() => mkdirSync(lamp)),
      () => inItsPlace(() => symlinkSync('nowhere', lamp)),
    ];
    for (const harm of HARMS) {
      harm();
      await expect.poll(() => ledOf(lab()), { timeout: 2_000, interval: 20 }).toBe('green');
    }
  });
});

it('a daemon and its keeper that stay away leave it red', async () => {
  await becomesGreen(lab());
  await turnsRed(lab(), () => daemon.killForGood());
  expect(ledOf(lab())).toBe('red-flash');
});
