// Knows: whether a time service keeps this machine's clock: then nobody else sets it. Must not know: what time it is.
// Follows systemd-timesyncd.service(8), /run/systemd/timesync/synchronized, and the control groups that systemd makes for what runs.

import { existsSync } from 'node:fs';
import { join } from 'node:path';

const SYNCHRONISED = 'run/systemd/timesync/synchronized';
/** Those that are there keep the clock; systemd-timesyncd runs also where it reaches nobody. */
const SERVICES = ['chrony', 'chronyd', 'ntp', 'ntpd', 'ntpsec', 'openntpd'] as const;

/** The service that keeps the clock; undefined when none does. `root` holds /run and /sys. */
export function timeService(root = '/'): string | undefined {
  if (existsSync(join(root, SYNCHRONISED))) return 'systemd-timesyncd';
  return SERVICES.find((name) => existsSync(join(root, `sys/fs/cgroup/system.slice/${name}.service`)));
}
