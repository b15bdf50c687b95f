// Knows: how a network port is told from others for good, whatever name it has today. Must not know: what it is for.
// Follows systemd.link(5): a permanent MAC address, or the path of the socket it is in.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { SetupError } from './error.ts';

export interface PortMatch {
  /** A line for [Match] of a .link file. */
  readonly match: string;
  /** The name it has now, when it was named. */
  readonly name?: string;
}

const MAC = /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/;
/** Documentation/ABI/testing/sysfs-class-net: the address is the device's own. */
const NET_ADDR_PERM = '0';

/** Of ID_PATH (systemd, udev-builtin-path_id): the socket of a USB device, and the interface that its driver took. */
const USB_INTERFACE = /(usb-\d+:[\d.]+):\d+\.\d+$/;

/**
 * Both ports, each told from the other: cheap adapters share one address, and then the sockets they are in tell them apart.
 * Words and errors as of `portMatch`; throws SetupError, too, when nothing tells them apart.
 */
export function portPair(lan: string, wan: string, root = '/'): readonly [PortMatch, PortMatch] {
  const byAddress = [portMatch(lan, root), portMatch(wan, root)] as const;
  if (byAddress[0].match !== byAddress[1].match) return byAddress;
  const bySocket = [socketOf(lan, root), socketOf(wan, root)] as const;
  const [inner, outer] = bySocket;
  if (inner === undefined || outer === undefined || inner === outer)
    throw new SetupError(
      'usage',
      `${lan} and ${wan} are the same port, or have the same address and no path`,
      'Name two ports, or say path:PATH.',
    );
  return [
    { ...byAddress[0], match: inner },
    { ...byAddress[1], match: outer },
  ];
}

/**
 * `eth0`, `mac:02:00:00:00:00:0c` or `path:platform-fd580000.ethernet` (with `*` and `?`). `root` holds /sys and /run/udev;
 * throws SetupError for what is no port, and for a port that cannot be told from others after a restart.
 */
export function portMatch(word: string, root = '/'): PortMatch {
  const mac = /^mac:(.*)$/i.exec(word)?.[1]?.toLowerCase();
  if (mac !== undefined) {
    if (MAC.test(mac)) return { match: `PermanentMACAddress=${mac}` };
    throw new SetupError('usage', `${mac} is no MAC address`, 'Write six bytes: mac:02:00:00:00:00:0c.');
  }
  const path = /^path:(.*)$/.exec(word)?.[1];
  if (path !== undefined) {
    if (/^[\w.:*?-]+$/.test(path)) return { match: `Path=${path}` };
    throw new SetupError('usage', `"${path}" is no path of a device`, 'As `udevadm info` shows ID_PATH.');
  }
  if (!NAME.test(word))
    throw new SetupError('usage', `"${word}" is no interface`, 'Name it as `ip link` does.');
  return { ...byDevice(word, root), name: word };
}

function byDevice(name: string, root: string): PortMatch {
  const folder = join(root, 'sys/class/net', name);
  const address = read(join(folder, 'address'));
  if (address === undefined) {
    const remedy = 'See `ip link`; for another machine say mac:ADDRESS or path:PATH.';
    throw new SetupError('usage', `there is no interface ${name} here`, remedy);
  }
  if (read(join(folder, 'addr_assign_type')) === NET_ADDR_PERM && MAC.test(address))
    return { match: `PermanentMACAddress=${address}` };
  const match = socketOf(name, root);
  if (match !== undefined) return { match };
  throw new SetupError(
    'usage',
    `${name} has no address of its own and no path: after a restart it could not be told from others`,
    'Say mac:ADDRESS or path:PATH.',
  );
}

/** A line for [Match] that names the socket a port of today is in, whichever driver takes what is plugged into it. */
function socketOf(name: string, root: string): string | undefined {
  if (!NAME.test(name)) return undefined;
  const index = read(join(root, 'sys/class/net', name, 'ifindex')) ?? '';
  const data = read(join(root, 'run/udev/data', `n${index}`)) ?? '';
  const path = /^E:ID_PATH=(.+)$/m.exec(data)?.[1];
  return path === undefined ? undefined : `Path=${path.replace(USB_INTERFACE, '$1:*')}`;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
