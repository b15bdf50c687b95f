// Knows: which of Debian's packages are on the card, and what they must be told before they are installed. Must not know: ours.

/** @typedef {import('../debian-tree.mjs').TreeOrder} TreeOrder */

const SYSTEM = ['systemd-sysv', 'systemd', 'udev', 'kmod', 'procps', 'openssh-server'];
const BOARD = ['linux-image-arm64', 'initramfs-tools', 'zstd', 'raspi-firmware'];
/** For the first start: it shares the card out. */
const DISK = ['e2fsprogs', 'dosfstools', 'fdisk'];
/** What the package of Leakguard depends on (control.mjs), so that it can be installed without an archive. */
const LEAKGUARD = ['nodejs', 'nftables', 'iproute2', 'ethtool', 'libpcap0.8t64'];

/**
 * What stands between the kernel and a root on a card: the two controllers of a Pi 3, those of a Pi 4, and the supplies, clocks
 * and resets that the board's device tree names for them. Of those that are no modules the kernel has them built in.
 */
const EARLY_MODULES = [
  ...['mmc_block', 'bcm2835', 'sdhci_pltfm', 'sdhci_iproc', 'bcm2835_dma', 'ext4', 'crc32c_generic'],
  ...[
    'gpio_raspberrypi_exp',
    'gpio_regulator',
    'fixed',
    'clk_raspberrypi',
    'reset_raspberrypi',
    'bcm2835_wdt',
  ],
];

/** @param {string} path @param {readonly string[]} lines */
function write(path, lines) {
  const words = lines.map((line) => `'${line}'`).join(' ');
  return `--essential-hook=mkdir -p "$1/$(dirname ${path})" && printf '%s\\n' ${words} >"$1/${path}"`;
}

/**
 * What a box has no use for. That it has no driver of a radio is more than thrift: there is no way out of it but its two wires.
 */
const IDLE_MODULES = [
  ...['drivers/net/wireless', 'drivers/bluetooth', 'net/bluetooth', 'net/mac80211', 'net/nfc', 'sound'],
  ...['drivers/media', 'drivers/gpu', 'drivers/infiniband', 'drivers/iio', 'drivers/staging', 'drivers/scsi'],
];

/** Debian's hook writes config.txt and cmdline.txt from these, now and whenever the kernel is updated. */
const BOOT = ['CMA=0', 'ROOTPART=LABEL=root', 'CONSOLES="ttyS1,115200 tty0"'];
/** After the hook's own `rw`, which it takes back. */
const KERNEL_WORDS = ['ro quiet'];

/**
 * @param {readonly string[]} config more lines of config.txt
 * @returns {TreeOrder}
 */
export function cardOrder(config) {
  return {
    suite: 'trixie',
    arch: 'arm64',
    components: 'main non-free-firmware',
    packages: [...SYSTEM, ...BOARD, ...DISK, ...LEAKGUARD],
    hooks: [
      // What was written before a package comes stays as it is.
      '--dpkgopt=force-confold',
      '--dpkgopt=path-exclude=/usr/share/doc/*',
      '--dpkgopt=path-include=/usr/share/doc/*/copyright',
      '--dpkgopt=path-exclude=/usr/share/info/*',
      ...IDLE_MODULES.map((path) => `--dpkgopt=path-exclude=/usr/lib/modules/*/kernel/${path}/*`),
      write('etc/initramfs-tools/conf.d/leakguard', ['MODULES=list', 'COMPRESS=zstd']),
      write('etc/initramfs-tools/modules', EARLY_MODULES),
      // Made once, with the kernel: under the emulator the second time, for whatever came after it, takes minutes more.
      write('etc/initramfs-tools/update-initramfs.conf', ['update_initramfs=no', 'backup_initramfs=no']),
      write('etc/default/raspi-firmware', BOOT),
      write('etc/default/raspi-firmware-custom', config),
      write('etc/default/raspi-extra-cmdline', KERNEL_WORDS),
      '--essential-hook=mkdir -p "$1/boot/firmware"',
    ],
  };
}

/** The programs that make file systems, of one release, so that the same tree gives the same bytes on every machine. */
export function toolsOrder(/** @type {'amd64' | 'arm64'} */ arch) {
  const packages = ['e2fsprogs', 'libarchive13t64', 'dosfstools', 'mtools', 'fdisk', 'xz-utils'];
  return { suite: 'trixie', arch, packages };
}
