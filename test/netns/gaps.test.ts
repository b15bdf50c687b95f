// Every moment at which a leak could slip through, each tried with 50,000 leak frames a second on the wire. Holds README.md, guarantee 2,
// to the count of an independent counter in the uplink.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)
//
// LEAKGUARD_LONG=1 (npm run bench -- history --long) tries each five to seven times as often.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labPolicy } from '../../appliance/lab/machines/box.ts';
import { TUNNEL } from '../../appliance/lab/plan.ts';
import type { Running } from '../../appliance/lab/processes/process.ts';
import { labForTests } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';
import { LeakFlood } from './leak-flood.ts';

const RATE = 50_000;
const TIMES =
  process.env['LEAKGUARD_LONG'] === undefined
    ? { toggles: 30, reloads: 30, kills: 15, outages: 10 }
    : { toggles: 200, reloads: 200, kills: 100, outages: 50 };
const lab = labForTests({ filling: 'nothing' });
let daemon: KeptDaemon;
let flood: LeakFlood;

beforeAll(async () => {
  daemon = new KeptDaemon(lab());
  flood = new LeakFlood(lab());
  await flood.start(RATE);
  // Boot: ports that are in the bridge already, as some systems do it, and no rule yet that could let anything pass.
  await daemon.start();
  await lab().connectLaptop();
});
afterAll(async () => {
  await flood.stop();
  await daemon.stop();
});

/** Leak frames that arrived while `act` ran. */
async function leaksDuring(act: () => Promise<void>): Promise<number> {
  const before = await flood.arrived();
  await act();
  return (await flood.arrived()) - before;
}

describe('gaps', () => {
  it('the control: in watch mode the flood arrives, so the counter counts', async () => {
    expect(await flood.arrived()).toBeGreaterThan(1000);
  });

  it('toggling lets no leak through once block mode is acknowledged, and loses no tunnel', async () => {
    const { laptop } = lab().network;
    const ping: Running = await laptop.start(['ping', '-i', '0.01', TUNNEL.server4]);
    let through = 0;
    for (let n = 0; n < TIMES.toggles; n += 1) {
      await lab().guard.block(true);
      through += await leaksDuring(async () => {
        await lab().guard.status();
      });
      await lab().guard.block(false);
    }
    await ping.stop('SIGINT');
    const [, sent = '0', received = '0'] =
      /(\d+) packets transmitted, (\d+) received/.exec(ping.lines.join('\n')) ?? [];
    expect({ through, lost: Number(sent) - Number(received) <= 10 }).toEqual({ through: 0, lost: true });
    expect(Number(sent)).toBeGreaterThan(TIMES.toggles);
  });

  describe('in block mode', () => {
    beforeAll(async () => {
      await lab().guard.block(true);
    });

    it('policy reloads let nothing through', async () => {
      const texts = [labPolicy(lab().plan), labPolicy(lab().plan).replace('name: lab', 'name: other')];
      const through = await leaksDuring(async () => {
        for (let n = 0; n < TIMES.reloads; n += 1)
          expect(await daemon.putPolicy(texts[n % 2] ?? '')).toBe(200);
      });
      expect(through).toBe(0);
    });

    it.each(['daemon', 'lan', 'wan'] as const)('kills of %s let nothing through', async (role) => {
      let killed = 0;
      const through = await leaksDuring(async () => {
        while (killed < TIMES.kills) {
          if (daemon.kill(role)) killed += 1;
          // Somewhere between its first instruction and its work.
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 400));
        }
        await daemon.watching();
      });
      expect({ through, killed }).toEqual({ through: 0, killed: TIMES.kills });
      expect((await lab().guard.status()).blockMode).toBe(true);
    });

    it.each(['lan0', 'wan0'])('%s going down and up lets nothing through', async (port) => {
      const through = await leaksDuring(async () => {
        for (let n = 0; n < TIMES.outages; n += 1)
          await lab().network.box.ip(`link set ${port} down`, `link set ${port} up`);
        await daemon.watching();
      });
      expect(through).toBe(0);
    });

    it.each(['lan0', 'wan0'])('%s leaving the bridge is put back and lets nothing through', async (port) => {
      const through = await leaksDuring(async () => {
        for (let n = 0; n < 5; n += 1) {
          await lab().network.box.ip(`link set ${port} nomaster`, `link set ${port} master br0`);
        }
        await lab().network.box.ip(`link set ${port} nomaster`);
        await lab().network.laptop.must(['ping', '-c', '1', '-w', '20', TUNNEL.server4]);
      });
      expect(through).toBe(0);
    });

    it('a flushed table is noticed within 2 s, put back, and nothing passes afterwards', async () => {
      const { box } = lab().network;
      await box.must(['nft', 'delete', 'table', 'bridge', 'leakguard']);
      const mended = (status: { health: { warnings: readonly string[] } }): boolean =>
        status.health.warnings.some((warning) => /firewall rules; they have been restored/.test(warning));
      await lab().guard.waitFor('a mended ruleset', mended, 2_000);
      expect(await leaksDuring(() => daemon.watching())).toBe(0);
    });

    it('stays closed when the daemon is gone for good', async () => {
      await daemon.killForGood();
      const { laptop } = lab().network;
      const through = await leaksDuring(async () => {
        await laptop.must(['ping', '-c', '100', '-i', '0.01', TUNNEL.server4]);
      });
      expect(through).toBe(0);
    });
  });
});
