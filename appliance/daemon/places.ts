// Locks the state and runtime directories for this process alone, and creates them again when they are removed: with them go the
// socket, the lock and the files that a restart reads.

import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { ExclusiveLock, LockError } from '../os/exclusive-lock.ts';

const LOCK = 'leakguardd.lock';

/** One directory, with its original mode and owner. */
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

  /** Takes the lock, or makes sure that it is still held. Throws LockError. */
  lock(): void {
    if (this.#lock === undefined) this.#lock = new ExclusiveLock(this.path, LOCK);
    else this.#lock.keep();
  }

  /** Creates it again when it is gone; true when it was gone or had been replaced. Throws file system errors. */
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

/** The two directories of this daemon. */
export class Places {
  readonly #state: Place;
  readonly #runtime: Place;

  /**
   * Creates the directories where they are missing, the state directory for its owner alone (0700). Throws LockError `held` when another
   * daemon has locked one of them, and file system errors.
   */
  constructor(stateDir: string, runtimeDir: string) {
    this.#state = new Place(stateDir, 0o700);
    this.#runtime = new Place(runtimeDir, 0o755);
    this.#lock();
  }

  /**
   * Restores the directories with their mode and owner; returns the paths that were gone or replaced. Throws LockError `held` when another
   * daemon has locked one meanwhile, and file system errors.
   */
  keep(): readonly string[] {
    const restored = [this.#state, this.#runtime].filter((place) => place.keep());
    this.#lock();
    return restored.map(({ path }) => path);
  }

  /** A disk on which no lock can be made must not keep the box from guarding: the other directory's lock then serves for both. */
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
