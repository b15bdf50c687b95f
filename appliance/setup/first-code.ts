// Knows: the one-time code that a box's page asks its first visitor for, and where root lays it for the page. Must not know: the page.
// Whoever is first on the cable would choose the password otherwise. Read off a screen and typed: no letter looks like another.

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
/** Ten letters, fifty bits: guesses are counted by the page (web/owner/login-throttle.ts). */
const HALF = 5;
/** systemd/leakguard-web.service: its state, and whose it is. */
const FOLDER = 'var/lib/leakguard-web';
const USER = 'leakguard-web';

/** A code for the first visit when the box has neither a password nor a code yet; undefined otherwise. Throws SetupError `write`. */
export function firstCodeIfNone(root: string): string | undefined {
  const has = (name: string): boolean => existsSync(join(root, FOLDER, name));
  return has('password.json') || has('first-code') ? undefined : newFirstCode(root);
}

/** True once somebody has chosen a password: no code is asked for then. */
export function hasPassword(root: string): boolean {
  return existsSync(join(root, FOLDER, 'password.json'));
}

/** Another code: the one before opens nothing any more. Throws SetupError `write`. */
export function newFirstCode(root: string): string {
  const letters = Array.from({ length: 2 * HALF }, () => LETTERS[randomInt(LETTERS.length)]).join('');
  const code = `${letters.slice(0, HALF)}-${letters.slice(HALF)}`;
  try {
    lay(root, code);
  } catch (error) {
    throw new SetupError(
      'write',
      `no code could be laid down for the first visit: ${String(error)}`,
      'Run this as root.',
      error,
    );
  }
  return code;
}

export function dropFirstCode(root: string): void {
  rmSync(join(root, FOLDER, 'first-code'), { force: true });
}

/** The folder is the page's: no name in it is followed, and the file is the page's before anything is in it. */
function lay(root: string, code: string): void {
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

/** By number, since the machine may be another one's files; undefined when nobody has made the user (systemd-sysusers). */
function userIn(root: string): { readonly uid: number; readonly gid: number } | undefined {
  const path = join(root, 'etc/passwd');
  if (process.geteuid?.() !== 0 || !existsSync(path)) return undefined;
  const line = readFileSync(path, 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${USER}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}
