// Knows: what of the page is not compiled and goes into dist/ as it is. Must not know: what is compiled, and what any of it says.

import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { extname, join } from 'node:path';

/**
 * Copies public files and templates into a dist/ folder, where nothing of an earlier build stays behind.
 * @param {string} root
 * @param {string} dist
 */
export function copyAssets(root, dist) {
  const [from, to] = [join(root, 'web'), join(dist, 'web')];
  rmSync(join(to, 'public'), { recursive: true, force: true });
  if (existsSync(join(from, 'public'))) cpSync(join(from, 'public'), join(to, 'public'), { recursive: true });
  for (const path of templates(to)) rmSync(join(to, path));
  for (const path of templates(from)) cpSync(join(from, path), join(to, path));
}

/** @param {string} folder */
function templates(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (path) => extname(path) === '.ejs',
  );
}
