// What the wire does while nothing is verified: `relock: closed` shuts it, `relock: open` leaves watch mode open, and block mode is shut in
// any case. The judge is the kernel's own count of dropped leaks.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labPolicy } from '../../appliance/lab/machines/box.ts';
import type { Status } from '../../src/api/status.ts';
import { labForTests } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';
import { LeakFlood } from './leak-flood.ts';

const lab = labForTests({ filling: 'nothing' });
let daemon: KeptDaemon;
let flood: LeakFlood;

beforeAll(async () => {
  daemon = new KeptDaemon(lab());
  flood = new LeakFlood(lab());
  await flood.start(5_000);
  await daemon.start();
});
afterAll(async () => {
  await flood.stop();
  await daemon.stop();
});

async function dropped(): Promise<number> {
  const { stdout } = await lab().network.box.must(['nft', '-j', 'list', 'table', 'bridge', 'leakguard']);
  const { nftables } = JSON.parse(stdout) as { nftables: { counter?: { name: string; packets: number } }[] };
  return nftables.find(({ counter }) => counter?.name === 'leak_dropped')?.counter?.packets ?? 0;
}

function restartsOf({ health }: Status): number {
  return health.taps.find(({ port }) => port === 'wan')?.restarts ?? 0;
}

/** Dropped leaks from the kill of a tap until everything is verified again; frames of link-local groups are always among them. */
async function droppedWhileBlind(): Promise<number> {
  const before = await dropped();
  const restarts = restartsOf(await lab().guard.status());
  while (!daemon.kill('wan')) await daemon.watching();
  await lab().guard.waitFor('a tap that came back', (status) => restartsOf(status) > restarts, 10_000);
  await daemon.watching();
  return (await dropped()) - before;
}

describe('relock', () => {
  it('closed: the wire is shut while a tap is away, and opens again in watch mode', async () => {
    // The sender takes a moment to begin: what is not sent is not dropped.
    await expect.poll(() => flood.arrived(), { timeout: 10_000 }).toBeGreaterThan(1_000);
    const arrived = await flood.arrived();
    expect(await droppedWhileBlind()).toBeGreaterThan(100);
    await expect.poll(() => flood.arrived(), { timeout: 5_000 }).toBeGreaterThan(arrived);
  });

  it('open: watch mode stays open, and what crossed unread turns the light red', async () => {
    const policy = labPolicy(lab().plan);
    expect(await daemon.putPolicy(`${policy}relock: open\n`)).toBe(200);
    await daemon.watching();
    const [sent, kept] = [await flood.arrived(), await droppedWhileBlind()];
    const arrived = (await flood.arrived()) - sent;
    // One shape of the flood's thirty goes to a group that no bridge forwards.
    expect(arrived).toBeGreaterThan(100);
    expect(kept).toBeLessThan(arrived / 5);
    expect((await lab().guard.status()).lamp).toBe('red');
  });

  it('open: block mode is shut all the same', async () => {
    await lab().guard.block(true);
    const before = await flood.arrived();
    await droppedWhileBlind();
    expect((await flood.arrived()) - before).toBe(0);
  });
});
