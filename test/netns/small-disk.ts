// A real file system on a disk of its own that can be filled, that fails as a worn-out card does, and that can be repaired.

import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { must, run } from '../../appliance/lab/processes/process.ts';

export class SmallDisk {
  readonly #top = mkdtempSync(join(tmpdir(), 'leakguard-disk-'));
  readonly #image = join(this.#top, 'image');
  readonly path = join(this.#top, 'state');

  /** Formatted and mounted at `path`. */
  static async make(megabytes: number): Promise<SmallDisk> {
    const disk = new SmallDisk();
    // Shared, so that what is unmounted here is so in every namespace that has begun since.
    await must(['mount', '--bind', '--make-shared', disk.#top, disk.#top]);
    await mkdir(disk.path);
    await must(['truncate', '-s', `${megabytes}M`, disk.#image]);
    // All at once: what the kernel would do later is not to be taken for writes of whoever uses it.
    const now = ['-E', 'lazy_itable_init=0,lazy_journal_init=0'];
    await must(['mkfs.ext4', '-q', '-F', '-m', '0', ...now, disk.#image]);
    await disk.#mount();
    return disk;
  }

  /** Not one byte is left. */
  fill(): void {
    const ballast = join(this.path, 'ballast');
    for (let n = 0, size = 1 << 20; size >= 1;) {
      try {
        writeFileSync(`${ballast}${n}`, Buffer.alloc(size));
        n += 1;
      } catch {
        size >>= 4;
      }
    }
    if (statfsSync(this.path).bavail > 0) throw new Error('the disk is not full');
  }

  async free(): Promise<void> {
    await must(['find', this.path, '-name', 'ballast*', '-delete']);
  }

  /** The kernel finds a fault on it, and makes it read-only. */
  async fail(): Promise<void> {
    writeFileSync(`/sys/fs/ext4/${await this.#device()}/trigger_fs_error`, 'a fault for a test');
  }

  /** What the device itself was given so far, nothing being held back (Documentation/block/stat.rst, field 7). */
  async sectorsWritten(): Promise<number> {
    await must(['sync', '--file-system', this.path]);
    const fields = readFileSync(`/sys/class/block/${await this.#device()}/stat`, 'latin1')
      .trim()
      .split(/\s+/);
    return Number(fields[6]);
  }

  /** Checked and mounted anew; nobody may have a file open. */
  async repair(): Promise<void> {
    await must(['umount', this.path]);
    // 1: faults were found and mended.
    const { code, stdout } = await run(['fsck.ext4', '-f', '-y', this.#image]);
    if (code === null || code > 1) throw new Error(`fsck: ${stdout}`);
    await this.#mount();
  }

  async remove(): Promise<void> {
    await run(['umount', '--lazy', '--recursive', this.#top]);
    rmSync(this.#top, { recursive: true, force: true });
  }

  async #device(): Promise<string> {
    const { stdout } = await must(['findmnt', '-n', '-o', 'SOURCE', this.path]);
    return basename(stdout.trim());
  }

  async #mount(): Promise<void> {
    await must(['mount', '-o', 'loop,errors=remount-ro', this.#image, this.path]);
  }
}
