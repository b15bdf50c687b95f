// Knows: how programs of a 64-bit ARM run here: in a user namespace of their own, where the kernel is told of the emulator.
// Must not know: which programs. The machine itself is not changed: the registration goes with the namespace
// (binfmt_misc is one per user namespace since Linux 6.7). `node foreign.mjs COMMAND…` runs COMMAND as the namespace's root.

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';

import { exitCode } from '../../appliance/provision/machine.mjs';

const EMULATOR = '/usr/bin/qemu-aarch64-static';
/** The start of a 64-bit little-endian ELF file for AArch64 (e_machine 183), and which bits of it count. */
const MAGIC = String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`;
const MASK = String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`;
/** O, C: the program's own descriptor and rights; F: the emulator is opened now, and so found inside every chroot. */
export const REGISTRATION = `:qemu-aarch64:M::${MAGIC}:${MASK}:${EMULATOR}:OCF`;

/** Every user that a Debian tree has; as themselves, so that the files of the tree belong to whom they say. */
const EVERYONE = '0 0 65536\n';

/** Waits for its users, then becomes their root: rights in a namespace come with an exec after the users are known. */
const OUTER = 'echo here >&3; exec 3>&-; read -r go; exec sh -ec "$INNER" sh "$@" </dev/null';
const INNER = `mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
printf '%s' "$REGISTRATION" >/proc/sys/fs/binfmt_misc/register
unset INNER REGISTRATION
exec "$@"`;

/** @param {readonly string[]} command */
export function foreign(command) {
  const child = spawn('unshare', ['--user', '--mount', 'sh', '-ec', OUTER, 'sh', ...command], {
    stdio: ['pipe', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, INNER, REGISTRATION },
  });
  const { pid } = child;
  child.stdio[3]?.once('data', () => {
    for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${String(pid)}/${map}`, EVERYONE);
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
