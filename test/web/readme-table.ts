// How README.md writes the table of what was measured.

/** The profiles of the table, in its order. */
export const MEASURED_PROFILES = [
  'full-tunnel',
  'proxy-stub with proxies',
  'proxy-stub, direct: any',
  'split, direct: answered',
] as const;

export const README = new URL('../../README.md', import.meta.url);
/** README's table, between its marks. */
export const TABLE = /(?<=<!-- profiles -->\n\n)[\s\S]*?(?=\n\n<!-- end of profiles -->)/;

/** The same rows, each cell without the blanks around it. */
export function cellsOf(table: string): string[] {
  return table.split('\n').map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
      .join(' | '),
  );
}

/** The table of these rows as Markdown, columns not yet aligned. */
export function tableOf(rows: readonly string[]): string {
  const code = (profile: string): string => profile.replace(/direct: \w+/, '`$&`');
  const heads = MEASURED_PROFILES.flatMap((profile) => [`${code(profile)}, watch`, 'block']);
  const lines = [
    ['what a client does', ...heads].join(' | '),
    ['---', ...heads.map(() => '---')].join(' | '),
    ...rows,
  ];
  return lines.map((line) => `| ${line} |`).join('\n');
}
