// Knows: that a process of jobs lets the daemon go first. Must not know: any job.

import { constants, setPriority } from 'node:os';

/** LED, rules and other answers come first where there are fewer processors than work. */
export function standBack(): void {
  try {
    setPriority(constants.priority.PRIORITY_LOW);
  } catch {
    // A sandbox that forbids it costs fairness, not work.
    return;
  }
}
