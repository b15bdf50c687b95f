// Copies the parts of the page that are not compiled into dist/.

import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { extname, join } from 'node:path';

/**
 * Copies public files and templates from web/ below `root` into a dist/ folder, and removes those of an earlier build. Throws file system
 * errors.
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
