// Compiles the native modules for a box's architecture. For another architecture it uses Debian's cross compiler and that architecture's
// libpcap, which is only unpacked into the cache and not installed.

import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { readJson, run } from '../../appliance/provision/machine.mjs';
import { nodeHeaders } from '../../appliance/provision/system-packages.mjs';
import { modulesFor, NATIVE } from './modules.mjs';

/** @typedef {'amd64' | 'arm64'} Architecture */

/** Debian's architectures → their names for Node and for the GNU tools. */
const NAMES = {
  amd64: { node: 'x64', gnu: 'x86_64-linux-gnu' },
  arm64: { node: 'arm64', gnu: 'aarch64-linux-gnu' },
};

/** The ABI of Debian 13's Node (20.19): modules compiled for another ABI cannot be loaded on a box. */
export const ABI = '115';

/**
 * The architecture of this machine as Debian names it; `amd64` also for one that is neither.
 * @returns {Architecture} the architecture of this machine
 */
export function ownArchitecture() {
  return process.arch === 'arm64' ? 'arm64' : 'amd64';
}

/**
 * Runs a program; throws Error with its output on both streams when it does not exit with 0.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('../../appliance/provision/machine.mjs').RunOptions} [options]
 * @returns {Promise<string>} its standard output
 */
export async function must(command, args, options) {
  const { code, output, stdout } = await run(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${code}\n${output}`);
  return stdout;
}

/**
 * Downloads and unpacks libpcap for another architecture. apt uses separate lists, so that this machine is not changed.
 * @param {string} folder the cache
 * @param {Architecture} architecture
 * @returns {Promise<string>} a folder with usr/include and usr/lib
 */
async function foreignLibpcap(folder, architecture) {
  const tree = join(folder, `libpcap-${architecture}`);
  if (existsSync(tree)) return tree;
  const state = join(folder, `apt-${architecture}`);
  for (const path of ['lists/partial', 'cache/archives/partial', 'debs'])
    mkdirSync(join(state, path), { recursive: true });
  writeFileSync(join(state, 'status'), '');
  const apt = [
    ...['-o', `APT::Architecture=${architecture}`, '-o', `APT::Architectures=${architecture}`],
    ...[
      '-o',
      `Dir::State=${state}`,
      '-o',
      `Dir::State::status=${join(state, 'status')}`,
      '-o',
      `Dir::Cache=${join(state, 'cache')}`,
    ],
    ...['-o', 'APT::Sandbox::User='],
  ];
  await must('apt-get', [...apt, 'update']);
  // The library's package has different names in different releases: libpcap0.8, libpcap0.8t64.
  const depends = await must('apt-cache', [...apt, 'depends', 'libpcap0.8-dev']);
  const library = /Depends: (libpcap0\.8\w*)$/m.exec(depends)?.[1] ?? 'libpcap0.8';
  await must('apt-get', [...apt, 'download', library, 'libpcap0.8-dev'], { cwd: join(state, 'debs') });
  const beside = `${tree}.new`;
  rmSync(beside, { recursive: true, force: true });
  for (const deb of readdirSync(join(state, 'debs')))
    await must('dpkg-deb', ['--extract', join(state, 'debs', deb), beside]);
  renameSync(beside, tree);
  return tree;
}

/**
 * The environment of node-gyp. Its flags keep paths of this machine out of the compiled files.
 * @param {string} folder
 * @param {string} work
 * @param {Architecture} architecture
 * @returns {Promise<Record<string, string>>}
 */
async function compilerEnvironment(folder, work, architecture) {
  const { node, gnu } = NAMES[architecture];
  const headers = nodeHeaders(process.execPath);
  if (headers === undefined)
    throw new Error('the headers of this Node are missing: native modules cannot be compiled');
  const flags = `-ffile-prefix-map=${work}=. -g0`;
  const link = '-Wl,--build-id=none';
  const common = {
    ...{ npm_config_build_from_source: 'true', npm_config_nodedir: headers, npm_config_jobs: 'max' },
    ...{ npm_config_arch: node, npm_config_target_arch: node, npm_config_update_notifier: 'false' },
    ...{ CC: `${gnu}-gcc`, CXX: `${gnu}-g++`, AR: `${gnu}-ar` },
  };
  if (architecture === ownArchitecture()) return { ...common, CFLAGS: flags, CXXFLAGS: flags, LDFLAGS: link };
  const libpcap = await foreignLibpcap(folder, architecture);
  const include = `${flags} -I${join(libpcap, 'usr/include')}`;
  return {
    ...common,
    CFLAGS: include,
    CXXFLAGS: include,
    LDFLAGS: `${link} -L${join(libpcap, 'usr/lib', gnu)}`,
  };
}

/**
 * @param {string} root
 * @param {Architecture} architecture
 * @returns {Promise<string>} a hash of everything on which the compiled files depend
 */
async function fingerprint(root, architecture) {
  const hash = createHash('sha256').update(readFileSync(import.meta.filename));
  for (const name of [...Object.keys(NATIVE), 'nan'])
    hash.update(readFileSync(join(root, 'node_modules', name, 'package.json')));
  // The sources of our own module change without a new version.
  for (const file of ['packet-ring.c', 'binding.gyp'])
    hash.update(readFileSync(join(root, 'node_modules', 'packet-ring', file)));
  const compiler = await must(`${NAMES[architecture].gnu}-g++`, ['--version']);
  return hash.update(compiler).update(process.version).digest('hex').slice(0, 16);
}

/**
 * Compiles all native modules, or returns them from the cache; they are compiled again when a module's version, the source of our own, the
 * compiler or Node changes. Throws Error when a program fails; the cache then stays as it was.
 * @param {object} job
 * @param {string} job.root checkout with node_modules
 * @param {string} job.cache
 * @param {Architecture} job.architecture
 * @param {boolean} job.fresh compile even if they are in the cache
 * @returns {Promise<string>} a folder with the files of NATIVE, below each module's name
 */
export async function nativeModules({ root, cache, architecture, fresh }) {
  const done = join(cache, `native-${architecture}-${await fingerprint(root, architecture)}`);
  if (existsSync(done) && !fresh) return done;
  const work = join(cache, `compile-${architecture}`);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const lock = /** @type {{ packages: import('./modules.mjs').LockedPackages }} */ (
    readJson(join(root, 'package-lock.json'))
  );
  for (const path of modulesFor(lock.packages, '', Object.keys(NATIVE))) {
    // Our own module is a link to its folder.
    const filter = (/** @type {string} */ each) => !/\/build$/.test(each);
    cpSync(realpathSync(join(root, path)), join(work, path), { recursive: true, filter });
  }
  const allowScripts = Object.fromEntries(Object.keys(NATIVE).map((name) => [name, true]));
  const dependencies = Object.fromEntries(Object.keys(NATIVE).map((name) => [name, '*']));
  writeFileSync(join(work, 'package.json'), JSON.stringify({ private: true, dependencies, allowScripts }));
  const env = await compilerEnvironment(cache, work, architecture);
  await must('npm', ['rebuild', '--foreground-scripts', ...Object.keys(NATIVE)], { cwd: work, env });
  const beside = `${done}.new`;
  rmSync(beside, { recursive: true, force: true });
  for (const [name, file] of Object.entries(NATIVE)) {
    const to = join(beside, name, file);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(join(work, 'node_modules', name, file), to);
    await must(`${NAMES[architecture].gnu}-strip`, ['--strip-unneeded', to]);
    chmodSync(to, 0o644);
  }
  rmSync(done, { recursive: true, force: true });
  renameSync(beside, done);
  rmSync(work, { recursive: true, force: true });
  return done;
}
