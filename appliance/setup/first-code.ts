// The one-time code for the first visit to the page: without it, the first device on the cable could choose the password. Root writes it to a
// file for the page. It is read from a screen and typed, so no two of its letters look alike.

import { randomInt } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { SetupError } from './error.ts';

const LETTERS = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789';
/** Letters in half a code. Ten letters have almost fifty bits, and the page limits guesses (web/owner/login-throttle.ts). */
const HALF = 5;
/** State directory and user of systemd/leakguard-web.service. */
const FOLDER = 'var/lib/leakguard-web';
const USER = 'leakguard-web';

/**
 * Makes a code when the box below `root` has neither a password nor a code yet, and returns it as `newFirstCode` does; undefined otherwise.
 * Throws SetupError `write`.
 */
export function firstCodeIfNone(root: string): string | undefined {
  const has = (name: string): boolean => existsSync(join(root, FOLDER, name));
  return has('password.json') || has('first-code') ? undefined : newFirstCode(root);
}

/** Whether a password has been chosen on the box below `root`: then no code is needed. False also when that cannot be seen. */
export function hasPassword(root: string): boolean {
  return existsSync(join(root, FOLDER, 'password.json'));
}

/**
 * Makes a new code, which replaces the previous one: `XXXXX-XXXXX`, capital letters and digits that do not look alike, about 49 bits.
 * Throws SetupError `write`.
 */
export function newFirstCode(root: string): string {
  const letters = Array.from({ length: 2 * HALF }, () => LETTERS[randomInt(LETTERS.length)]).join('');
  const code = `${letters.slice(0, HALF)}-${letters.slice(HALF)}`;
  try {
    writeCode(root, code);
  } catch (error) {
    throw new SetupError(
      'write',
      `the code for the first visit could not be written: ${String(error)}`,
      'Run this as root.',
      error,
    );
  }
  return code;
}

/** Removes the code below `root`: nobody can choose a password with it any more. Does nothing without one. Throws file system errors. */
export function dropFirstCode(root: string): void {
  rmSync(join(root, FOLDER, 'first-code'), { force: true });
}

/** The directory belongs to the page, so no link in it is followed; the file is given to the page before anything is written. */
function writeCode(root: string, code: string): void {
  const folder = join(root, FOLDER);
  const user = userIn(root);
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o700);
    if (user !== undefined) {
      const held = openSync(folder, 'r');
      fchownSync(held, user.uid, user.gid);
      closeSync(held);
    }
  }
  const { uid, gid } = user ?? lstatSync(folder);
  const path = join(folder, 'first-code');
  rmSync(path, { force: true });
  const file = openSync(path, 'wx', 0o600);
  try {
    if (process.geteuid?.() === 0) fchownSync(file, uid, gid);
    writeFileSync(file, `${code}\n`, { flush: true });
  } finally {
    closeSync(file);
  }
}

/** The user's ids from etc/passwd below `root`, which may be another machine's; undefined when there is no such user (systemd-sysusers). */
function userIn(root: string): { readonly uid: number; readonly gid: number } | undefined {
  const path = join(root, 'etc/passwd');
  if (process.geteuid?.() !== 0 || !existsSync(path)) return undefined;
  const line = readFileSync(path, 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${USER}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}
