// What the set-up does about Debian packages on machines of several kinds. The machine is a table of answers and a list of the commands it
// was given.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';

import type { Machine, Outcome } from '../../../appliance/provision/machine.mjs';
import {
  missingPackages,
  packageGroups,
  providePackages,
} from '../../../appliance/provision/system-packages.mjs';

const folders: string[] = [];

/** A Node with or without the headers beside it. */
function nodeAt(headers: boolean): string {
  const prefix = mkdtempSync(join(tmpdir(), 'leakguard-node-'));
  folders.push(prefix);
  mkdirSync(join(prefix, 'include', 'node'), { recursive: true });
  if (headers) writeFileSync(join(prefix, 'include', 'node', 'node.h'), '');
  return join(prefix, 'bin', 'node');
}

interface Spec {
  readonly installed: readonly string[];
  readonly isRoot?: boolean;
  readonly programs?: readonly string[];
  /** Version of libnode-dev that apt offers. */
  readonly headers?: string;
  readonly nodeHasHeaders?: boolean;
  /** What apt-get cannot find. */
  readonly unknown?: readonly string[];
}

function machineOf(spec: Spec): { machine: Machine; ran: string[]; said: string[] } {
  const installed = new Set(spec.installed);
  const ran: string[] = [];
  const said: string[] = [];
  const execPath = nodeAt(spec.nodeHasHeaders ?? true);
  const answer = (stdout: string, code = 0): Promise<Outcome> =>
    Promise.resolve({ code, stdout, output: stdout });
  const aptGet = (args: readonly string[]): Promise<Outcome> => {
    const names = args.slice(args.indexOf('install') + 1);
    if (!args.includes('install')) return answer('');
    const lost = names.find((name) => spec.unknown?.includes(name));
    if (lost !== undefined) return answer(`E: Unable to locate package ${lost}`, 100);
    for (const name of names) installed.add(name);
    return answer('');
  };
  const machine: Machine = {
    root: '/nowhere',
    isRoot: spec.isRoot ?? true,
    execPath,
    has: (program) => (spec.programs ?? ['dpkg-query', 'apt-get']).includes(program),
    say: (line) => said.push(line),
    run: (command, args) => {
      if (command === 'dpkg-query')
        return answer(
          [...installed].map((name) => `${name}=installed\n`).join('') + 'nftables=config-files\n',
          1,
        );
      ran.push([command, ...args].join(' '));
      if (command === 'apt-get') return aptGet(args);
      if (command === 'apt-cache')
        return answer(spec.headers === undefined ? '' : `Version: ${spec.headers}\n`);
      return answer(command === execPath ? 'v20.19.2\n' : '', command === execPath ? 0 : 127);
    },
  };
  return { machine, ran, said };
}

const groups = packageGroups();
const packagesOf = (...names: readonly string[]): string[] =>
  names.flatMap((name) => groups[name]?.packages ?? []);

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe('packages.json', () => {
  it('says for every group why it is wanted', () => {
    expect(Object.keys(groups)).toEqual(expect.arrayContaining(['build', 'run', 'lab', 'test']));
    for (const { why, packages } of Object.values(groups)) {
      expect(why.length).toBeGreaterThan(20);
      expect(packages.length).toBeGreaterThan(0);
    }
  });
});

describe('missingPackages', () => {
  it('counts a removed package whose configuration was left as missing', async () => {
    const { machine } = machineOf({ installed: ['iproute2'] });
    expect(await missingPackages(machine, ['nftables', 'iproute2'])).toEqual(['nftables']);
  });
});

describe('providePackages', () => {
  it('runs nothing when nothing is missing', async () => {
    const { machine, ran, said } = machineOf({ installed: packagesOf('run', 'test') });
    expect(await providePackages(machine, ['run', 'test'])).toEqual({
      missing: [],
      reason: '',
      failed: false,
    });
    expect(ran).toEqual([]);
    expect(said).toEqual([]);
  });

  it('installs only what is missing, and says what and why', async () => {
    const { machine, ran, said } = machineOf({
      installed: packagesOf('run').filter((name) => name !== 'ethtool'),
    });
    expect((await providePackages(machine, ['run'])).missing).toEqual([]);
    expect(ran).toEqual([
      'apt-get -o DPkg::Lock::Timeout=300 update',
      'apt-get -o DPkg::Lock::Timeout=300 --yes --no-install-recommends install ethtool',
    ]);
    expect(said).toEqual([`installing ethtool: ${groups['run']?.why}`]);
  });

  it('hands on what apt-get said when a package cannot be had', async () => {
    const { machine } = machineOf({ installed: [], unknown: ['ethtool'] });
    const provided = await providePackages(machine, ['run']);
    expect(provided).toMatchObject({ failed: true, missing: packagesOf('run') });
    expect(provided.reason).toContain('Unable to locate package ethtool');
  });

  it('without root runs no apt-get, and says the command', async () => {
    const { machine, ran } = machineOf({ installed: packagesOf('run').slice(1), isRoot: false });
    const provided = await providePackages(machine, ['run']);
    expect(provided).toMatchObject({ failed: false, missing: [packagesOf('run')[0]] });
    expect(provided.reason).toBe(`installing needs root: apt-get install ${packagesOf('run')[0]}`);
    expect(ran).toEqual([]);
  });

  it('without dpkg names everything that is wanted', async () => {
    const { machine } = machineOf({ installed: [], programs: [] });
    const provided = await providePackages(machine, ['run']);
    expect(provided).toMatchObject({ failed: false, missing: packagesOf('run') });
    expect(provided.reason).toContain('not a Debian system');
  });

  it('brings the headers of a Debian Node, which come in a package of their own', async () => {
    const { machine, ran } = machineOf({
      installed: packagesOf('build'),
      nodeHasHeaders: false,
      headers: '20.19.2+dfsg-1',
    });
    expect((await providePackages(machine, ['build'])).missing).toEqual([]);
    expect(ran.at(-1)).toMatch(/ install libnode-dev$/);
  });

  it('never brings the headers of another Node', async () => {
    const { machine, ran } = machineOf({
      installed: packagesOf('build'),
      nodeHasHeaders: false,
      headers: '18.20.4+dfsg-1~deb12u3',
    });
    expect((await providePackages(machine, ['build'])).missing).toEqual([]);
    expect(ran.filter((line) => line.includes(' install '))).toEqual([]);
  });
});
