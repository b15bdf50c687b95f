// Finds the time service that sets this machine's clock, if any: then the box does not set it. Follows systemd-timesyncd.service(8),
// /run/systemd/timesync/synchronized, and the control groups that systemd creates for running services.

import { existsSync } from 'node:fs';
import { join } from 'node:path';

const SYNCHRONISED = 'run/systemd/timesync/synchronized';
/** Any of these sets the clock when it is running. Not systemd-timesyncd, which also runs where it reaches no server. */
const SERVICES = ['chrony', 'chronyd', 'ntp', 'ntpd', 'ntpsec', 'openntpd'] as const;

/**
 * Name of the service that sets the clock, without `.service`; undefined when there is none. `root`: directory that holds run/ and sys/.
 * What cannot be read counts as absent; never throws.
 */
export function timeService(root = '/'): string | undefined {
  if (existsSync(join(root, SYNCHRONISED))) return 'systemd-timesyncd';
  return SERVICES.find((name) => existsSync(join(root, `sys/fs/cgroup/system.slice/${name}.service`)));
}
