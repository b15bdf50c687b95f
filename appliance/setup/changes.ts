// Changes files as set-up requires and restores the originals. The originals are recorded before anything changes, so that set-up can be undone
// at any time.

import { mkdirSync, readFileSync, readlinkSync, rmSync, rmdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeDurable } from '../os/durable-file.ts';
import { SetupError } from './error.ts';
import type { Wanted } from './plan.ts';

/** A file's or link's content; undefined: nothing is there. */
type Content = { readonly kind: 'file' | 'link'; readonly content: string } | undefined;

/** One file that is made, changed or removed. */
export interface Change {
  /** Relative to the machine's root directory, without a leading slash. */
  readonly path: string;
  readonly before: Content;
  readonly after: Content;
}

interface Original {
  readonly path: string;
  /** What was there before set-up; null for nothing. */
  readonly before: Exclude<Content, undefined> | null;
}

/** Not in etc/leakguard, where the daemon may write: root restores whatever this file says. */
const RECORD = 'etc/leakguard-setup.json';
const FILE_MODE = 0o644;

/**
 * The changes that make the `wanted` files below `root` and undo those of an earlier set-up that are not wanted any more, without files
 * that are already so; changes nothing. Throws SetupError `write` when the record of the originals is damaged, and file system errors.
 */
export function changesTo(root: string, wanted: readonly Wanted[]): readonly Change[] {
  const kept = readRecord(root);
  const paths = new Set(wanted.map(({ path }) => path));
  const obsolete = kept.filter(({ path }) => !paths.has(path));
  return [
    ...wanted.map(({ path, kind, content }) => ({ path, after: { kind, content } })),
    ...obsolete.map(({ path, before }) => ({ path, after: before ?? undefined })),
  ]
    .map((change): Change => ({ ...change, before: contentAt(root, change.path) }))
    .filter(({ before, after }) => !isEqual(before, after));
}

/**
 * The changes that undo set-up below `root`: originals are restored, files that were not there are removed. Empty without a set-up. Throws
 * as `changesTo` does.
 */
export function changesBack(root: string): readonly Change[] {
  return changesTo(root, []);
}

/**
 * Makes the changes of `changesTo`, each file durably with mode 0644, and records the originals first. Throws SetupError `write`; what was
 * done by then can be undone as usual.
 */
export function apply(root: string, wanted: readonly Wanted[]): void {
  const changes = changesTo(root, wanted);
  const old = readRecord(root);
  const known = new Set(old.map(({ path }) => path));
  const fresh = changes
    .filter(({ path }) => !known.has(path))
    .map(({ path, before }): Original => ({ path, before: before ?? null }));
  try {
    if (fresh.length > 0) writeRecord(root, [...old, ...fresh]);
    for (const { path, after } of changes) write(join(root, path), after);
    const stays = new Set(wanted.map(({ path }) => path));
    writeRecord(
      root,
      [...old, ...fresh].filter(({ path }) => stays.has(path)),
    );
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new SetupError('write', `some files could not be written: ${what}`, 'Run this as root.', error);
  }
}

function write(path: string, after: Content): void {
  if (after === undefined) {
    rmSync(path, { force: true });
    removeIfEmpty(dirname(path));
    return;
  }
  mkdirSync(dirname(path), { recursive: true });
  if (after.kind === 'link') {
    rmSync(path, { force: true });
    symlinkSync(after.content, path);
    return;
  }
  // A link is replaced, not followed: its target is not ours.
  if (contentOf(path)?.kind === 'link') rmSync(path);
  writeDurable(path, after.content, FILE_MODE);
}

/** Removes drop-in directories that are empty now. */
function removeIfEmpty(folder: string): void {
  if (!/(?:\.d|\.wants|\/NetworkManager)$/.test(folder)) return;
  try {
    rmdirSync(folder);
  } catch {
    // Not empty: it holds files of others.
    return;
  }
  removeIfEmpty(dirname(folder));
}

function contentAt(root: string, path: string): Content {
  return contentOf(join(root, path));
}

function contentOf(path: string): Content {
  try {
    return { kind: 'link', content: readlinkSync(path) };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
  }
  return { kind: 'file', content: readFileSync(path, 'utf8') };
}

function isEqual(a: Content, b: Content): boolean {
  return a?.kind === b?.kind && a?.content === b?.content;
}

function writeRecord(root: string, kept: readonly Original[]): void {
  const path = join(root, RECORD);
  if (kept.length === 0) {
    rmSync(path, { force: true });
    return;
  }
  mkdirSync(dirname(path), { recursive: true });
  writeDurable(path, `${JSON.stringify({ version: 1, kept }, undefined, 2)}\n`);
}

/** Throws SetupError when the record cannot be read: the originals must not be lost. */
function readRecord(root: string): readonly Original[] {
  const path = join(root, RECORD);
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as { version?: unknown; kept?: unknown };
    if (value.version === 1 && Array.isArray(value.kept) && value.kept.every(isOriginal)) return value.kept;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
  }
  const remedy = 'It holds the original files: repair it, or delete it if you do not need them any more.';
  throw new SetupError('write', `${path} cannot be read`, remedy);
}

function isOriginal(value: unknown): value is Original {
  if (typeof value !== 'object' || value === null) return false;
  const { path, before } = value as Readonly<Record<string, unknown>>;
  const safe = typeof path === 'string' && path.startsWith('etc/') && !path.split('/').includes('..');
  return safe && (before === null || typeof before === 'object');
}
