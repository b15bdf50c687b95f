// The package's control, changelog and copyright files, by Debian Policy 4.7 (sections 5, 12) and the machine-readable copyright
// format 1.0.

/** @typedef {import('./native.mjs').Architecture} Architecture */

const MAINTAINER = 'The Leakguard authors <leakguard@leakguard.invalid>';

/**
 * Debian 13 and its derivatives (Raspberry Pi OS of that release) have this version of Node; Debian 12 has 18, which is too old.
 * The upper bound comes from the ABI for which the native modules are compiled.
 */
const DEPENDS = [
  'nodejs (>= 20.19)',
  'nodejs (<< 21~)',
  'nftables (>= 1.0.6)',
  'iproute2',
  'ethtool',
  'systemd (>= 252)',
  'udev',
  'libpcap0.8t64 (>= 1.10) | libpcap0.8 (>= 1.10)',
  'libc6 (>= 2.36)',
  'libstdc++6 (>= 12)',
  'libgcc-s1 (>= 4.2)',
];

/**
 * The text of the file `control` (Debian Policy, 5.3), ending in a line feed.
 * @param {object} details
 * @param {string} details.version
 * @param {Architecture} details.architecture
 * @param {number} details.bytes size of the installed files
 * @returns {string}
 */
export function controlFile({ version, architecture, bytes }) {
  return `Package: leakguard
Version: ${version}
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${String(Math.ceil(bytes / 1024))}
Depends: ${DEPENDS.join(', ')}
Section: net
Priority: optional
Description: inline bridge that detects traffic outside a VPN tunnel
 A box with two network ports between one laptop and its network. It reads the
 wire where an eavesdropper would, shows with one light whether anything leaves
 outside the laptop's VPN tunnel, and can block such traffic.
 .
 Installing it changes nothing yet: "leakguard setup" creates the bridge. It
 first shows what it would change, and can undo it.
`;
}

/**
 * The text of the Debian changelog (Debian Policy, 4.4) with one entry.
 * @param {string} version
 * @param {Date} date
 * @returns {string}
 */
export function changelog(version, date) {
  return `leakguard (${version}) unstable; urgency=medium

  * See the repository's history for the changes.

 -- ${MAINTAINER}  ${date.toUTCString().replace('GMT', '+0000')}
`;
}

/**
 * @typedef {object} Licensed
 * @property {string} name
 * @property {string} version
 * @property {string} license as in its package.json
 * @property {string} text of its licence file; empty when it ships none
 */

/** Debian provides this long text once for all packages. */
const APACHE = 'On Debian systems the full text is in /usr/share/common-licenses/Apache-2.0.';

/** Formats a text as a multi-line field of a Debian control file. */
const folded = (/** @type {string} */ text) =>
  text
    .replace(/\r/g, '')
    .trimEnd()
    .split('\n')
    .map((line) => (line.trim() === '' ? ' .' : ` ${line.trimEnd()}`))
    .join('\n');

/**
 * The text of the file `copyright` (machine-readable copyright format 1.0): our licence and those of all included modules, in their order.
 * @param {string} own our licence
 * @param {readonly Licensed[]} modules
 * @returns {string}
 */
export function copyrightFile(own, modules) {
  const holders = (/** @type {string} */ text) =>
    /^.*copyright.*$/im.exec(text)?.[0].trim() ?? 'see the licence';
  const paragraphs = modules.map(
    ({ name, version, license, text }) => `Files: usr/lib/leakguard/node_modules/${name}/*
Copyright: ${holders(text)}
License: ${license.replace(/[^\w.+-]+/g, '-')}-${name.replace(/[^\w.+-]+/g, '-')}
 Version ${version}, under ${license}:
 .
${folded(license === 'Apache-2.0' ? APACHE : text || 'The module contains no licence text.')}
`,
  );
  return [
    `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: leakguard
`,
    `Files: *
Copyright: ${holders(own)}
License: MIT
${folded(own)}
`,
    ...paragraphs,
  ].join('\n');
}
