// Finds a lab that runs on this machine.

import { existsSync, readdirSync } from 'node:fs';
import { LABS_DIR, planOf } from '../../lab/plan.ts';
import type { Plan } from '../../lab/plan.ts';

/** The files of the first lab, by name, whose daemon has a socket; undefined when there is none. */
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
