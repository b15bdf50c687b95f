// Knows: how files come to be what is wanted, and become again what they were. Must not know: what they are for.
// What was there before is written down before anything changes, so that it can be put back whenever it is asked for.

import { mkdirSync, readFileSync, readlinkSync, rmSync, rmdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeDurable } from '../os/durable-file.ts';
import { SetupError } from './error.ts';
import type { Wanted } from './plan.ts';

/** What is or was at a path; undefined for nothing. */
type Content = { readonly kind: 'file' | 'link'; readonly content: string } | undefined;

export interface Change {
  /** From the root of the machine, without a slash in front. */
  readonly path: string;
  readonly before: Content;
  readonly after: Content;
}

interface Kept {
  readonly path: string;
  /** What was there before Leakguard came; null for nothing. */
  readonly before: Exclude<Content, undefined> | null;
}

/** Not below etc/leakguard, where the daemon may write: root puts back whatever stands here. */
const RECORD = 'etc/leakguard-setup.json';
const MODE = 0o644;

/** What has to change so that the machine is as wanted, and whatever an earlier set-up left is gone. */
export function changesTo(root: string, wanted: readonly Wanted[]): readonly Change[] {
  const kept = readRecord(root);
  const paths = new Set(wanted.map(({ path }) => path));
  const obsolete = kept.filter(({ path }) => !paths.has(path));
  return [
    ...wanted.map(({ path, kind, content }) => ({ path, after: { kind, content } })),
    ...obsolete.map(({ path, before }) => ({ path, after: before ?? undefined })),
  ]
    .map((change): Change => ({ ...change, before: contentAt(root, change.path) }))
    .filter(({ before, after }) => !same(before, after));
}

/** What has to change so that the machine is as it was. */
export function changesBack(root: string): readonly Change[] {
  return changesTo(root, []);
}

/** Makes the changes; throws SetupError `write`, and what was done by then can be undone like the whole. */
export function apply(root: string, wanted: readonly Wanted[]): void {
  const changes = changesTo(root, wanted);
  const old = readRecord(root);
  const known = new Set(old.map(({ path }) => path));
  const fresh = changes
    .filter(({ path }) => !known.has(path))
    .map(({ path, before }): Kept => ({ path, before: before ?? null }));
  try {
    if (fresh.length > 0) writeRecord(root, [...old, ...fresh]);
    for (const { path, after } of changes) put(join(root, path), after);
    const stays = new Set(wanted.map(({ path }) => path));
    writeRecord(
      root,
      [...old, ...fresh].filter(({ path }) => stays.has(path)),
    );
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new SetupError('write', `not all could be written: ${what}`, 'Run this as root.', error);
  }
}

function put(path: string, after: Content): void {
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
  // A link is not written through: what it leads to is not ours.
  if (contentOf(path)?.kind === 'link') rmSync(path);
  writeDurable(path, after.content, MODE);
}

/** Folders that only we needed go too: those that hold additions to something. */
function removeIfEmpty(folder: string): void {
  if (!/(?:\.d|\.wants|\/NetworkManager)$/.test(folder)) return;
  try {
    rmdirSync(folder);
  } catch {
    // Somebody else has something in it.
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

function same(one: Content, other: Content): boolean {
  return one?.kind === other?.kind && one?.content === other?.content;
}

function writeRecord(root: string, kept: readonly Kept[]): void {
  const path = join(root, RECORD);
  if (kept.length === 0) {
    rmSync(path, { force: true });
    return;
  }
  mkdirSync(dirname(path), { recursive: true });
  writeDurable(path, `${JSON.stringify({ version: 1, kept }, undefined, 2)}\n`);
}

/** Throws SetupError when there is a record that cannot be read: what was there before must not be forgotten. */
function readRecord(root: string): readonly Kept[] {
  const path = join(root, RECORD);
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as { version?: unknown; kept?: unknown };
    if (value.version === 1 && Array.isArray(value.kept) && value.kept.every(isKept)) return value.kept;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
  }
  const remedy = 'It says what was there before; mend it, or delete it when that may be forgotten.';
  throw new SetupError('write', `${path} cannot be read`, remedy);
}

function isKept(value: unknown): value is Kept {
  if (typeof value !== 'object' || value === null) return false;
  const { path, before } = value as Readonly<Record<string, unknown>>;
  const safe = typeof path === 'string' && path.startsWith('etc/') && !path.split('/').includes('..');
  return safe && (before === null || typeof before === 'object');
}
