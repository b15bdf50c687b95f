// Tells the network port on the board from a USB adapter. Devices in the firmware's device tree, which describes the board, have `of_node`
// in sysfs (Documentation/ABI/stable/sysfs-devices), even if the board's port is connected to an internal USB hub (Pi 3). A device that is
// plugged in has none.

import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} Ports
 * @property {readonly string[]} builtIn current names
 * @property {readonly string[]} usb
 */

/**
 * The wired network ports of this machine. Throws file system errors when `sysfs` cannot be read.
 * @param {string} [sysfs] /sys or a copy
 * @returns {Ports} both sorted; without Wi-Fi, bridges and other interfaces that have no device
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
    // For a USB device, the port belongs to a USB interface; its parent, the device, has the of_node.
    if ([place, join(place, '..')].some((path) => existsSync(join(path, 'of_node')))) builtIn.push(name);
    else if (/\/usb\d+\//.test(`${place}/`)) usb.push(name);
  }
  return { builtIn, usb };
}

/**
 * Assigns the roles lan and wan.
 * @param {Ports} ports
 * @param {'lan' | 'wan'} builtIn the role of the port on the board
 * @returns {{ readonly lan: string, readonly wan: string } | undefined} undefined unless there is exactly one of each: with more, the choice
 *   would be ambiguous
 */
export function assign(ports, builtIn) {
  const [board, ...more] = ports.builtIn;
  const [adapter, ...others] = ports.usb;
  if (board === undefined || adapter === undefined || more.length + others.length > 0) return undefined;
  return builtIn === 'lan' ? { lan: board, wan: adapter } : { lan: adapter, wan: board };
}
