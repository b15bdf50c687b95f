// Parses leakguard.txt on the boot partition, where the owner sets options: lines of `name = value`, `#` begins a comment. Any editor can
// be used: a byte order mark and CRLF are accepted.

/**
 * @typedef {object} Options
 * @property {'lan' | 'wan'} builtIn the role of the port on the board; the USB adapter has the other role
 * @property {string} address the box's own, as for `leakguard setup --management`
 * @property {'pins' | 'none'} lamp
 * @property {'full' | 'redacted' | 'minimal'} privacy
 */

/**
 * The options of an empty file.
 * @type {Options}
 */
export const DEFAULTS = { builtIn: 'lan', address: 'dhcp', lamp: 'pins', privacy: 'full' };

const ADDRESS = /^(?:dhcp|none|(?:\d{1,3}\.){3}\d{1,3}\/\d{1,2})$/;
/** @type {Readonly<Record<string, { readonly key: keyof Options, readonly allowed: RegExp, readonly words: string }>>} */
const KNOWN = {
  'built-in': { key: 'builtIn', allowed: /^(?:lan|wan)$/, words: 'lan or wan' },
  address: { key: 'address', allowed: ADDRESS, words: 'dhcp, none, or an address such as 192.0.2.9/24' },
  lamp: { key: 'lamp', allowed: /^(?:pins|none)$/, words: 'pins or none' },
  privacy: { key: 'privacy', allowed: /^(?:full|redacted|minimal)$/, words: 'full, redacted or minimal' },
};

/**
 * Reads the text of leakguard.txt; an option that is absent has its default. Each fault names its line, one clause. If there is any fault,
 * the caller must use no option at all: it leaves all traffic blocked and reports the faults. Never throws.
 * @param {string} text
 * @returns {{ readonly options: Options, readonly faults: readonly string[] }}
 */
export function readOptions(text) {
  const options = { ...DEFAULTS };
  const faults = /** @type {string[]} */ ([]);
  for (const [at, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    const line = raw.replace(/#.*/, '').trim();
    if (line === '') continue;
    const [, name = '', value = ''] = /^([^=]*?)\s*=\s*(.*)$/.exec(line) ?? [];
    const key = name.toLowerCase();
    const known = Object.hasOwn(KNOWN, key) ? KNOWN[key] : undefined;
    if (known === undefined)
      faults.push(`line ${at + 1}: "${line}" is not one of ${Object.keys(KNOWN).join(', ')}`);
    else if (!known.allowed.test(value.toLowerCase()))
      faults.push(`line ${at + 1}: ${key} must be ${known.words}, not "${value}"`);
    else Object.assign(options, { [known.key]: value.toLowerCase() });
  }
  return { options, faults };
}
