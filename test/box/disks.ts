// The layers of disk that tests start from, and that each test writes into a layer of its own.

import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { must } from '../../appliance/lab/processes/process.ts';
import { type Hardware, stockDisk } from './stock-disk.mjs';
import { VirtualMachine } from './virtual-machine.ts';
import type { Wire } from './wire.ts';

const SCRATCH = join(process.env['LEAKGUARD_BOX_LOGS'] ?? mkdtempSync(join(tmpdir(), 'leakguard-box-')));

export interface Layer {
  readonly path: string;
  readonly name: string;
  /** `plain` unless told. */
  readonly hardware?: Hardware;
}

/** An empty layer over `base`: what is written there leaves the base as it is. */
export async function layerOver(base: string, name: string, path?: string): Promise<Layer> {
  mkdirSync(SCRATCH, { recursive: true });
  const layer = path ?? join(SCRATCH, `${name}.qcow2`);
  const format = base.endsWith('.img') ? 'raw' : 'qcow2';
  await must(['qemu-img', 'create', '-q', '-f', 'qcow2', '-b', base, '-F', format, layer]);
  return { path: layer, name };
}

/** The stock disk under a fresh layer. */
export async function stockLayer(name: string, hardware: Hardware = 'plain'): Promise<Layer> {
  return { ...(await layerOver((await stockDisk(hardware)).disk, name)), hardware };
}

/** Power on with this layer; the console is written beside it. */
export async function powerOn(wire: Wire, layer: Layer, parcel?: string): Promise<VirtualMachine> {
  const { kernel, initrd } = await stockDisk(layer.hardware);
  return VirtualMachine.powerOn({
    space: wire.lab.network.box,
    kernel,
    initrd,
    disk: layer.path,
    console: join(SCRATCH, `${layer.name}.console`),
    ...(parcel === undefined ? {} : { parcel }),
  });
}

/** One line on the terminal: these tests take minutes, and whoever waits should see what for. */
export function say(line: string): void {
  process.stderr.write(`   ${new Date().toISOString().slice(11, 19)} ${line}\n`);
}
