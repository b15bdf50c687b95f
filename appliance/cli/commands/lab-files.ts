// Knows: which labs run here, and where their daemons listen. Must not know: what is asked of them.

import { existsSync, readdirSync } from 'node:fs';
import { LABS_DIR, planOf } from '../../lab/plan.ts';
import type { Plan } from '../../lab/plan.ts';

/** Of the labs whose daemon can be reached, the first by name; undefined when there is none. */
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
