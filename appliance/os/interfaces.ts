// Knows: what Linux says about the network interfaces of this machine, and which are worth listening on. Must not know: captures.
// Follows Documentation/ABI/testing/sysfs-class-net and include/uapi/linux/if_arp.h (types).

import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What a port is, as far as it matters to someone who wants to listen on it. */
type PortKind = 'ethernet' | 'wireless' | 'bridge' | 'virtual' | 'loopback' | 'not-ethernet';

export interface PortFacts {
  readonly name: string;
  readonly kind: PortKind;
  readonly up: boolean;
  /** Undefined when the kernel does not say: it does only for a port that is up. */
  readonly carrier: boolean | undefined;
  /** Mbit/s, where the driver knows it. */
  readonly speed: number | undefined;
  readonly address: string;
}

const ARPHRD_ETHER = 1;
const ARPHRD_LOOPBACK = 772;
const IFF_UP = 1;

/** Every interface, best candidate first. `folder` is /sys/class/net or a copy; what cannot be read is taken as absent. */
export function readPorts(folder = '/sys/class/net'): readonly PortFacts[] {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names
    .filter((name) => existsSync(join(folder, name, 'flags')))
    .map((name) => readPort(folder, name))
    .sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, 'en', { numeric: true }));
}

function readPort(folder: string, name: string): PortFacts {
  const say = (file: string): string | undefined => {
    try {
      return readFileSync(join(folder, name, file), 'utf8').trim();
    } catch {
      return undefined;
    }
  };
  const [carrier, speed] = [say('carrier'), Number(say('speed') ?? Number.NaN)];
  return {
    name,
    kind: kindOf(folder, name, Number(say('type') ?? Number.NaN)),
    up: (Number(say('flags') ?? 0) & IFF_UP) !== 0,
    carrier: carrier === undefined ? undefined : carrier === '1',
    speed: speed > 0 ? speed : undefined,
    address: say('address') ?? '',
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

/** Smaller is better: a named Ethernet port with carrier is what somebody most likely means. */
function rank(port: PortFacts): number {
  const asleep = port.up && port.carrier === true ? 0 : port.up ? 1 : 2;
  return KINDS.indexOf(port.kind) * 6 + asleep * 2 + (ETHERNET_NAME.test(port.name) ? 0 : 1);
}

/** Why a port is no place to listen on, in words; empty when nothing speaks against it. */
export function objections(port: PortFacts): readonly string[] {
  const words: string[] = [];
  if (port.kind === 'loopback') words.push('loopback: nothing on it leaves this machine');
  if (port.kind === 'not-ethernet') words.push('not Ethernet');
  if (port.kind === 'virtual') words.push('virtual: no cable behind it');
  if (port.kind === 'bridge') words.push('a bridge: listen on its ports');
  if (!port.up) words.push(`down: ip link set ${port.name} up`);
  else if (port.carrier === false) words.push('no carrier: nothing is plugged in, or the other end is off');
  return words;
}

/** The one port to take when nobody named one: the only Ethernet port with carrier; undefined when none or several are. */
export function obviousPort(ports: readonly PortFacts[]): PortFacts | undefined {
  const [first, second] = ports.filter((port) => port.kind === 'ethernet' && port.carrier === true);
  return second === undefined ? first : undefined;
}
