// Checks for other programs on this machine that touch frames, ports or rules.

import { FAMILY, TABLE } from '../../src/policy/compile/nft-model.ts';
import type { Check, Finding } from './finding.ts';
import { found, ok } from './finding.ts';

/** nftables families whose hooks see frames of a bridge. `ip` and `inet` do not while bridge-nf-call is off. */
const FRAME_FAMILIES = ['bridge', 'netdev'];

/** Other nftables tables that see frames of a bridge; other families do not matter. */
export const firewalls: Check = async ({ run }) => {
  const listed = await run('nft', 'list', 'tables');
  if (listed === undefined) return [found('unknown', 'firewalls', 'nft cannot be run', 'Run this as root.')];
  const others = [...listed.matchAll(/^table (\S+) (\S+)$/gm)]
    .map(([, family = '', name = '']) => ({ family, name }))
    .filter(({ family, name }) => family !== FAMILY || name !== TABLE);
  const touching = others.filter(({ family }) => FRAME_FAMILIES.includes(family));
  const list = (tables: readonly { family: string; name: string }[]): string =>
    tables.map(({ family, name }) => `${family} ${name}`).join(', ');
  if (touching.length > 0)
    return [
      found(
        'warning',
        'firewalls',
        `other rules also see the frames: ${list(touching)}`,
        'They can drop what Leakguard lets through, and redirect frames before it sees them. Find out which program made them.',
      ),
    ];
  return [ok('firewalls', others.length === 0 ? 'only ours' : `no other that sees frames (${list(others)})`)];
};

const MANAGERS = ['dhcpcd', 'connman', 'networking', 'firewalld', 'ufw', 'docker'];

/** Programs that manage the box's ports: NetworkManager and ifupdown by what they say of them, others by whether they run. */
export const managers: Check = async (subject) => {
  const { policy, run, readText } = subject;
  const own = [policy.bridge.lan, policy.bridge.wan, policy.bridge.name];
  const findings: Finding[] = [];
  const devices = await run('nmcli', '--terse', '--fields', 'DEVICE,STATE', 'device');
  for (const line of (devices ?? '').split('\n')) {
    const [device = '', state = ''] = line.split(':');
    if (!own.includes(device) || state === 'unmanaged') continue;
    findings.push(
      found(
        'fault',
        'NetworkManager',
        `it manages ${device} (${state})`,
        'Run leakguard setup, which excludes these ports; then: nmcli general reload conf.',
      ),
    );
  }
  const stanzas = (readText('/etc/network/interfaces') ?? '').split('\n');
  const claimed = own.filter((port) =>
    stanzas.some((line) => new RegExp(`^\\s*iface\\s+${escaped(port)}\\s`).test(line)),
  );
  if (claimed.length > 0)
    findings.push(
      found(
        'fault',
        'ifupdown',
        `/etc/network/interfaces configures ${claimed.join(', ')}`,
        'Remove these lines.',
      ),
    );
  for (const name of MANAGERS) {
    const output = await run('systemctl', 'show', '--property', 'ActiveState', `${name}.service`);
    if (!/^ActiveState=active$/m.test(output ?? '')) continue;
    // `networking` is ifupdown: without lines about our ports it changes nothing.
    if (name === 'networking' && claimed.length === 0) continue;
    findings.push(
      found(
        'warning',
        name,
        'it is running and may change ports or rules',
        `A box does not need it: systemctl disable --now ${name}`,
      ),
    );
  }
  return findings.length > 0 ? findings : [ok('managers', 'none that uses these ports')];
};

function escaped(name: string): string {
  return name.replace(/\./g, '\\$&');
}
