// A lock that lets only one process work in a directory: a kernel lock on an open file (fcntl(2)), taken by an exclusive SQLite transaction
// (sqlite.org/lockingv3.html). It ends with its process, also by kill -9, so it is never stale; and it holds across network namespaces,
// which the name of a bound socket would not.

import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

interface LockFile {
  exec(sql: string): void;
  close(): void;
}

const Sqlite = createRequire(import.meta.url)('better-sqlite3') as new (
  path: string,
  options: { readonly timeout: number },
) => LockFile;

/** How long to wait for the lock, milliseconds: a process that was killed holds it for a moment longer. */
const TIMEOUT_MS = 1_000;

/** No lock. `held`: another process has it; `unusable`: no lock can be made in the directory. */
export class LockError extends Error {
  readonly code: 'held' | 'unusable';

  constructor(code: LockError['code'], message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'LockError';
    this.code = code;
  }
}

/** A lock that this process holds until `close` or its end. */
export class ExclusiveLock {
  readonly #path: string;
  #file: LockFile;
  #identity: string;

  /**
   * Takes the lock, a file `name` in `directory` that stays there; waits up to TIMEOUT_MS. Throws LockError: `held` when another process
   * has it, `unusable` when no lock can be made in the directory.
   */
  constructor(directory: string, name: string) {
    this.#path = join(directory, name);
    this.#file = locked(this.#path, TIMEOUT_MS);
    this.#identity = identityOf(this.#path);
  }

  /** Takes the lock again when its file was removed or replaced: it does not protect a new file of that name. Throws LockError. */
  keep(): void {
    if (identityOf(this.#path) === this.#identity) return;
    const renewed = locked(this.#path, 0);
    this.#file.close();
    this.#file = renewed;
    this.#identity = identityOf(this.#path);
  }

  /** Gives the lock back. */
  close(): void {
    this.#file.close();
  }
}

function locked(path: string, timeout: number): LockFile {
  let file: LockFile | undefined;
  try {
    file = new Sqlite(path, { timeout });
    file.exec('BEGIN EXCLUSIVE');
    return file;
  } catch (error) {
    file?.close();
    const isHeld = error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY');
    throw new LockError(
      isHeld ? 'held' : 'unusable',
      isHeld
        ? `another process holds ${path}`
        : `${path} cannot be locked: ${error instanceof Error ? error.message : String(error)}`,
      error,
    );
  }
}

/** Device and inode of the file; `missing` when there is none. */
function identityOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? 'missing' : `${String(stats.dev)} ${String(stats.ino)}`;
}
