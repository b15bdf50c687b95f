// Knows: whether node_modules is what the lock file says, and how to make it so. Must not know: Debian.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

import { readJson } from './machine.mjs';
import { nodeHeaders } from './system-packages.mjs';

/** @typedef {import('./machine.mjs').Machine} Machine */
/** @typedef {{ readonly version?: string, readonly optional?: boolean, readonly link?: boolean, readonly resolved?: string }} LockedPackage */

/** @typedef {{ readonly packages: Readonly<Record<string, LockedPackage>> }} LockFile */
/** @typedef {{ readonly allowScripts?: Readonly<Record<string, boolean>> }} PackageFile */

/**
 * @param {string} path
 * @returns {LockFile}
 */
const readLock = (path) => /** @type {LockFile} */ (readJson(path));

/**
 * The first package that is not installed as locked. File times say nothing here: a checkout is newer than what it locks.
 * @param {Readonly<Record<string, LockedPackage>>} locked `packages` of package-lock.json
 * @param {Readonly<Record<string, LockedPackage>>} installed the same of node_modules/.package-lock.json
 * @returns {string | undefined} its path, or undefined when all are
 */
export function firstStale(locked, installed) {
  const stale = Object.entries(locked).find(([path, { version, optional }]) => {
    if (path === '') return false;
    const there = installed[path];
    // Optional packages are for other machines as often as for this one.
    return there === undefined ? optional !== true : there.version !== version;
  });
  return stale?.[0];
}

/**
 * The native modules: exactly those whose install scripts package.json allows. A folder of ours is allowed by its path from
 * node_modules, and is named as its folder is.
 * @param {PackageFile} packageFile
 * @returns {string[]}
 */
export function nativeModules({ allowScripts }) {
  return Object.keys(allowScripts ?? {}).map((key) => (key.startsWith('file:') ? basename(key) : key));
}

/**
 * Native modules of ours that were compiled before their source was changed: their version says nothing of it.
 * @param {string} root
 * @param {LockFile} locked
 * @returns {string[]} their paths from the root
 */
export function outdated(root, { packages }) {
  const folders = Object.values(packages).flatMap(({ link, resolved }) =>
    link === true && resolved !== undefined ? [resolved] : [],
  );
  return folders.filter((folder) => {
    const made = join(root, folder, 'build', 'Release');
    if (!existsSync(made)) return true;
    const time = (/** @type {string} */ path) => statSync(path).mtimeMs;
    const compiled = readdirSync(made).filter((name) => name.endsWith('.node'));
    const sources = readdirSync(join(root, folder)).filter((name) => name !== 'build');
    const changed = Math.max(...sources.map((name) => time(join(root, folder, name))));
    return compiled.every((name) => time(join(made, name)) < changed);
  });
}

/**
 * Native modules that this Node cannot load, be it that they were never compiled or that they were for another Node.
 * @param {Machine} machine
 * @returns {Promise<string[]>}
 */
async function unloadable({ root, execPath, run }) {
  const names = nativeModules(/** @type {PackageFile} */ (readJson(join(root, 'package.json'))));
  const loads = await Promise.all(
    names.map((name) => run(execPath, ['--eval', 'require(process.argv[1])', name], { cwd: root })),
  );
  return names.filter((_, index) => loads[index]?.code !== 0);
}

/**
 * What is wrong with node_modules, in words; undefined when nothing is.
 * @param {Machine} machine
 * @returns {Promise<string | undefined>}
 */
export async function moduleFault(machine) {
  const locked = readLock(join(machine.root, 'package-lock.json'));
  const hidden = join(machine.root, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return 'node_modules is not there';
  const stale = firstStale(locked.packages, readLock(hidden).packages);
  if (stale !== undefined) return `${stale} is not the one that package-lock.json names`;
  const [old] = outdated(machine.root, locked);
  if (old !== undefined) return `${old} was changed since it was compiled`;
  const broken = await unloadable(machine);
  return broken.length === 0 ? undefined : `${broken.join(', ')} cannot be loaded by this Node`;
}

/**
 * Installs what the lock file says, exactly.
 * @param {Machine} machine
 * @returns {Promise<string>} what went wrong; empty when nothing did
 */
export async function installModules(machine) {
  const headers = nodeHeaders(machine.execPath);
  // Nothing is fetched ready-made: a native module is compiled here, from the source that the lock file names.
  const env = {
    npm_config_build_from_source: 'true',
    ...(headers === undefined ? {} : { npm_config_nodedir: headers }),
  };
  const { code, output } = await machine.run('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: machine.root,
    env,
  });
  if (code !== 0) return `npm ci failed:\n${output.trim()}`;
  const fault = await moduleFault(machine);
  return fault === undefined ? '' : `npm ci ended well, and yet ${fault}:\n${output.trim()}`;
}
