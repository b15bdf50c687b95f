// Knows: how a program is run, and how the two partitions that are read-only are written to. Must not know: what for.

import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const BOOT = '/boot/firmware';
const NOTE = join(BOOT, 'leakguard-page.txt');

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} [input]
 * @returns {string} what it said; throws with what it complained of when it failed
 */
export function must(program, args, input = '') {
  const { status, error, stdout, stderr } = spawnSync(program, args, { input, encoding: 'utf8' });
  if (error !== undefined) throw new Error(`${program}: ${error.message}`, { cause: error });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${String(status)}\n${stderr}`);
  return stdout;
}

/**
 * @template T
 * @param {string} mount
 * @param {() => T} task
 * @returns {T}
 */
export function writable(mount, task) {
  must('mount', ['-o', 'remount,rw', mount]);
  try {
    return task();
  } finally {
    try {
      must('mount', ['-o', 'remount,ro', mount]);
    } catch (error) {
      // Somebody still writes there; the next boot mounts it read-only again.
      process.stderr.write(`${String(error)}\n`);
    }
  }
}

/**
 * What the owner reads with the card in another machine. Written only when it changes.
 * @param {string} text
 */
export function tellOwner(text) {
  const crlf = text.replaceAll('\n', '\r\n');
  if (existsSync(NOTE) && readFileSync(NOTE, 'utf8') === crlf) return;
  writable(BOOT, () => {
    const beside = `${NOTE}.new`;
    writeFileSync(beside, crlf);
    const file = openSync(beside, 'r');
    fsyncSync(file);
    closeSync(file);
    renameSync(beside, NOTE);
    must('sync', ['--file-system', BOOT]);
  });
}
