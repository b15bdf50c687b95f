// Installs missing Debian packages; packages.json lists them by purpose.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { readJson } from './machine.mjs';

/** @typedef {import('./machine.mjs').Machine} Machine */
/** @typedef {{ readonly why: string, readonly packages: readonly string[] }} Group */

/**
 * @typedef {object} Provided
 * @property {readonly string[]} missing packages that are still not installed
 * @property {string} reason why they are not installed; empty when nothing is missing
 * @property {boolean} failed true when the installation was tried and failed
 */

const NOTHING_MISSING = { missing: [], reason: '', failed: false };

/**
 * The content of packages.json. Throws when it cannot be read.
 * @returns {Readonly<Record<string, Group>>}
 */
export function packageGroups() {
  return /** @type {Record<string, Group>} */ (readJson(join(import.meta.dirname, 'packages.json')));
}

/**
 * The prefix of the running Node (`/usr`) if its headers are installed, otherwise undefined: node-gyp would then download them.
 * @param {string} execPath
 * @returns {string | undefined}
 */
export function nodeHeaders(execPath) {
  const prefix = dirname(dirname(execPath));
  return existsSync(join(prefix, 'include', 'node', 'node.h')) ? prefix : undefined;
}

/**
 * The Debian package with the headers of this Node, if there is one. Only Debian's Node has one: with libnode-dev, modules for another
 * Node would be compiled for the wrong ABI; they would load, and crash later.
 * @param {Machine} machine
 * @returns {Promise<Group | undefined>}
 */
async function headersGroup({ execPath, run }) {
  const candidate = await run('apt-cache', ['show', '--no-all-versions', 'libnode-dev']);
  const version = /^Version: (?:\d+:)?(\d+)\./m.exec(candidate.stdout)?.[1];
  const running = await run(execPath, ['--version']);
  if (version === undefined || !running.stdout.startsWith(`v${version}.`)) return undefined;
  return {
    why: 'the headers of this Node, to compile native modules',
    packages: ['libnode-dev'],
  };
}

/**
 * The packages in `names` that are not installed, according to dpkg-query(1), in their order; all of them when it cannot be run.
 * @param {Machine} machine
 * @param {readonly string[]} names
 * @returns {Promise<readonly string[]>}
 */
export async function missingPackages({ run }, names) {
  if (names.length === 0) return [];
  const { stdout } = await run('dpkg-query', [
    '--show',
    '--showformat',
    '${Package}=${db:Status-Status}\n',
    ...names,
  ]);
  const installed = new Set(
    stdout.split('\n').flatMap((line) => (line.endsWith('=installed') ? [line.slice(0, -10)] : [])),
  );
  return names.filter((name) => !installed.has(name));
}

/**
 * Installs the missing packages of the named groups, if this is possible here; never rejects for a failed installation.
 * @param {Machine} machine
 * @param {readonly string[]} names keys of packages.json
 * @returns {Promise<Provided>}
 */
export async function providePackages(machine, names) {
  if (!machine.has('dpkg-query')) {
    const wanted = wantedGroups(names).flatMap((group) => group.packages);
    return { missing: wanted, reason: 'this is not a Debian system: dpkg was not found', failed: false };
  }
  const groups = wantedGroups(names);
  const missing = await stillMissing(machine, groups);
  const headless = names.includes('build') && nodeHeaders(machine.execPath) === undefined;
  if (missing.length === 0 && !headless) return NOTHING_MISSING;

  if (machine.isRoot && machine.has('apt-get')) return install(machine, groups, headless);
  if (missing.length === 0) return NOTHING_MISSING;
  const why = machine.isRoot ? 'apt-get was not found' : 'installing needs root';
  return { missing, reason: `${why}: apt-get install ${missing.join(' ')}`, failed: false };
}

/**
 * @param {readonly string[]} names
 * @returns {Group[]}
 */
function wantedGroups(names) {
  const all = packageGroups();
  return names.flatMap((name) => all[name] ?? []);
}

/**
 * @param {Machine} machine
 * @param {readonly Group[]} groups
 */
function stillMissing(machine, groups) {
  return missingPackages(machine, [...new Set(groups.flatMap((group) => group.packages))]);
}

/**
 * @param {Machine} machine
 * @param {readonly Group[]} groups
 * @param {boolean} headless whether the headers of this Node are missing
 * @returns {Promise<Provided>}
 */
async function install(machine, groups, headless) {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const wait = ['-o', 'DPkg::Lock::Timeout=300'];
  const update = await machine.run('apt-get', [...wait, 'update'], { env });
  const headers = headless ? await headersGroup(machine) : undefined;
  const all = headers === undefined ? groups : [...groups, headers];
  const missing = await stillMissing(machine, all);
  if (missing.length === 0) return NOTHING_MISSING;

  const announced = new Set();
  for (const { why, packages } of all) {
    const fresh = packages.filter((name) => missing.includes(name) && !announced.has(name));
    for (const name of fresh) announced.add(name);
    if (fresh.length > 0) machine.say(`installing ${fresh.join(', ')}: ${why}`);
  }
  const args = [...wait, '--yes', '--no-install-recommends', 'install', ...missing];
  const installed = await machine.run('apt-get', args, { env });
  const left = await stillMissing(machine, all);
  if (left.length === 0) return NOTHING_MISSING;
  const output = installed.output.trim() || update.output.trim();
  return { missing: left, reason: `apt-get install failed:\n${output}`, failed: true };
}
