// Knows: that the box's directories are this process's alone, and are put back when they are removed. Must not know: what is in
// them. A directory that is gone takes the socket, the lock and all that a restart goes by with it.

import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { ExclusiveLock, LockError } from '../os/exclusive-lock.ts';

const LOCK = 'leakguardd.lock';

/** One directory, with its mode and owner as they were found. */
class Place {
  readonly path: string;
  readonly #mode: number;
  #found: Stats;
  #lock: ExclusiveLock | undefined;

  constructor(path: string, mode: number) {
    this.path = path;
    mkdirSync(path, { recursive: true, mode });
    this.#found = statSync(path);
    this.#mode = this.#found.mode & 0o7777;
  }

  /** Throws LockError. */
  lock(): void {
    if (this.#lock === undefined) this.#lock = new ExclusiveLock(this.path, LOCK);
    else this.#lock.keep();
  }

  /** True when it was gone, or another one stood in its place. Throws what the file system says. */
  keep(): boolean {
    const now = statSync(this.path, { throwIfNoEntry: false });
    if (now?.ino === this.#found.ino && now.dev === this.#found.dev) return false;
    if (now === undefined) {
      mkdirSync(this.path, { recursive: true });
      chownSync(this.path, this.#found.uid, this.#found.gid);
      chmodSync(this.path, this.#mode);
    }
    this.#found = statSync(this.path);
    return true;
  }
}

export class Places {
  readonly #state: Place;
  readonly #runtime: Place;

  /** Makes them where they are missing. Throws LockError `held` when another daemon has one of them. */
  constructor(stateDir: string, runtimeDir: string) {
    this.#state = new Place(stateDir, 0o700);
    this.#runtime = new Place(runtimeDir, 0o755);
    this.#lock();
  }

  /** The directories that had to be put back. Throws LockError `held` when another daemon has taken them meanwhile. */
  keep(): readonly string[] {
    const back = [this.#state, this.#runtime].filter((place) => place.keep());
    this.#lock();
    return back.map(({ path }) => path);
  }

  /** A disk that takes no lock must not keep the wire from being guarded: the other directory's then stands for both. */
  #lock(): void {
    for (const place of [this.#runtime, this.#state]) {
      try {
        place.lock();
      } catch (error) {
        if (!(error instanceof LockError) || error.code === 'held') throw error;
      }
    }
  }
}
