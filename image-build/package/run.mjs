// `npm run package [-- amd64 arm64] [--fresh]` builds image-build/out/leakguard_VERSION_ARCH.deb from the checkout. --fresh compiles the
// native modules even if they are in the cache.

import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { readJson, thisMachine } from '../../appliance/provision/machine.mjs';
import { installModules, moduleFault } from '../../appliance/provision/node-modules.mjs';
import { providePackages } from '../../appliance/provision/system-packages.mjs';
import { controlFile } from './control.mjs';
import { ABI, must, nativeModules, ownArchitecture } from './native.mjs';
import { copyNative, layTree, settle } from './tree.mjs';

/** @typedef {import('./native.mjs').Architecture} Architecture */

const ROOT = join(import.meta.dirname, '..', '..');
const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'leakguard-package');
const OUT = join(ROOT, 'image-build', 'out');
const MAX_BYTES = 15_000_000;

const say = (/** @type {string} */ line) => process.stdout.write(`== ${line}\n`);

/** The date of the last commit, or SOURCE_DATE_EPOCH: the time of all files, so that the build is reproducible (reproducible-builds.org). */
async function sourceDate() {
  const given = process.env['SOURCE_DATE_EPOCH'];
  const seconds =
    given ??
    (existsSync(join(ROOT, '.git')) ? await must('git', ['log', '-1', '--format=%ct'], { cwd: ROOT }) : '0');
  return new Date(Number(seconds) * 1000);
}

/** Installs what the build needs; throws when that is not possible. */
async function provide(/** @type {readonly Architecture[]} */ architectures) {
  if (process.versions.modules !== ABI)
    throw new Error(
      `This Node has ABI ${process.versions.modules}; the package is for Debian 13's Node 20, ABI ${ABI}.`,
    );
  const machine = thisMachine(ROOT);
  const cross = architectures.some((each) => each !== ownArchitecture());
  const { missing, reason } = await providePackages(machine, cross ? ['build', 'package'] : ['build']);
  if (missing.length > 0) throw new Error(`${missing.join(', ')} missing; ${reason}`);
  const fault = (await moduleFault(machine)) === undefined ? '' : await installModules(machine);
  if (fault !== '') throw new Error(fault);
}

/**
 * Builds the package from a tree.
 * @param {string} tree
 * @param {Architecture} architecture
 * @param {Date} date
 * @returns {Promise<string>} the package's path
 */
async function pack(tree, architecture, date) {
  const { version } = /** @type {{ version: string }} */ (readJson(join(ROOT, 'package.json')));
  const { files, bytes } = settle(tree, date);
  const control = join(tree, 'DEBIAN');
  mkdirSync(control);
  writeFileSync(join(control, 'control'), controlFile({ version, architecture, bytes }));
  const sums = files.map(
    (path) =>
      `${createHash('md5')
        .update(readFileSync(join(tree, path)))
        .digest('hex')}  ${path}\n`,
  );
  writeFileSync(join(control, 'md5sums'), sums.join(''));
  for (const script of ['postinst', 'prerm', 'postrm']) {
    cpSync(join(import.meta.dirname, 'debian', script), join(control, script));
    chmodSync(join(control, script), 0o755);
  }
  for (const name of ['control', 'md5sums']) chmodSync(join(control, name), 0o644);
  chmodSync(control, 0o755);
  mkdirSync(OUT, { recursive: true });
  const deb = join(OUT, `leakguard_${version}_${architecture}.deb`);
  const env = { SOURCE_DATE_EPOCH: String(date.getTime() / 1000) };
  await must('dpkg-deb', ['--root-owner-group', '-Zxz', '-z9', '--build', tree, deb], { env });
  return deb;
}

async function main() {
  const words = process.argv.slice(2);
  const fresh = words.includes('--fresh');
  const chosen = words.filter((word) => word !== '--fresh');
  const unknown = chosen.find((word) => word !== 'amd64' && word !== 'arm64');
  if (unknown !== undefined) throw new Error(`${unknown} is not amd64, arm64 or --fresh`);
  const every = /** @type {readonly Architecture[]} */ (
    ownArchitecture() === 'amd64' ? ['amd64', 'arm64'] : ['arm64']
  );
  const architectures = chosen.length === 0 ? every : /** @type {readonly Architecture[]} */ (chosen);
  await provide(architectures);
  mkdirSync(CACHE, { recursive: true });
  const date = await sourceDate();
  const compiled = (/** @type {Architecture} */ architecture) => {
    say(`${architecture}: compiling the native modules`);
    return nativeModules({ root: ROOT, cache: CACHE, architecture, fresh });
  };
  const own = await compiled(ownArchitecture());
  say('building the tree: sources, modules, manuals');
  const common = join(CACHE, 'tree');
  await layTree({ root: ROOT, tree: common, native: own, date });
  for (const architecture of architectures) {
    const native = architecture === ownArchitecture() ? own : await compiled(architecture);
    const tree = join(CACHE, `tree-${architecture}`);
    rmSync(tree, { recursive: true, force: true });
    cpSync(common, tree, { recursive: true, verbatimSymlinks: true });
    copyNative(native, tree);
    const deb = await pack(tree, architecture, date);
    rmSync(tree, { recursive: true, force: true });
    const { size } = statSync(deb);
    const sum = createHash('sha256').update(readFileSync(deb)).digest('hex');
    say(`${deb.slice(ROOT.length + 1)}: ${(size / 1e6).toFixed(1)} MB, sha256 ${sum}`);
    if (size > MAX_BYTES) throw new Error(`${deb} is larger than ${MAX_BYTES / 1e6} MB`);
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
