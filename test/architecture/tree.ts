// Which files are ours. Walks the disk and not git's index: a checkout without git, and a file not yet committed, are held to the same
// rules.

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

/** What .gitignore names: made, not written. */
const MADE = new Set(['.git', 'node_modules', 'dist', 'coverage', '.cache', 'build']);

/** Every file of ours, as a path from the top level with `/`. */
export function ourFiles(folder = ROOT): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (MADE.has(entry.name) || entry.name.endsWith('.log')) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return ourFiles(path);
    return [relative(ROOT, path).replaceAll('\\', '/')];
  });
}

/** Files with one of these endings (no dot). */
export function filesEnding(...endings: readonly string[]): string[] {
  return ourFiles().filter((path) => endings.includes(path.slice(path.lastIndexOf('.') + 1)));
}

export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}
