// The files that turn a machine into a Leakguard box, and their places: systemd.link(5), systemd.netdev(5), systemd.network(5),
// file-hierarchy(7). Their texts are in systemd/machine.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Policy } from '../../src/policy/policy.ts';
import { TOP } from '../os/top-level.ts';

/** A text file or a symbolic link (`content` is then its target). `path` is relative to the machine's root, without a leading slash. */
export type Wanted =
  | { readonly path: string; readonly kind: 'file'; readonly content: string }
  | { readonly path: string; readonly kind: 'link'; readonly content: string };

/** What set-up was told. `webPort`: TCP port of the page. */
export interface SetupFacts {
  /** Line for the section [Match] of lan's .link file (systemd.link(5)). */
  readonly lan: string;
  /** The same for wan. */
  readonly wan: string;
  readonly bridge: Policy['bridge'];
  readonly management: Policy['management']['address'];
  readonly webPort: number;
  readonly lamp: Policy['lamp']['driver'];
}

const UNITS = '/usr/lib/systemd/system';
const ETC = 'etc/systemd/system';
const DEFAULT_PORT = 80;
const DEFAULT_BRIDGE = 'br0';

/**
 * The text of a template of systemd/machine with each `@NAME@` replaced; values that it does not name are ignored. Throws Error when a
 * value is missing, rather than write a broken file, and file system errors.
 */
export function filled(template: string, values: Readonly<Record<string, string>>): string {
  const text = readFileSync(join(TOP, 'systemd/machine', template), 'utf8');
  return text.replace(/@([A-Z]+)@/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${template} requires ${name}`);
    return value;
  });
}

/** All files of a box, in the order in which they are written, without the policy, which belongs to the owner. Throws as `filled` does. */
export function wantedFiles(facts: SetupFacts): readonly Wanted[] {
  const { name, lan, wan } = facts.bridge;
  const names = { BRIDGE: name, LAN: lan, WAN: wan };
  const file = (path: string, template: string, values: Record<string, string> = {}): Wanted => ({
    path,
    kind: 'file',
    content: filled(template, { ...names, ...values }),
  });
  const enabled = (unit: string, by: string): Wanted => ({
    path: `${ETC}/${by}.wants/${unit}`,
    kind: 'link',
    content: `${UNITS}/${unit}`,
  });
  const needsSocket = name !== DEFAULT_BRIDGE || facts.webPort !== DEFAULT_PORT;
  return [
    file('etc/systemd/network/10-leakguard-lan.link', 'port.link', { NAME: lan, MATCH: facts.lan }),
    file('etc/systemd/network/10-leakguard-wan.link', 'port.link', { NAME: wan, MATCH: facts.wan }),
    file('etc/systemd/network/10-leakguard.netdev', 'bridge.netdev'),
    file('etc/systemd/network/10-leakguard-ports.network', 'port.network'),
    file('etc/systemd/network/10-leakguard-bridge.network', 'bridge.network', {
      ADDRESS: addressLine(facts.management),
    }),
    file(`${ETC}/systemd-networkd.service.d/10-leakguard.conf`, 'networkd.conf'),
    file('etc/NetworkManager/conf.d/10-leakguard.conf', 'networkmanager.conf'),
    file('etc/systemd/journald.conf.d/10-leakguard.conf', 'journald.conf'),
    file('etc/sysctl.d/60-leakguard.conf', 'sysctl.conf'),
    ...(facts.lamp === 'leds' ? [file('etc/modules-load.d/10-leakguard.conf', 'modules.conf')] : []),
    ...(needsSocket
      ? [
          file(`${ETC}/leakguard-web.socket.d/10-leakguard.conf`, 'web-socket.conf', {
            PORT: String(facts.webPort),
          }),
        ]
      : []),
    enabled('leakguard-closed.service', 'sysinit.target'),
    enabled('systemd-networkd.service', 'multi-user.target'),
    enabled('leakguard-light.service', 'multi-user.target'),
    enabled('leakguardd.service', 'multi-user.target'),
    enabled('leakguard-web.socket', `sys-subsystem-net-devices-${escaped(name)}.device`),
  ];
}

function addressLine(management: Policy['management']['address']): string {
  if (management === 'dhcp') return 'DHCP=ipv4';
  return management === 'none' ? 'DHCP=no' : `DHCP=no\nAddress=${management.static}`;
}

/** systemd.unit(5), string escaping for unit names. */
function escaped(name: string): string {
  return name.replaceAll('-', '\\x2d');
}
