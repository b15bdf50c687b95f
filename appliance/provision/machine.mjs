// Runs programs on this machine and reads its properties. Like everything in this folder it is plain JavaScript without packages,
// because it runs before node_modules exists.

import { spawn } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * @typedef {object} Outcome
 * @property {number} code exit code; 127 when the program could not be started, 128 + n after signal n
 * @property {string} output its standard output and standard error, in order of arrival
 * @property {string} stdout its standard output
 */

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {Readonly<Record<string, string>>} [env] added to this process's environment
 */

/** @typedef {(command: string, args: readonly string[], options?: RunOptions) => Promise<Outcome>} Run */

/**
 * What the set-up needs from the machine; tests replace it.
 * @typedef {object} Machine
 * @property {string} root top level of the checkout
 * @property {boolean} isRoot
 * @property {string} execPath path of the running Node
 * @property {Run} run never rejects
 * @property {(program: string) => boolean} has whether a program is on the path
 * @property {(line: string) => void} say prints one line for the user
 */

const SIGNALS = /** @type {const} */ ({ SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 });

/**
 * The exit code that a shell would report: 128 plus the signal's number for a program that a signal ended (POSIX, sh, exit status of
 * commands).
 * @param {number | null} code
 * @param {string | null} signal
 * @returns {number}
 */
export function exitCode(code, signal) {
  if (code !== null) return code;
  const known = Object.entries(SIGNALS).find(([name]) => name === signal);
  return 128 + (known?.[1] ?? 0);
}

/**
 * Runs a program without input; never rejects. `output` has both streams in the order in which they arrived; code 127 if the program cannot
 * be started.
 * @type {Run}
 */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const all = /** @type {string[]} */ ([]);
    const out = /** @type {string[]} */ ([]);
    child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      out.push(text);
      all.push(text);
    });
    child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => all.push(text));
    child.on('error', (error) => {
      resolve({ code: 127, output: error.message, stdout: '' });
    });
    child.on('close', (code, signal) => {
      resolve({ code: exitCode(code, signal), output: all.join(''), stdout: out.join('') });
    });
  });
}

/**
 * Whether a program is on the path or in an sbin folder, and may be executed. Never throws.
 * @param {string} program
 * @returns {boolean}
 */
export function isOnPath(program) {
  // In Debian, the path of ordinary users does not contain sbin, where nft and ip are.
  const folders = (process.env['PATH'] ?? '').split(delimiter).concat('/usr/sbin', '/sbin');
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Reads a JSON file. Throws when the file is missing or not JSON.
 * @param {string} path
 * @returns {unknown}
 */
export const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/**
 * The machine that this runs on.
 * @param {string} root top level of the checkout
 * @returns {Machine}
 */
export function thisMachine(root) {
  return {
    root,
    isRoot: process.getuid?.() === 0,
    execPath: process.execPath,
    run,
    has: isOnPath,
    say: (line) => process.stdout.write(`${line}\n`),
  };
}
