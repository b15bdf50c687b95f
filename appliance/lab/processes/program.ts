// Finds the compiled programs of this project. The lab always starts the compiled ones, even when it runs from sources in a test.

import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { TOP } from '../../os/top-level.ts';
import { LabError } from '../error.ts';
import type { Argv } from './process.ts';

/** Path of a compiled program: `web/main`, or `daemon/main` for one below appliance. LabError `not-built` when it is missing. */
function programPath(name: string): string {
  const path = join(TOP, 'dist', name.startsWith('web/') ? '' : 'appliance', `${name}.js`);
  if (!existsSync(path)) throw new LabError('not-built', `${path} is missing: run "npm run build".`);
  return path;
}

/** The flags of its unit (systemd/leakguardd.service): they bound the heap during a flood. */
const DAEMON_FLAGS = ['--max-semi-space-size=4', '--max-old-space-size=512'];

/**
 * The command line that runs a compiled program of dist with this Node: `web/main`, or `daemon/main` for one below appliance. The daemon
 * gets the flags of its unit. Throws LabError `not-built`.
 */
export function programArgv(name: string, ...args: readonly string[]): Argv {
  return [process.execPath, ...(name === 'daemon/main' ? DAEMON_FLAGS : []), programPath(name), ...args];
}
