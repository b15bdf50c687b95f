// What the units must say so that the box fails closed and can do little else.

import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { INCOMING } from '../../appliance/update/inbox.ts';
import { UPDATE_PLACES } from '../../appliance/update/places.ts';
import { ROOT } from '../architecture/tree.ts';

const UNITS = join(ROOT, 'systemd');
const run = promisify(execFile);

/** Section → key → its values in order. Comments are left out. */
function parsed(name: string): Map<string, Map<string, string[]>> {
  const sections = new Map<string, Map<string, string[]>>();
  let section = new Map<string, string[]>();
  for (const line of readFileSync(join(UNITS, name), 'utf8').split('\n')) {
    const title = /^\[(\w+)\]$/.exec(line)?.[1];
    if (title !== undefined) {
      section = new Map<string, string[]>();
      sections.set(title, section);
    }
    const [, key, value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (key !== undefined) section.set(key, [...(section.get(key) ?? []), value]);
  }
  return sections;
}

const words = (unit: string, section: string, key: string): string[] =>
  (parsed(unit).get(section)?.get(key) ?? []).flatMap((value) => value.split(' '));

describe('the box fails closed', () => {
  it('because rules are loaded before any network', () => {
    expect(words('leakguard-closed.service', 'Unit', 'Before')).toEqual(
      expect.arrayContaining(['network-pre.target', 'systemd-networkd.service', 'NetworkManager.service']),
    );
    expect(words('leakguard-closed.service', 'Unit', 'DefaultDependencies')).toEqual(['no']);
    expect(words('leakguard-closed.service', 'Service', 'Type')).toEqual(['oneshot']);
    // They are never taken away again, and nothing else happens when they cannot be loaded.
    expect(words('leakguard-closed.service', 'Service', 'ExecStop')).toEqual([]);
    expect(words('leakguard-closed.service', 'Unit', 'OnFailure')).toEqual(['leakguard-lamp-red.service']);
  });

  it.each([['leakguardd.service'], ['machine/networkd.conf']])(
    'because without rules there is no %s: required and waited for',
    (unit) => {
      expect(words(unit, 'Unit', 'Requires')).toContain('leakguard-closed.service');
      expect(words(unit, 'Unit', 'After')).toContain('leakguard-closed.service');
    },
  );

  it('because a daemon that is gone or hung comes back, and its light is red meanwhile', () => {
    expect(words('leakguardd.service', 'Service', 'Type')).toEqual(['notify']);
    expect(Number(words('leakguardd.service', 'Service', 'WatchdogSec')[0])).toBeLessThanOrEqual(8);
    expect(words('leakguardd.service', 'Service', 'Restart')).toEqual(['always']);
    expect(words('leakguardd.service', 'Unit', 'StartLimitIntervalSec')).toEqual(['0']);
    expect(words('leakguardd.service', 'Service', 'ExecStopPost')).toContain(
      '/usr/lib/leakguard/dist/appliance/led/main.js',
    );
  });
});

describe('the light', () => {
  const unit = 'leakguard-light.service';

  it('has a keeper of its own, which no end of the daemon ends, and which is red before and after', () => {
    expect(words('leakguardd.service', 'Unit', 'Wants')).toContain(unit);
    expect(words('leakguardd.service', 'Unit', 'After')).toContain(unit);
    expect(words('leakguardd.service', 'Service', 'ExecStart')).toContain('--kept-light');
    for (const key of ['BindsTo', 'Requires', 'Requisite']) expect(words(unit, 'Unit', key)).toEqual([]);
    expect(words(unit, 'Service', 'Restart')).toEqual(['always']);
    expect(words(unit, 'Unit', 'StartLimitIntervalSec')).toEqual(['0']);
    for (const key of ['ExecStartPre', 'ExecStopPost'])
      expect(words(unit, 'Service', key)).toContain('/usr/lib/leakguard/dist/appliance/led/main.js');
  });

  it('is found where the daemon looks for it', () => {
    const runtimeDir = (name: string): string | undefined => {
      const given = words(name, 'Service', 'ExecStart');
      return given[given.indexOf('--runtime-dir') + 1];
    };
    expect(runtimeDir(unit)).toBe(runtimeDir('leakguardd.service'));
  });

  it('is kept by a program without rights, network or other files', () => {
    expect(words(unit, 'Service', 'CapabilityBoundingSet')).toEqual(['']);
    expect(words(unit, 'Service', 'PrivateNetwork')).toEqual(['yes']);
    expect(words(unit, 'Service', 'RestrictAddressFamilies')).toEqual(['AF_UNIX']);
    expect(words(unit, 'Service', 'ReadWritePaths')).toEqual(['/sys/devices', '-/sys/class/gpio']);
  });
});

describe('the page', () => {
  it('has no network and no right of its own', () => {
    expect(words('leakguard-web.service', 'Service', 'PrivateNetwork')).toEqual(['yes']);
    expect(words('leakguard-web.service', 'Service', 'CapabilityBoundingSet')).toEqual(['']);
    expect(words('leakguard-web.service', 'Service', 'User')).toEqual(['leakguard-web']);
    expect(words('leakguard-web.service', 'Service', 'RestrictAddressFamilies')).toEqual(['AF_UNIX']);
  });

  it('is reached on the bridge alone, and does not hold up the boot of a box without one', () => {
    expect(words('leakguard-web.socket', 'Socket', 'BindToDevice')).toEqual(['br0']);
    expect(words('leakguard-web.socket', 'Unit', 'DefaultDependencies')).toEqual(['no']);
    expect(words('leakguard-web.socket', 'Install', 'WantedBy')).toEqual([
      'sys-subsystem-net-devices-br0.device',
    ]);
  });
});

describe('an update', () => {
  const below = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

  it('is the daemon’s to wish for: keys, slots and records are below nothing that its unit may write to', () => {
    const service = (key: string): string[] => words('leakguardd.service', 'Service', key);
    const writable = [
      ...service('ReadWritePaths').map((path) => path.replace(/^-/, '')),
      ...service('StateDirectory').map((name) => `/var/lib/${name}`),
      ...service('RuntimeDirectory').map((name) => `/run/${name}`),
    ];
    expect(service('ProtectSystem')).toEqual(['strict']);
    for (const own of [UPDATE_PLACES.state, UPDATE_PLACES.keys, '/etc/leakguard-setup.json'])
      expect(writable.filter((folder) => below(own, folder))).toEqual([]);
    expect(writable.filter((folder) => below(UPDATE_PLACES.inbox, folder))).not.toEqual([]);
    const waited = join(UPDATE_PLACES.inbox, INCOMING);
    expect(words('leakguard-update.path', 'Path', 'PathExists')).toEqual([waited]);
    expect(words('leakguard-update.service', 'Unit', 'ConditionPathExists')).toContain(`|${waited}`);
    expect(
      words('leakguard-update.service', 'Service', 'StateDirectory').map((name) => `/var/lib/${name}`),
    ).toEqual([UPDATE_PLACES.state]);
  });

  it('and nothing else that does root’s work can be asked by a daemon of root’s number', () => {
    expect(words('leakguardd.service', 'Service', 'TemporaryFileSystem')).toEqual(['/run:ro']);
    const seen = ['BindPaths', 'BindReadOnlyPaths'].flatMap((key) =>
      words('leakguardd.service', 'Service', key),
    );
    for (const socket of ['/run/systemd/private', '/run/dbus/system_bus_socket', '/run/udev/control'])
      expect(seen.filter((path) => below(socket, path.replace(/^-/, '')))).toEqual([]);
  });
});

describe('the clock', () => {
  it('is set by a program that may do that and nothing else, and by nobody else', () => {
    expect(words('leakguard-set-clock.service', 'Service', 'CapabilityBoundingSet')).toEqual([
      'CAP_SYS_TIME',
    ]);
    expect(words('leakguard-set-clock.service', 'Service', 'PrivateNetwork')).toEqual(['yes']);
    for (const unit of ['leakguardd.service', 'leakguard-web.service']) {
      expect(words(unit, 'Service', 'CapabilityBoundingSet')).not.toContain('CAP_SYS_TIME');
      expect(words(unit, 'Service', 'ProtectClock')).toEqual(['yes']);
    }
  });

  it('is wished for where the daemon leaves the wish', () => {
    const [request = ''] = words('leakguard-set-clock.path', 'Path', 'PathExists');
    expect(words('leakguard-set-clock.service', 'Service', 'ExecStart').slice(-2)).toEqual([
      '--wish',
      request,
    ]);
    expect(words('leakguardd.service', 'Service', 'ExecStart').slice(-2)).toEqual(['--clock-wish', request]);
  });
});

describe('systemd', () => {
  let folder = '';
  /** The programs that the units start are stand-ins: what is looked at is the units. */
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'leakguard-units-'));
    const [units, bin] = [join(folder, 'usr/lib/systemd/system'), join(folder, 'usr/bin')];
    for (const path of [units, bin, join(folder, 'usr/sbin')]) mkdirSync(path, { recursive: true });
    symlinkSync('usr/bin', join(folder, 'bin'));
    for (const program of ['usr/bin/node', 'usr/bin/kill', 'usr/sbin/nft'])
      writeFileSync(join(folder, program), '#!/bin/sh\n', { mode: 0o755 });
    for (const target of ['sysinit', 'shutdown', 'network-pre', 'local-fs', 'basic', 'multi-user'])
      writeFileSync(
        join(units, `${target}.target`),
        '[Unit]\nDescription=a target\nDefaultDependencies=no\n',
      );
    for (const name of readdirSync(UNITS).filter((file) => /\.(?:service|socket|path)$/.test(file)))
      cpSync(join(UNITS, name), join(units, name));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('finds no fault in any unit', async () => {
    const units = readdirSync(UNITS).filter((file) => /\.(?:service|socket|path)$/.test(file));
    const { stderr } = await run('systemd-analyze', [
      ...['verify', `--root=${folder}`, '--man=no', '--recursive-errors=no'],
      ...units.map((name) => join('/usr/lib/systemd/system', name)),
    ]);
    expect(stderr).toBe('');
  });

  it.each([
    ['leakguardd.service', 3],
    ['leakguard-web.service', 2],
    ['leakguard-lamp-red.service', 2],
    ['leakguard-light.service', 2],
    ['leakguard-set-clock.service', 2],
  ])('gives %s an exposure of at most %d', async (unit, most) => {
    const { stdout } = await run('systemd-analyze', [
      ...['security', '--offline=true', '--no-pager', `--root=${folder}`],
      join('/usr/lib/systemd/system', unit),
    ]);
    const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
    expect(exposure).toBeLessThanOrEqual(most);
  });
});
