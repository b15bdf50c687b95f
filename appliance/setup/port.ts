// Identifies a network port permanently, independent of its current name: by its permanent MAC address, or by the path of the socket that it is
// in (systemd.link(5)).

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { SetupError } from './error.ts';

/** How a port is recognized at every boot. */
export interface PortMatch {
  /** A line for the section [Match] of a .link file. */
  readonly match: string;
  /** Its current name, when it was given by name. */
  readonly name?: string;
}

const MAC = /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/;
/** Documentation/ABI/testing/sysfs-class-net, addr_assign_type: the address is permanent. */
const NET_ADDR_PERM = '0';

/** The end of ID_PATH (systemd, udev-builtin-path_id) for USB: the socket ($1), followed by the USB configuration and interface. */
const USB_INTERFACE = /(usb-\d+:[\d.]+):\d+\.\d+$/;

/**
 * Both ports, so that they cannot be confused: cheap adapters may share one MAC address, and are then told apart by their sockets (ID_PATH,
 * systemd.link(5)). Arguments and errors as in `portMatch`; also throws SetupError `usage` when nothing tells the ports apart.
 */
export function portPair(lan: string, wan: string, root = '/'): readonly [PortMatch, PortMatch] {
  const byAddress = [portMatch(lan, root), portMatch(wan, root)] as const;
  if (byAddress[0].match !== byAddress[1].match) return byAddress;
  const bySocket = [socketOf(lan, root), socketOf(wan, root)] as const;
  const [lanSocket, wanSocket] = bySocket;
  if (lanSocket === undefined || wanSocket === undefined || lanSocket === wanSocket)
    throw new SetupError(
      'usage',
      `${lan} and ${wan} are the same port, or have the same MAC address and no path`,
      'Name two ports, or use path:PATH.',
    );
  return [
    { ...byAddress[0], match: lanSocket },
    { ...byAddress[1], match: wanSocket },
  ];
}

/**
 * Identifies the port given as `eth0`, `mac:02:00:00:00:00:0c` or `path:platform-fd580000.ethernet` (with `*` and `?`):
 * `PermanentMACAddress=` in lower case, or `Path=`. `root`: directory that holds sys/ and run/udev/. Throws SetupError `usage` for invalid
 * arguments, and for a port that could not be recognized after a restart.
 */
export function portMatch(port: string, root = '/'): PortMatch {
  const mac = /^mac:(.*)$/i.exec(port)?.[1]?.toLowerCase();
  if (mac !== undefined) {
    if (MAC.test(mac)) return { match: `PermanentMACAddress=${mac}` };
    throw new SetupError('usage', `${mac} is not a MAC address`, 'Write six bytes: mac:02:00:00:00:00:0c.');
  }
  const path = /^path:(.*)$/.exec(port)?.[1];
  if (path !== undefined) {
    if (/^[\w.:*?-]+$/.test(path)) return { match: `Path=${path}` };
    throw new SetupError(
      'usage',
      `"${path}" is not a device path`,
      'Use ID_PATH as shown by `udevadm info`.',
    );
  }
  if (!NAME.test(port))
    throw new SetupError('usage', `"${port}" is not an interface name`, 'Use a name shown by `ip link`.');
  return { ...byDevice(port, root), name: port };
}

function byDevice(name: string, root: string): PortMatch {
  const folder = join(root, 'sys/class/net', name);
  const address = read(join(folder, 'address'));
  if (address === undefined) {
    const remedy = 'See `ip link`; for another machine use mac:ADDRESS or path:PATH.';
    throw new SetupError('usage', `there is no interface ${name} here`, remedy);
  }
  if (read(join(folder, 'addr_assign_type')) === NET_ADDR_PERM && MAC.test(address))
    return { match: `PermanentMACAddress=${address}` };
  const match = socketOf(name, root);
  if (match !== undefined) return { match };
  throw new SetupError(
    'usage',
    `${name} has no permanent MAC address and no path: it could not be recognized after a restart`,
    'Use mac:ADDRESS or path:PATH.',
  );
}

/** A line for [Match] with the socket of a present port, whichever driver handles the device in it; undefined when it has none. */
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
