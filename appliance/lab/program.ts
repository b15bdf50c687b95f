// Knows: where the compiled programs of this project are. Must not know: what they do.
// The lab starts Node programs; from sources (tests) as well as from dist they are the compiled ones.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { LabError } from './error.ts';
import type { Argv } from './process.ts';

/** The project's top level: where package.json is. */
function topLevel(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json'))) {
    const above = dirname(folder);
    if (above === folder)
      throw new LabError(
        'not-built',
        `no package.json above ${import.meta.dirname}: is this an installation?`,
      );
    folder = above;
  }
  return folder;
}

export const TOP = topLevel();

/** The compiled program `web/main` or, below appliance, `lab/internet`; LabError `not-built` when it is not there. */
export function programPath(name: string): string {
  const path = join(TOP, 'dist', name.startsWith('web/') ? '' : 'appliance', `${name}.js`);
  if (!existsSync(path)) throw new LabError('not-built', `${path} is missing: run "npm run build".`);
  return path;
}

/** As its unit starts it (systemd/leakguardd.service): what is young in a flood must not grow. */
const DAEMON_FLAGS = ['--max-semi-space-size=4'];

export function programArgv(name: string, ...args: readonly string[]): Argv {
  return [process.execPath, ...(name === 'daemon/main' ? DAEMON_FLAGS : []), programPath(name), ...args];
}
