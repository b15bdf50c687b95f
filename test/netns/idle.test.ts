// What a box writes to its disk while nothing happens: nothing. The witness is the kernel's count of sectors that the device was given. A
// card that is written to all the time wears out.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (the tunnel is up, and carries its keepalives)
//
// LEAKGUARD_LONG=1 (npm run bench -- history --long) watches for some ten minutes instead of some ten seconds.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { TUNNEL } from '../../appliance/lab/plan.ts';
import { labForTests } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';
import { dig } from './rule-watch.ts';
import { SmallDisk } from './small-disk.ts';

/** Readings of the kernel's counters: the guard's own pulse. */
const READINGS = process.env['LEAKGUARD_LONG'] === undefined ? 8 : 720;
const STRETCH = 8;

const lab = labForTests({ filling: 'nothing' });
let disk: SmallDisk;
let daemon: KeptDaemon;

beforeAll(async () => {
  disk = await SmallDisk.make(16);
  daemon = new KeptDaemon(lab(), { stateDir: disk.path });
  await daemon.start();
  await lab().connectLaptop();
  await lab().network.laptop.must(['ping', '-c', '1', '-w', '10', TUNNEL.server4]);
});
afterAll(async () => {
  await daemon.stop();
  await disk.remove();
});

/** Resolves when the guard has read the counters so many times, with what it said other than green meanwhile. */
async function readings(count: number): Promise<string[]> {
  const times = new Set<string>();
  const disturbed = new Set<string>();
  await lab().guard.waitFor(
    `${String(count)} readings`,
    ({ state, why, health }) => {
      const { at } = health.counters;
      if (at !== null) times.add(at);
      if (state !== 'clear') disturbed.add(`${state}: ${why}`);
      return times.size > count;
    },
    count * 10_000,
  );
  return [...disturbed];
}

/** As many readings as are wanted in which the guard said nothing but green, in stretches, and what the disk was given in them. */
async function watchedQuietly(): Promise<{ readonly quiet: number; readonly written: number }> {
  let [quiet, written] = [0, 0];
  for (let n = 0; n < 3 * (READINGS / STRETCH) && quiet < READINGS; n += 1) {
    const before = await disk.sectorsWritten();
    const disturbed = await readings(STRETCH);
    if (disturbed.length === 0) {
      quiet += STRETCH;
      written += (await disk.sectorsWritten()) - before;
      continue;
    }
    // A machine at full load makes the guard blind for a moment: that is something, it is told, and written.
    await lab().guard.waitFor('green', ({ state }) => state === 'clear', 60_000);
    await readings(STRETCH);
  }
  return { quiet, written };
}

it('an idle tunnel costs no sector; a leak costs some', async () => {
  // What the laptop said when it joined is told and written first.
  await readings(3);
  await lab().guard.acknowledge();
  await lab().guard.waitFor('green', ({ state }) => state === 'clear', 30_000);
  await readings(5);

  const { quiet, written } = await watchedQuietly();
  process.stdout.write(`${String(quiet)} readings of the counters, ${String(written)} sectors written\n`);
  expect({ enough: quiet >= READINGS, written }).toEqual({ enough: true, written: 0 });

  const before = await disk.sectorsWritten();
  await lab().network.laptop.run(dig('203.0.113.53', 'idle.example'));
  const isSeen = ({ unacknowledged }: { readonly unacknowledged: number }): boolean => unacknowledged > 0;
  await lab().guard.waitFor('the leak', isSeen, 20_000);
  await expect.poll(() => disk.sectorsWritten(), { timeout: 20_000 }).toBeGreaterThan(before);
});
