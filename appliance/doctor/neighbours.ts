// Knows: what else on this machine may touch frames, ports or rules. Must not know: our own rules beyond their table's name.

import { FAMILY, TABLE } from '../../src/policy/compile/nft-model.ts';
import type { Check, Finding } from './finding.ts';
import { found, ok } from './finding.ts';

/** Families whose hooks see frames of a bridge. `ip` and `inet` do not while bridge-nf-call is off. */
const TOUCHING = ['bridge', 'netdev'];

export const firewalls: Check = async ({ run }) => {
  const listed = await run('nft', 'list', 'tables');
  if (listed === undefined) return [found('unknown', 'firewalls', 'nft cannot be run', 'Run this as root.')];
  const others = [...listed.matchAll(/^table (\S+) (\S+)$/gm)]
    .map(([, family = '', name = '']) => ({ family, name }))
    .filter(({ family, name }) => family !== FAMILY || name !== TABLE);
  const touching = others.filter(({ family }) => TOUCHING.includes(family));
  const words = (tables: readonly { family: string; name: string }[]): string =>
    tables.map(({ family, name }) => `${family} ${name}`).join(', ');
  if (touching.length > 0)
    return [
      found(
        'warning',
        'firewalls',
        `other rules see the frames too: ${words(touching)}`,
        'They can drop what Leakguard lets through, and redirect before it looks. Whose are they?',
      ),
    ];
  return [
    ok('firewalls', others.length === 0 ? 'none but ours' : `none that sees frames (${words(others)})`),
  ];
};

const MANAGERS = ['dhcpcd', 'connman', 'networking', 'firewalld', 'ufw', 'docker'];

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
        'leakguard setup tells it to keep off; then: nmcli general reload conf.',
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
        'Take these lines out.',
      ),
    );
  for (const name of MANAGERS) {
    const said = await run('systemctl', 'show', '--property', 'ActiveState', `${name}.service`);
    if (!/^ActiveState=active$/m.test(said ?? '')) continue;
    // It ends after the start when it has nothing to do, and is then no rival.
    if (name === 'networking' && claimed.length === 0) continue;
    findings.push(
      found(
        'warning',
        name,
        'it runs, and changes ports or rules',
        `A box needs it not: systemctl disable --now ${name}`,
      ),
    );
  }
  return findings.length > 0 ? findings : [ok('managers', 'none that touches these ports')];
};

function escaped(name: string): string {
  return name.replace(/\./g, '\\$&');
}
