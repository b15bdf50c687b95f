// Checks that from power-on to block mode no leak frame reaches wan, and that without rules there is no bridge at all. The judge is a
// counter in the uplink; the laptop leaks all the time.

import { afterAll, beforeAll, expect, it } from 'vitest';

import { boxLayer, IN_BLOCK_MODE, installedLayer, watching } from './box-disk.ts';
import { type Layer, powerOn, say } from './disks.ts';
import { figure } from './figures.ts';
import { Wire } from './wire.ts';

/** Seconds in which a laptop that leaks all the time must not get one of them out. */
const LOOK_S = 20;

let wire: Wire;
beforeAll(async () => {
  wire = await Wire.lay();
});
afterAll(() => wire.take());

/** Seconds after the kernel's start at which a unit stood. */
const stoodAt = (unit: string): string =>
  `systemctl show ${unit} --property=ActiveEnterTimestampMonotonic --value`;

it('from power-on until block mode stands, and after, no leak frame crosses; the tunnel does', async () => {
  const layer = await boxLayer(wire, 'block');
  const before = { leaks: await wire.flood.arrived(), sent: await wire.flood.sent() };
  const tunnel = await wire.watchTunnel();
  const machine = await powerOn(wire, layer);
  try {
    const first = await tunnel.line(/^\d+\.\d+ /, 600_000);
    figure(
      'power-on to the first tunnel frame on wan, s',
      round(Number(first.split(' ')[0]) - machine.poweredAt),
    );
    await machine.up();
    await watching(machine);
    figure('power-on to a daemon that sees, s', round(Date.now() / 1000 - machine.poweredAt));
    const closed = Number(await machine.must(stoodAt('leakguard-closed.service')));
    const network = Number(await machine.must(stoodAt('systemd-networkd.service')));
    figure('kernel start to closed rules, s', round(closed / 1e6));
    figure('kernel start to the network manager, s', round(network / 1e6));
    expect(closed).toBeLessThan(network);
    await machine.must(`sleep ${LOOK_S}`);
    await machine.must(IN_BLOCK_MODE);
    figure('leak frames offered from power-on on', (await wire.flood.sent()) - before.sent);
    const crossed = (await wire.flood.arrived()) - before.leaks;
    figure('leak frames on wan from power-on on', crossed);
    expect(crossed).toBe(0);
  } finally {
    await machine.cutPower();
    await tunnel.stop();
  }
});

it.each([
  [
    'a ruleset for the boot that does not load',
    'mkdir -p /var/lib/leakguard && echo "table bridge leakguard { chain fwd { } }" >/var/lib/leakguard/boot.nft',
  ],
  ['a unit of rules that is broken itself', 'echo "nonsense" >/usr/lib/leakguard/closed.nft'],
])('%s: no bridge, and nothing crosses', async (name, breakage) => {
  const layer = await broken(await installedLayer(wire, 'broken'), breakage);
  const before = await wire.flood.arrived();
  const tunnel = await wire.watchTunnel();
  const machine = await powerOn(wire, { ...layer, name: 'broken-boot' });
  try {
    await machine.up();
    await machine.until('! systemctl list-jobs --no-legend | grep -q .', 300_000);
    await machine.must(`sleep ${LOOK_S}`);
    expect(await machine.must('systemctl show leakguard-closed.service --property=ActiveState --value')).toBe(
      'failed',
    );
    expect((await machine.sh('ip link show br0')).output).toContain('does not exist');
    const crossed = (await wire.flood.arrived()) - before;
    figure(`${name}: frames on wan`, crossed);
    expect(crossed).toBe(0);
    expect(tunnel.lines.filter((line) => /^\d+\.\d+ /.test(line))).toEqual([]);
  } finally {
    await machine.cutPower();
    await tunnel.stop();
  }
});

/** A box in which something is broken between two boots. */
async function broken(layer: Layer, breakage: string): Promise<Layer> {
  say('breaking it');
  const machine = await powerOn(wire, { ...layer, name: 'breaking' });
  try {
    await machine.up();
    await machine.must(`${breakage} && sync`);
  } finally {
    await machine.cutPower();
  }
  return layer;
}

const round = (seconds: number): number => Math.round(seconds * 10) / 10;
