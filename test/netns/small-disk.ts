// Knows: a real file system on a disk of its own that can be filled. Must not know: what is
// kept on it.

import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must, run } from '../../appliance/lab/process.ts';

const MEGABYTES = 16;

export class SmallDisk {
  readonly #top = mkdtempSync(join(tmpdir(), 'leakguard-disk-'));
  readonly #image = join(this.#top, 'image');
  readonly path = join(this.#top, 'state');

  /** Formatted and mounted at `path`. */
  static async make(): Promise<SmallDisk> {
    const disk = new SmallDisk();
    await mkdir(disk.path);
    await must(['truncate', '-s', `${MEGABYTES}M`, disk.#image]);
    await must(['mkfs.ext4', '-q', '-F', '-m', '0', disk.#image]);
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

  async remove(): Promise<void> {
    await run(['umount', '--lazy', this.path]);
    rmSync(this.#top, { recursive: true, force: true });
  }

  async #mount(): Promise<void> {
    await must(['mount', '-o', 'loop', this.#image, this.path]);
  }
}
