// Knows: what Debian is told about the package: control, changelog, copyright. Must not know: what is in it.
// Follows Debian Policy 4.7 (sections 5, 12) and the machine-readable copyright format 1.0.

/** @typedef {import('./native.mjs').Architecture} Architecture */

const MAINTAINER = 'The Leakguard authors <leakguard@leakguard.invalid>';

/**
 * Debian 13 and what is built on it (Raspberry Pi OS of that release) have this Node; Debian 12's is 18, too old.
 * The upper bound is the ABI that the native modules are compiled for.
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
 * @param {object} facts
 * @param {string} facts.version
 * @param {Architecture} facts.architecture
 * @param {number} facts.bytes what the files take, installed
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
Description: inline bridge that sees what leaves past a VPN tunnel
 A box with two network ports between one laptop and its network. It reads the
 wire where an eavesdropper would, shows with one light whether anything leaves
 outside the laptop's VPN tunnel, and can refuse to let it out.
 .
 Installing it changes nothing yet: "leakguard setup" makes the bridge, shows
 what it would change first, and can undo it.
`;
}

/**
 * @param {string} version
 * @param {Date} date
 * @returns {string}
 */
export function changelog(version, date) {
  return `leakguard (${version}) unstable; urgency=medium

  * The repository's history tells what changed.

 -- ${MAINTAINER}  ${date.toUTCString().replace('GMT', '+0000')}
`;
}

/**
 * @typedef {object} Licensed
 * @property {string} name
 * @property {string} version
 * @property {string} license as its package.json says
 * @property {string} text of its licence file; empty when it ships none
 */

/** Debian has this long text once for all packages. */
const APACHE = 'On Debian systems the whole text is in /usr/share/common-licenses/Apache-2.0.';

/** A text as a field of a Debian control file holds it. */
const folded = (/** @type {string} */ text) =>
  text
    .replace(/\r/g, '')
    .trimEnd()
    .split('\n')
    .map((line) => (line.trim() === '' ? ' .' : ` ${line.trimEnd()}`))
    .join('\n');

/**
 * Every module with its whole licence: what is installed is theirs as well as ours.
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
${folded(license === 'Apache-2.0' ? APACHE : text || 'The module ships no licence text of its own.')}
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
