// What the package's owner expects of dpkg: an upgrade keeps the configuration, a removal gives the old network back, a purge leaves
// nothing. A stock machine with systemd is the judge.

import { afterAll, beforeAll, expect, it } from 'vitest';

import { packagePath, parcelOf, POLICY, UNPACK, setUp, watching } from './box-disk.ts';
import { powerOn, say, stockLayer } from './disks.ts';
import { PORTS } from './virtual-machine.ts';
import { Wire } from './wire.ts';

let wire: Wire;
beforeAll(async () => {
  wire = await Wire.lay();
});
afterAll(() => wire.take());

/** Everything of the network that its owner configured or can see. */
const NETWORK = [
  `ip -o link | grep -o '^[0-9]*: [^:]*' | cut -d' ' -f2 | sort`,
  'for f in /etc/systemd/network/* /etc/sysctl.d/*; do echo "$f"; cat "$f"; done',
  'ls -R /etc/systemd/system',
  'sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding',
  'nft list tables',
].join('; ');
const SETTLED = '! systemctl list-jobs --no-legend | grep -q .';

it('install, set up, upgrade, remove, purge', async () => {
  const layer = await stockLayer('package');
  const parcel = await parcelOf(`${layer.path}.tar`, { 'leakguard.deb': packagePath() });
  let machine = await powerOn(wire, layer, parcel);
  const next = async (name: string): Promise<void> => {
    await machine.settle();
    machine = await powerOn(wire, { ...layer, name: `package-${name}` });
    await machine.up();
  };
  try {
    await machine.up();
    await machine.must(UNPACK);
    await machine.until(SETTLED);
    const stock = await machine.must(NETWORK);
    await machine.must('dpkg --install /root/parcel/leakguard.deb');
    say('installed');
    expect(await machine.must(NETWORK)).toBe(stock);
    await setUp(machine);
    await next('box');
    await watching(machine);
    expect(await machine.must('ls /sys/class/net/br0/brif')).toBe('lan0\nwan0');
    say('a box; upgrading it');
    // The same files under a later version: what dpkg does with an upgrade does not depend on them.
    await machine.must(
      'cd /root && dpkg-deb --raw-extract parcel/leakguard.deb new && sed -i "s/^Version: .*/&.1/" new/DEBIAN/control && dpkg-deb --build -Znone new new.deb',
    );
    await machine.must('echo "# mine" >>/etc/leakguard/policy.yaml; dpkg --install /root/new.deb', 600_000);
    await watching(machine);
    expect(await machine.must('cat /etc/leakguard/policy.yaml')).toBe(`${POLICY}# mine`);
    expect(await machine.must('dpkg-query -W -f "\\${Version}" leakguard')).toMatch(/\.1$/);
    say('removing it');
    await machine.must('dpkg --remove leakguard', 600_000);
    expect(await machine.must('cat /etc/leakguard/policy.yaml')).toContain('# mine');
    expect((await machine.sh('ip link show br0')).output).toContain('does not exist');
    await next('removed');
    await machine.until(SETTLED);
    expect(await machine.must(NETWORK)).toBe(stock);
    expect(await machine.must(`cat /sys/class/net/${PORTS.lan.guest}/address`)).toBe(PORTS.lan.mac);
    say('purging it');
    await machine.must('dpkg --purge leakguard');
    const left =
      'ls -d /etc/leakguard /var/lib/leakguard* /run/leakguard* /usr/lib/leakguard /etc/systemd/*/*leakguard* 2>/dev/null; getent passwd leakguard-web; getent group leakguard; true';
    expect(await machine.must(left)).toBe('');
  } finally {
    await machine.cutPower();
  }
});
