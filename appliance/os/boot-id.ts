// The id of the current boot (proc_sys_kernel(5), random/boot_id).

import { readFileSync } from 'node:fs';

/** A UUID in lower-case text, the same for all processes until the machine reboots (random(4), boot_id). Throws file system errors. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}
