// Checks whether node_modules matches the lock file, and installs it.

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
 * The first package that is not installed as locked. File times cannot be compared: a fresh checkout makes the lock file newer.
 * @param {Readonly<Record<string, LockedPackage>>} locked `packages` of package-lock.json
 * @param {Readonly<Record<string, LockedPackage>>} installed the same of node_modules/.package-lock.json
 * @returns {string | undefined} its path; undefined when all are installed as locked
 */
export function firstStale(locked, installed) {
  const stale = Object.entries(locked).find(([path, { version, optional }]) => {
    if (path === '') return false;
    const there = installed[path];
    // Optional packages may be for other platforms.
    return there === undefined ? optional !== true : there.version !== version;
  });
  return stale?.[0];
}

/**
 * The native modules: exactly the packages whose install scripts package.json allows. A native module of this repository is listed there
 * by its path from node_modules; its name is that of its folder.
 * @param {PackageFile} packageFile
 * @returns {string[]}
 */
export function nativeModules({ allowScripts }) {
  return Object.keys(allowScripts ?? {}).map((key) => (key.startsWith('file:') ? basename(key) : key));
}

/**
 * Native modules of this repository whose sources have changed since they were compiled; their version does not show that.
 * @param {string} root
 * @param {LockFile} locked
 * @returns {string[]} their paths from the root
 */
export function outdated(root, { packages }) {
  const folders = Object.values(packages).flatMap(({ link, resolved }) =>
    link === true && resolved !== undefined ? [resolved] : [],
  );
  return folders.filter((folder) => {
    const release = join(root, folder, 'build', 'Release');
    if (!existsSync(release)) return true;
    const time = (/** @type {string} */ path) => statSync(path).mtimeMs;
    const compiled = readdirSync(release).filter((name) => name.endsWith('.node'));
    const sources = readdirSync(join(root, folder)).filter((name) => name !== 'build');
    const changed = Math.max(...sources.map((name) => time(join(root, folder, name))));
    return compiled.every((name) => time(join(release, name)) < changed);
  });
}

/**
 * Native modules that this Node cannot load, because they were not compiled or were compiled for another Node.
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
 * A message, one clause, that says what is wrong with node_modules; undefined when nothing is. Rejects when package-lock.json cannot be
 * read.
 * @param {Machine} machine
 * @returns {Promise<string | undefined>}
 */
export async function moduleFault(machine) {
  const locked = readLock(join(machine.root, 'package-lock.json'));
  const hidden = join(machine.root, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return 'node_modules is missing';
  const stale = firstStale(locked.packages, readLock(hidden).packages);
  if (stale !== undefined) return `${stale} differs from package-lock.json`;
  const [old] = outdated(machine.root, locked);
  if (old !== undefined) return `${old} has changed since it was compiled`;
  const broken = await unloadable(machine);
  return broken.length === 0 ? undefined : `${broken.join(', ')} cannot be loaded by this Node`;
}

/**
 * Installs exactly the packages of the lock file (npm-ci), and checks them.
 * @param {Machine} machine
 * @returns {Promise<string>} the error; empty on success
 */
export async function installModules(machine) {
  const headers = nodeHeaders(machine.execPath);
  // No prebuilt binaries are downloaded: native modules are compiled here from the source that is locked.
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
  return fault === undefined ? '' : `npm ci succeeded, but ${fault}:\n${output.trim()}`;
}
