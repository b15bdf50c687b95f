// Builds a Debian tree from the packages of the archive only; the same order gets the same tree from the cache.
// Plain JavaScript: it runs before anything is built.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { exitCode, run } from '../appliance/provision/machine.mjs';

/** Folder for results that take long to build. */
export const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'leakguard-box');

/** 2026-01-01 in seconds: no file of a tree has a later time, so that two builds are identical. */
const EPOCH = '1767225600';

/**
 * @typedef {object} TreeOrder
 * @property {string} suite Debian's name of the release
 * @property {'amd64' | 'arm64'} arch
 * @property {readonly string[]} packages in addition to `minbase`
 * @property {string} [components] components of the archive; default `main`
 * @property {string} [also] a second release, from which packages named `PACKAGE/RELEASE` are taken
 * @property {readonly string[]} [hooks] options of mmdebstrap(1) that run or copy something
 */

/**
 * Prints a progress line on stderr, with `== ` before it.
 * @param {string} line
 */
export function say(line) {
  process.stderr.write(`== ${line}\n`);
}

/**
 * Runs a program; throws Error with its output when it does not exit with 0 or cannot be started.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Readonly<Record<string, string>>} [env]
 * @returns {Promise<string>} its output on both streams
 */
export async function must(command, args, env = {}) {
  const { code, output } = await run(command, args, { env });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${code}\n${output}`);
  return output;
}

/**
 * Like `must`, but shows mmdebstrap's progress, because it takes minutes.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Readonly<Record<string, string>>} env
 * @returns {Promise<void>}
 */
function mustShow(command, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const last = /** @type {string[]} */ ([]);
    createInterface(child.stderr).on('line', (line) => {
      last.push(line);
      if (last.length > 40) last.shift();
      if (line.startsWith('I: ')) say(`  ${line.slice(3, 103)}`);
    });
    child.on('error', reject).on('close', (code, signal) => {
      const ended = exitCode(code, signal);
      if (ended === 0) resolve();
      else reject(new Error(`${command} ${args.join(' ')}: exit code ${ended}\n${last.join('\n')}`));
    });
  });
}

/**
 * The apt sources of this machine, changed to another release.
 * @param {string} suite
 * @param {string} components
 * @returns {string}
 */
function sourcesOf(suite, components) {
  const folder = '/etc/apt/sources.list.d';
  const name = readdirSync(folder).find((file) => file === 'debian.sources');
  if (name === undefined)
    throw new Error(`${folder}/debian.sources is missing, from which the archive's address is read`);
  return readFileSync(join(folder, name), 'utf8')
    .replaceAll(/\b(?:bookworm|trixie)\b/g, suite)
    .replaceAll(/^Components:.*$/gm, `Components: ${components}`);
}

/**
 * @param {string} sources path of the release's sources
 * @param {string} suite a release of the same archive, without its updates
 * @returns {string} a line in the format of sources.list(5)
 */
function secondSource(sources, suite) {
  const field = (/** @type {string} */ name) =>
    new RegExp(`^${name}: *(.*)$`, 'm').exec(readFileSync(sources, 'utf8'))?.[1] ?? '';
  return `deb [signed-by=${field('Signed-By')}] ${field('URIs')} ${suite} ${field('Components')}`;
}

/**
 * A short hash for cache names, 16 hexadecimal digits of SHA-256 over the value's JSON: equal values have equal hashes.
 * @param {unknown} value
 */
export function digest(value) {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}

/**
 * Builds a tree with mmdebstrap(1), or returns it from the cache; downloads its packages from the archive. Throws Error when mmdebstrap
 * fails, and leaves no tree then.
 * @param {TreeOrder} order
 * @param {readonly string[]} [runner] a command that runs its arguments where programs of the tree's architecture can run
 * @returns {Promise<string>} path of the tree as a tar file
 */
export async function debianTree(order, runner = []) {
  const tar = join(CACHE, `tree-${order.arch}-${digest(order)}.tar`);
  if (existsSync(tar)) return tar;
  mkdirSync(CACHE, { recursive: true });
  const components = order.components ?? 'main';
  const sources = join(CACHE, `${order.suite}-${components.replaceAll(' ', '-')}.sources`);
  writeFileSync(sources, sourcesOf(order.suite, components));
  const more = order.also === undefined ? [] : [secondSource(sources, order.also)];
  say(`${order.suite} ${order.arch}: a tree of ${order.packages.length} packages and their dependencies`);
  const options = [
    // A runner makes it root of a user namespace, where it cannot create devices: mode "unshare" bind-mounts them.
    runner.length === 0 ? '--mode=root' : '--mode=unshare',
    '--variant=minbase',
    `--architectures=${order.arch}`,
    '--aptopt=APT::Install-Recommends "false"',
    '--aptopt=Acquire::Check-Valid-Until "false"',
    '--dpkgopt=path-exclude=/usr/share/man/*',
    '--dpkgopt=path-exclude=/usr/share/locale/*',
    ...(order.hooks ?? []),
    `--include=${order.packages.join(',')}`,
  ];
  // --format is needed because the unfinished file does not end in .tar, by which mmdebstrap would choose the format.
  const make = ['mmdebstrap', ...options, '--format=tar', order.suite, `${tar}.part`, sources, ...more];
  await mustShow('env', [...runner, ...make], { SOURCE_DATE_EPOCH: EPOCH });
  renameSync(`${tar}.part`, tar);
  return tar;
}
