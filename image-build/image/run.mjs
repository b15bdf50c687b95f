// `npm run image [-- --fresh]` builds image-build/out/leakguard_VERSION_raspberrypi.img from the checkout, with its compressed form, its
// checksums and its bill of materials. --fresh rebuilds the cached tree of Debian packages. It needs root for chroot; the machine itself is
// not changed.

import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { readJson, thisMachine } from '../../appliance/provision/machine.mjs';
import { providePackages } from '../../appliance/provision/system-packages.mjs';
import { CACHE, debianTree, digest, must, say } from '../debian-tree.mjs';
import { Disk, rootSize } from './disk.mjs';
import { furnish } from './furnish.mjs';
import { cardOrder, toolsOrder } from './packages.mjs';
import { installedIn, spdx } from './sbom.mjs';

const ROOT = join(import.meta.dirname, '..', '..');
const OUT = join(ROOT, 'image-build', 'out');
const FOREIGN = [process.execPath, join(import.meta.dirname, 'foreign.mjs')];
const BOOT = join(import.meta.dirname, 'boot');
const MAX_BYTES = 900_000_000;

/** The lines of a file without empty lines and comments. */
const lines = (/** @type {string} */ file) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

/** Installs what the build needs; throws when that is not possible. */
async function provide() {
  if (process.getuid?.() !== 0) throw new Error('building the image needs chroot: run this as root');
  const { missing, reason } = await providePackages(thisMachine(ROOT), ['image']);
  if (missing.length > 0) throw new Error(`${missing.join(', ')} missing; ${reason}`);
}

/** The folder of the tools tree, unpacked once. */
async function tools() {
  const order = toolsOrder(process.arch === 'arm64' ? 'arm64' : 'amd64');
  const folder = join(CACHE, `tools-${digest(order)}`);
  if (existsSync(folder)) return folder;
  await unpack(await debianTree(order), `${folder}.part`);
  await must('mv', [`${folder}.part`, folder]);
  return folder;
}

/**
 * @param {string} tar
 * @param {string} tree replaced if it exists
 */
async function unpack(tar, tree) {
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  await must('tar', ['--extract', '--numeric-owner', '--file', tar, '--directory', tree]);
}

/** @returns {Promise<string>} path of the arm64 package, newly built from the checkout */
async function ownPackage() {
  const { version } = /** @type {{ version: string }} */ (readJson(join(ROOT, 'package.json')));
  say('building the Leakguard package');
  await must(process.execPath, [join(ROOT, 'image-build/package/run.mjs'), 'arm64']);
  return join(OUT, `leakguard_${version}_arm64.deb`);
}

/**
 * @param {string} tree
 * @param {string} deb
 * @returns {Promise<Date>} the package's source date
 */
async function install(tree, deb) {
  copyFileSync(deb, join(tree, 'leakguard.deb'));
  const quiet = { DEBIAN_FRONTEND: 'noninteractive', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
  const [node = '', ...script] = FOREIGN;
  await must(node, [...script, 'chroot', tree, 'dpkg', '--install', '/leakguard.deb'], quiet);
  rmSync(join(tree, 'leakguard.deb'));
  return statSync(join(tree, 'usr/share/doc/leakguard/copyright')).mtime;
}

/**
 * Collects the boot partition's files: those of Debian's hook, and ours.
 * @param {string} tree its folder /boot/firmware is empty afterwards
 * @param {string} folder replaced if it exists
 */
function bootFiles(tree, folder) {
  const from = join(tree, 'boot/firmware');
  rmSync(folder, { recursive: true, force: true });
  cpSync(from, folder, { recursive: true });
  for (const name of readdirSync(from)) rmSync(join(from, name), { recursive: true });
  // Kernel and initramfs are only needed on the boot partition, where the firmware reads them.
  for (const name of readdirSync(join(tree, 'boot')))
    if (/^(?:vmlinuz|initrd\.img)-/.test(name)) rmSync(join(tree, 'boot', name));
  const text = readFileSync(join(BOOT, 'leakguard.txt'), 'utf8');
  // CRLF, for any editor that the owner may use.
  writeFileSync(join(folder, 'leakguard.txt'), text.replaceAll('\n', '\r\n'));
}

/**
 * The bill of materials of the tree.
 * @param {string} tree
 * @param {string} name of the card
 * @param {Date} date
 */
function billOfMaterials(tree, name, date) {
  const modules = join(tree, 'usr/lib/leakguard/node_modules');
  const names = readdirSync(modules).flatMap((each) =>
    each.startsWith('@') ? readdirSync(join(modules, each)).map((inner) => `${each}/${inner}`) : [each],
  );
  const npm = names
    .filter((each) => existsSync(join(modules, each, 'package.json')))
    .map((each) => {
      const { version } = /** @type {{ version: string }} */ (readJson(join(modules, each, 'package.json')));
      return { type: /** @type {const} */ ('npm'), name: each, version, architecture: '' };
    });
  const debs = installedIn(readFileSync(join(tree, 'var/lib/dpkg/status'), 'utf8'));
  return spdx(name, date, [...debs, ...npm]);
}

/** @returns {Promise<string>} a line in the format of sha256sum(1) */
async function sum(/** @type {string} */ path, name = path) {
  const hash = createHash('sha256');
  const chunks = /** @type {AsyncIterable<Buffer>} */ (createReadStream(path));
  for await (const chunk of chunks) hash.update(chunk);
  return `${hash.digest('hex')}  ${name}\n`;
}

async function main() {
  const words = process.argv.slice(2);
  const unknown = words.find((word) => word !== '--fresh');
  if (unknown !== undefined) throw new Error(`${unknown} is not --fresh`);
  await provide();
  const deb = await ownPackage();
  const order = cardOrder(lines(join(BOOT, 'config.txt')));
  if (words.includes('--fresh'))
    rmSync(join(CACHE, `tree-${order.arch}-${digest(order)}.tar`), { force: true });
  const base = await debianTree(order, FOREIGN);
  const toolbox = await tools();
  mkdirSync(join(toolbox, 'work'), { recursive: true });
  const tree = join(CACHE, `card-${process.pid}`);
  try {
    say('building the root file system tree');
    await unpack(base, tree);
    const date = await install(tree, deb);
    const disk = new Disk(toolbox, date);
    bootFiles(tree, disk.path('boot'));
    furnish(tree, date);
    const { version } = /** @type {{ version: string }} */ (readJson(join(ROOT, 'package.json')));
    const name = `leakguard_${version}_raspberrypi`;
    const [image, bill] = [join(OUT, `${name}.img`), join(OUT, `${name}.spdx.json`)];
    writeFileSync(bill, billOfMaterials(tree, name, date));
    const time = ['--sort=name', `--mtime=@${date.getTime() / 1000}`, '--clamp-mtime', '--numeric-owner'];
    const shape = ['--format=posix', '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime'];
    await must('tar', [
      '--create',
      '--file',
      disk.path('root.tar'),
      ...time,
      ...shape,
      '--directory',
      tree,
      '.',
    ]);
    say('making the file systems');
    const content = statSync(disk.path('root.tar')).size;
    await disk.ext4('root.tar', 'root', rootSize(content));
    await disk.fat('boot', 'boot.fat', date);
    say('writing the image');
    await disk.join('boot.fat', 'root', image);
    await disk.pack('image');
    copyFileSync(disk.path('image.xz'), `${image}.xz`);
    const sums = [
      await sum(disk.path('root'), `${name}.root (root file system)`),
      await sum(image, `${name}.img`),
      await sum(`${image}.xz`, `${name}.img.xz`),
      await sum(bill, `${name}.spdx.json`),
    ];
    writeFileSync(join(OUT, `${name}.sha256`), sums.slice(1).join(''));
    const { size } = statSync(image);
    const packed = statSync(`${image}.xz`).size;
    say(
      `${image.slice(ROOT.length + 1)}: ${(size / 1e6).toFixed(0)} MB, compressed ${(packed / 1e6).toFixed(0)} MB`,
    );
    process.stderr.write(sums.join(''));
    if (size > MAX_BYTES) throw new Error(`the image is larger than ${MAX_BYTES / 1e6} MB`);
  } finally {
    rmSync(tree, { recursive: true, force: true });
    rmSync(join(toolbox, 'work'), { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
