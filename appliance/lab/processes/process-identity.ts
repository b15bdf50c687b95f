// Knows: how to tell one process from a later one with the same number. Must not know: whose processes.
// Follows proc(5): the start time, field 22 of /proc/PID/stat, in clock ticks since boot.

import { readFile } from 'node:fs/promises';

export interface ProcessIdentity {
  readonly pid: number;
  readonly started: string;
}

/** The process that has this number now; undefined when none has. */
export async function identityOf(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name in parentheses may itself hold spaces and parentheses: count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, started] = [fields[0], fields[19]];
  return started === undefined || state === 'Z' ? undefined : { pid, started };
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identityOf(identity.pid))?.started === identity.started;
}
