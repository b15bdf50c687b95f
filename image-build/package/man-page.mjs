// Makes a manual page (man(7)) from a program's help, which is included unchanged.

/** Escapes a line so that roff shows it unchanged. */
const verbatim = (/** @type {string} */ line) =>
  line
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1');

/** @param {string} text */
const block = (text) => ['.nf', ...text.trimEnd().split('\n').map(verbatim), '.fi'].join('\n');

/**
 * @typedef {object} Page
 * @property {string} name
 * @property {string} section
 * @property {string} about one line
 * @property {string} help
 * @property {Date} date
 * @property {readonly { readonly name: string, readonly help: string }[]} [commands]
 */

/**
 * The roff source of a manual page (man(7)); the help is shown unchanged.
 * @param {Page} page
 * @returns {string}
 */
export function manPage({ name, section, about, help, date, commands = [] }) {
  const day = date.toISOString().slice(0, 10);
  return [
    `.TH ${name.toUpperCase().replaceAll('-', '\\-')} ${section} ${day} Leakguard`,
    '.SH NAME',
    `${verbatim(name)} \\- ${verbatim(about)}`,
    '.SH DESCRIPTION',
    block(help),
    ...(commands.length === 0 ? [] : ['.SH COMMANDS']),
    ...commands.flatMap((command) => [`.SS ${verbatim(command.name)}`, block(command.help)]),
    '.SH SEE ALSO',
    ['leakguard(1)', 'leakguardd(8)', 'leakguard\\-web(8)', 'nft(8)']
      .filter((other) => !other.startsWith(`${verbatim(name)}(`))
      .map((other) => `.BR ${other.replace('(', ' (')}`)
      .join(',\n'),
    '',
  ].join('\n');
}

/**
 * The commands in an overview, which has a line ` name summary` for each, in its order; empty when it has none.
 * @param {string} overview
 * @returns {string[]}
 */
export function commandNames(overview) {
  return [...overview.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name = '']) => name);
}
