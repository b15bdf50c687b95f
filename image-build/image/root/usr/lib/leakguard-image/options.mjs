// Knows: what the owner may say in leakguard.txt on the boot partition, and every fault in it. Must not know: what is done with it.
// `name = value`, `#` begins a comment; written with whatever editor: a byte order mark and CRLF are no fault.

/**
 * @typedef {object} Options
 * @property {'lan' | 'wan'} builtIn what the port on the board is; the other one is the USB adapter
 * @property {string} address the box's own, as `leakguard setup --management` takes it
 * @property {'pins' | 'none'} lamp
 * @property {'full' | 'redacted' | 'minimal'} privacy
 */

/** @type {Options} */
export const DEFAULTS = { builtIn: 'lan', address: 'dhcp', lamp: 'pins', privacy: 'full' };

const ADDRESS = /^(?:dhcp|none|(?:\d{1,3}\.){3}\d{1,3}\/\d{1,2})$/;
/** @type {Readonly<Record<string, { readonly key: keyof Options, readonly allowed: RegExp, readonly words: string }>>} */
const KNOWN = {
  'built-in': { key: 'builtIn', allowed: /^(?:lan|wan)$/, words: 'lan or wan' },
  address: { key: 'address', allowed: ADDRESS, words: 'dhcp, none, or an address like 192.0.2.9/24' },
  lamp: { key: 'lamp', allowed: /^(?:pins|none)$/, words: 'pins or none' },
  privacy: { key: 'privacy', allowed: /^(?:full|redacted|minimal)$/, words: 'full, redacted or minimal' },
};

/**
 * A fault anywhere means that nothing is believed: the caller stays closed and says what is wrong.
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
      faults.push(`line ${at + 1}: "${line}" is none of ${Object.keys(KNOWN).join(', ')}`);
    else if (!known.allowed.test(value.toLowerCase()))
      faults.push(`line ${at + 1}: ${key} is ${known.words}, not "${value}"`);
    else Object.assign(options, { [known.key]: value.toLowerCase() });
  }
  return { options, faults };
}
