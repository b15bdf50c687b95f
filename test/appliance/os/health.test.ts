// What the machine under this test says of itself, and what a copy of sysfs does.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { totalmem, tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { HealthProbe, throttlingOf } from '../../../appliance/os/health.ts';
import { health } from '../../../src/api/box.ts';
import { aStatus } from '../../guard-peer.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'leakguard-sysfs-'));
  const port = (name: string, files: Readonly<Record<string, string>>): void => {
    const base = join(folder, 'class', 'net', name);
    mkdirSync(join(base, 'statistics'), { recursive: true });
    for (const [file, text] of Object.entries(files)) writeFileSync(join(base, file), `${text}\n`);
  };
  const counted = { 'statistics/rx_dropped': '3', 'statistics/tx_dropped': '4' };
  port('lan0', { ...counted, type: '1', flags: '0x1003', carrier: '1', speed: '1000', address: '02:00' });
  port('br0', { type: '1', flags: '0x1003', carrier: '0', speed: '-1', address: '02:00' });
  const firmware = join(folder, 'devices', 'platform', 'soc', 'soc:firmware');
  mkdirSync(firmware, { recursive: true });
  writeFileSync(join(firmware, 'get_throttled'), '50005\n');
  mkdirSync(join(folder, 'class', 'rtc', 'rtc0'), { recursive: true });
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const probe = (): HealthProbe =>
  new HealthProbe(() => ({ name: 'br0', lan: 'lan0', wan: 'wan0' }), tmpdir(), folder);

describe('what the machine says', () => {
  it('is a whole answer of the API: memory, disk, load and uptime of this very machine', async () => {
    const { machine, ports, at } = await probe().read();
    expect(machine.memory?.total).toBe(totalmem());
    expect(machine.disk?.available).toBeGreaterThan(0);
    expect(machine.load).toHaveLength(3);
    expect(machine.uptime).toBeGreaterThan(0);
    const answer = { guard: aStatus().health, timeSource: 'owner', machine, ports, at };
    expect(health.parse(JSON.parse(JSON.stringify(answer)))).toEqual(answer);
    expect(health.safeParse({ ...answer, machine: { ...machine, memory: 3 } }).success).toBe(false);
  });

  it('tells ports apart: there, down, missing; what was thrown away; a clock that is kept', async () => {
    const { machine, ports } = await probe().read();
    const [lan, wan, bridge] = ports;
    expect(lan).toMatchObject({
      port: 'lan',
      present: true,
      up: true,
      carrier: true,
      speed: 1000,
      dropped: 7,
    });
    expect(wan).toMatchObject({ port: 'wan', name: 'wan0', present: false, carrier: null, dropped: null });
    expect(bridge).toMatchObject({ port: 'bridge', carrier: false, speed: null, dropped: null });
    expect(machine.clock.kept).toBe(true);
    expect(machine.throttling).toEqual({
      now: ['weak supply', 'slowed a lot'],
      before: ['weak supply', 'slowed a lot'],
    });
  });

  it('is looked at once for all who ask within two seconds', async () => {
    const one = probe();
    const first = one.read();
    expect(one.read()).toBe(first);
    await first;
  });
});

describe('get_throttled', () => {
  it.each([
    ['0', { now: [], before: [] }],
    ['0x20000', { now: [], before: ['slowed'] }],
    ['', null],
    ['throttled=0x0', null],
  ])('%j', (text, expected) => {
    expect(throttlingOf(text)).toEqual(expected);
  });
});
