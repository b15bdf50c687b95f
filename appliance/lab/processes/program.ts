// Knows: where the compiled programs of this project are. Must not know: what they do.
// The lab starts Node programs; from sources (tests) as well as from dist they are the compiled ones.

import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { TOP } from '../../os/top-level.ts';
import { LabError } from '../error.ts';
import type { Argv } from './process.ts';

/** The compiled program `web/main` or, below appliance, `daemon/main`; LabError `not-built` when it is not there. */
function programPath(name: string): string {
  const path = join(TOP, 'dist', name.startsWith('web/') ? '' : 'appliance', `${name}.js`);
  if (!existsSync(path)) throw new LabError('not-built', `${path} is missing: run "npm run build".`);
  return path;
}

/** As its unit starts it (systemd/leakguardd.service): what is young in a flood must not grow. */
const DAEMON_FLAGS = ['--max-semi-space-size=4', '--max-old-space-size=512'];

export function programArgv(name: string, ...args: readonly string[]): Argv {
  return [process.execPath, ...(name === 'daemon/main' ? DAEMON_FLAGS : []), programPath(name), ...args];
}
