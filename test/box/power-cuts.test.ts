// Checks that the power may go at any moment of a boot or of a toggle of block mode: what was said to be kept is kept, and no frame leaks
// meanwhile. BOX_CUTS says how many cuts; half of them hit a boot.

import { setTimeout as pause } from 'node:timers/promises';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { boxLayer, IN_BLOCK_MODE, switchBlock, WATCHING, watching } from './box-disk.ts';
import { type Layer, powerOn, say } from './disks.ts';
import { tally } from './figures.ts';
import type { VirtualMachine } from './virtual-machine.ts';
import { Wire } from './wire.ts';

const CUTS = Number(process.env['BOX_CUTS'] ?? 4);
const BOOT_CUTS = Math.ceil(CUTS / 2);
/** A boot and a toggle take this long at most, seconds: cuts are spread over all of it. */
const BOOT_S = 70;
const TOGGLE_S = 6;

let wire: Wire;
beforeAll(async () => {
  wire = await Wire.lay();
});
afterAll(() => wire.take());

/** A box that sees; nothing has leaked since the power came on. */
async function watchingBox(layer: Layer): Promise<VirtualMachine> {
  const before = await wire.flood.arrived();
  const machine = await powerOn(wire, layer);
  await machine.up();
  // In watch mode leaks cross as soon as they are seen: until then they must not.
  const closed = `! { ${WATCHING}; }`;
  if ((await machine.sh(closed)).code === 0) expect((await wire.flood.arrived()) - before).toBe(0);
  await watching(machine);
  return machine;
}

it('power cuts during the boot: block mode is kept, and nothing ever leaks', async () => {
  const layer = await boxLayer(wire, 'boot-cuts');
  const before = await wire.flood.arrived();
  for (let cut = 1; cut <= BOOT_CUTS; cut += 1) {
    const seconds = Math.random() * BOOT_S;
    say(`cut ${cut} of ${BOOT_CUTS}: ${seconds.toFixed(1)} s after power-on`);
    const machine = await powerOn(wire, layer);
    await pause(seconds * 1000);
    await machine.cutPower();
    const leaked = (await wire.flood.arrived()) - before;
    tally('power cuts during a boot: cuts', 1);
    tally('power cuts during a boot: leak frames on wan', leaked);
    expect(leaked, `cut ${seconds} s after power-on`).toBe(0);
  }
  const machine = await watchingBox(layer);
  try {
    await machine.must(IN_BLOCK_MODE);
    await machine.must('sleep 5');
    expect((await wire.flood.arrived()) - before).toBe(0);
  } finally {
    await machine.cutPower();
  }
});

it('power cuts during a toggle: the old mode or the new one, the new one when it was acknowledged', async () => {
  const layer = await boxLayer(wire, 'toggle-cuts');
  let machine = await watchingBox(layer);
  try {
    let blocking = true;
    for (let cut = 1; cut <= CUTS - BOOT_CUTS; cut += 1) {
      const wanted = blocking ? 'off' : 'on';
      const seconds = Math.random() * TOGGLE_S;
      say(`cut ${cut} of ${CUTS - BOOT_CUTS}: ${seconds.toFixed(1)} s after "block ${wanted}"`);
      // The machine that was asked may be gone before it answers.
      const answer = machine.sh(`${switchBlock(!blocking)} | grep -q blockMode`).catch(() => undefined);
      const first = await Promise.race([answer, pause(seconds * 1000, undefined)]);
      const known = first?.code === 0;
      await machine.cutPower();
      await answer;
      machine = await watchingBox(layer);
      const now = (await machine.sh(IN_BLOCK_MODE)).code === 0;
      if (known) expect(now, 'what was acknowledged is kept').toBe(!blocking);
      tally('power cuts during a toggle: cuts', 1);
      tally('power cuts during a toggle: acknowledged and kept', known ? 1 : 0);
      if (now) {
        const before = await wire.flood.arrived();
        await machine.must('sleep 3');
        const leaked = (await wire.flood.arrived()) - before;
        tally('power cuts during a toggle: leak frames on wan in block mode', leaked);
        expect(leaked).toBe(0);
      }
      blocking = now;
    }
  } finally {
    await machine.cutPower();
  }
});
