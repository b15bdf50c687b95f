// Turns a Debian tree into the root file system of a new box. All cards are equal: keys, identities and times are created at the first
// start.

import {
  chmodSync,
  chownSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

const OVERLAY = join(import.meta.dirname, 'root');
const UNITS = '/usr/lib/systemd/system';

/** Our units → the target that starts them. The rules are loaded from the very first start on, before any setup. */
export const STARTED = /** @type {const} */ ({
  'leakguard-closed.service': 'sysinit.target',
  'leakguard-lamp-red.service': 'sysinit.target',
  'leakguard-lamp-first.service': 'sysinit.target',
  'leakguard-clock.service': 'sysinit.target',
  'leakguard-clock-keep.timer': 'timers.target',
  'leakguard-first-boot.service': 'multi-user.target',
  'leakguard-page-note.service': 'multi-user.target',
  'leakguard-page-note.path': 'multi-user.target',
  'ssh.service': 'multi-user.target',
});

/** Units that contact the network, write to the card, or wait for a user at a keyboard: a box does none of these. */
export const MASKED = /** @type {const} */ ([
  ...['apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'e2scrub_all.timer'],
  ...['e2scrub_reap.service', 'fstrim.timer', 'ssh.socket', 'systemd-firstboot.service'],
  ...['systemd-networkd-wait-online.service', 'systemd-pcrlock-make-policy.service', 'getty@tty1.service'],
]);

/** Files that the installation leaves behind: times, keys of this machine, lists of the archive. */
const LEFT_OVER = [
  ...['etc/machine-id', 'etc/resolv.conf', 'etc/apt/apt.conf.d/99mmdebstrap', 'var/lib/systemd'],
  ...['etc/dpkg/dpkg.cfg.d/99mmdebstrap', 'var/lib/dbus/machine-id', 'var/cache/ldconfig/aux-cache'],
  ...[
    'etc/passwd-',
    'etc/group-',
    'etc/shadow-',
    'etc/gshadow-',
    'etc/.pwd.lock',
    'etc/.updated',
    'var/.updated',
  ],
];
/** Folders that are emptied but kept. */
const EMPTIED = ['var/log', 'var/cache/apt', 'var/cache/debconf', 'var/lib/apt/lists', 'tmp', 'run', 'dev'];

/** Folders of the state partition, and their owners. */
const STATE = /** @type {Readonly<Record<string, string>>} */ ({
  leakguard: 'root',
  'leakguard-update': 'root',
  'leakguard-web': 'leakguard-web',
  policy: 'root',
  'update-keys': 'root',
  systemd: 'root',
  box: 'root',
});

const READ_BY_ALL = ['systemd', 'policy', 'leakguard-update', 'update-keys'];
/** Mount points of these folders (root/etc/fstab). */
const MOUNTED = [
  ...['var/lib/leakguard', 'var/lib/leakguard-update', 'var/lib/leakguard-web', 'var/lib/systemd'],
  ...['etc/leakguard', 'etc/leakguard-update'],
];

/**
 * The ids of a user (passwd(5)); throws Error when there is no such user.
 * @param {string} passwd text of /etc/passwd
 * @param {string} name
 * @returns {{ readonly uid: number, readonly gid: number }}
 */
export function userIn(passwd, name) {
  const [, , uid, gid] =
    passwd
      .split('\n')
      .find((line) => line.startsWith(`${name}:`))
      ?.split(':') ?? [];
  if (uid === undefined || gid === undefined) throw new Error(`there is no user ${name}`);
  return { uid: Number(uid), gid: Number(gid) };
}

/**
 * @param {string} tree
 * @param {string} path
 * @param {string} target
 */
function link(tree, path, target) {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  rmSync(join(tree, path), { force: true });
  symlinkSync(target, join(tree, path));
}

/** Copies the files of root/. Owners and modes do not depend on those in the checkout: programs and folders 755, other files 644. */
function overlay(/** @type {string} */ tree) {
  cpSync(OVERLAY, tree, { recursive: true });
  for (const path of readdirSync(OVERLAY, { recursive: true, encoding: 'utf8' })) {
    const at = join(tree, path);
    const program = lstatSync(at).isDirectory() || readFileSync(at, 'latin1').startsWith('#!');
    chmodSync(at, program ? 0o755 : 0o644);
    chownSync(at, 0, 0);
  }
}

/**
 * Cleans up the tree, adds our files, and enables and masks units. Needs root, and throws file system errors.
 * @param {string} tree Debian with the package of Leakguard installed
 * @param {Date} date the initial time of a new card's clock, which never goes back before it
 */
export function furnish(tree, date) {
  for (const path of LEFT_OVER) rmSync(join(tree, path), { recursive: true, force: true });
  for (const path of EMPTIED) {
    for (const name of readdirSync(join(tree, path)))
      rmSync(join(tree, path, name), { recursive: true, force: true });
  }
  for (const name of readdirSync(join(tree, 'etc/ssh')))
    if (name.startsWith('ssh_host_')) rmSync(join(tree, 'etc/ssh', name));
  overlay(tree);
  for (const [unit, by] of Object.entries(STARTED))
    link(tree, `etc/systemd/system/${by}.wants/${unit}`, `${UNITS}/${unit}`);
  for (const unit of MASKED) link(tree, `etc/systemd/system/${unit}`, '/dev/null');
  writeFileSync(join(tree, 'etc/hostname'), 'leakguard\n');
  writeFileSync(join(tree, 'etc/hosts'), '127.0.0.1 localhost leakguard\n');
  // Empty, not missing: every boot then has a new identity, which is never stored.
  writeFileSync(join(tree, 'etc/machine-id'), '');
  const passwd = readFileSync(join(tree, 'etc/passwd'), 'utf8');
  const skeleton = join(tree, 'usr/lib/leakguard-image/state');
  for (const [name, owner] of Object.entries(STATE)) {
    const folder = join(skeleton, name);
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, READ_BY_ALL.includes(name) ? 0o755 : 0o700);
    const { uid, gid } = userIn(passwd, owner);
    chownSync(folder, uid, gid);
  }
  writeFileSync(join(skeleton, 'box/clock'), `${date.toISOString()}\n`);
  mkdirSync(join(tree, 'state'), { recursive: true });
  for (const path of MOUNTED) mkdirSync(join(tree, path), { recursive: true });
}
