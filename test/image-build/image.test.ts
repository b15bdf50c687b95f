// What the image of the card must hold, and what its first start may decide.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { imageTable, rootSize } from '../../image-build/image/disk.mjs';
import { MASKED, STARTED, userIn } from '../../image-build/image/furnish.mjs';
import { cardOrder } from '../../image-build/image/packages.mjs';
import { script, shareOut } from '../../image-build/image/root/usr/lib/leakguard-image/layout.mjs';
import { noteText } from '../../image-build/image/root/usr/lib/leakguard-image/note-text.mjs';
import { DEFAULTS, readOptions } from '../../image-build/image/root/usr/lib/leakguard-image/options.mjs';
import { assign, findPorts } from '../../image-build/image/root/usr/lib/leakguard-image/ports.mjs';
import { installedIn, spdx } from '../../image-build/image/sbom.mjs';
import { ROOT } from '../architecture/tree.ts';

const IMAGE = join(ROOT, 'image-build/image');
const CARD = join(IMAGE, 'root');
const text = (...path: string[]) => readFileSync(join(CARD, ...path), 'utf8');
const directives = (unit: string) => unit.split('\n').filter((line) => /^\w+=/.test(line));

describe('a card that starts', () => {
  it('has no network manager without rules: it requires them, and comes after them', () => {
    const dropIn = text('etc/systemd/system/systemd-networkd.service.d/10-leakguard-image.conf');
    expect(directives(dropIn)).toEqual([
      'Requires=leakguard-closed.service',
      'After=leakguard-closed.service',
    ]);
    expect(STARTED['leakguard-closed.service']).toBe('sysinit.target');
    // A rescue shell that is started instead does not keep others from starting.
    expect(readFileSync(join(ROOT, 'systemd/leakguard-closed.service'), 'utf8')).not.toContain('emergency');
  });

  it('starts only units that are there, and every unit of its own is started or asked for', () => {
    const own = new Set([
      ...readdirSync(join(CARD, 'usr/lib/systemd/system')),
      ...readdirSync(join(ROOT, 'systemd')),
      'ssh.service',
    ]);
    for (const unit of Object.keys(STARTED)) expect(own).toContain(unit);
    const asked = `${text('etc/fstab')} leakguard-clock-keep.service`;
    for (const unit of readdirSync(join(CARD, 'usr/lib/systemd/system')))
      expect(unit in STARTED || asked.includes(unit), unit).toBe(true);
  });

  it('writes to state alone, keeps its log in memory, has no swap, and asks nobody for the time', () => {
    const mounts = text('etc/fstab')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(/\s+/));
    const writable = mounts.filter(
      ([, , type = '', options = '']) =>
        type !== 'tmpfs' && type !== 'none' && !options.split(',').includes('ro'),
    );
    expect(writable.map(([device, where]) => [device, where])).toEqual([['LABEL=state', '/state']]);
    expect(mounts.some(([, , type]) => type === 'swap')).toBe(false);
    expect(directives(text('etc/systemd/journald.conf.d/20-leakguard-image.conf'))).toContain(
      'Storage=volatile',
    );
    const { packages } = cardOrder([]);
    for (const name of ['systemd-timesyncd', 'chrony', 'ntpsec', 'wpasupplicant'])
      expect(packages).not.toContain(name);
  });

  it('keeps a time that its owner has set', () => {
    const dropIn = text('etc/systemd/system/leakguard-set-clock.service.d/10-image.conf');
    expect(directives(dropIn)).toEqual([
      'ExecStartPost=/usr/lib/leakguard-image/clock keep',
      'ReadWritePaths=/state/box',
    ]);
    expect(text('usr/lib/leakguard-image/clock')).toContain('kept=/state/box/clock\n');
  });

  it('lets nobody in by ssh unless a key lies on the boot partition', () => {
    expect(MASKED).toContain('ssh.socket');
    expect(text('etc/systemd/system/ssh.service.d/10-image.conf')).toContain(
      'ConditionPathExists=/boot/firmware/authorized_keys',
    );
    const settings = text('etc/ssh/sshd_config.d/10-leakguard.conf');
    expect(settings).toMatch(/^PasswordAuthentication no$/m);
    expect(settings).toMatch(/^AuthorizedKeysFile \/boot\/firmware\/authorized_keys$/m);
  });

  it('is red before any program runs', () => {
    expect(readFileSync(join(IMAGE, 'boot/config.txt'), 'utf8')).toMatch(/^gpio=17=op,dh$/m);
    expect(text('usr/lib/leakguard-image/first-policy.yaml')).toContain('red: 17');
  });
});

describe('leakguard.txt', () => {
  it('as it is shipped says what is meant without it', () => {
    const shipped = readFileSync(join(IMAGE, 'boot/leakguard.txt'), 'utf8').replaceAll('\n', '\r\n');
    expect(readOptions(shipped)).toEqual({ options: DEFAULTS, faults: [] });
    expect(readOptions('')).toEqual({ options: DEFAULTS, faults: [] });
  });

  it('is read whatever editor wrote it', () => {
    const { options, faults } = readOptions(
      '\uFEFFBuilt-In = WAN # board\r\naddress=192.0.2.9/24\r\n\r\nlamp = none',
    );
    expect(faults).toEqual([]);
    expect(options).toEqual({ ...DEFAULTS, builtIn: 'wan', address: '192.0.2.9/24', lamp: 'none' });
  });

  it.each([
    ['built-in = both', 'line 1: built-in must be lan or wan, not "both"'],
    ['\nadress = dhcp', 'line 2: "adress = dhcp" is not one of built-in, address, lamp, privacy'],
    ['privacy', 'line 1: "privacy" is not one of built-in, address, lamp, privacy'],
    [
      'address = 192.0.2.9',
      'line 1: address must be dhcp, none, or an address such as 192.0.2.9/24, not "192.0.2.9"',
    ],
    ['constructor = lan', 'line 1: "constructor = lan" is not one of built-in, address, lamp, privacy'],
  ])('refuses %j', (given, fault) => {
    expect(readOptions(given).faults).toEqual([fault]);
  });
});

describe('the two ports', () => {
  let sysfs = '';
  beforeEach(() => {
    sysfs = mkdtempSync(join(tmpdir(), 'leakguard-sysfs-'));
    mkdirSync(join(sysfs, 'class/net/lo'), { recursive: true });
  });
  afterEach(() => rmSync(sysfs, { recursive: true, force: true }));

  /** A port as sysfs shows it; `described`: the folder that the device tree names. */
  function port(name: string, place: string, described?: string, more: readonly string[] = []): void {
    const device = join(sysfs, 'devices', place);
    mkdirSync(device, { recursive: true });
    if (described !== undefined) mkdirSync(join(sysfs, 'devices', described, 'of_node'), { recursive: true });
    const folder = join(sysfs, 'class/net', name);
    for (const path of ['.', ...more]) mkdirSync(join(folder, path), { recursive: true });
    mkdirSync(dirname(join(folder, 'device')), { recursive: true });
    symlinkSync(device, join(folder, 'device'));
  }

  it('of a Pi 4: one of the board, one on its USB controller', () => {
    port('eth0', 'platform/scb/fd580000.ethernet', 'platform/scb/fd580000.ethernet');
    port('eth1', 'platform/scb/fd500000.pcie/pci0000:00/usb2/2-1/2-1:1.0');
    port('wlan0', 'platform/soc/fe300000.mmcnr/mmc1:0001:1', 'platform/soc/fe300000.mmcnr/mmc1:0001:1', [
      'phy80211',
    ]);
    const found = findPorts(sysfs);
    expect(found).toEqual({ builtIn: ['eth0'], usb: ['eth1'] });
    expect(assign(found, 'lan')).toEqual({ lan: 'eth0', wan: 'eth1' });
    expect(assign(found, 'wan')).toEqual({ lan: 'eth1', wan: 'eth0' });
  });

  it('of a Pi 3: both hang on USB, and the board knows its own', () => {
    const hub = 'platform/soc/3f980000.usb/usb1/1-1';
    port('eth1', `${hub}/1-1.1/1-1.1:1.0`, `${hub}/1-1.1`);
    port('eth0', `${hub}/1-1.4/1-1.4:1.0`);
    expect(findPorts(sysfs)).toEqual({ builtIn: ['eth1'], usb: ['eth0'] });
  });

  it('are not guessed: none, one, or a third', () => {
    expect(assign(findPorts(sysfs), 'lan')).toBeUndefined();
    expect(assign({ builtIn: ['eth0'], usb: [] }, 'lan')).toBeUndefined();
    expect(assign({ builtIn: ['eth0'], usb: ['eth1', 'eth2'] }, 'lan')).toBeUndefined();
  });
});

describe('the card', () => {
  const GIB = 2 * 1024 * 1024;
  const [boot, root] = imageTable(600_000_000);

  it('is shared out at the first start: the root grows, state is the rest, and both end on the card', () => {
    for (const [card, rootMost] of [
      [32 * GIB, 2 * GIB],
      [2 * GIB, 2 * GIB],
    ] as const) {
      const table = shareOut([boot, root], card + 1000);
      expect(table).toHaveLength(3);
      const [first, second, third] = table ?? [];
      expect(first).toEqual(boot);
      expect(second?.start).toBe(root.start);
      expect(second?.size).toBeGreaterThanOrEqual(root.size);
      expect(second?.size).toBeLessThanOrEqual(rootMost);
      expect(third?.start).toBe(root.start + (second?.size ?? 0));
      expect((third?.start ?? 0) + (third?.size ?? 0)).toBe(card);
      for (const each of table ?? []) expect([each.start % 2048, each.size % 2048]).toEqual([0, 0]);
    }
  });

  it('without room for a history, or with another table, is left as it is', () => {
    expect(shareOut([boot, root], root.start + root.size + 63 * 2048)).toBeUndefined();
    expect(shareOut([boot, root, { start: 1, size: 1, type: '83' }], 32 * GIB)).toBeUndefined();
    expect(shareOut([boot], 32 * GIB)).toBeUndefined();
  });

  it('is written as sfdisk reads it', () => {
    expect(script([boot, root], '0x1ea4b0a4').split('\n')).toEqual([
      ...['label: dos', 'label-id: 0x1ea4b0a4', 'unit: sectors', ''],
      `start=8192, size=${boot.size}, type=c, bootable`,
      `start=${root.start}, size=${root.size}, type=83`,
      '',
    ]);
    expect(root.size * 512).toBeGreaterThanOrEqual(600_000_000);
    expect(rootSize(500_000_000)).toBeGreaterThan(530_000_000);
  });
});

describe('what is told of the card', () => {
  it('the owner: where the page is, and the code until somebody has used it', () => {
    const first = noteText(['192.0.2.9'], 'ABCDE-FGHJK');
    expect(first).toContain('http://192.0.2.9/');
    expect(first).toContain('ABCDE-FGHJK');
    expect(noteText([], 'ABCDE-FGHJK')).toMatch(
      /http:\/\/169\.254\.77\.1\/\nThe network has not given the box an address/,
    );
    expect(noteText(['192.0.2.9'], undefined)).not.toMatch(/code: /);
  });

  it('everybody: each installed package, as SPDX has it', () => {
    const status = [
      'Package: nftables\nStatus: install ok installed\nArchitecture: arm64\nVersion: 1.1.3-1',
      'Package: gone\nStatus: deinstall ok config-files\nArchitecture: arm64\nVersion: 1',
      'Package: libc6\nStatus: install ok installed\nArchitecture: arm64\nVersion: 1:2.41+x',
    ].join('\n\n');
    const debs = installedIn(status);
    expect(debs.map(({ name }) => name)).toEqual(['nftables', 'libc6']);
    const npm = { type: 'npm', name: '@koa/router', version: '15.7.0', architecture: '' } as const;
    const { packages, creationInfo } = JSON.parse(spdx('card', new Date(0), [...debs, npm])) as {
      packages: { SPDXID: string; externalRefs: { referenceLocator: string }[] }[];
      creationInfo: { created: string };
    };
    expect(creationInfo.created).toBe('1970-01-01T00:00:00Z');
    expect(packages.map((each) => each.externalRefs[0]?.referenceLocator)).toEqual([
      'pkg:deb/debian/nftables@1.1.3-1?arch=arm64',
      'pkg:deb/debian/libc6@1%3A2.41%2Bx?arch=arm64',
      'pkg:npm/%40koa/router@15.7.0',
    ]);
    for (const { SPDXID } of packages) expect(SPDXID).toMatch(/^SPDXRef-[\w.-]+$/);
  });

  it('the state partition: whose its folders are', () => {
    const passwd = 'root:x:0:0:root:/root:/bin/sh\nleakguard-web:x:997:996::/:/usr/sbin/nologin\n';
    expect(userIn(passwd, 'leakguard-web')).toEqual({ uid: 997, gid: 996 });
    expect(() => userIn(passwd, 'leakguard')).toThrow('no user leakguard');
  });
});
