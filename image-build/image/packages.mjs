// The Debian packages on the card, and the configuration that they need before they are installed.

/** @typedef {import('../debian-tree.mjs').TreeOrder} TreeOrder */

const SYSTEM = ['systemd-sysv', 'systemd', 'udev', 'kmod', 'procps', 'openssh-server'];
const BOARD = ['linux-image-arm64', 'initramfs-tools', 'zstd', 'raspi-firmware'];
/** For the first start, which partitions the card. */
const DISK = ['e2fsprogs', 'dosfstools', 'fdisk'];
/** Dependencies of the Leakguard package (control.mjs), so that it can be installed without an archive. */
const LEAKGUARD = ['nodejs', 'nftables', 'iproute2', 'ethtool', 'libpcap0.8t64'];

/**
 * Kernel modules needed to mount a root file system on an SD card: the two card controllers of a Pi 3, those of a Pi 4, and the power
 * supplies, clocks and resets that the board's device tree names for them. Those that are not modules are built into the kernel.
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
 * Kernel modules that a box does not need. Leaving out the radio drivers is also a security measure: nothing can leave the box except by
 * its two network ports.
 */
const UNUSED_MODULES = [
  ...['drivers/net/wireless', 'drivers/bluetooth', 'net/bluetooth', 'net/mac80211', 'net/nfc', 'sound'],
  ...['drivers/media', 'drivers/gpu', 'drivers/infiniband', 'drivers/iio', 'drivers/staging', 'drivers/scsi'],
];

/** Settings from which Debian's hook writes config.txt and cmdline.txt, now and at every kernel update. */
const BOOT = ['CMA=0', 'ROOTPART=LABEL=root', 'CONSOLES="ttyS1,115200 tty0"'];
/** Appended to the hook's kernel command line; `ro` overrides its `rw`. */
const KERNEL_PARAMETERS = ['ro quiet'];

/**
 * The tree of the card: Debian 13 for arm64, with the configuration that its packages need before they are installed.
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
      // Configuration files that were written before a package is installed are kept.
      '--dpkgopt=force-confold',
      '--dpkgopt=path-exclude=/usr/share/doc/*',
      '--dpkgopt=path-include=/usr/share/doc/*/copyright',
      '--dpkgopt=path-exclude=/usr/share/info/*',
      ...UNUSED_MODULES.map((path) => `--dpkgopt=path-exclude=/usr/lib/modules/*/kernel/${path}/*`),
      write('etc/initramfs-tools/conf.d/leakguard', ['MODULES=list', 'COMPRESS=zstd']),
      write('etc/initramfs-tools/modules', EARLY_MODULES),
      // The initramfs is built only once, with the kernel: under the emulator every further build takes minutes.
      write('etc/initramfs-tools/update-initramfs.conf', ['update_initramfs=no', 'backup_initramfs=no']),
      write('etc/default/raspi-firmware', BOOT),
      write('etc/default/raspi-firmware-custom', config),
      write('etc/default/raspi-extra-cmdline', KERNEL_PARAMETERS),
      '--essential-hook=mkdir -p "$1/boot/firmware"',
    ],
  };
}

/** The order for a tree with the programs that make file systems, all of one release, so that the result does not depend on the machine. */
export function toolsOrder(/** @type {'amd64' | 'arm64'} */ arch) {
  const packages = ['e2fsprogs', 'libarchive13t64', 'dosfstools', 'mtools', 'fdisk', 'xz-utils'];
  return { suite: 'trixie', arch, packages };
}
