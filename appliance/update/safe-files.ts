// Reads files safely as root: checks that a path can only be changed by root, and takes files out of directories that others control.
// See path_resolution(7), open(2), proc_pid_fd(5).

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import type { Stats } from 'node:fs';
import { join, resolve, sep } from 'node:path';

import { UpdateError } from './bundle.ts';

const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY, O_NOCTTY } = constants;
/** O_NONBLOCK: opening a FIFO that has no writer would block. O_NOCTTY: a terminal must not become the controlling one. */
const OPEN_FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** Owned by root or by this program's user (for tests without root), and not writable by group or others. */
function ownedSafely({ uid, mode }: Stats): boolean {
  return (uid === 0 || uid === process.geteuid?.()) && (mode & OTHERS_WRITE) === 0;
}

/**
 * Whether the folder exists. Throws UpdateError `unsafe-place` unless it and each of its parents is a directory, not a link, that only root
 * can change. For a parent, a sticky directory owned by root (/tmp) is enough: users can only rename their own entries in it (inode(7)).
 * Throws file system errors, too.
 */
export function isSafeFolder(folder: string): boolean {
  const path = resolve(folder);
  const names = path.split(sep).filter(Boolean);
  for (let depth = 0; depth <= names.length; depth += 1) {
    const at = sep + names.slice(0, depth).join(sep);
    let stat: Stats;
    try {
      stat = lstatSync(at);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    }
    const shared = depth < names.length && (stat.mode & STICKY) !== 0 && stat.uid === 0;
    if (!stat.isDirectory() || !(shared || ownedSafely(stat)))
      throw new UpdateError(
        'unsafe-place',
        `${at} can be changed by users other than root, so nothing in it is trusted`,
      );
  }
  return true;
}

/**
 * The content of a file in a safe folder, at most `maxBytes`. Throws UpdateError `unsafe-place` when it is not a regular file, can be
 * changed by anyone but root, or is larger, and the system's error when it cannot be opened (ELOOP for a link).
 */
export function readSafeFile(path: string, maxBytes: number): Buffer {
  const file = openSync(path, OPEN_FLAGS);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile() || !ownedSafely(stat) || stat.size > maxBytes)
      throw new UpdateError(
        'unsafe-place',
        `${path} can be changed by users other than root, is not a regular file or is too large, so it is not trusted`,
      );
    return readAtMost(file, maxBytes);
  } finally {
    closeSync(file);
  }
}

/**
 * Reads and removes a file from a folder that an untrusted user controls. It is opened and read once, at most `maxBytes` bytes, so that
 * later changes to the name or the content have no effect on the bytes returned. Returns undefined when there is no such file or folder.
 * Throws UpdateError `not-an-update` for anything but a regular file and for a larger one; both are removed as well. A link in place of the
 * folder or the file is not followed (open(2), O_NOFOLLOW).
 */
export function takeFile(folder: string, name: string, maxBytes: number): Buffer | undefined {
  let held: number;
  try {
    held = openSync(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new UpdateError('not-an-update', `${folder} is not a directory`, error);
  }
  try {
    // Equivalent to openat(2): from here on it does not matter what the folder's name refers to.
    return readAndRemove(join('/proc/self/fd', String(held), name), maxBytes);
  } finally {
    closeSync(held);
  }
}

function readAndRemove(path: string, maxBytes: number): Buffer | undefined {
  let file: number;
  try {
    file = openSync(path, OPEN_FLAGS);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    remove(path);
    throw new UpdateError('not-an-update', 'the upload is not a regular file', error);
  }
  try {
    const stat = fstatSync(file);
    // Removed before it is read: otherwise a failure below would repeat at every start.
    remove(path);
    if (!stat.isFile()) throw new UpdateError('not-an-update', 'the upload is not a regular file');
    if (stat.size > maxBytes) throw new UpdateError('not-an-update', 'this file is too large for an update');
    const bytes = readAtMost(file, maxBytes + 1);
    if (bytes.length > maxBytes)
      throw new UpdateError('not-an-update', 'this file is too large for an update');
    return bytes;
  } finally {
    closeSync(file);
  }
}

/** Removes a file or an empty directory. A directory that is not empty stays: it only prevents further updates from this inbox. */
function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    try {
      rmdirSync(path);
    } catch {
      process.stderr.write(`${path} cannot be removed: ${String(error)}\n`);
    }
  }
}

/** Reads at most `maxBytes`, even if the file grows meanwhile. */
function readAtMost(file: number, maxBytes: number): Buffer {
  const pieces: Buffer[] = [];
  for (let left = maxBytes; left > 0;) {
    const piece = Buffer.allocUnsafe(Math.min(left, 1 << 16));
    const bytes = readSync(file, piece, 0, piece.length, null);
    if (bytes === 0) break;
    pieces.push(piece.subarray(0, bytes));
    left -= bytes;
  }
  return Buffer.concat(pieces);
}
