// Opens, checks and migrates the history's SQLite file, and sets a damaged one aside. In SQLite's WAL mode a kill at any time leaves the
// last complete transaction (sqlite.org/wal.html).

import { existsSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';

/** What SQLite stores and returns; numbers are doubles or integers up to 2^53. */
export type SqlValue = string | number | null | Uint8Array;
/** A row by column names. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** The part of better-sqlite3 that is used here. */
export interface Statement {
  run(...values: readonly SqlValue[]): { readonly changes: number };
  get(...values: readonly SqlValue[]): SqlRow | undefined;
  all(...values: readonly SqlValue[]): SqlRow[];
}

/** The part of better-sqlite3 that is used here; every method throws SQLite's errors (sqlite.org/rescode.html). */
export interface Database {
  prepare(sql: string): Statement;
  exec(sql: string): void;
  pragma(source: string, options?: { readonly simple: boolean }): unknown;
  /** Returns a function that runs `body` in one transaction and rolls it back when it throws. */
  transaction<A extends readonly unknown[]>(body: (...given: A) => void): (...given: A) => void;
  close(): void;
}

const Sqlite = createRequire(import.meta.url)('better-sqlite3') as new (
  path: string,
  options: { readonly timeout: number; readonly readonly?: boolean; readonly fileMustExist?: boolean },
) => Database;

/**
 * Opens a file that another process writes; it is not checked, migrated or written. Throws SQLite's errors, also when there is no file, and
 * `SQLITE_BUSY` when it is locked for two seconds.
 */
export function openForReading(path: string): Database {
  const database = new Sqlite(path, { timeout: 2_000, readonly: true, fileMustExist: true });
  database.pragma('cache_size = -8192');
  return database;
}

/** The history cannot be used. `newer`: written by a newer version · `unusable`: any other reason. */
export class StoreError extends Error {
  readonly code: 'newer' | 'unusable';

  constructor(code: StoreError['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StoreError';
    this.code = code;
  }
}

/** An open database that is whole and of this version. */
export interface Opened {
  readonly database: Database;
  /** For people: a damaged file was set aside. */
  readonly warning: string | undefined;
}

const COMPANIONS = ['', '-wal', '-shm'] as const;
/** Suffix of a damaged file. Only the last one is kept: the disk is small, and the history is private. */
const DAMAGED = '.damaged';

/**
 * Opens, checks (`quick_check`) and migrates the file, or creates it; `migrations[n]` (SQL) brings version n to n + 1. A damaged file is
 * replaced by a new one, and `warning` says so. Throws StoreError `newer` for a file of a later version, which stays as it is, and
 * `unusable`.
 */
export function openDatabase(path: string, migrations: readonly string[]): Opened {
  try {
    return { database: openChecked(path, migrations), warning: undefined };
  } catch (error) {
    if (error instanceof StoreError && error.code === 'newer') throw error;
    if (!isDamage(error)) throw new StoreError('unusable', `${path} cannot be used: ${words(error)}`, error);
    setAside(path);
    const warning = `The history was damaged (${words(error)}) and was set aside as ${path}${DAMAGED}; a new one was created.`;
    return { database: openChecked(path, migrations), warning };
  }
}

/**
 * Renames a file that another program has changed, with its log, so that `openDatabase` creates a new one; an earlier one that was set
 * aside is removed. Returns the new path. Throws file system errors.
 */
export function setAsideAs(path: string): string {
  setAside(path);
  return `${path}${DAMAGED}`;
}

/**
 * Removes a file that was set aside, with its log (`-wal`, `-shm`); `path` is that of the history itself. Does nothing without one. Throws
 * file system errors.
 */
export function removeDamaged(path: string): void {
  for (const companion of COMPANIONS) rmSync(`${path}${DAMAGED}${companion}`, { force: true });
}

class DamageError extends Error {
  readonly code = 'damaged';
}

function openChecked(path: string, migrations: readonly string[]): Database {
  const database = new Sqlite(path, { timeout: 1_000 });
  try {
    // Deleted rows are overwritten, and freed pages can be given back: both must be set before the first table.
    database.pragma('auto_vacuum = INCREMENTAL');
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = NORMAL');
    database.pragma('secure_delete = ON');
    database.pragma('journal_size_limit = 4194304');
    database.pragma('cache_size = -2048');
    const found = database.pragma('quick_check(1)', { simple: true });
    if (found !== 'ok') throw new DamageError(String(found));
    migrate(database, path, migrations);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function migrate(database: Database, path: string, migrations: readonly string[]): void {
  const version = Number(database.pragma('user_version', { simple: true }));
  if (version > migrations.length) {
    throw new StoreError('newer', `${path} was written by a newer Leakguard (version ${String(version)})`);
  }
  if (version === migrations.length) return;
  database.transaction(() => {
    for (const sql of migrations.slice(version)) database.exec(sql);
    database.pragma(`user_version = ${String(migrations.length)}`);
  })();
}

function isDamage(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  const code = String(error.code);
  return code === 'damaged' || code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT');
}

function setAside(path: string): void {
  removeDamaged(path);
  for (const companion of COMPANIONS) {
    if (existsSync(path + companion)) renameSync(path + companion, `${path}${DAMAGED}${companion}`);
  }
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
