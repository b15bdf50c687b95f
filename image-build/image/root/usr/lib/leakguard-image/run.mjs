// Runs programs, and makes the two read-only partitions writable for a moment.

import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Mount point of the boot partition. */
export const BOOT = '/boot/firmware';
const NOTE = join(BOOT, 'leakguard-page.txt');

/**
 * Runs a program and waits for it; throws Error with its standard error when it fails or cannot be started.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} [input]
 * @returns {string} its standard output
 */
export function must(program, args, input = '') {
  const { status, error, stdout, stderr } = spawnSync(program, args, { input, encoding: 'utf8' });
  if (error !== undefined) throw new Error(`${program}: ${error.message}`, { cause: error });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${String(status)}\n${stderr}`);
  return stdout;
}

/**
 * Runs `task` while the file system at `mount` is writable (mount(8), remount); returns what it returns. Throws when it cannot be made
 * writable, and what `task` throws; that it cannot be made read-only again is only printed.
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
      // Another process is still writing there; the next boot mounts it read-only again.
      process.stderr.write(`${String(error)}\n`);
    }
  }
}

/**
 * Writes the note that the owner can read with the card in another machine, with CR LF. It is written only when it changes, and is on the
 * card when this returns. Throws as `writable` does.
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
