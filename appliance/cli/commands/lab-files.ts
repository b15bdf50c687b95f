// Finds a lab that runs on this machine.

import { existsSync, readdirSync } from 'node:fs';
import { LABS_DIR, planOf } from '../../lab/plan.ts';
import type { Plan } from '../../lab/plan.ts';

/**
 * The files of the first lab (by its id) whose daemon has a socket, as absolute paths; undefined when there is none. The daemon may be gone
 * all the same. Never throws.
 */
export function runningLab(): Plan['files'] | undefined {
  try {
    return readdirSync(LABS_DIR)
      .filter((name) => /^[a-z0-9]{1,8}$/.test(name))
      .sort()
      .map((id) => planOf(id).files)
      .find(({ api }) => existsSync(api));
  } catch {
    return undefined;
  }
}
