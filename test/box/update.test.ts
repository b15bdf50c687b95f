// Checks that an update on a real box is taken when it is signed and works, taken back when it does not, and that nothing leaks on its way.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';

import { boxLayer, IN_BLOCK_MODE, packagePath, parcelOf, UNPACK, watching } from './box-disk.ts';
import { powerOn, say } from './disks.ts';
import { figure } from './figures.ts';
import { DAEMON, otherVersion, Publisher, versionOf } from './versions.ts';
import type { VirtualMachine } from './virtual-machine.ts';
import { Wire } from './wire.ts';

/** An emulated machine unpacks, configures and starts within this, and once more when it comes back. */
const DONE_MS = 1_800_000;
const INSTALLED = 'dpkg-query --show --showformat=\\${Version} leakguard';
const UPDATE = 'curl --silent --unix-socket /run/leakguard/api.sock http://box/v1/update';

let folder: string;
let wire: Wire;
let machine: VirtualMachine;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'leakguard-box-update-'));
  wire = await Wire.lay();
  const owner = new Publisher();
  const good = await otherVersion({ version: '9.1' }, folder);
  const broken = await otherVersion(
    { version: '9.2', changed: { path: DAEMON, text: 'process.exit(1);\n' } },
    folder,
  );
  const key = join(folder, 'owner.pem');
  writeFileSync(key, owner.publicPem);
  const parcel = await parcelOf(join(folder, 'parcel.tar'), {
    'installed.update': owner.sign(
      packagePath(),
      await versionOf(packagePath()),
      join(folder, 'installed.update'),
    ),
    'good.update': owner.sign(good, '9.1', join(folder, 'good.update')),
    'broken.update': owner.sign(broken, '9.2', join(folder, 'broken.update')),
    'foreign.update': new Publisher().sign(good, '9.1', join(folder, 'foreign.update')),
    'owner.pem': key,
  });
  machine = await powerOn(wire, await boxLayer(wire, 'update'), parcel);
  await machine.up();
  await watching(machine);
  await machine.must(UNPACK);
  await machine.must('cp /root/parcel/owner.pem /etc/leakguard-update/');
  await machine.must('leakguard update --keep /root/parcel/installed.update');
});
// The machine ends with the namespaces it is in.
afterAll(async () => {
  await wire.take();
  rmSync(folder, { recursive: true, force: true });
});

let leaks = 0;
beforeEach(async () => {
  leaks = await wire.flood.arrived();
});
afterEach(async () => {
  expect((await wire.flood.arrived()) - leaks).toBe(0);
});

/** Sends it and waits until the box, seeing again, tells this stage of this version. */
async function updated(file: string, stage: string, version: string): Promise<void> {
  const sent = await wire.flood.sent();
  const began = Date.now();
  await machine.must(`leakguard update /root/parcel/${file}`, DONE_MS);
  say(`${file} is on the box`);
  const told = `{ ${UPDATE} | grep -q '"stage": \\?"${stage}"'; } && ${UPDATE} | grep -q '"version": \\?"${version}"'`;
  await machine.until(told, DONE_MS);
  await watching(machine);
  await machine.must(IN_BLOCK_MODE);
  figure(
    `update, ${stage}: from the file sent to a daemon that sees, s`,
    Math.round((Date.now() - began) / 1000),
  );
  figure(`update, ${stage}: leak frames offered meanwhile`, (await wire.flood.sent()) - sent);
  figure(`update, ${stage}: leak frames on wan`, (await wire.flood.arrived()) - leaks);
}

it('an update that nobody trusted signed changes nothing', async () => {
  const before = await machine.must(INSTALLED);
  const { code, output } = await machine.sh('leakguard update /root/parcel/foreign.update');
  expect([code, output.includes('signed')]).toEqual([2, true]);
  expect(await machine.must(INSTALLED)).toBe(before);
});

it('a signed update is installed, and its daemon sees the wire', async () => {
  await updated('good.update', 'updated', '9.1');
  expect(await machine.must(INSTALLED)).toBe('9.1');
});

it('an update whose daemon does not come up is taken back', async () => {
  await updated('broken.update', 'rolled-back', '9.2');
  expect(await machine.must(INSTALLED)).toBe('9.1');
});
