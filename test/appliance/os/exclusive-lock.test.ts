// Checks that two processes never work in the same directories, and that one that was killed holds nothing. Judged from a second process:
// within one, a lock of the kernel is shared.

import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { ExclusiveLock } from '../../../appliance/os/exclusive-lock.ts';
import { TOP } from '../../../appliance/os/top-level.ts';

const MODULE = join(TOP, 'dist/appliance/os/exclusive-lock.js');
const taking = (folder: string, then: string): string[] => [
  ...['--input-type=module', '-e'],
  `import { ExclusiveLock } from '${MODULE}'; globalThis.lock = new ExclusiveLock('${folder}', 'lock'); ${then}`,
];

let folder = '';
let holder: ChildProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'leakguard-lock-'));
});
afterEach(() => {
  holder?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function hold(): Promise<void> {
  const child = spawn(process.execPath, taking(folder, 'console.log("held"); setInterval(() => {}, 1000);'));
  holder = child;
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('exit', reject);
  });
}

it('a second process is refused while the first one lives, and not when it was killed', async () => {
  await hold();
  expect(() => new ExclusiveLock(folder, 'lock')).toThrow('another process holds');
  const ended = new Promise((resolve) => holder?.once('exit', resolve));
  holder?.kill('SIGKILL');
  await ended;
  new ExclusiveLock(folder, 'lock').close();
});

it('a lock whose file was removed is taken again', () => {
  const lock = new ExclusiveLock(folder, 'lock');
  rmSync(join(folder, 'lock'));
  lock.keep();
  const second = spawnSync(process.execPath, taking(folder, ''), { encoding: 'utf8' });
  expect(second.stderr).toContain('another process holds');
  lock.close();
});

it('whoever lost a removed lock to another process is told', async () => {
  const lock = new ExclusiveLock(folder, 'lock');
  rmSync(join(folder, 'lock'));
  await hold();
  expect(() => lock.keep()).toThrow('another process holds');
  lock.close();
});
