// The machine's health: load, memory, disk, temperature, clock, ports (Documentation/ABI/testing/sysfs-class-net-statistics; throttling from the
// Raspberry Pi firmware's get_throttled). Read only on request, and once for requests at the same time. Only asynchronous calls, because
// the guard shares this process.

import { existsSync } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, loadavg, uptime } from 'node:os';
import { join } from 'node:path';

import type { MachineHealth, PortHealth } from '../../src/api/box.ts';
import { activeOffloads } from '../bridge/bridge.ts';
import type { BridgeNames } from '../bridge/bridge.ts';
import { readPorts } from './interfaces.ts';

/** One reading; `at`: when it was made, ISO 8601. Ports: lan, wan, bridge. */
export interface BoxReading {
  readonly machine: MachineHealth;
  readonly ports: readonly PortHealth[];
  readonly at: string;
}

const THROTTLED = 'devices/platform/soc/soc:firmware/get_throttled';
/** Bits of get_throttled from bit 0, for now; the same bits from bit 16, for any time since boot. */
const CAUSES = ['weak supply', 'slowed', 'slowed a lot', 'warm'] as const;
const BEFORE = 16;
/** A reading is reused for this long, milliseconds. */
const FRESH_MS = 2_000;

/** Reads the machine's health on request. */
export class HealthProbe {
  readonly #stateDir: string;
  readonly #sysfs: string;
  readonly #names: () => BridgeNames;
  #reading: Promise<BoxReading> | undefined;
  #readAt = 0;

  /** Disk space is that of the disk with `stateDir`; `sysfs` is /sys or a copy. */
  constructor(names: () => BridgeNames, stateDir: string, sysfs = '/sys') {
    this.#names = names;
    this.#stateDir = stateDir;
    this.#sysfs = sysfs;
  }

  /** A reading that is at most FRESH_MS old; what cannot be read is null. Never rejects. */
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

/**
 * What throttles the machine now, and what has since boot, from get_throttled's text (at most eight hexadecimal digits, with or without
 * 0x): bits 0 to 3 and 16 to 19, by the names in CAUSES, in their order; both empty when nothing does. Null for any other text. Source:
 * get_throttled of the Raspberry Pi's firmware.
 */
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
