// Knows: that one process alone works in a directory, whatever became of the one before it. Must not know: what it does there.
// A lock of the kernel on an open file (fcntl(2)), taken by SQLite's exclusive transaction (sqlite.org/lockingv3.html): it ends
// with its process, kill -9 included, so there is nothing stale to judge; and it holds over network namespaces, where a
// bound socket's name would not.

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

/** A process that is being ended holds its lock for a moment longer, milliseconds. */
const PATIENCE_MS = 1_000;

export class LockError extends Error {
  readonly code: 'held' | 'unusable';

  constructor(code: LockError['code'], message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'LockError';
    this.code = code;
  }
}

export class ExclusiveLock {
  readonly #path: string;
  #file: LockFile;
  #identity: string;

  /** Throws LockError: `held` when another process has it, `unusable` when the directory takes no lock. */
  constructor(directory: string, name: string) {
    this.#path = join(directory, name);
    this.#file = locked(this.#path, PATIENCE_MS);
    this.#identity = identityOf(this.#path);
  }

  /** Takes it again when the file was removed or replaced: who locks the new one would not meet the old lock. Throws LockError. */
  keep(): void {
    if (identityOf(this.#path) === this.#identity) return;
    const renewed = locked(this.#path, 0);
    this.#file.close();
    this.#file = renewed;
    this.#identity = identityOf(this.#path);
  }

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

/** Which file the name leads to. */
function identityOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? 'missing' : `${String(stats.dev)} ${String(stats.ino)}`;
}
