// An LED that is a file in the runtime directory, which holds the pattern's name and a newline. The policy names the file and the daemon is
// root, so nothing outside the runtime directory is ever written, and no link is followed (open(2), O_NOFOLLOW and O_EXCL). It is written
// under another name and renamed, so that a reader never sees part of a name.

import { lstatSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { LED_PATTERNS } from '../../src/api/words.ts';
import type { LedPattern } from '../../src/api/words.ts';
import type { Fault } from '../../src/policy/fault.ts';
import type { LedConfig } from '../../src/policy/policy.ts';
import { readRegularFile } from '../os/regular-file.ts';
import type { LedDriver } from './driver.ts';
import { LedError } from './driver.ts';

/** Names of the box's own files in the runtime directory. */
const OWN_FILE = /\.(?:json|sock|new|nft|lock|pid)$|^clock-wish$/;

/** Most directories that are moved out of the LED's place. */
const ASIDE_MOST = 8;

/** An LED that is a file. */
export class FileLed implements LedDriver {
  readonly #root: string;
  readonly #path: string;
  /** This LED has written the file: anything else under this name came later. */
  #isOwn = false;

  /** Throws LedError when `path` is not below `runtimeDir`, or names a file that is not an LED. */
  constructor(path: string, runtimeDir: string) {
    const below = belowRuntime(path, runtimeDir);
    const fault = ledFault({ driver: 'file', path }, runtimeDir);
    if (below === undefined || fault !== undefined)
      throw new LedError(`${fault?.message ?? path} (${fault?.remedy ?? ''})`);
    this.#root = resolve(runtimeDir);
    this.#path = join(this.#root, below);
    this.#checkExisting();
  }

  show(pattern: LedPattern): void {
    if (this.#isOwn) this.#putAside();
    else this.#checkExisting();
    const temporary = `${this.#path}.${String(process.pid)}`;
    rmSync(temporary, { force: true });
    // `wx` refuses an existing name, also of a link (open(2), O_EXCL).
    writeFileSync(temporary, `${pattern}\n`, { flag: 'wx', mode: 0o644 });
    renameSync(temporary, this.#path);
    this.#isOwn = true;
  }

  holds(pattern: LedPattern): boolean {
    try {
      return lstatSync(this.#path).isFile() && readRegularFile(this.#path) === `${pattern}\n`;
    } catch {
      return false;
    }
  }

  close(): void {
    this.show('red');
  }

  /** A file cannot be renamed over a directory: a directory in its place is renamed with its content. Links are replaced, not followed. */
  #putAside(): void {
    this.#checkDirectories();
    if (lstatSync(this.#path, { throwIfNoEntry: false })?.isDirectory() !== true) return;
    for (let nth = 1; nth <= ASIDE_MOST; nth += 1) {
      const aside = `${this.#path}.aside-${String(nth)}`;
      if (lstatSync(aside, { throwIfNoEntry: false }) !== undefined) continue;
      renameSync(this.#path, aside);
      return;
    }
    throw new LedError(`${this.#path} is a directory again and again: remove it`);
  }

  /** A file that exists already must be an LED. */
  #checkExisting(): void {
    this.#checkDirectories();
    const found = lstatSync(this.#path, { throwIfNoEntry: false });
    if (found === undefined) return;
    const isLed = found.isFile() && found.size < 32 && isPattern(readFileSync(this.#path, 'latin1').trim());
    if (!isLed) throw new LedError(`${this.#path} exists and is not an LED: remove it, or name another file`);
  }

  #checkDirectories(): void {
    for (let at = dirname(this.#path); at !== this.#root; at = dirname(at)) {
      const found = lstatSync(at, { throwIfNoEntry: false });
      if (found?.isDirectory() !== true) throw new LedError(`${at} is not a directory`);
    }
  }
}

/** Also true for an empty file: a person may have made it for the LED. */
function isPattern(text: string): boolean {
  return text === '' || LED_PATTERNS.some((known) => known === text);
}

/**
 * What is wrong with the LED of a policy on a box with this runtime directory; undefined when nothing is, as with every driver but `file`.
 * Judged by the names alone, with links in the runtime directory's own path resolved; the file need not exist. Never throws.
 */
export function ledFault(lamp: LedConfig, runtimeDir: string): Fault | undefined {
  if (lamp.driver !== 'file' || belowRuntime(lamp.path, runtimeDir) !== undefined) return undefined;
  const name = (lamp.path.split('/').findLast((part) => part !== '' && part !== '..') ?? 'lamp').slice(0, 64);
  const suggested = OWN_FILE.test(name) ? 'lamp' : name;
  return {
    path: 'lamp.path',
    message: `"${lamp.path.slice(0, 200)}" is not a file in the runtime directory ${runtimeDir}`,
    remedy: `LED files can only be there: write "path: ${suggested}" for ${join(runtimeDir, suggested)}.`,
  };
}

/** The path relative to the runtime directory; undefined when it is outside, or a file of the box itself. */
function belowRuntime(path: string, runtimeDir: string): string | undefined {
  const root = resolve(runtimeDir);
  const whole = resolve(root, path);
  for (const base of isAbsolute(path) ? [root, realPath(root)] : [root]) {
    const inside = relative(base, whole);
    const leadsOut = inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside);
    if (!leadsOut && !inside.split(sep).some((part) => OWN_FILE.test(part))) return inside;
  }
  return undefined;
}

/** The path with links resolved: /var/run, for example, is a link. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
