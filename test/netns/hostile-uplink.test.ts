// Checks that a hostile uplink can neither mislead the LED nor keep block mode from being switched on. Holds README.md, guarantees 1 and 4.
// The uplink sends what it likes under whatever address it likes.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labPolicy } from '../../appliance/lab/machines/box.ts';
import { LAN, NET } from '../../appliance/lab/plan.ts';
import type { Running } from '../../appliance/lab/processes/process.ts';
import type { Status } from '../../src/api/status.ts';
import { ask as request } from './ask.ts';
import { labForTests } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';

const SEND = fileURLToPath(new URL('./hostile-sender.mjs', import.meta.url));
const lab = labForTests({ filling: 'nothing' });
let daemon: KeptDaemon;

beforeAll(async () => {
  daemon = new KeptDaemon(lab());
  await daemon.start();
  await lab().connectLaptop();
});
afterAll(() => daemon.stop());

async function hostile(what: string, many: number, rate: number): Promise<Running> {
  return lab().network.uplink.start([process.execPath, SEND, 'eth0', what, String(many), String(rate)]);
}

/** As fast as it can, `act` with the flood under way. */
async function under(what: string, rate: number, act: () => Promise<void>): Promise<void> {
  const flood = await hostile(what, 1e9, rate);
  try {
    await flood.line(/ready/);
    await act();
  } finally {
    await flood.stop();
  }
}

describe('a hostile uplink', () => {
  it('does not keep block mode from being switched on with ever new DHCP servers', async () => {
    await under('acks', 500, async () => {
      // Enough of them that a queue of one ruleset each would hold up what comes after.
      await expect
        .poll(async () => (await lab().guard.status()).health.taps[1]?.frames ?? 0, { timeout: 30_000 })
        .toBeGreaterThan(4_000);
      expect((await lab().guard.block(true)).blockMode).toBe(true);
    });
  });

  it('makes no breach of neighbours whom nobody has met', async () => {
    await lab().guard.acknowledge();
    const serverGroup = await hostile('newcomers', 60, 150);
    await serverGroup.exited;
    expect(await lab().guard.breaks(({ state }) => state !== 'breach', 1_000)).toBeUndefined();
    await lab().guard.block(false);
  });

  it('does not hide leaks by claiming the MAC address of the laptop', async () => {
    const policy = labPolicy(lab().plan).replace('full-tunnel', 'proxy-stub');
    expect(await daemon.putPolicy(policy)).toBe(200);
    await daemon.watching();
    await lab().network.laptop.must(['ping', '-c', '3', '-i', '0.5', LAN.router4]);
    await under('claims', 500, async () => {
      for (let n = 0; n < 5; n += 1) await ask(`n${String(n)}.leak.example`);
      const told = ({ incidents }: Status): boolean =>
        [0, 1, 2, 3, 4].every((n) => incidents.some((i) => i.exposure === `n${String(n)}.leak.example`));
      await lab().guard.waitFor('all five questions', told, 3_000);
    });
  });

  async function ask(name: string): Promise<void> {
    const { laptop } = lab().network;
    await laptop.run(['dig', '+tries=1', '+time=1', '-b', LAN.laptop4, `@${NET.resolver4}`, name]);
  }
});

describe('commands that cross', () => {
  it('leave kernel, memory and disk agreed on the last one', async () => {
    const { files } = lab().plan;
    const state = (): string => readFileSync(join(files.guardState, 'state.json'), 'utf8');
    for (let n = 0; n < 20; n += 1) {
      await Promise.all([lab().guard.block(false), lab().guard.block(true)]);
      expect(state()).toContain('"blockMode":true');
      expect((await lab().guard.status()).blockMode).toBe(true);
    }
    await lab().guard.block(false);
    expect(state()).toContain('"blockMode":false');
  });
});

describe('a foreign hand', () => {
  it('does not open a pass again that has ended', async () => {
    const { box } = lab().network;
    await lab().guard.block(true);
    expect((await request(lab().plan.files.api, 'POST', '/v1/pass', { seconds: 5 })).status).toBe(200);
    const elements = async (): Promise<string> =>
      (await box.must(['nft', 'list', 'set', 'bridge', 'leakguard', 'pass_all'])).stdout;
    expect(await elements()).toContain('expires');
    await expect.poll(elements, { timeout: 10_000 }).not.toContain('expires');
    // What the box applies for a reason of its own in the same moment takes the foreign change with it, untold.
    const mended = async (): Promise<boolean> => {
      await box.must(['nft', 'flush', 'chain', 'bridge', 'leakguard', 'leak']);
      const told = ({ health }: Status): boolean => health.warnings.some((text) => text.includes('restored'));
      return lab()
        .guard.waitFor('mended rules', told, 5_000)
        .then(
          () => true,
          () => false,
        );
    };
    await expect.poll(mended, { timeout: 30_000 }).toBe(true);
    expect(await elements()).not.toContain('expires');
  });

  it('that puts the table to sleep is noticed, and the table woken', async () => {
    const { box } = lab().network;
    await lab().guard.acknowledge();
    await box.must(['nft', 'add table bridge leakguard { flags dormant; }']);
    await expect
      .poll(async () => (await box.must(['nft', 'list', 'table', 'bridge', 'leakguard'])).stdout, {
        timeout: 5_000,
      })
      .not.toContain('dormant');
  });
});
