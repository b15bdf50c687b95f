// Knows: how root reads what others may have laid out: which places are root's alone, and how a stranger's file is opened once.
// Must not know: what is in them. Follows path_resolution(7), open(2), proc_pid_fd(5).

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
/** A FIFO without a writer, or a terminal, would hold up whoever opens it otherwise. */
const ONE_FILE = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** Root's, or whose this program runs as: a test without root has its own places. */
function ownedSafely({ uid, mode }: Stats): boolean {
  return (uid === 0 || uid === process.geteuid?.()) && (mode & OTHERS_WRITE) === 0;
}

/**
 * Throws UpdateError `unsafe-place` unless the folder and each one above it is a folder, no link, that root alone can change.
 * Above it, a sticky one (/tmp) will do: nobody can rename in it what is not his (inode(7)). False when there is none.
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
        `${at} can be changed by others than root: nothing in it is believed`,
      );
  }
  return true;
}

/** The content of a file in a safe folder; throws UpdateError `unsafe-place` when it is not root's own, a link or too large. */
export function readSafeFile(path: string, most: number): Buffer {
  const file = openSync(path, ONE_FILE);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile() || !ownedSafely(stat) || stat.size > most)
      throw new UpdateError(
        'unsafe-place',
        `${path} is not root's own, or no small file: it is not believed`,
      );
    return readAtMost(file, most);
  } finally {
    closeSync(file);
  }
}

/**
 * Takes a file out of a folder that its writer controls: opened once, read once, at most `most` bytes, and gone from there.
 * Whatever happens to the name or the content meanwhile, the bytes given are the ones to judge and the ones to use.
 * Undefined when there is none; throws UpdateError `not-an-update` for what is no regular file, or too large, which is
 * removed all the same. The folder itself may be a link put in place of one: it is not followed.
 */
export function takeFile(folder: string, name: string, most: number): Buffer | undefined {
  let held: number;
  try {
    held = openSync(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new UpdateError('not-an-update', `${folder} is no folder`, error);
  }
  try {
    // openat(2): from here on the name of the folder does not matter.
    return readAndRemove(join('/proc/self/fd', String(held), name), most);
  } finally {
    closeSync(held);
  }
}

function readAndRemove(path: string, most: number): Buffer | undefined {
  let file: number;
  try {
    file = openSync(path, ONE_FILE);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    remove(path);
    throw new UpdateError('not-an-update', 'what was sent is no file', error);
  }
  try {
    const stat = fstatSync(file);
    // Before it is read: a fault in what follows must not find it here again and again.
    remove(path);
    if (!stat.isFile()) throw new UpdateError('not-an-update', 'what was sent is no file');
    if (stat.size > most) throw new UpdateError('not-an-update', 'this file is too large for an update');
    const bytes = readAtMost(file, most + 1);
    if (bytes.length > most) throw new UpdateError('not-an-update', 'this file is too large for an update');
    return bytes;
  } finally {
    closeSync(file);
  }
}

/** A folder that is not empty stays: whoever put it there keeps his own updates from being taken, and no more. */
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

/** A file that grows while it is read gives no more than `most`. */
function readAtMost(file: number, most: number): Buffer {
  const pieces: Buffer[] = [];
  for (let left = most; left > 0;) {
    const piece = Buffer.allocUnsafe(Math.min(left, 1 << 16));
    const bytes = readSync(file, piece, 0, piece.length, null);
    if (bytes === 0) break;
    pieces.push(piece.subarray(0, bytes));
    left -= bytes;
  }
  return Buffer.concat(pieces);
}
