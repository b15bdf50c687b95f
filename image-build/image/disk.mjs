// Makes the image of an SD card from a tree and a folder: a partition table and two file systems. It needs no loop device and no mount:
// mke2fs reads a tar file, mtools write into a file. All identifiers that the tools would choose at random are fixed, so that the same
// content gives the same bytes.

import {
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { must } from '../debian-tree.mjs';
import { script } from './root/usr/lib/leakguard-image/layout.mjs';

/** @typedef {import('./root/usr/lib/leakguard-image/layout.mjs').Partition} Partition */

const SECTOR = 512;
const MEBIBYTE = 1_048_576;
/** Firmware, kernel and initramfs, and the same again as reserve. */
const BOOT_MEBIBYTES = 160;
const ROOT_UUID = 'b0c5a9e4-6c1e-4f5a-9d0b-1ea4b0a4d001';
const HASH_SEED = 'b0c5a9e4-6c1e-4f5a-9d0b-1ea4b0a4d002';
const DISK_ID = '0x1ea4b0a4';

/**
 * The image's partition table: boot (FAT) and root (ext4), in sectors of 512 bytes, at whole mebibytes.
 * @param {number} rootBytes size of the root file system
 * @returns {readonly [Partition, Partition]}
 */
export function imageTable(rootBytes) {
  const per = MEBIBYTE / SECTOR;
  const boot = { start: 4 * per, size: BOOT_MEBIBYTES * per, type: 'c' };
  return [boot, { start: boot.start + boot.size, size: Math.ceil(rootBytes / MEBIBYTE) * per, type: '83' }];
}

/**
 * Size of the root file system in bytes, whole mebibytes: the content, the file system's journal and tables, and one update until the first
 * start.
 * @param {number} content bytes of the tree
 */
export function rootSize(content) {
  return (Math.ceil((content * 1.06) / MEBIBYTE) + 48) * MEBIBYTE;
}

/**
 * Creates a sparse file of zeros.
 * @param {string} path
 * @param {number} bytes
 */
function blank(path, bytes) {
  const file = openSync(path, 'w');
  ftruncateSync(file, bytes);
  closeSync(file);
}

/** Makes file systems and the image with the programs of a tools tree. Methods throw Error with a program's output when it fails. */
export class Disk {
  #tools;
  #env;

  /**
   * @param {string} tools a tree with the programs of toolsOrder, which work in its folder /work
   * @param {Date} date the time of all new files
   */
  constructor(tools, date) {
    this.#tools = tools;
    this.#env = { SOURCE_DATE_EPOCH: String(date.getTime() / 1000), TZ: 'UTC', LC_ALL: 'C.UTF-8' };
  }

  /** @param {readonly string[]} command its paths are relative to the tools tree */
  #run(command) {
    return must('chroot', [this.#tools, ...command], { ...this.#env, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' });
  }

  /** The path on this machine of a file in /work. */
  path(/** @type {string} */ name) {
    return join(this.#tools, 'work', name);
  }

  /**
   * Makes an ext4 file system of so many bytes from a tar file (mke2fs(8), -d), and checks it.
   * @param {string} tar name in /work
   * @param {string} image name in /work
   * @param {number} bytes
   */
  async ext4(tar, image, bytes) {
    blank(this.path(image), bytes);
    const features = ['-J', 'size=16', '-m', '1', '-I', '256'];
    const fixed = ['-U', ROOT_UUID, '-E', `hash_seed=${HASH_SEED},lazy_itable_init=0,lazy_journal_init=0`];
    const label = ['-q', '-F', '-t', 'ext4', '-L', 'root'];
    await this.#run(['mke2fs', ...label, ...features, ...fixed, '-d', `/work/${tar}`, `/work/${image}`]);
    await this.#run(['e2fsck', '-fn', `/work/${image}`]);
  }

  /**
   * Makes a FAT32 file system of BOOT_MEBIBYTES from a folder, and checks it (mkfs.vfat(8), mcopy(1)).
   * @param {string} folder name in /work; its files' times become `date`
   * @param {string} image name in /work
   * @param {Date} date
   */
  async fat(folder, image, date) {
    blank(this.path(image), BOOT_MEBIBYTES * MEBIBYTE);
    await this.#run(['mkfs.vfat', '-F', '32', '-n', 'LEAKGUARD', '--invariant', `/work/${image}`]);
    const paths = readdirSync(this.path(folder), { recursive: true, encoding: 'utf8' }).sort();
    for (const path of paths) {
      const at = this.path(join(folder, path));
      utimesSync(at, date, date);
      const to = ['-i', `/work/${image}`];
      if (statSync(at).isDirectory()) await this.#run(['mmd', ...to, `::/${path}`]);
      else await this.#run(['mcopy', ...to, '-m', `/work/${folder}/${path}`, `::/${path}`]);
    }
    await this.#run(['fsck.vfat', '-n', `/work/${image}`]);
  }

  /**
   * Writes the image: partition table (sfdisk(8)), boot and root file system.
   * @param {string} boot name in /work
   * @param {string} root name in /work
   * @param {string} image path on this machine
   */
  async join(boot, root, image) {
    const table = imageTable(statSync(this.path(root)).size);
    const [first, second] = table;
    blank(this.path('image'), (second.start + second.size) * SECTOR);
    writeFileSync(this.path('table'), script(table, DISK_ID));
    await this.#run([
      'sh',
      '-c',
      'sfdisk --quiet /work/image </work/table && sfdisk --verify --quiet /work/image',
    ]);
    for (const [name, { start }] of /** @type {const} */ ([
      [boot, first],
      [root, second],
    ]))
      await must('dd', [
        ...[
          `if=${this.path(name)}`,
          `of=${this.path('image')}`,
          'bs=1M',
          `seek=${(start * SECTOR) / MEBIBYTE}`,
        ],
        ...['conv=notrunc,sparse', 'status=none'],
      ]);
    await must('cp', ['--sparse=always', this.path('image'), image]);
  }

  /** Compresses a file in /work to NAME.xz. */
  async pack(/** @type {string} */ name) {
    await this.#run(['xz', '--keep', '--force', '-T2', '-3', `/work/${name}`]);
  }
}
