// Checks that the account is what the wire says, to the frame: what left the laptop was attempted, what reached the uplink escaped, and the
// rest was stopped, through toggles, kills and restarts at any moment; and that what is stopped is told as stopped while it goes on. Judged
// by the counter of the laptop's port and an nftables ingress counter of the uplink's.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)
//
// LEAKGUARD_LONG=1 (npm run bench -- wire account) makes 30 runs; ACCOUNT_SEEDS=3,4 chooses.

import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Running } from '../../appliance/lab/processes/process.ts';
import { Lots } from '../property/mutate.ts';
import { labForTests } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';
import { LONG, LightLog, tell } from './light-log.ts';
import type { IncidentView } from '../../src/api/status.ts';
import { incidentsOf } from './rule-watch.ts';

const SENDER = fileURLToPath(new URL('./account-sender.mjs', import.meta.url));
const SEEDS = (
  process.env['ACCOUNT_SEEDS'] ?? (LONG ? Array.from({ length: 30 }, (_, n) => n + 1).join() : '2,4')
)
  .split(',')
  .map(Number);
/** What happens in one run, and how long it may be until the next, milliseconds. */
const STEPS = LONG ? 24 : 8;
const STEP_MS = 900;

const lab = labForTests({ filling: 'nothing' });
let daemon: KeptDaemon;
let sender: Running;

beforeAll(async () => {
  const { laptop, uplink } = lab().network;
  // It says nothing but what it is told to: every frame of its port is a leak.
  await laptop.sysctl('net/ipv6/conf/eth0/disable_ipv6', '1');
  const chain = [
    'table netdev eve {',
    '  counter leaks {}',
    '  chain in {',
    '    type filter hook ingress device "eth0" priority -300;',
    '    ether saddr 02:00:00:00:66:66 counter name leaks drop',
    '  }',
    '}',
    '',
  ];
  await uplink.must(['nft', '-f', '-'], { input: chain.join('\n') });
  daemon = new KeptDaemon(lab());
  await daemon.start();
  leakAt(0);
  sender = await laptop.start([process.execPath, SENDER, 'eth0', rateFile()]);
  await sender.line(/ready/);
});
afterAll(async () => {
  await sender.stop();
  await daemon.stop();
});

const rateFile = (): string => join(lab().plan.dir, 'rate');
function leakAt(rate: number): void {
  writeFileSync(`${rateFile()}.new`, String(rate));
  renameSync(`${rateFile()}.new`, rateFile());
}

interface Account {
  readonly attempted: number;
  readonly escaped: number;
  readonly blocked: number;
}

/** What the wire says, on both sides of the box. */
async function wire(): Promise<Account> {
  const { laptop, uplink } = lab().network;
  const sent = await laptop.must(['cat', '/sys/class/net/eth0/statistics/tx_packets']);
  const came = await uplink.must(['nft', '-j', 'list', 'counter', 'netdev', 'eve', 'leaks']);
  const [, packets] = /"packets": ?(\d+)/.exec(came.stdout) ?? [];
  const [attempted, escaped] = [Number(sent.stdout), Number(packets)];
  return { attempted, escaped, blocked: attempted - escaped };
}

const less = (now: Account, before: Account): Account => ({
  attempted: now.attempted - before.attempted,
  escaped: now.escaped - before.escaped,
  blocked: now.blocked - before.blocked,
});

async function ledger(): Promise<Account> {
  const { attempted, escaped, blocked } = (await lab().guard.status()).ledger;
  return { attempted, escaped, blocked };
}

async function summed(only: (incident: IncidentView) => boolean = () => true): Promise<Account> {
  const sum = { attempted: 0, escaped: 0, blocked: 0 };
  for (const incident of (await incidentsOf(lab())).filter(only))
    for (const what of ['attempted', 'escaped', 'blocked'] as const) sum[what] += incident[what];
  return sum;
}

/** Nothing is sent any more, and all that was has its fate. */
async function settled(): Promise<void> {
  leakAt(0);
  let before = -1;
  await expect
    .poll(
      async () => {
        const { attempted } = await wire();
        const still = attempted === before;
        before = attempted;
        return still;
      },
      { timeout: 10_000, interval: 300 },
    )
    .toBe(true);
  await daemon.watching(60_000);
}

async function kinds(): Promise<string> {
  const { stdout } = await lab().network.box.must([
    'sh',
    '-c',
    "nft list counters table bridge leakguard | tr -d '\\n' | tr '}' '\\n' | grep -E 'up_leak|canary|leak_' | grep -v 'packets 0'",
  ]);
  const by: Record<string, number> = {};
  for (const { kind, exposure, attempted } of await incidentsOf(lab())) {
    const key = `${kind}${exposure === '(not looked at)' ? ' unseen' : ''}`;
    by[key] = (by[key] ?? 0) + attempted;
  }
  return stdout.replaceAll(/\s+/g, ' ') + JSON.stringify(by);
}

/** Another process of the daemon: its ledger is what nobody has acknowledged. */
async function begunAnew(): Promise<void> {
  daemon.end();
  await settled();
}

it.each(SEEDS)(
  'escaped and blocked are what the wire says, through whatever happens (run %i)',
  async (seed) => {
    const lots = new Lots(seed);
    await begunAnew();
    const [wireBefore, sumBefore] = [await wire(), await summed()];
    const done: string[] = [];
    const happen = async (): Promise<string> => {
      switch (lots.below(10)) {
        case 0:
          daemon.kill('lan');
          return 'lan tap killed';
        case 1:
          daemon.kill('wan');
          return 'wan tap killed';
        case 2:
          daemon.kill('daemon');
          return 'daemon killed';
        case 3:
          daemon.end();
          return 'daemon restarted';
        case 4:
        case 5: {
          const rate = Math.round(10 ** (lots.below(3_001) / 1_000));
          leakAt(rate);
          return `${String(rate)}/s`;
        }
        default: {
          const on = lots.below(2) === 0;
          // A daemon that is away switches nothing; whatever holds then is what the wire says.
          await lab()
            .guard.block(on)
            .catch(() => undefined);
          return `block ${String(on)}`;
        }
      }
    };
    leakAt(1 + lots.below(1_000));
    for (let step = 0; step < STEPS; step += 1) {
      await pause(lots.below(STEP_MS));
      done.push(await happen());
    }
    await settled();
    await begunAnew();
    const truth = less(await wire(), wireBefore);
    const words = done.join(', ');
    const said = async (): Promise<unknown> => ({
      incidents: less(await summed(), sumBefore),
      beside: less(await ledger(), await summed(({ acknowledged }) => !acknowledged)),
    });
    try {
      await expect
        .poll(said, { timeout: 20_000, interval: 300, message: words })
        .toEqual({ incidents: truth, beside: { attempted: 0, escaped: 0, blocked: 0 } });
    } finally {
      const { unseen } = (await lab().guard.status()).ledger;
      tell(`account, run ${String(seed)}`, {
        wire: truth,
        ...((await said()) as object),
        unseenInAll: unseen,
        done: words,
        kinds: await kinds(),
      });
    }
    expect(truth.attempted).toBeGreaterThan(0);
  },
);

it('what is stopped is told as stopped while it goes on, and turns nothing red', async () => {
  await settled();
  await lab().guard.block(true);
  await lab().guard.acknowledge();
  await lab().guard.waitFor('nothing to tell', ({ state }) => state === 'idle', 30_000);
  const light = new LightLog(lab());
  const began = Date.now();
  leakAt(4);
  await lab().guard.waitFor('attempts stopped', ({ state }) => state === 'blocked', 10_000);
  const told = Date.now() - began;
  const broken = await lab().guard.breaks(
    ({ state }) => !['leaking', 'breach', 'clear', 'idle'].includes(state),
    4_000,
  );
  light.stop();
  tell('account, four attempts a second in block mode', {
    blockedToldAfterMs: told,
    lights: light.after(began),
  });
  expect(broken?.why).toBeUndefined();
  // What was stopped is no escape when block mode ends: 0 more than what goes on to leave.
  leakAt(0);
  await settled();
  const before = await ledger();
  await lab().guard.block(false);
  expect(
    await lab().guard.breaks(({ state }) => state !== 'leaking' && state !== 'breach', 1_500),
  ).toBeUndefined();
  expect(await ledger()).toEqual(before);
});
