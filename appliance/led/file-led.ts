// Knows: an LED that is a file of the runtime directory: its whole content is the pattern's name and a newline. Must not know: states.
// The policy names it, and the daemon is root: nothing outside the runtime directory is ever written, and no link is followed on the
// way (open(2), O_NOFOLLOW and O_EXCL). Written beside and renamed, so that a reader never sees half a word.

import { lstatSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { LED_PATTERNS } from '../../src/api/words.ts';
import type { LedPattern } from '../../src/api/words.ts';
import type { Fault } from '../../src/policy/fault.ts';
import type { LedConfig } from '../../src/policy/policy.ts';
import { readRegularFile } from '../os/regular-file.ts';
import type { LedDriver } from './driver.ts';
import { LedError } from './driver.ts';

/** What the box itself keeps in the runtime directory; each of them has such a name. */
const OWN_FILE = /\.(?:json|sock|new|nft|lock|pid)$|^clock-wish$/;

/** Folders that stood in the LED's place and were moved. */
const ASIDE_MOST = 8;

export class FileLed implements LedDriver {
  readonly #root: string;
  readonly #path: string;
  /** The name is this LED's: whatever else stands there came after it. */
  #isOwn = false;

  /** Throws LampError when `path` leads anywhere else than below `runtimeDir`, or is somebody else's file. */
  constructor(path: string, runtimeDir: string) {
    const below = belowRuntime(path, runtimeDir);
    const fault = ledFault({ driver: 'file', path }, runtimeDir);
    if (below === undefined || fault !== undefined)
      throw new LedError(`${fault?.message ?? path} (${fault?.remedy ?? ''})`);
    this.#root = resolve(runtimeDir);
    this.#path = join(this.#root, below);
    this.#look();
  }

  show(pattern: LedPattern): void {
    if (this.#isOwn) this.#putAside();
    else this.#look();
    const beside = `${this.#path}.${String(process.pid)}`;
    rmSync(beside, { force: true });
    // A name that exists, be it a link's, is refused (open(2), O_EXCL).
    writeFileSync(beside, `${pattern}\n`, { flag: 'wx', mode: 0o644 });
    renameSync(beside, this.#path);
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

  /** A name that no file can be renamed over is a folder's: it keeps what it holds, under another name. Links are replaced, not followed. */
  #putAside(): void {
    this.#mustBeFolders();
    if (lstatSync(this.#path, { throwIfNoEntry: false })?.isDirectory() !== true) return;
    for (let nth = 1; nth <= ASIDE_MOST; nth += 1) {
      const aside = `${this.#path}.aside-${String(nth)}`;
      if (lstatSync(aside, { throwIfNoEntry: false }) !== undefined) continue;
      renameSync(this.#path, aside);
      return;
    }
    throw new LedError(`${this.#path} is a folder again and again: remove it`);
  }

  /** What is there already must be an LED. */
  #look(): void {
    this.#mustBeFolders();
    const there = lstatSync(this.#path, { throwIfNoEntry: false });
    if (there === undefined) return;
    const isLed = there.isFile() && there.size < 32 && isPattern(readFileSync(this.#path, 'latin1').trim());
    if (!isLed) throw new LedError(`${this.#path} is there, and is no LED: remove it, or name another file`);
  }

  #mustBeFolders(): void {
    for (let at = dirname(this.#path); at !== this.#root; at = dirname(at)) {
      const seen = lstatSync(at, { throwIfNoEntry: false });
      if (seen?.isDirectory() !== true) throw new LedError(`${at} is no folder`);
    }
  }
}

/** An empty file may be one that a person made for the LED. */
function isPattern(text: string): boolean {
  return text === '' || LED_PATTERNS.some((known) => known === text);
}

/** What is wrong with the LED of a policy on a box with this runtime directory; undefined when nothing is. */
export function ledFault(lamp: LedConfig, runtimeDir: string): Fault | undefined {
  if (lamp.driver !== 'file' || belowRuntime(lamp.path, runtimeDir) !== undefined) return undefined;
  const name = (lamp.path.split('/').findLast((part) => part !== '' && part !== '..') ?? 'lamp').slice(0, 64);
  const told = OWN_FILE.test(name) ? 'lamp' : name;
  return {
    path: 'lamp.path',
    message: `"${lamp.path.slice(0, 200)}" is no file of the runtime directory ${runtimeDir}`,
    remedy: `LED files are written there alone: write "path: ${told}", which is ${join(runtimeDir, told)}, and read it there.`,
  };
}

/** The path within the runtime directory; undefined when it leads out of it, or to what the box keeps there. */
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

/** The directory may be named by way of a link: /var/run is one. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
