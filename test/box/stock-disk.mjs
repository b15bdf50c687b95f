// The disk of a stock Debian 13 with two network ports and an agent of the test.

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { CACHE, debianTree, digest, must, say } from '../../image-build/debian-tree.mjs';

const AGENT = join(import.meta.dirname, 'guest-agent.sh');

/**
 * A server with ssh, as people have them; and what the package of Leakguard depends on, since a guest has no archive to ask.
 * @param {string} kernel
 */
const packagesWith = (kernel) => [
  ...['systemd-sysv', 'systemd', 'udev', 'dbus', 'kmod', kernel, 'initramfs-tools'],
  ...['nodejs', 'nftables', 'iproute2', 'ethtool', 'libpcap0.8t64', 'libcap2-bin', 'adduser', 'e2fsprogs'],
  ...['procps', 'curl', 'iputils-ping', 'openssh-server', 'tcpdump'],
];

const MODULES = ['virtio_pci', 'virtio_blk', 'virtio_console', 'virtio_net', 'virtio_rng', 'ext4'];

/** The early file system holds what the virtual machine needs and nothing else: it is unpacked at every boot. */
const HOOKS = [
  '--essential-hook=mkdir -p "$1/etc/initramfs-tools/conf.d"',
  '--essential-hook=echo MODULES=list >"$1/etc/initramfs-tools/conf.d/few"',
  `--essential-hook=printf '%s\\n' ${MODULES.join(' ')} >"$1/etc/initramfs-tools/modules"`,
];

const TRIXIE = { suite: 'trixie', arch: /** @type {const} */ ('amd64') };
/** What the machine has: nothing but its disk and ports, or pins as well (gpio-sim), which only the kernel of the backports simulates. */
const ORDERS = {
  plain: { ...TRIXIE, packages: packagesWith('linux-image-cloud-amd64'), hooks: HOOKS },
  pins: {
    ...{ ...TRIXIE, packages: packagesWith('linux-image-amd64/trixie-backports'), hooks: HOOKS },
    also: 'trixie-backports',
  },
};

/** @typedef {keyof typeof ORDERS} Hardware */

const NETWORK = '[Match]\nName=en*\n\n[Network]\nDHCP=yes\n';
const FSTAB = '/dev/vda / ext4 defaults,errors=remount-ro 0 1\n';
const AGENT_UNIT = `[Unit]
Description=Runs what the test asks
DefaultDependencies=no
After=local-fs.target systemd-udevd.service

[Service]
ExecStart=/usr/local/sbin/guest-agent
Restart=always
StandardOutput=journal+console

[Install]
WantedBy=multi-user.target
`;
const JOURNAL = '[Journal]\nStorage=persistent\nForwardToConsole=no\n';

/**
 * @typedef {object} StockDisk
 * @property {string} disk raw image with one ext4 file system
 * @property {string} kernel
 * @property {string} initrd
 */

/**
 * Made once and kept.
 * @param {Hardware} [hardware]
 * @returns {Promise<StockDisk>}
 */
export async function stockDisk(hardware = 'plain') {
  const order = ORDERS[hardware];
  const name = digest([order, NETWORK, FSTAB, AGENT_UNIT, JOURNAL, readFileSync(AGENT, 'utf8')]);
  const folder = join(CACHE, `stock-${name}`);
  const stock = {
    disk: join(folder, 'disk.img'),
    kernel: join(folder, 'vmlinuz'),
    initrd: join(folder, 'initrd.img'),
  };
  if (existsSync(stock.disk)) return stock;
  const tar = await debianTree(order);
  say('the disk of the virtual machine');
  const tree = mkdtempSync(join(tmpdir(), 'leakguard-stock-'));
  try {
    await must('tar', ['--extract', '--file', tar, '--directory', tree, '--exclude=./dev/*']);
    await furnish(tree);
    mkdirSync(folder, { recursive: true });
    const boot = readdirSync(join(tree, 'boot'));
    for (const [start, to] of /** @type {const} */ ([
      ['vmlinuz-', stock.kernel],
      ['initrd.img-', stock.initrd],
    ])) {
      const found = boot.find((file) => file.startsWith(start));
      if (found === undefined) throw new Error(`the tree has no ${start}*`);
      copyFileSync(join(tree, 'boot', found), to);
    }
    const part = `${stock.disk}.part`;
    await must('mkfs.ext4', ['-q', '-F', '-L', 'root', '-d', tree, part, '1600M']);
    await must('mv', [part, stock.disk]);
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
  return stock;
}

/** @param {string} tree */
async function furnish(tree) {
  copyFileSync(AGENT, join(tree, 'usr/local/sbin/guest-agent'));
  writeFileSync(join(tree, 'etc/systemd/system/guest-agent.service'), AGENT_UNIT);
  writeFileSync(join(tree, 'etc/systemd/network/20-wired.network'), NETWORK);
  mkdirSync(join(tree, 'etc/systemd/journald.conf.d'), { recursive: true });
  writeFileSync(join(tree, 'etc/systemd/journald.conf.d/test.conf'), JOURNAL);
  writeFileSync(join(tree, 'etc/fstab'), FSTAB);
  writeFileSync(join(tree, 'etc/hostname'), 'stock\n');
  writeFileSync(join(tree, 'etc/hosts'), '127.0.0.1 localhost\n127.0.1.1 stock\n');
  const units = ['guest-agent.service', 'systemd-networkd.service'];
  await must('systemctl', [`--root=${tree}`, 'enable', ...units]);
  await must('systemctl', [`--root=${tree}`, 'mask', 'systemd-networkd-wait-online.service']);
}
