// Runs 64-bit ARM programs on this machine, in a new user namespace in which the emulator is registered. The machine itself is not changed:
// the registration ends with the namespace (binfmt_misc is per user namespace since Linux 6.7).
// `node foreign.mjs COMMAND…` runs COMMAND as the namespace's root.

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';

import { exitCode } from '../../appliance/provision/machine.mjs';

const EMULATOR = '/usr/bin/qemu-aarch64-static';
/** The start of a 64-bit little-endian ELF file for AArch64 (e_machine 183), and the mask of the bits that are compared. */
const MAGIC = String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`;
const MASK = String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`;
/**
 * The line for binfmt_misc (linux Documentation/admin-guide/binfmt-misc.rst). Flags O, C: the emulator gets the program's file descriptor
 * and credentials; F: it is opened now, so that it works in every chroot.
 */
export const REGISTRATION = `:qemu-aarch64:M::${MAGIC}:${MASK}:${EMULATOR}:OCF`;

/** Maps all ids of a Debian tree to themselves, so that the tree's files keep their owners. */
const ID_MAP = '0 0 65536\n';

/** Waits until the id maps are written, then executes INNER: capabilities in the namespace are gained by an exec after that. */
const OUTER = 'echo here >&3; exec 3>&-; read -r go; exec sh -ec "$INNER" sh "$@" </dev/null';
const INNER = `mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
printf '%s' "$REGISTRATION" >/proc/sys/fs/binfmt_misc/register
unset INNER REGISTRATION
exec "$@"`;

/**
 * Starts a command in such a namespace; returns the child, whose exit code is the command's. Does not wait.
 * @param {readonly string[]} command
 */
export function foreign(command) {
  const child = spawn('unshare', ['--user', '--mount', 'sh', '-ec', OUTER, 'sh', ...command], {
    stdio: ['pipe', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, INNER, REGISTRATION },
  });
  const { pid } = child;
  child.stdio[3]?.once('data', () => {
    for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${String(pid)}/${map}`, ID_MAP);
    child.stdin?.end('go\n');
  });
  return child;
}

if (process.argv[1] === import.meta.filename) {
  foreign(process.argv.slice(2))
    .on('error', (error) => {
      process.stderr.write(`unshare: ${error.message}\n`);
      process.exitCode = 127;
    })
    .on('close', (code, signal) => {
      process.exitCode = exitCode(code, signal);
    });
}
