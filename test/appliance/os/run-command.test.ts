// Checks that a program which cannot be started is an error like any other, however the machine refuses, and never the end of the process
// that wanted it. The refusal is the kernel's own: a process with no handle left.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

import { TOP } from '../../../appliance/os/top-level.ts';

/** Runs a command ten times, and then once where it is allowed again; the last line tells the refusals and the success. */
const program = (refuse: string, allow: string): string => `
  import { closeSync, openSync } from 'node:fs';
  import { run } from '${join(TOP, 'dist/appliance/os/run-command.js')}';
  import { TapSupervisor } from '${join(TOP, 'dist/appliance/tap/supervisor.js')}';
  const said = [];
  const tap = new TapSupervisor({ interface: 'lo' }, { report() {}, state: (state) => said.push(state) },
    { command: ['sh', '-c', 'exec sleep 60'], startMs: { first: 60000, most: 60000 }, silenceMs: { first: 60000, most: 60000 } });
  ${refuse}
  tap.start();
  const codes = [];
  for (let n = 0; n < 10; n += 1) codes.push(await run('true', []).then(() => 'ran', (error) => error.code));
  ${allow}
  const after = await run('echo', ['again']);
  const pid = await new Promise((resolve) => { const at = setInterval(() => { if (tap.pid) { clearInterval(at); resolve(tap.pid); } }, 20); });
  tap.stop();
  console.log(JSON.stringify({ codes: [...new Set(codes)], after: after.trim(), restarted: said.includes('restarting'), tap: pid > 0 }));
`;

it('no handle left', () => {
  const take = 'const held = []; try { for (;;) held.push(openSync("/dev/null")); } catch {}';
  const { stdout, stderr } = spawnSync(
    'prlimit',
    [
      ...['--nofile=64', process.execPath, '--input-type=module', '-e'],
      program(take, 'held.forEach((fd) => closeSync(fd));'),
    ],
    { encoding: 'utf8', timeout: 30_000 },
  );
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({ codes: ['missing'], after: 'again', restarted: true, tap: true });
});
