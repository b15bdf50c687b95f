// Knows: how one boot of the machine is told from another (proc_sys_kernel(5), random/boot_id). Must not know: what is kept for it.

import { readFileSync } from 'node:fs';

/** The same for every process until the machine starts again. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}
