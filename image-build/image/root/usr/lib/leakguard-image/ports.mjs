// Knows: which network port is soldered to the board and which is plugged in. Must not know: which of them is lan.
// The firmware's device tree describes the board: what it names has `of_node` in sysfs (Documentation/ABI/stable/sysfs-devices),
// also where the board's port hangs on an inner USB hub (Pi 3). What is plugged into a socket has none.

import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} Ports
 * @property {readonly string[]} builtIn names of today
 * @property {readonly string[]} usb
 */

/**
 * @param {string} [sysfs] /sys or a copy
 * @returns {Ports} both sorted; Wi-Fi, bridges and what has no device are neither
 */
export function findPorts(sysfs = '/sys') {
  const folder = join(sysfs, 'class/net');
  const builtIn = [];
  const usb = [];
  for (const name of readdirSync(folder).sort()) {
    const device = join(folder, name, 'device');
    if (!existsSync(device) || ['wireless', 'phy80211'].some((path) => existsSync(join(folder, name, path))))
      continue;
    const place = realpathSync(device);
    // A USB adapter's port belongs to an interface of the device, and it is the device that the board knows.
    if ([place, join(place, '..')].some((path) => existsSync(join(path, 'of_node')))) builtIn.push(name);
    else if (/\/usb\d+\//.test(`${place}/`)) usb.push(name);
  }
  return { builtIn, usb };
}

/**
 * @param {Ports} ports
 * @param {'lan' | 'wan'} builtIn what the port on the board is to be
 * @returns {{ readonly lan: string, readonly wan: string } | undefined} undefined unless there is exactly one of each:
 *   with a third, nobody could say which of them is meant
 */
export function assign(ports, builtIn) {
  const [board, ...more] = ports.builtIn;
  const [adapter, ...others] = ports.usb;
  if (board === undefined || adapter === undefined || more.length + others.length > 0) return undefined;
  return builtIn === 'lan' ? { lan: board, wan: adapter } : { lan: adapter, wan: board };
}
