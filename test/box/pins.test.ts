// What the light shows and the button does on a machine with pins: those of a simulated chip of the kernel (gpio-sim), seen and pressed
// from its other side. The emulated board has no way to press a button: QEMU's GPIO of a Raspberry Pi tells the system of no change of an
// input.

import { afterAll, beforeAll, expect, it } from 'vitest';

import { IN_BLOCK_MODE, packagePath, parcelOf, POLICY, setUp, STATUS, UNPACK, watching } from './box-disk.ts';
import { powerOn, say, stockLayer } from './disks.ts';
import { figure } from './figures.ts';
import type { VirtualMachine } from './virtual-machine.ts';
import { LEAKS_PER_SECOND, Wire } from './wire.ts';

const WITH_PINS = POLICY.replace(/^lamp:.*$/m, 'lamp: {driver: gpio, red: 17, green: 27, button: 22}');
const HEADER = '/sys/kernel/config/gpio-sim/header';
/** The chip of a board's header: 54 pins, one of them held up by a resistor until a finger pulls it down. */
const CHIP = [
  'modprobe gpio-sim',
  `mkdir -p ${HEADER}/bank0`,
  `echo 54 >${HEADER}/bank0/num_lines`,
  `echo pinctrl-bcm2835 >${HEADER}/bank0/label`,
  `echo 1 >${HEADER}/live`,
  `ln -s /sys/devices/platform/$(cat ${HEADER}/dev_name)/$(cat ${HEADER}/bank0/chip_name) /run/header`,
  'echo pull-up >/run/header/sim_gpio22/pull',
].join(' && ');
const DOWN = 'echo pull-down >/run/header/sim_gpio22/pull';
const UP = 'echo pull-up >/run/header/sim_gpio22/pull';
/** What the pins of red (17) and green (27) were in four seconds, longer than any pattern blinks (appliance/led/patterns.ts). */
// Without programs but at the end: an emulated processor that starts a hundred of them has no time for the daemon.
const SEEN =
  'exec 9<> <(:); for n in {1..40}; do read -r red </run/header/sim_gpio17/value; read -r green </run/header/sim_gpio27/value; echo $red$green; read -rt 0.1 -u 9; done | sort -u | tr "\\n" " "';
/** Green is steady; a slow processor now and then cannot say, and red then flashes. */
const shows = (lights: 'red' | 'green'): string =>
  lights === 'green' ? `[ "$(${SEEN})" = "01 " ]` : `[[ "$(${SEEN})" =~ ^(00 )?10\\ $ ]]`;

let wire: Wire;
let machine: VirtualMachine;
beforeAll(async () => {
  wire = await Wire.lay();
  const layer = await stockLayer('pins', 'pins');
  const parcel = await parcelOf(`${layer.path}.tar`, { 'leakguard.deb': packagePath() });
  machine = await powerOn(wire, layer, parcel);
  await machine.up();
  await machine.must(`${UNPACK} && dpkg --install /root/parcel/leakguard.deb`);
  await setUp(machine, WITH_PINS);
  await machine.settle();
  machine = await powerOn(wire, { ...layer, name: 'pins-box' });
  await machine.up();
  await machine.must(CHIP);
  await machine.must('systemctl restart leakguardd', 600_000);
  await watching(machine);
});
// The machine ends with the namespaces it is in.
afterAll(() => wire.take());

it('is red when something leaks, and green when a short press has acknowledged it and only the tunnel crosses', async () => {
  await machine.until(shows('red'));
  say('red: leaks cross');
  await wire.flood.stop();
  await machine.until(`${DOWN}; sleep 0.3; ${UP}; sleep 2; ${shows('green')}`);
  await machine.until(`${STATUS} | grep -Eq '"state": ?"clear"'`);
  expect((await machine.sh(IN_BLOCK_MODE)).code).not.toBe(0);
  say('green after a short press');
});

it('takes three seconds for block mode, and not for a press', async () => {
  await wire.lab.network.laptop.run(['ping', '-c', '1', '-W', '1', '203.0.113.9']);
  await machine.until(shows('red'));
  await machine.must(`${DOWN}; sleep 5; ${UP}`);
  await machine.until(IN_BLOCK_MODE);
  say('block mode after three seconds');
  await wire.flood.start(LEAKS_PER_SECOND);
  const before = { arrived: await wire.flood.arrived(), sent: await wire.flood.sent() };
  await machine.must('sleep 10');
  const crossed = (await wire.flood.arrived()) - before.arrived;
  figure('block mode by the button: leak frames offered', (await wire.flood.sent()) - before.sent);
  figure('block mode by the button: leak frames on wan', crossed);
  expect(crossed).toBe(0);
});

it('is red when the daemon is gone', async () => {
  await machine.must('systemctl stop leakguardd', 600_000);
  await machine.until(shows('red'));
});
