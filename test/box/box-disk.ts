// How a stock machine becomes a box as its owner would do it: the package, `leakguard setup`, a policy, block mode. Made once for each
// package and kept.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';

import { LAN, NET } from '../../appliance/lab/plan.ts';
import { must } from '../../appliance/lab/processes/process.ts';
import { CACHE, digest } from '../../image-build/debian-tree.mjs';
import { type Layer, layerOver, powerOn, say } from './disks.ts';
import { stockDisk } from './stock-disk.mjs';
import { PORTS, type VirtualMachine } from './virtual-machine.ts';
import type { Wire } from './wire.ts';

export const POLICY = `version: 1
profile: full-tunnel
tunnels:
  - name: home
    protocol: wireguard
    endpoints: ["udp:${NET.tunnelServer4}:${NET.tunnelPort}"]
bridge: {name: br0, lan: lan0, wan: wan0}
management: {address: "${LAN.box}/24", hostname: leakguard}
web: {port: 80}
lamp: {driver: file, path: /run/leakguard/lamp}
`;

/** The package under test, from run.mjs. */
export function packagePath(): string {
  const path = process.env['LEAKGUARD_DEB'];
  if (path === undefined) throw new Error('LEAKGUARD_DEB names no package: run `npm run test:box`');
  return path;
}

/** Files as a second disk of the machine, which `unpack` finds in the guest; by name in the archive. */
export async function parcelOf(path: string, files: Readonly<Record<string, string>>): Promise<string> {
  const entries = Object.entries(files);
  const renames = entries.map(([name, file]) => `--transform=s|^${file}$|${name}|`);
  const paths = entries.map(([, file]) => file);
  await must(['tar', '--create', '--absolute-names', '--file', path, ...renames, ...paths]);
  return path;
}

export const UNPACK = 'mkdir -p /root/parcel && tar -xf /dev/vdb -C /root/parcel && ls /root/parcel';

/** Puts a file into the guest. */
function putFile(path: string, text: string): string {
  return `base64 -d >${path} <<<'${Buffer.from(text).toString('base64')}'`;
}

/** The daemon answers and both taps read. Asked without a program of ours: an emulated processor has no time for two of them. */
export const STATUS =
  'curl --silent --max-time 60 --unix-socket /run/leakguard/api.sock http://box/v1/status';
export const watchingIn = (status: string): string =>
  `${status} | grep -Eq '"state": ?"(clear|leaking|blocked|idle|setup)"'`;
export const WATCHING = watchingIn(STATUS);
export const IN_BLOCK_MODE = `${STATUS} | grep -Eq '"blockMode": ?true'`;
/** Asks the daemon for block mode, on or off; it answers with its status when the kernel has the rules. */
export function switchBlock(on: boolean): string {
  const socket = '--unix-socket /run/leakguard/api.sock';
  return `curl --silent ${socket} -X PUT -d '{"on":${on}}' http://box/v1/block`;
}
/** Longest time until a daemon that was just started sees, on a loaded machine. */
const WATCHING_WITHIN_MS = 900_000;

/** Resolves when the daemon sees; a failure tells what the daemon said. */
export async function watching(machine: VirtualMachine, condition = WATCHING): Promise<void> {
  try {
    await machine.until(condition, WATCHING_WITHIN_MS);
  } catch (error) {
    const log = await machine.sh(
      'journalctl --boot --no-pager -o short-monotonic -u "leakguard*" | tail -40; uptime',
    );
    throw new Error(`the daemon does not see:\n${log.output}`, { cause: error });
  }
}

/** Sets an installed box up for the two ports and this test's policy. The new names of the ports come with the next boot. */
export async function setUp(machine: VirtualMachine, policy = POLICY): Promise<void> {
  await machine.must(putFile('/etc/leakguard/policy.yaml', policy));
  await machine.must(`leakguard setup --lan ${PORTS.lan.guest} --wan ${PORTS.wan.guest} --yes`);
}

/** A box in block mode, power off. */
export async function boxLayer(wire: Wire, name: string): Promise<Layer> {
  return layerOver(await boxDisk(wire), name);
}

/** A machine that was set up and not yet started as a box, power off. */
export async function installedLayer(wire: Wire, name: string): Promise<Layer> {
  return layerOver((await disks(wire)).installed, name);
}

async function boxDisk(wire: Wire): Promise<string> {
  const { installed, box } = await disks(wire);
  if (!existsSync(box)) {
    const layer = await layerOver(installed, 'first-boot', `${box}.part`);
    const machine = await firstBoot(wire, layer);
    await machine.settle();
    renameSync(layer.path, box);
  }
  return box;
}

/** Where both disks are kept; the first of them is there. */
async function disks(wire: Wire): Promise<{ readonly installed: string; readonly box: string }> {
  const deb = packagePath();
  const { disk } = await stockDisk();
  const sum = createHash('sha256').update(readFileSync(deb)).digest('hex');
  const name = digest([disk, sum, POLICY]);
  const installed = join(CACHE, `installed-${name}.qcow2`);
  const box = join(CACHE, `box-${name}.qcow2`);
  if (!existsSync(installed)) await install(wire, disk, installed);
  return { installed, box };
}

async function install(wire: Wire, disk: string, path: string): Promise<void> {
  say('installing the package and setting the box up');
  const layer = await layerOver(disk, 'install', `${path}.part`);
  const parcel = await parcelOf(`${path}.tar`, { 'leakguard.deb': packagePath() });
  const machine = await powerOn(wire, layer, parcel);
  await machine.up();
  await machine.must(`${UNPACK} && dpkg --install /root/parcel/leakguard.deb && rm -r /root/parcel`);
  await setUp(machine);
  await machine.settle();
  renameSync(layer.path, path);
}

/** The first boot of a machine that was set up; gives it seeing, in block mode, and running. */
export async function firstBoot(wire: Wire, layer: Layer): Promise<VirtualMachine> {
  say('first boot as a box');
  const machine = await powerOn(wire, layer);
  await machine.up();
  await watching(machine);
  say('it sees');
  await machine.must(`${switchBlock(true)} | grep -q blockMode`);
  return machine;
}
