// Checks that the harness would see a leak: a machine that bridges without rules lets all of it through, and the counters say so. Without
// this, "0 frames" would prove nothing.

import { afterAll, beforeAll, expect, it } from 'vitest';

import { powerOn, say, stockLayer } from './disks.ts';
import { PORTS } from './virtual-machine.ts';
import { Wire } from './wire.ts';

let wire: Wire;
beforeAll(async () => {
  wire = await Wire.lay();
});
afterAll(() => wire.take());

it('a plain bridge in the machine forwards leaks and tunnel, and both are counted', async () => {
  const machine = await powerOn(wire, await stockLayer('plain'));
  const tunnel = await wire.watchTunnel();
  try {
    say(`the guest is up, ${await machine.up()} s old`);
    expect(await wire.flood.arrived()).toBe(0);
    await machine.must(
      [
        'ip link add br0 type bridge',
        `ip link set ${PORTS.lan.guest} master br0`,
        `ip link set ${PORTS.wan.guest} master br0`,
        `ip link set ${PORTS.lan.guest} up`,
        `ip link set ${PORTS.wan.guest} up`,
        'ip link set br0 up',
      ].join(' && '),
    );
    await tunnel.line(/^\d+\.\d+ /, 60_000);
    await expect.poll(() => wire.flood.arrived(), { timeout: 60_000 }).toBeGreaterThan(0);
    say(`${await wire.flood.arrived()} leak frames crossed a bridge without rules`);
  } finally {
    await machine.cutPower();
    await tunnel.stop();
  }
});
