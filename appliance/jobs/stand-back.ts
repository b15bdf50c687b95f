// The priority of job processes.

import { constants, setPriority } from 'node:os';

/**
 * Lowers this process's priority (setpriority(2)), so that LED, rules and the daemon's other answers come first on a busy machine. Where
 * that is forbidden nothing happens; never throws.
 */
export function lowerPriority(): void {
  try {
    setPriority(constants.priority.PRIORITY_LOW);
  } catch {
    // A sandbox may forbid it; the job works all the same.
    return;
  }
}
