// The network interfaces of this machine (Documentation/ABI/testing/sysfs-class-net, include/uapi/linux/if_arp.h), and which of them are worth
// listening on.

import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';

/** The kind of an interface, for someone who wants to listen on it. */
type PortKind = 'ethernet' | 'wireless' | 'bridge' | 'virtual' | 'loopback' | 'not-ethernet';

/** One interface as sysfs shows it. */
export interface PortInfo {
  readonly name: string;
  readonly kind: PortKind;
  readonly up: boolean;
  /** Undefined when not known: the kernel reports it only for a port that is up. */
  readonly carrier: boolean | undefined;
  /** Mbit/s; undefined when the driver does not know it. */
  readonly speed: number | undefined;
  /** The MAC address, lower-case with colons; '' when there is none. */
  readonly address: string;
}

const ARPHRD_ETHER = 1;
const ARPHRD_LOOPBACK = 772;
const IFF_UP = 1;

/**
 * All interfaces of this network namespace, the best candidate for listening first. `folder` is /sys/class/net or a copy; what cannot be
 * read counts as absent, and a folder that is not there as empty.
 */
export function readPorts(folder = '/sys/class/net'): readonly PortInfo[] {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names
    .filter((name) => existsSync(join(folder, name, 'flags')))
    .map((name) => readPort(folder, name))
    .sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, 'en', { numeric: true }));
}

function readPort(folder: string, name: string): PortInfo {
  const read = (file: string): string | undefined => {
    try {
      return readFileSync(join(folder, name, file), 'utf8').trim();
    } catch {
      return undefined;
    }
  };
  const [carrier, speed] = [read('carrier'), Number(read('speed') ?? Number.NaN)];
  return {
    name,
    kind: kindOf(folder, name, Number(read('type') ?? Number.NaN)),
    up: (Number(read('flags') ?? 0) & IFF_UP) !== 0,
    carrier: carrier === undefined ? undefined : carrier === '1',
    speed: speed > 0 ? speed : undefined,
    address: read('address') ?? '',
  };
}

function kindOf(folder: string, name: string, type: number): PortKind {
  const has = (file: string): boolean => existsSync(join(folder, name, file));
  if (type === ARPHRD_LOOPBACK) return 'loopback';
  if (type !== ARPHRD_ETHER) return 'not-ethernet';
  if (has('bridge')) return 'bridge';
  if (has('wireless') || has('phy80211')) return 'wireless';
  return basename(join(realpathSync(join(folder, name)), '..', '..')) === 'virtual' ? 'virtual' : 'ethernet';
}

/** Names that people and systems give to Ethernet ports: eth0, enp1s0, eno1, end0, lan0, wan0. */
const ETHERNET_NAME = /^(?:eth|en[psodx]|lan|wan)\w*\d/;
const KINDS: readonly PortKind[] = ['ethernet', 'wireless', 'virtual', 'bridge', 'not-ethernet', 'loopback'];

/** Smaller is better: the most likely choice is an Ethernet port with a usual name and a carrier. */
function rank(port: PortInfo): number {
  const link = port.up && port.carrier === true ? 0 : port.up ? 1 : 2;
  return KINDS.indexOf(port.kind) * 6 + link * 2 + (ETHERNET_NAME.test(port.name) ? 0 : 1);
}

/**
 * Reasons not to listen on a port, as short texts without a full stop, those of its kind first; empty when there are none. By what
 * readPorts found: nothing is opened.
 */
export function objections(port: PortInfo): readonly string[] {
  const reasons: string[] = [];
  if (port.kind === 'loopback') reasons.push('loopback: nothing on it leaves this machine');
  if (port.kind === 'not-ethernet') reasons.push('not Ethernet');
  if (port.kind === 'virtual') reasons.push('virtual: there is no cable');
  if (port.kind === 'bridge') reasons.push('a bridge: listen on its ports');
  if (!port.up) reasons.push(`down: ip link set ${port.name} up`);
  else if (port.carrier === false) reasons.push('no carrier: nothing is plugged in, or the other end is off');
  return reasons;
}

/** The port to use when none was named: the only Ethernet port (cable, not wireless) with a carrier; undefined when there are none or several. */
export function obviousPort(ports: readonly PortInfo[]): PortInfo | undefined {
  const [first, second] = ports.filter((port) => port.kind === 'ethernet' && port.carrier === true);
  return second === undefined ? first : undefined;
}
