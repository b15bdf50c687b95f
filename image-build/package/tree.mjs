// Knows: what lies where on a box after the package was unpacked (FHS 3.0). Must not know: how it is packed.
// Everything is made from the checkout alone; times and rights are the same wherever and whenever it is made.

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
/** Program → where it is on the path, and its manual's section. */
const PROGRAMS = /** @type {const} */ ({
  leakguard: { folder: 'usr/bin', main: 'dist/appliance/cli/main.js', section: '1' },
  leakguardd: { folder: 'usr/sbin', main: 'dist/appliance/daemon/main.js', section: '8' },
  'leakguard-web': { folder: 'usr/sbin', main: 'dist/web/main.js', section: '8' },
});
const ABOUT = {
  leakguard: 'sees what leaves past a VPN tunnel, and can refuse to let it out',
  leakguardd: 'the guard of the wire, with its firewall and light',
  'leakguard-web': 'the page of the box',
};

/** @typedef {{ name: string, version: string }} PackageFile */

/**
 * As `npm run build` does, into a folder of its own: what is left there from earlier builds must not be shipped.
 * @param {string} root
 * @param {string} home gets dist/
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
 * The licence text that a module ships; empty when there is none.
 * @param {string} folder
 */
function licenceText(folder) {
  const names = readdirSync(folder).filter((file) => /(?:^|[_-])licen[cs]e/i.test(file));
  return names.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
}

/**
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
 * @param {string} native
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
 * What is loaded before the network: closed, and over it what the daemon left for this boot.
 * @param {string} tree
 */
async function closedRules(tree) {
  const module = pathToFileURL(join(tree, HOME, 'dist/src/policy/compile/nft.js')).href;
  const loaded = /** @type {unknown} */ (await import(module));
  const { compileClosedRuleset } = /** @type {{ compileClosedRuleset: () => string }} */ (loaded);
  return `# Knows: that nothing crosses any bridge until the daemon has said what may. One transaction with the daemon's own file,
# which a pattern names so that it may be missing, and which must be right when it is there.
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

/** gzip puts no name into its header, and zlib no time. */
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
 * Lays out everything for this machine's processor.
 * @param {object} job
 * @param {string} job.root
 * @param {string} job.tree made anew
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
  // Nobody has to enable what does nothing until an update is uploaded, or another time wished for.
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

/** Whether a file says by what it is to be run. */
const isProgram = (/** @type {string} */ file) =>
  readFileSync(file).subarray(0, 2).toString('latin1') === '#!';

/**
 * Rights and times as they are to be on the box.
 * @param {string} tree
 * @param {Date} date
 * @returns {{ files: string[], bytes: number }} files as paths from the tree, sorted
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
