// Knows: what the machine says of itself: load, memory, disk, heat, clock, ports. Must not know: the guard, who asks.
// Follows Documentation/ABI/testing/sysfs-class-net-statistics; throttling as the Raspberry Pi firmware's get_throttled says it.
// Nobody asks, nothing runs; many ask, one looks. Only asynchronous calls: the guard shares this process.

import { existsSync } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, loadavg, uptime } from 'node:os';
import { join } from 'node:path';

import type { MachineHealth, PortHealth } from '../../src/api/box.ts';
import { activeOffloads } from '../bridge/bridge.ts';
import type { BridgeNames } from '../bridge/bridge.ts';
import { readPorts } from './interfaces.ts';

export interface BoxReading {
  readonly machine: MachineHealth;
  readonly ports: readonly PortHealth[];
  readonly at: string;
}

const THROTTLED = 'devices/platform/soc/soc:firmware/get_throttled';
/** Bits of get_throttled; the same 16 further up say that it has been so since boot. */
const CAUSES = ['weak supply', 'slowed', 'slowed a lot', 'warm'] as const;
const BEFORE = 16;
/** A reading is good for so long, milliseconds. */
const FRESH_MS = 2_000;

export class HealthProbe {
  readonly #stateDir: string;
  readonly #sysfs: string;
  readonly #names: () => BridgeNames;
  #reading: Promise<BoxReading> | undefined;
  #readAt = 0;

  /** The disk that matters is the one that holds `stateDir`; `sysfs` is /sys or a copy. */
  constructor(names: () => BridgeNames, stateDir: string, sysfs = '/sys') {
    this.#names = names;
    this.#stateDir = stateDir;
    this.#sysfs = sysfs;
  }

  /** At most two seconds old. What cannot be had is null in it; it does not reject. */
  read(): Promise<BoxReading> {
    const now = performance.now();
    if (this.#reading === undefined || now - this.#readAt > FRESH_MS) {
      this.#readAt = now;
      this.#reading = readBox(this.#names(), this.#stateDir, this.#sysfs);
    }
    return this.#reading;
  }
}

async function readBox(names: BridgeNames, stateDir: string, sysfs: string): Promise<BoxReading> {
  const [machine, ports] = await Promise.all([readMachine(stateDir, sysfs), readBoxPorts(names, sysfs)]);
  return { machine, ports, at: new Date().toISOString() };
}

async function readMachine(stateDir: string, sysfs: string): Promise<MachineHealth> {
  const [memory, temperature, disk, throttled] = await Promise.all([
    orNull(async () => {
      const { total, available } = await (await import('systeminformation')).mem();
      return { total, available };
    }),
    orNull(async () => (await (await import('systeminformation')).cpuTemperature()).main),
    orNull(async () => {
      const { blocks, bavail, bsize } = await statfs(stateDir);
      return { total: blocks * bsize, available: bavail * bsize };
    }),
    orNull(() => readFile(join(sysfs, THROTTLED), 'latin1')),
  ]);
  return {
    load: loadavg(),
    processors: availableParallelism(),
    memory,
    disk,
    temperature,
    throttling: throttled === null ? null : throttlingOf(throttled),
    uptime: Math.floor(uptime()),
    clock: { now: new Date().toISOString(), kept: existsSync(join(sysfs, 'class', 'rtc', 'rtc0')) },
  };
}

/** `50005` (hexadecimal, with or without 0x): what slows the machine down now, and what has since it was started. */
export function throttlingOf(text: string): MachineHealth['throttling'] {
  const digits = /^(?:0x)?([0-9a-f]{1,8})$/i.exec(text.trim())?.[1];
  if (digits === undefined) return null;
  const bits = Number.parseInt(digits, 16);
  const causes = (from: number): string[] => CAUSES.filter((_, bit) => (bits >>> (from + bit)) % 2 === 1);
  return { now: causes(0), before: causes(BEFORE) };
}

async function readBoxPorts({ name, lan, wan }: BridgeNames, sysfs: string): Promise<PortHealth[]> {
  const folder = join(sysfs, 'class', 'net');
  const known = new Map(readPorts(folder).map((port) => [port.name, port]));
  const asked = [['lan', lan] as const, ['wan', wan] as const, ['bridge', name] as const];
  return Promise.all(
    asked.map(async ([port, called]): Promise<PortHealth> => {
      const found = known.get(called);
      if (found === undefined) return { ...ABSENT, port, name: called };
      const { up, carrier, speed } = found;
      return {
        port,
        name: called,
        present: true,
        up,
        carrier: carrier ?? null,
        speed: speed ?? null,
        offloads: port === 'bridge' ? [] : await orNull(() => activeOffloads(called)),
        dropped: await orNull(() => droppedOn(join(folder, called))),
      };
    }),
  );
}

const ABSENT = { present: false, up: false, carrier: null, speed: null, offloads: null, dropped: null };

async function droppedOn(port: string): Promise<number | null> {
  const files = ['rx_dropped', 'tx_dropped'].map((file) =>
    readFile(join(port, 'statistics', file), 'latin1'),
  );
  const counts = (await Promise.all(files)).map(Number);
  return counts.every(Number.isFinite) ? counts.reduce((sum, count) => sum + count, 0) : null;
}

async function orNull<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return (await ask()) ?? null;
  } catch {
    return null;
  }
}
