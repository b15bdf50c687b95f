// Identifies a process by its number and start time, so that a later process with the same number is not mistaken for it.
// The start time is field 22 of /proc/PID/stat (proc(5)), in clock ticks since boot.

import { readFile } from 'node:fs/promises';

/** A process by its number and its start time: clock ticks since boot, as text. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly started: string;
}

/** The identity of the process that has this number now (proc_pid_stat(5)); undefined when there is none, or only a zombie. Never rejects. */
export async function identityOf(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The process name in parentheses may contain spaces and parentheses: count the fields from the last parenthesis.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, started] = [fields[0], fields[19]];
  return started === undefined || state === 'Z' ? undefined : { pid, started };
}

/** Whether this process, and not a later one with its number, is running; a zombie is not. Never rejects. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identityOf(identity.pid))?.started === identity.started;
}
