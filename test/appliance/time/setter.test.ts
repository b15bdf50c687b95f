// Which wishes for another time are fulfilled, and that none stays.

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { setAsRequested } from '../../../appliance/time/setter.ts';
import {
  ClockError,
  leaveRequest,
  packedAt,
  takeRequest,
} from '../../../appliance/time/set-clock-request.ts';
import { RunError } from '../../../appliance/os/run-command.ts';
import { rejectionOf } from '../rejection.ts';

const PACKED = Date.parse('2026-11-01T00:00:00Z');
const REQUESTED = Date.parse('2027-11-22T10:00:00Z');
let root: string;
let request: string;
let ran: (readonly string[])[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'leakguard-clock-'));
  request = join(root, 'clock-wish');
  ran = [];
});
afterEach(() => rmSync(root, { recursive: true }));

const put = (path: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), '');
};

const fulfilAt = (monotonic: number): Promise<boolean> =>
  setAsRequested(request, {
    ...{ root, earliest: PACKED, monotonic: () => monotonic },
    run: (command, args) => Promise.resolve(void ran.push([command, ...args])),
  });

async function refusal(asked: Promise<unknown>): Promise<string> {
  const error = await rejectionOf(asked);
  return error instanceof ClockError ? error.code : 'fulfilled';
}

it('sets the clock to what it is by the wish, however long that took', async () => {
  leaveRequest(request, { wall: REQUESTED, monotonic: 5_000 });
  expect(await fulfilAt(6_250)).toBe(true);
  expect(ran).toEqual([['date', '--utc', `--set=@${String(REQUESTED / 1_000 + 1)}.250`]]);
  expect(existsSync(request)).toBe(false);
  expect(await fulfilAt(6_300)).toBe(false);
  expect(ran).toHaveLength(1);
});

it.each([
  ['implausible', { wall: PACKED - 2_000, monotonic: 5_000 }],
  ['implausible', { wall: Date.UTC(2100, 0, 1), monotonic: 5_000 }],
  ['implausible', { wall: REQUESTED / 1_000, monotonic: 5_000 }],
  ['stale', { wall: REQUESTED, monotonic: -60_000 }],
  // Of an earlier start of the machine.
  ['stale', { wall: REQUESTED, monotonic: 9_000_000 }],
  ['garbled', { wall: '0; reboot', monotonic: 5_000 }],
  ['garbled', null],
])('refuses as %s: %j', async (code, text) => {
  writeFileSync(request, JSON.stringify(text));
  expect(await refusal(fulfilAt(6_000))).toBe(code);
  expect([ran, existsSync(request)]).toEqual([[], false]);
});

it('refuses a file that is no wish at all, however long', async () => {
  for (const text of ['', '{', `{"wall":${'0'.repeat(1_000_000)}}`]) {
    writeFileSync(request, text);
    expect(await refusal(fulfilAt(6_000))).toBe('garbled');
    expect(existsSync(request)).toBe(false);
  }
});

it.each([
  'run/systemd/timesync/synchronized',
  'sys/fs/cgroup/system.slice/chrony.service/cgroup.procs',
  'sys/fs/cgroup/system.slice/ntpsec.service/cgroup.procs',
])('leaves a clock alone that a time service keeps: %s', async (path) => {
  put('sys/fs/cgroup/system.slice/systemd-timesyncd.service/cgroup.procs');
  leaveRequest(request, { wall: REQUESTED, monotonic: 5_000 });
  expect(await fulfilAt(5_000)).toBe(true);
  put(path);
  leaveRequest(request, { wall: REQUESTED, monotonic: 5_000 });
  expect(await refusal(fulfilAt(5_000))).toBe('kept');
  expect(ran).toHaveLength(1);
});

it('says so when the clock cannot be set, and does not try again', async () => {
  leaveRequest(request, { wall: REQUESTED, monotonic: 5_000 });
  const failed = new RunError('failed', 'date ended with 1', 'Operation not permitted');
  const parts = { root, earliest: PACKED, monotonic: () => 5_000, run: () => Promise.reject(failed) };
  await expect(setAsRequested(request, parts)).rejects.toBe(failed);
  expect(takeRequest(request)).toBeUndefined();
});

it('knows when it was packed', () => {
  expect(packedAt()).toBeLessThanOrEqual(Date.now());
  expect(packedAt()).toBeGreaterThan(Date.parse('2026-01-01'));
});

it('is a program that takes the option of its unit: --wish', async () => {
  const { argv } = process;
  process.argv = [...argv.slice(0, 2), '--wish', request];
  try {
    await import('../../../appliance/time/main.ts');
    await expect.poll(() => process.exitCode).toBe(0);
  } finally {
    process.argv = argv;
    process.exitCode = undefined;
  }
});
