// Lays out the files of the package as they are on a box (FHS 3.0). Everything comes from the checkout; times and modes do not depend on
// where and when it is built.

import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

import { copyAssets } from '../../appliance/provision/assets.mjs';
import { readJson } from '../../appliance/provision/machine.mjs';
import { changelog, copyrightFile } from './control.mjs';
import { commandNames, manPage } from './man-page.mjs';
import { copyModule, NATIVE, runtimeModules } from './modules.mjs';
import { must } from './native.mjs';

const HOME = 'usr/lib/leakguard';
/** Program → its folder on the path, its main file, and the section of its manual page. */
const PROGRAMS = /** @type {const} */ ({
  leakguard: { folder: 'usr/bin', main: 'dist/appliance/cli/main.js', section: '1' },
  leakguardd: { folder: 'usr/sbin', main: 'dist/appliance/daemon/main.js', section: '8' },
  'leakguard-web': { folder: 'usr/sbin', main: 'dist/web/main.js', section: '8' },
});
const ABOUT = {
  leakguard: 'detects traffic that leaves outside a VPN tunnel, and can block it',
  leakguardd: 'the daemon that guards the wire, with its firewall and LED',
  'leakguard-web': 'the page of the box',
};

/** @typedef {{ name: string, version: string }} PackageFile */

/**
 * Like `npm run build`, but into a new folder, so that nothing from earlier builds is shipped.
 * @param {string} root
 * @param {string} home folder in which dist/ is created
 */
async function compile(root, home) {
  const [tsc, dist] = [join(root, 'node_modules/typescript/bin/tsc'), join(home, 'dist')];
  const project = ['-p', 'tsconfig.build.json', '--outDir', dist, '--sourceMap', 'false'];
  await must(process.execPath, [tsc, ...project], { cwd: root });
  await must(process.execPath, [join(root, 'appliance/provision/bundle.mjs')], { cwd: home });
  for (const path of readdirSync(dist, { recursive: true, encoding: 'utf8' }))
    if (path.endsWith('.map')) rmSync(join(dist, path));
  copyAssets(root, dist);
}

/**
 * The licence text of a module; empty when it contains none.
 * @param {string} folder
 */
function licenceText(folder) {
  const names = readdirSync(folder).filter((file) => /(?:^|[_-])licen[cs]e/i.test(file));
  return names.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
}

/**
 * Copies the node modules, and returns their licences.
 * @param {string} root
 * @param {string} tree
 * @param {string} native folder of this machine's native modules
 */
function copyModules(root, tree, native) {
  const lock = /** @type {{ packages: import('./modules.mjs').LockedPackages }} */ (
    readJson(join(root, 'package-lock.json'))
  );
  const licensed = [];
  for (const path of runtimeModules(lock.packages)) {
    copyModule(join(root, path), join(tree, HOME, path));
    const { version = '', license } = lock.packages[path] ?? {};
    const known = /** @type {{ license?: string }} */ (readJson(join(root, path, 'package.json'))).license;
    licensed.push({
      ...{ name: path.replace(/^node_modules\//, ''), version, text: licenceText(join(root, path)) },
      license: license ?? known ?? 'MIT',
    });
  }
  copyNative(native, tree);
  return licensed;
}

/**
 * Copies the compiled files of the native modules into the tree. Throws file system errors.
 * @param {string} native folder of nativeModules (native.mjs)
 * @param {string} tree
 */
export function copyNative(native, tree) {
  for (const [name, file] of Object.entries(NATIVE)) {
    const to = join(tree, HOME, 'node_modules', name, file);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(join(native, name, file), to);
  }
}

/**
 * The ruleset that is loaded before the network: the closed ruleset, then the one that the daemon has written for this boot.
 * @param {string} tree
 */
async function closedRules(tree) {
  const module = pathToFileURL(join(tree, HOME, 'dist/src/policy/compile/nft.js')).href;
  const loaded = /** @type {unknown} */ (await import(module));
  const { compileClosedRuleset } = /** @type {{ compileClosedRuleset: () => string }} */ (loaded);
  return `# Nothing crosses any bridge until the daemon has loaded its rules. Loaded in one transaction with the daemon's ruleset for this boot. That
# file is included by a pattern so that it may be missing; if it exists and has an error, the transaction fails.
${compileClosedRuleset()}
include "/var/lib/leakguard/[b]oot.nft"
`;
}

/**
 * @param {string} tree
 * @param {Date} date
 */
async function manuals(tree, date) {
  for (const [name, { main, section }] of Object.entries(PROGRAMS)) {
    const say = (/** @type {string[]} */ ...args) =>
      must(process.execPath, [join(tree, HOME, main), ...args]);
    const help = await say('--help');
    const commands = [];
    if (name === 'leakguard')
      for (const command of commandNames(help))
        commands.push({ name: command, help: await say('help', command) });
    const about = ABOUT[/** @type {keyof typeof ABOUT} */ (name)];
    write(
      tree,
      `usr/share/man/man${section}/${name}.${section}.gz`,
      gzipped(manPage({ name, section, about, help, date, commands })),
    );
  }
}

/** zlib writes neither a name nor a time into the gzip header, so the result is reproducible. */
const gzipped = (/** @type {string} */ text) => gzipSync(text, { level: 9 });

/**
 * @param {string} tree
 * @param {string} path
 * @param {string | Uint8Array} content
 */
function write(tree, path, content) {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), content);
}

/**
 * Lays out all files, with native modules for this machine's architecture. Throws Error when compiling fails, and file system errors.
 * @param {object} job
 * @param {string} job.root
 * @param {string} job.tree replaced if it exists
 * @param {string} job.native
 * @param {Date} job.date
 */
export async function layTree({ root, tree, native, date }) {
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(join(tree, HOME), { recursive: true });
  const { name, version } = /** @type {PackageFile} */ (readJson(join(root, 'package.json')));
  const licence = 'MIT';
  write(
    tree,
    `${HOME}/package.json`,
    `${JSON.stringify({ name, version, private: true, type: 'module', license: licence }, null, 2)}\n`,
  );
  await compile(root, join(tree, HOME));
  const licensed = copyModules(root, tree, native);
  for (const [program, { folder, main }] of Object.entries(PROGRAMS)) {
    mkdirSync(join(tree, folder), { recursive: true });
    symlinkSync(`../lib/leakguard/${main}`, join(tree, folder, program));
  }
  for (const file of readdirSync(join(root, 'systemd'))) {
    if (/\.(?:service|socket|path)$/.test(file))
      cpSync(join(root, 'systemd', file), join(tree, 'usr/lib/systemd/system', file));
  }
  // Enabled by default: these units do nothing until there is an uploaded update or a set-clock request.
  const wants = join(tree, 'usr/lib/systemd/system/multi-user.target.wants');
  mkdirSync(wants, { recursive: true });
  for (const unit of ['leakguard-update.path', 'leakguard-update.service', 'leakguard-set-clock.path'])
    symlinkSync(`../${unit}`, join(wants, unit));
  cpSync(join(root, 'systemd/leakguard.sysusers'), join(tree, 'usr/lib/sysusers.d/leakguard.conf'));
  if (existsSync(join(root, 'systemd/machine')))
    cpSync(join(root, 'systemd/machine'), join(tree, HOME, 'systemd/machine'), { recursive: true });
  write(tree, `${HOME}/closed.nft`, await closedRules(tree));
  const doc = 'usr/share/doc/leakguard';
  write(tree, `${doc}/copyright`, copyrightFile(readFileSync(join(root, 'LICENSE'), 'utf8'), licensed));
  write(tree, `${doc}/changelog.gz`, gzipped(changelog(version, date)));
  const main = join(tree, HOME, PROGRAMS.leakguard.main);
  write(tree, `${doc}/openapi.json`, await must(process.execPath, [main, 'api', '--openapi']));
  cpSync(join(root, 'appliance/policy/policy.example.yaml'), join(tree, doc, 'examples/policy.yaml'));
  for (const folder of ['etc/leakguard', 'etc/leakguard-update', 'var/lib/leakguard-update'])
    mkdirSync(join(tree, folder), { recursive: true });
  await manuals(tree, date);
}

/** Whether a file begins with `#!`. */
const isProgram = (/** @type {string} */ file) =>
  readFileSync(file).subarray(0, 2).toString('latin1') === '#!';

/**
 * Sets the modes and times of all files: programs and folders 0755, other files 0644.
 * @param {string} tree
 * @param {Date} date
 * @returns {{ files: string[], bytes: number }} sorted paths relative to the tree, and their size on disk
 */
export function settle(tree, date) {
  const files = /** @type {string[]} */ ([]);
  let bytes = 0;
  const visit = (/** @type {string} */ path) => {
    const at = join(tree, path);
    const stat = lstatSync(at);
    if (stat.isDirectory()) {
      for (const name of readdirSync(at).sort()) visit(path === '' ? name : `${path}/${name}`);
      chmodSync(at, 0o755);
      bytes += 4096;
    } else if (!stat.isSymbolicLink()) {
      chmodSync(at, isProgram(at) ? 0o755 : 0o644);
      files.push(path);
      bytes += Math.ceil(stat.size / 4096) * 4096;
    }
    lutimesSync(at, date, date);
  };
  visit('');
  return { files, bytes };
}
