// Knows: how a Debian tree comes about from the archive's packages alone, and that the same question gets the same tree from the cache.
// Must not know: what the tree is for. Plain JavaScript: it runs before anything is built.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { exitCode, run } from '../appliance/provision/machine.mjs';

/** Where everything that takes long is kept. */
export const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'leakguard-box');

/** 2026-01-01: every file of a tree bears this time or an earlier one, so that two builds are equal. */
const EPOCH = '1767225600';

/**
 * @typedef {object} TreeOrder
 * @property {string} suite Debian's name of the release
 * @property {'amd64' | 'arm64'} arch
 * @property {readonly string[]} packages beyond `minbase`
 * @property {string} [components] of the archive; `main` when it is not said
 * @property {string} [also] a second release, which gives what is asked of it as `PACKAGE/RELEASE`
 * @property {readonly string[]} [hooks] options of mmdebstrap(1) that run or copy something
 */

/** @param {string} line */
export function say(line) {
  process.stderr.write(`== ${line}\n`);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Readonly<Record<string, string>>} [env]
 * @returns {Promise<string>} its output
 */
export async function must(command, args, env = {}) {
  const { code, output } = await run(command, args, { env });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${code}\n${output}`);
  return output;
}

/**
 * As `must`, for what takes minutes: a person sees how far it is.
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
 * The archive lines of this machine, for another release.
 * @param {string} suite
 * @param {string} components
 * @returns {string}
 */
function sourcesOf(suite, components) {
  const folder = '/etc/apt/sources.list.d';
  const name = readdirSync(folder).find((file) => file === 'debian.sources');
  if (name === undefined) throw new Error(`${folder}/debian.sources is not there to learn the archive from`);
  return readFileSync(join(folder, name), 'utf8')
    .replaceAll(/\b(?:bookworm|trixie)\b/g, suite)
    .replaceAll(/^Components:.*$/gm, `Components: ${components}`);
}

/**
 * @param {string} sources of the release
 * @param {string} suite a release of the same archive, without its updates
 * @returns {string} a line as sources.list(5) has it
 */
function secondSource(sources, suite) {
  const field = (/** @type {string} */ name) =>
    new RegExp(`^${name}: *(.*)$`, 'm').exec(readFileSync(sources, 'utf8'))?.[1] ?? '';
  return `deb [signed-by=${field('Signed-By')}] ${field('URIs')} ${suite} ${field('Components')}`;
}

/**
 * A name for what was asked: equal questions, equal names.
 * @param {unknown} question
 */
export function digest(question) {
  return createHash('sha256').update(JSON.stringify(question)).digest('hex').slice(0, 16);
}

/**
 * @param {TreeOrder} order
 * @param {readonly string[]} [runner] a command that runs mmdebstrap where programs of the tree can run
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
  say(`${order.suite} ${order.arch}: a tree of ${order.packages.length} packages and what they need`);
  const options = [
    // Where a runner has made it root of a namespace, devices are not its to make: they are borrowed.
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
  // The ending would tell mmdebstrap what to make, and the file has another until it is whole.
  const make = ['mmdebstrap', ...options, '--format=tar', order.suite, `${tar}.part`, sources, ...more];
  await mustShow('env', [...runner, ...make], { SOURCE_DATE_EPOCH: EPOCH });
  renameSync(`${tar}.part`, tar);
  return tar;
}
