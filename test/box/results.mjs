// How measured figures become image-build/RESULTS.md.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { readJson } from '../../appliance/provision/machine.mjs';

const FILE = join(import.meta.dirname, '..', '..', 'image-build', 'RESULTS.md');
const BEGIN = '<!-- figures of npm run test:box -->';
const END = '<!-- end of figures -->';

/**
 * Puts the figures into their place in RESULTS.md; what people wrote around it stays.
 * @param {string} path of the figures, as test/box/figures.ts keeps them
 */
export function writeResults(path) {
  if (!existsSync(path) || !existsSync(FILE)) return;
  const figures = /** @type {Record<string, number | string>} */ (readJson(path));
  const rows = Object.entries(figures).map(([name, value]) => [name, String(value)]);
  const wide = [0, 1].map((at) => Math.max(...rows.map((row) => row[at]?.length ?? 0), 8));
  const line = (/** @type {readonly string[]} */ cells) =>
    `| ${cells.map((cell, at) => cell.padEnd(wide[at] ?? 0)).join(' | ')} |`;
  const rule = wide.map((width) => '-'.repeat(width));
  const table = [line(['what', 'measured']), line(rule), ...rows.map(line)].join('\n');
  const text = readFileSync(FILE, 'utf8');
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) return;
  writeFileSync(FILE, `${before}${BEGIN}\n\n${table}\n\n${END}${after}`);
}
