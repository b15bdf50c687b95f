// Knows: which files make a machine a Leakguard box, and where they go. Must not know: whether they are there already.
// Follows systemd.link(5), systemd.netdev(5), systemd.network(5), file-hierarchy(7). The texts are in systemd/machine.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Policy } from '../../src/policy/policy.ts';
import { TOP } from '../os/top-level.ts';

/** A file of text, or a symbolic link. */
export type Wanted =
  | { readonly path: string; readonly kind: 'file'; readonly content: string }
  | { readonly path: string; readonly kind: 'link'; readonly content: string };

export interface SetupFacts {
  /** Lines of [Match] for the two ports. */
  readonly lan: string;
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

/** A text of systemd/machine with `@NAME@` filled in; throws when one is missing, for a file half filled would be believed. */
export function filled(template: string, values: Readonly<Record<string, string>>): string {
  const text = readFileSync(join(TOP, 'systemd/machine', template), 'utf8');
  return text.replace(/@([A-Z]+)@/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${template} asks for ${name}`);
    return value;
  });
}

/** Paths are from the root of the machine, without a slash in front; the policy is not among them: it is the owner's. */
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
  const elsewhere = name !== DEFAULT_BRIDGE || facts.webPort !== DEFAULT_PORT;
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
    ...(elsewhere
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
